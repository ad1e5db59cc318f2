// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "cli/commands.hpp"

namespace sennit::cli {
namespace {

constexpr Amount kCoin = 1'000'000'000'000'000'000;

TEST(Amount, is_read_in_coins_with_up_to_18_places) {
    EXPECT_TRUE(*parse_amount("0") == 0);
    EXPECT_TRUE(*parse_amount("1") == kCoin);
    EXPECT_TRUE(*parse_amount("1.5") == kCoin / 2 * 3);
    EXPECT_TRUE(*parse_amount("0.000000000000000001") == 1);
    EXPECT_TRUE(*parse_amount("1000000000") == kCoin * 1'000'000'000);
}

TEST(Amount, is_exact_in_the_smallest_unit) {
    EXPECT_TRUE(*parse_amount("1500wei") == 1500);
    EXPECT_TRUE(*parse_amount("1500 wei") == 1500);
    EXPECT_TRUE(*parse_amount("340282366920938463463374607431768211455wei") == ~Amount{0});
}

TEST(Amount, is_never_guessed) {
    for (const auto* text :
         {"", ".", ".5", "1.", "-1", "+1", "1,5", "1.5.0", "01", "1e18", "0x10", " 1", "1 ", "wei",
          "1.5wei", "1 coin", "0.0000000000000000001", "340282366920938463464",
          "340282366920938463463374607431768211456wei"}) {
        const auto amount = parse_amount(text);
        ASSERT_FALSE(amount) << text;
        EXPECT_NE(amount.error().detail.find(text), std::string::npos) << text;
    }
}

TEST(Amount, is_written_as_it_is_read) {
    EXPECT_EQ(format_amount(0), "0");
    EXPECT_EQ(format_amount(1), "0.000000000000000001");
    EXPECT_EQ(format_amount(kCoin), "1");
    EXPECT_EQ(format_amount(kCoin * 10), "10");
    EXPECT_EQ(format_amount(kCoin / 2 * 3), "1.5");
    for (const Amount amount : {Amount{0}, Amount{1}, kCoin - 1, kCoin, kCoin + 1, ~Amount{0}}) {
        const auto again = parse_amount(format_amount(amount));
        ASSERT_TRUE(again) << format_amount(amount);
        EXPECT_TRUE(*again == amount) << format_amount(amount);
    }
}

}  // namespace
}  // namespace sennit::cli
