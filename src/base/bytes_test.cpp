// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace sennit {
namespace {

TEST(Reader, reads_what_the_writer_wrote) {
    Writer out;
    out.le(std::uint32_t{0x01020304})
        .be(std::uint32_t{0x01020304})
        .le128(Uint128{7} << 100)
        .uleb128(300);
    EXPECT_EQ(to_hex(BytesView{out.bytes()}.first(8)), "0403020101020304");
    Reader in{out.bytes()};
    EXPECT_EQ(*in.le<std::uint32_t>(), 0x01020304u);
    EXPECT_EQ(*in.be<std::uint32_t>(), 0x01020304u);
    EXPECT_TRUE(*in.le128() == Uint128{7} << 100);
    EXPECT_EQ(*in.uleb128(), 300u);
    EXPECT_TRUE(in.finish());
}

TEST(Reader, says_where_the_input_ended) {
    const Bytes bytes{1, 2, 3};
    Reader in{bytes};
    ASSERT_TRUE(in.le<std::uint16_t>());
    const auto failed = in.le<std::uint16_t>();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::truncated);
    EXPECT_EQ(failed.error().text(), "ends too early at byte 2");
    EXPECT_EQ(in.finish().error().code, Errc::trailing);
}

TEST(Reader, refuses_numbers_that_are_not_minimal_or_too_long) {
    const Bytes padded{0x80, 0x00};
    EXPECT_EQ(Reader{padded}.uleb128().error().code, Errc::malformed);
    const Bytes huge(11, 0xff);
    EXPECT_EQ(Reader{huge}.uleb128().error().code, Errc::oversized);
    const Bytes largest{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    EXPECT_EQ(*Reader{largest}.uleb128(), ~std::uint64_t{0});
    const Bytes over{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    EXPECT_EQ(Reader{over}.uleb128().error().code, Errc::oversized);
}

TEST(Hex, goes_there_and_back_and_names_the_bad_digit) {
    EXPECT_EQ(to_hex(*from_hex("00aFfF")), "00afff");
    EXPECT_EQ(from_hex("0").error().at, 1u);
    EXPECT_EQ(from_hex("00zz").error().at, 2u);
    EXPECT_FALSE(hash_from_hex<Digest>("0x00"));
    EXPECT_TRUE(hash_from_hex<Digest>("0x" + std::string(64, '1')));
}

TEST(Decimal, covers_the_whole_of_128_bits_and_not_one_more) {
    const std::string largest = "340282366920938463463374607431768211455";
    EXPECT_EQ(to_decimal(*from_decimal(largest)), largest);
    EXPECT_EQ(from_decimal("340282366920938463463374607431768211456").error().code,
              Errc::oversized);
    EXPECT_FALSE(from_decimal(""));
    EXPECT_FALSE(from_decimal("01"));
    EXPECT_FALSE(from_decimal("-1"));
    EXPECT_EQ(to_decimal(0), "0");
}

Result<int> half(int n) {
    if (n % 2 != 0) return Error{Errc::invalid, "odd"};
    return n / 2;
}
Result<int> quarter(int n) {
    SENNIT_TRY(auto once, half(n));
    SENNIT_TRY(auto twice, half(once));
    return twice;
}

TEST(Try, passes_the_first_error_on) {
    EXPECT_EQ(*quarter(12), 3);
    EXPECT_EQ(quarter(6).error().what, "odd");
}

}  // namespace
}  // namespace sennit
