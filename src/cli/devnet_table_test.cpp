// SPDX-License-Identifier: MIT
#include "cli/devnet_table.hpp"

#include <gtest/gtest.h>

namespace sennit::cli {
namespace {

/// Goal: the next table begins where this one did, whatever the terminal wrapped.
TEST(Table, counts_the_rows_that_a_line_takes_without_its_colours) {
    EXPECT_EQ(rows_of("", 80), 1u);
    EXPECT_EQ(rows_of(std::string(80, 'x'), 80), 1u);
    EXPECT_EQ(rows_of(std::string(81, 'x'), 80), 2u);
    EXPECT_EQ(rows_of(std::string(161, 'x'), 80), 3u);
    EXPECT_EQ(rows_of("\x1b[1m" + std::string(80, 'x') + "\x1b[0m", 80), 1u);
}

}  // namespace
}  // namespace sennit::cli
