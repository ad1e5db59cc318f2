// SPDX-License-Identifier: MIT
#include "io/descriptors.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace sennit::io {
namespace {

TEST(descriptors, are_raised_to_the_hard_limit) {
    struct rlimit before {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    auto low = before;
    low.rlim_cur = 128;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(raise_descriptors_max(), before.rlim_max);
    struct rlimit after {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(after.rlim_cur, before.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace sennit::io
