// SPDX-License-Identifier: MIT
#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace sennit {
namespace {

TEST(Printable, keeps_what_a_terminal_may_see_and_no_more_of_it_than_asked) {
    EXPECT_EQ(printable("a ~\n\x1b[31m\xff", 100), "a ~??[31m?");
    EXPECT_EQ(printable("abcdef", 3), "abc");
    EXPECT_EQ(printable("", 3), "");
}

}  // namespace
}  // namespace sennit
