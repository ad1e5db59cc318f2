// SPDX-License-Identifier: MIT
#include "libp2p/protobuf.hpp"

#include <gtest/gtest.h>

namespace sennit::libp2p::protobuf {
namespace {

TEST(Protobuf, reads_what_it_wrote_in_that_order) {
    MessageWriter inner;
    inner.text(1, "topic").boolean(2, true);
    MessageWriter out;
    out.u64(3, 300).message(1, inner).bytes(2, Bytes{0xff});
    EXPECT_EQ(to_hex(out.view()),
              "18ac020a090a05746f706963100112"
              "01ff");

    FieldReader in{out.view()};
    const auto number = in.next();
    EXPECT_EQ(number->number, 3u);
    EXPECT_EQ(*number->u64(), 300u);
    const auto message = in.next();
    auto embedded = FieldReader::inside(*message);
    EXPECT_EQ(*embedded->next()->text(10), "topic");
    EXPECT_EQ(*embedded->next()->boolean(), true);
    EXPECT_TRUE(embedded->done());
    EXPECT_EQ(to_bytes(*in.next()->bytes()), Bytes{0xff});
    EXPECT_TRUE(in.done());
}

TEST(Protobuf, skips_what_it_does_not_know_whatever_its_type) {
    // 9: fixed64, 10: fixed32, 1: varint 5
    const auto bytes = *from_hex(
        "490102030405060708"
        "5501020304"
        "0805");
    FieldReader in{bytes};
    EXPECT_EQ(in.next()->number, 9u);
    EXPECT_EQ(in.next()->number, 10u);
    EXPECT_EQ(*in.next()->u64(), 5u);
}

TEST(Protobuf, takes_numbers_that_are_not_minimal_as_all_readers_do) {
    const auto bytes = *from_hex(
        "08858000"
        "10ffffffffffffffffff01");
    FieldReader in{bytes};
    EXPECT_EQ(*in.next()->u64(), 5u);
    EXPECT_EQ(*in.next()->u64(), ~std::uint64_t{0});
}

struct Bad {
    const char* hex;
    Errc code;
    std::uint64_t at;
};

TEST(Protobuf, names_the_byte_where_it_goes_wrong) {
    for (const auto& [hex, code, at] :
         {Bad{"08", Errc::truncated, 1}, Bad{"0a05", Errc::truncated, 1},
          Bad{"0a0201", Errc::truncated, 1}, Bad{"0005", Errc::malformed, 0},
          Bad{"0b", Errc::malformed, 0},  // a group
          Bad{"0e", Errc::malformed, 0}, Bad{"09010203", Errc::truncated, 1},
          Bad{"0801"
              "80",
              Errc::truncated, 2},
          Bad{"08ffffffffffffffffffff01", Errc::malformed, 1}}) {
        const auto bytes = *from_hex(hex);
        FieldReader in{bytes};
        Result<Field> field = in.next();
        while (field && !in.done()) field = in.next();
        ASSERT_FALSE(field) << hex;
        EXPECT_EQ(field.error().code, code) << hex;
        EXPECT_EQ(field.error().at, at) << hex;
    }
}

TEST(Protobuf, says_where_in_the_whole_message_an_embedded_one_is_wrong) {
    const auto bytes = *from_hex(
        "0801"
        "12020a05");
    FieldReader in{bytes};
    (void)in.next();
    auto inside = FieldReader::inside(*in.next());
    EXPECT_EQ(inside->next().error().at, 5u);
}

TEST(Protobuf, tells_a_wrong_type_and_a_field_over_its_limit) {
    const auto bytes = *from_hex("0a03616263");
    const auto field = FieldReader{bytes}.next();
    EXPECT_EQ(field->u64().error().code, Errc::malformed);
    EXPECT_EQ(field->text(2).error().code, Errc::oversized);
    EXPECT_EQ(field->text(2).error().at, 2u);
    EXPECT_EQ(*field->text(3), "abc");
}

}  // namespace
}  // namespace sennit::libp2p::protobuf
