// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/commands.hpp"

namespace sennit::cli {
namespace {

TEST(Size, is_read_in_bytes_and_in_units_of_both_kinds) {
    EXPECT_EQ(*parse_size("0"), 0u);
    EXPECT_EQ(*parse_size("1500"), 1500u);
    EXPECT_EQ(*parse_size("1500B"), 1500u);
    EXPECT_EQ(*parse_size("100M"), 100'000'000u);
    EXPECT_EQ(*parse_size("100MB"), 100'000'000u);
    EXPECT_EQ(*parse_size("1GiB"), std::uint64_t{1} << 30);
    EXPECT_EQ(*parse_size("3Ki"), 3072u);
    EXPECT_EQ(*parse_size("18446744073709551615"), ~std::uint64_t{0});
}

TEST(Size, is_never_guessed) {
    for (const auto* text :
         {"", "M", "B", "1.5G", "-1", "+1", " 1", "1 M", "1m", "1MBB", "1Q", "0x10", "01"}) {
        const auto size = parse_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_EQ(size.error().code, Errc::malformed) << text;
        EXPECT_NE(size.error().detail.find(text), std::string::npos) << text;
    }
    for (const auto* text :
         {"18446744073709551616", "16777216Ti", "340282366920938463463374607431768211455Ti"})
        EXPECT_EQ(parse_size(text).error().code, Errc::oversized) << text;
}

TEST(Size, is_written_short) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(999), "999 B");
    EXPECT_EQ(format_size(1000), "1.0 kB");
    EXPECT_EQ(format_size(999'960), "1.0 MB");
    EXPECT_EQ(format_size(12'340'000), "12.3 MB");
    EXPECT_EQ(format_size(5e15), "5000.0 TB");
}

}  // namespace
}  // namespace sennit::cli
