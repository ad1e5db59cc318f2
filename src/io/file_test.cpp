// SPDX-License-Identifier: MIT
#include "io/file.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

namespace sennit::io {
namespace {

using ::testing::HasSubstr;

TEST(file, is_read_whole) {
    const auto path = ::testing::TempDir() + "sennit-file-test";
    for (const std::size_t size : {0u, 1u, 65'536u, 200'000u}) {
        const std::string text(size, 'x');
        std::ofstream{path, std::ios::binary} << text;
        const auto read = read_file(path);
        ASSERT_TRUE(read) << read.error().text();
        EXPECT_EQ(*read, text);
    }
    const auto limited = read_file(path, 199'999);
    ASSERT_FALSE(limited);
    EXPECT_EQ(limited.error().code, Errc::oversized);
    std::remove(path.c_str());
}

TEST(file, that_is_none_is_an_error_with_its_name) {
    const auto none = read_file("/no/such/file");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().text(), HasSubstr("/no/such/file: No such file"));
    const auto directory = read_file(::testing::TempDir());
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().code, Errc::io);
    EXPECT_THAT(directory.error().text(), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace sennit::io
