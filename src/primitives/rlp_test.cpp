// SPDX-License-Identifier: MIT
#include "primitives/rlp.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sennit::rlp {
namespace {

namespace json = boost::json;

Bytes hex(std::string_view text) {
    if (text.starts_with("0x")) text.remove_prefix(2);
    return *from_hex(text);
}

std::optional<json::object> ethereum_tests(const char* name) {
    const auto path = std::filesystem::path{SENNIT_EXTERNAL} / "ethereum-tests/RLPTests" / name;
    std::ifstream in{path, std::ios::binary};
    if (!in) return std::nullopt;
    return json::parse(std::string{std::istreambuf_iterator<char>{in}, {}}).as_object();
}

/// Decimal digits of any size, as big-endian bytes.
Bytes big_integer(std::string_view digits) {
    Bytes out;
    for (const char digit : digits) {
        unsigned carry = static_cast<unsigned>(digit - '0');
        for (auto it = out.rbegin(); it != out.rend(); ++it) {
            carry += *it * 10u;
            *it = static_cast<std::uint8_t>(carry);
            carry >>= 8;
        }
        if (carry != 0) out.insert(out.begin(), static_cast<std::uint8_t>(carry));
    }
    return out;
}

void put(const json::value& value, Encoder& out) {
    if (value.is_array()) {
        Encoder items;
        for (const auto& item : value.as_array()) put(item, items);
        out.list(items.view());
    } else if (value.is_string()) {
        const std::string_view text = value.as_string();
        if (text.starts_with('#')) {
            out.string(big_integer(text.substr(1)));
        } else {
            out.string(as_bytes(text));
        }
    } else {
        out.integer(value.to_number<std::uint64_t>());
    }
}

TEST(Rlp, encodes_ethereums_test_file_and_accepts_what_it_encodes) {
    const auto file = ethereum_tests("rlptest.json");
    if (!file) GTEST_SKIP() << "no public conformance data";
    ASSERT_GT(file->size(), 20u);
    for (const auto& [name, test] : *file) {
        SCOPED_TRACE(std::string_view{name});
        const Bytes expected = hex(test.at("out").as_string());
        Encoder out;
        put(test.at("in"), out);
        EXPECT_EQ(to_hex(out.view()), to_hex(expected));
        EXPECT_TRUE(validate(expected));
    }
}

TEST(Rlp, refuses_all_of_ethereums_invalid_test_file) {
    const auto file = ethereum_tests("invalidRLPTest.json");
    if (!file) GTEST_SKIP() << "no public conformance data";
    ASSERT_GT(file->size(), 20u);
    for (const auto& [name, test] : *file) {
        EXPECT_FALSE(validate(hex(test.at("out").as_string()))) << std::string_view{name};
    }
}

TEST(Rlp, encodes_the_examples_of_the_yellow_paper) {
    EXPECT_EQ(to_hex(Encoder{}.string(as_bytes("dog")).view()), "83646f67");
    EXPECT_EQ(to_hex(Encoder{}.string({}).view()), "80");
    EXPECT_EQ(to_hex(Encoder{}.integer(0).view()), "80");
    EXPECT_EQ(to_hex(Encoder{}.integer(15).view()), "0f");
    EXPECT_EQ(to_hex(Encoder{}.integer(1024).view()), "820400");
    EXPECT_EQ(to_hex(Encoder{}.integer(~Uint128{0}).view()), "90ffffffffffffffffffffffffffffffff");
    Encoder animals;
    animals.string(as_bytes("cat")).string(as_bytes("dog"));
    EXPECT_EQ(to_hex(encode_list(animals)), "c88363617483646f67");
}

TEST(Rlp, prefixes_change_form_between_55_and_56_bytes) {
    const Bytes payload(56, 'x');
    EXPECT_EQ(to_hex(Encoder{}.string(BytesView{payload}.first(55)).view().first(2)), "b778");
    EXPECT_EQ(to_hex(Encoder{}.string(payload).view().first(3)), "b83878");
    EXPECT_EQ(to_hex(Encoder{}.list(BytesView{payload}.first(55)).view().first(2)), "f778");
    EXPECT_EQ(to_hex(Encoder{}.list(payload).view().first(3)), "f83878");
    const Bytes long_payload(65536, 'x');
    EXPECT_EQ(to_hex(Encoder{}.string(long_payload).view().first(4)), "ba010000");
}

TEST(Rlp, integers_come_back_and_leading_zeros_do_not) {
    for (const Uint128 value :
         {Uint128{0}, Uint128{1}, Uint128{0x7f}, Uint128{0x80}, Uint128{1} << 64, ~Uint128{0}}) {
        Encoder out;
        out.integer(value);
        Decoder in{out.view()};
        EXPECT_TRUE(*in.integer() == value);
        EXPECT_TRUE(in.finish());
    }
    EXPECT_EQ(Decoder{hex("00")}.integer().error().code, Errc::malformed);
    EXPECT_EQ(Decoder{hex("820001")}.integer().error().code, Errc::malformed);
    EXPECT_EQ(Decoder{hex("9101ffffffffffffffffffffffffffffffff")}.integer().error().code,
              Errc::oversized);
    EXPECT_EQ(Decoder{hex("89010000000000000000")}.integer64().error().code, Errc::oversized);
    EXPECT_EQ(*Decoder{hex("88ffffffffffffffff")}.integer64(), ~std::uint64_t{0});
}

TEST(Rlp, an_error_says_where_in_the_outermost_input_and_consumes_nothing) {
    const Bytes bytes = hex("c4c301c080");
    Decoder outer{bytes};
    auto middle = outer.list();
    ASSERT_TRUE(middle);
    EXPECT_TRUE(outer.empty());
    auto inner = middle->list();
    ASSERT_TRUE(inner);
    EXPECT_EQ(inner->offset(), 2u);
    EXPECT_EQ(*inner->integer64(), 1u);
    const auto failed = inner->integer64();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().text(), "RLP list where an integer is expected at byte 3");
    EXPECT_TRUE(inner->list());
    EXPECT_EQ(inner->finish().error().code, Errc::trailing);
    EXPECT_EQ(*inner->integer64(), 0u);
    EXPECT_TRUE(inner->finish());
}

