// SPDX-License-Identifier: MIT
#include "rpc/quantity.hpp"

#include <gtest/gtest.h>

namespace sennit::rpc {
namespace {

TEST(Quantity, has_no_leading_zeros) {
    EXPECT_EQ(quantity(0), "0x0");
    EXPECT_EQ(quantity(0x41), "0x41");
    EXPECT_EQ(quantity(0x400), "0x400");
    EXPECT_EQ(quantity(~std::uint64_t{0}), "0xffffffffffffffff");
    EXPECT_EQ(quantity(~Uint128{0}), "0x" + std::string(32, 'f'));
}

TEST(Quantity, of_a_word_drops_the_zeros_that_a_signature_may_start_with) {
    Word word;
    EXPECT_EQ(quantity_of_word(word), "0x0");
    word.bytes[31] = 7;
    EXPECT_EQ(quantity_of_word(word), "0x7");
    word.bytes[0] = 0x0f;
    EXPECT_EQ(quantity_of_word(word), "0xf" + std::string(61, '0') + "7");
}

TEST(Quantity, reads_back_what_it_writes) {
    for (const Uint128 value :
         {Uint128{0}, Uint128{1}, Uint128{255}, Uint128{1} << 64, Uint128{1} << 127, ~Uint128{0}}) {
        const auto read = parse_quantity(json::Value{quantity(value)});
        ASSERT_TRUE(read) << quantity(value);
        EXPECT_TRUE(*read == value) << quantity(value);
    }
    EXPECT_TRUE(*parse_quantity(json::Value{"0xAbC"}) == 0xabc);
}

TEST(Quantity, refuses_what_ethereum_calls_no_quantity) {
    for (const auto* text : {"", "0x", "41", "0x041", "0x00", "0xg", "0x-1", " 0x1", "0x1 "}) {
        EXPECT_FALSE(parse_quantity(json::Value{text})) << text;
    }
    EXPECT_FALSE(parse_quantity(json::Value{65}));
    EXPECT_FALSE(parse_quantity(json::Value{}));
    EXPECT_EQ(parse_quantity(json::Value{"0x1" + std::string(32, '0')}).error().code,
              Errc::oversized);
}

TEST(Quantity, of_64_bits_ends_there) {
    EXPECT_EQ(*parse_quantity64(json::Value{"0xffffffffffffffff"}), ~std::uint64_t{0});
    EXPECT_EQ(parse_quantity64(json::Value{"0x10000000000000000"}).error().code, Errc::oversized);
}

TEST(Data, keeps_every_byte) {
    EXPECT_EQ(hex_data(Bytes{}), "0x");
    EXPECT_EQ(hex_data(Bytes{0, 0x41}), "0x0041");
    EXPECT_EQ(*parse_data(json::Value{"0x0041"}), (Bytes{0, 0x41}));
    EXPECT_EQ(*parse_data(json::Value{"0x"}), Bytes{});
    for (const auto* text : {"", "0041", "0x041", "0xzz"}) {
        EXPECT_FALSE(parse_data(json::Value{text})) << text;
    }
}

TEST(Data, of_a_hash_says_how_long_it_should_have_been) {
    const auto wrong = parse_hash<Address>(json::Value{"0x0102"});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().detail, "expected 20 bytes, got 2");
    EXPECT_TRUE(parse_hash<Address>(json::Value{"0x" + std::string(40, 'a')}));
}

}  // namespace
}  // namespace sennit::rpc