TEST(Rlp, strings_of_a_size_and_hashes_are_exact) {
    Encoder out;
    out.string(Bytes(32, 7)).string(Bytes(31, 7));
    Decoder in{out.view()};
    const auto digest = in.hash<Digest>();
    ASSERT_TRUE(digest);
    EXPECT_EQ(digest->bytes[31], 7);
    EXPECT_EQ(in.hash<Digest>().error().code, Errc::malformed);
    EXPECT_TRUE(in.string_of(31));
    EXPECT_EQ(in.string_of(0).error().code, Errc::truncated);
}

TEST(Rlp, raw_items_keep_their_prefix) {
    const Bytes bytes = hex("0182aabbc20102");
    Decoder in{bytes};
    EXPECT_EQ(to_hex(*in.raw_item()), "01");
    EXPECT_EQ(to_hex(*in.raw_item()), "82aabb");
    EXPECT_TRUE(in.next_is_list());
    EXPECT_EQ(to_hex(*in.raw_item()), "c20102");
    EXPECT_FALSE(in.next_is_list());
}

TEST(Rlp, only_the_shortest_form_is_read) {
    EXPECT_EQ(validate(hex("8100")).error().code, Errc::malformed);
    EXPECT_EQ(validate(hex("817f")).error().code, Errc::malformed);
    EXPECT_TRUE(validate(hex("8180")));
    for (const char* prefix : {"b837", "f837", "b90038", "f90038"}) {
        Bytes bytes = hex(prefix);
        bytes.resize(bytes.size() + 56, 1);
        EXPECT_EQ(validate(bytes).error().code, Errc::malformed) << prefix;
    }
}

TEST(Rlp, lengths_that_would_overflow_are_only_truncated) {
    EXPECT_EQ(validate(hex("bfffffffffffffffff")).error().code, Errc::truncated);
    EXPECT_EQ(validate(hex("fffffffffffffffff8")).error().code, Errc::truncated);
    EXPECT_EQ(validate(hex("bfff")).error().code, Errc::truncated);
}

TEST(Rlp, a_list_item_may_not_reach_beyond_its_list) {
    EXPECT_EQ(validate(hex("c28201")).error().code, Errc::truncated);
    EXPECT_EQ(validate(hex("c18201ff")).error().code, Errc::trailing);
    EXPECT_EQ(validate(hex("c282010203")).error().code, Errc::trailing);
    EXPECT_EQ(validate(hex("c3c2820102")).error().code, Errc::trailing);
    EXPECT_EQ(validate(hex("c3c28201")).error().code, Errc::truncated);
}

TEST(Rlp, depth_is_limited) {
    Bytes nested{0xc0};
    for (int depth = 1; depth < 64; ++depth) {
        Encoder out;
        out.list(nested);
        nested = std::move(out).take();
    }
    EXPECT_TRUE(validate(nested));
    EXPECT_EQ(validate(nested, 63).error().code, Errc::oversized);
    EXPECT_TRUE(validate(hex("c3010203"), 1));
    EXPECT_FALSE(validate(hex("c2c101"), 1));
    EXPECT_TRUE(validate(hex("83646f67"), 0));
}

}  // namespace
}  // namespace sennit::rlp
