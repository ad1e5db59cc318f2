// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit::json {
namespace {

/// The cases of a file of golden vectors, as objects with "name", "hex" and "fields".
Value vectors(std::string_view file) {
    std::ifstream in{std::string{SENNIT_VECTORS} + "/" + std::string{file}, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
    auto parsed = parse(text);
    EXPECT_TRUE(parsed) << file << ": " << (parsed ? "" : parsed.error().text());
    if (!parsed || parsed->find("cases") == nullptr) return Value::array();
    return *parsed->find("cases");
}

std::string bytes_of(const Value& object, std::string_view key) {
    return std::string{as_text(*from_hex(*object.get_text(key)))};
}

/// What Python prints for `text`, or why it is refused.
std::string rewritten(std::string_view text, Style style = Style::python) {
    const auto value = parse(text);
    return value ? write(*value, style) : std::string{to_string(value.error().code)};
}

TEST(JsonVectors, floats_are_written_as_python_writes_them) {
    const Value cases = vectors("nawal/float_text.json");
    ASSERT_EQ(cases.as_array()->size(), 593u);
    for (const Value& test : *cases.as_array()) {
        const Bytes raw = *from_hex(*test.get_text("hex"));
        const double value = std::bit_cast<double>(*Reader{raw}.le<std::uint64_t>());
        const auto expected = *test.find("fields")->get_text("json_text");
        EXPECT_EQ(float_text(value), expected);
        EXPECT_EQ(rewritten(expected), expected);
        EXPECT_EQ(*Value{value}.as_number(), expected);
    }
}

TEST(JsonVectors, texts_are_accepted_and_rewritten_as_python_does) {
    const Value cases = vectors("nawal/json_reserialise.json");
    ASSERT_GT(cases.as_array()->size(), 40u);
    for (const Value& test : *cases.as_array()) {
        const std::string text = bytes_of(test, "hex");
        const Value& fields = *test.find("fields");
        const auto value = parse(text);
        ASSERT_EQ(value.has_value(), *fields.get_bool("accepted")) << text;
        if (value) {
            EXPECT_EQ(write(*value, Style::python), *fields.get_text("reserialised")) << text;
        }
    }
}

TEST(JsonVectors, signed_messages_keep_every_byte_and_give_the_signed_text) {
    const Value cases = vectors("nawal/signed_messages.json");
    ASSERT_GT(cases.as_array()->size(), 30u);
    for (const Value& test : *cases.as_array()) {
        const std::string body = bytes_of(test, "hex");
        auto message = parse(body);
        ASSERT_TRUE(message) << body;
        EXPECT_EQ(write(*message, Style::python), body);
        const Value& fields = *test.find("fields");
        EXPECT_EQ(*message->get_text("sender_id"), *fields.get_text("sender_id"));
        EXPECT_TRUE(bytes_of(fields, "message_id_preimage_hex")
                        .ends_with(write(**message->get("payload"), Style::python)));
        message->set("signature", nullptr);
        EXPECT_EQ(write(*message, Style::python), bytes_of(fields, "signed_bytes_hex"));
    }
}

TEST(JsonVectors, payloads_of_frames_keep_every_byte) {
    std::size_t seen = 0;
    const Value cases = vectors("moderntensor/frames.json");
    for (const Value& test : *cases.as_array()) {
        const std::string payload = bytes_of(test, "hex").substr(5);  // length, type
        if (!payload.starts_with('{')) continue;
        ++seen;
        EXPECT_EQ(rewritten(payload), payload);
    }
    EXPECT_GT(seen, 10u);
}

// The original's verdict covers its fields too; here counts whether the text is JSON at all.
TEST(JsonVectors, unusual_payloads_are_json_exactly_where_python_says_so) {
    constexpr std::array<std::string_view, 5> no_json{"hello_empty_payload", "hello_truncated",
                                                      "hello_bad_utf8", "hello_trailing_garbage",
                                                      "get_peers_no_payload"};
    std::size_t seen = 0;
    const Value cases = vectors("moderntensor/decode.json");
    for (const Value& test : *cases.as_array()) {
        const auto name = *test.get_text("name");
        const std::string payload = bytes_of(test, "hex").substr(5);
        const bool expected = std::ranges::find(no_json, name) == no_json.end();
        const auto value = parse(payload);
        ASSERT_EQ(value.has_value(), expected) << name << ": " << payload;
        if (const Value* decoded = test.find("fields")->find("decoded");
            decoded != nullptr && decoded->find("best_height") != nullptr) {
            EXPECT_EQ(*value->find("best_height"), *decoded->find("best_height")) << name;
            ++seen;
        }
    }
    EXPECT_GT(seen, 5u);
}

TEST(Json, keeps_every_digit_of_an_integer) {
    EXPECT_EQ(rewritten("20000000000000000001"), "20000000000000000001");
    EXPECT_EQ(rewritten("-340282366920938463463374607431768211456"),
              "-340282366920938463463374607431768211456");
    const std::string longest(4300, '9');
    EXPECT_EQ(rewritten(longest), longest);
    EXPECT_EQ(rewritten("-" + longest), "-" + longest);
    EXPECT_EQ(rewritten("1" + longest), "malformed");
}

TEST(Json, tells_integers_from_floats) {
    EXPECT_TRUE(parse("1")->is_integer());
    EXPECT_TRUE(parse("-12345678901234567890")->is_integer());
    for (const auto* text :
         {"1.0", "1e2", "NaN", "Infinity", "-Infinity", "-0.0", "\"1\"", "true"}) {
        EXPECT_FALSE(parse(text)->is_integer()) << text;
    }
    EXPECT_NE(*parse("1"), *parse("1.0"));
    EXPECT_EQ(*parse("1e0"), *parse("1.0"));
}

TEST(Json, rounds_numbers_beyond_the_range_of_a_double) {
    EXPECT_EQ(rewritten("1e309"), "Infinity");
    EXPECT_EQ(rewritten("-1e99999999999999999999999"), "-Infinity");
    EXPECT_EQ(rewritten("1e-99999999999999999999999"), "0.0");
    EXPECT_EQ(rewritten("-1e-999"), "-0.0");
    EXPECT_EQ(rewritten("0e999999999999"), "0.0");
    EXPECT_EQ(rewritten("0." + std::string(400, '0') + "1e500"), "1e+99");
    EXPECT_EQ(rewritten("0." + std::string(400, '0') + "1e-500"), "0.0");
    EXPECT_EQ(rewritten("1" + std::string(400, '0') + ".5"), "Infinity");
    EXPECT_EQ(rewritten("1" + std::string(5000, '0') + "e-5000"), "1.0");
    EXPECT_EQ(rewritten("4.9e-324"), "5e-324");
    EXPECT_EQ(rewritten("2e-324"), "0.0");
    EXPECT_EQ(rewritten("1.7976931348623157e308"), "1.7976931348623157e+308");
}

TEST(Json, joins_surrogate_pairs_and_keeps_lone_ones) {
    EXPECT_EQ(*parse(R"("\ud83d\ude00")")->as_text(), "\xf0\x9f\x98\x80");
    EXPECT_EQ(rewritten("\"\xf0\x9f\x98\x80\""), R"("\ud83d\ude00")");
    EXPECT_EQ(rewritten(R"("\uD83D\uD83D\uDE00")"), R"("\ud83d\ud83d\ude00")");
    EXPECT_EQ(rewritten(R"("\ude00\ud83d")"), R"("\ude00\ud83d")");
    EXPECT_EQ(rewritten(R"("\ud83dx\ude00")"), R"("\ud83dx\ude00")");
    EXPECT_EQ(rewritten(R"("\ud83d\n")"), R"("\ud83d\n")");
    EXPECT_EQ(rewritten(R"("\ud83d\u12")"), "malformed");
}

TEST(Json, escapes_everything_outside_printable_ascii) {
    EXPECT_EQ(rewritten(R"("\"\\\/\b\f\n\r\t\u0000\u001f ~\u007f\u0080\u00e9\uffff")"),
              R"("\"\\/\b\f\n\r\t\u0000\u001f ~\u007f\u0080\u00e9\uffff")");
    EXPECT_EQ(rewritten("\"\x7f\xc3\xa9\""), R"("\u007f\u00e9")");
    EXPECT_EQ(write(Value{"a\xff\xe2\x82z"}, Style::python), R"("a\ufffd\ufffd\ufffdz")");
}

// Eight bytes are looked at together: every special byte at every place of such a group, with
// neighbours that a borrow could touch.
TEST(Json, finds_special_characters_at_every_place) {
    for (unsigned c = 0; c < 256; ++c) {
        for (std::size_t place = 0; place < 20; ++place) {
            for (const char neighbour : {' ', '!', '#', '[', ']', '~'}) {
                std::string text(20, neighbour);
                text[place] = static_cast<char>(c);
                const std::string written = write(Value{text}, Style::python);
                const bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
                ASSERT_EQ(written == '"' + text + '"', plain) << c << " at " << place;
                if (c < 0x80) {
                    ASSERT_EQ(*parse(written)->as_text(), text);
                    ASSERT_EQ(parse('"' + text + '"').has_value(),
                              c >= 0x20 && c != '"' && c != '\\');
                }
            }
        }
    }
}

TEST(Json, refuses_bytes_that_are_not_utf8) {
    for (const std::string_view bad :
         {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82",
          "\xf0\x9f\x98"}) {
        EXPECT_EQ(rewritten('"' + std::string{bad} + '"'), "malformed") << to_hex(as_bytes(bad));
    }
    EXPECT_EQ(rewritten("\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""),
              R"("\ud7ff\ue000\udbff\udfff")");
}

TEST(Json, gives_a_repeated_key_its_first_place_and_last_value) {
    EXPECT_EQ(rewritten(R"({"a":1,"b":2,"a":3,"c":4,"a":5})"), R"({"a": 5, "b": 2, "c": 4})");
    EXPECT_EQ(rewritten(R"({"a":1,"\u0061":2})"), R"({"a": 2})");
    // Above 16 members another way is taken.
    std::string text = "{";
    std::string expected = "{";
    for (int i = 0; i < 50; ++i) {
        const std::string key = "\"k" + std::to_string(i) + "\"";
        text += key + ":0," + key + ":" + std::to_string(i) + ",";
        expected += (i == 0 ? "" : ", ") + key + ": " + std::to_string(i == 7 ? 99 : i);
    }
    EXPECT_EQ(rewritten(text + "\"k7\":99}"), expected + "}");
}

TEST(Json, takes_an_object_of_many_members_without_comparing_all_pairs) {
    std::string text = "{";
    for (int i = 0; i < 200'000; ++i) text += "\"" + std::to_string(i % 100'000) + "\":1,";
    const auto value = parse(text + "\"end\":2}");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->as_object()->size(), 100'001u);
    EXPECT_EQ(value->as_object()->back().key, "end");
}

TEST(Json, says_where_the_text_went_wrong) {
    const auto at = [](std::string_view text, Errc code) {
        const auto value = parse(text);
        EXPECT_FALSE(value) << text;
        if (value) return ~std::uint64_t{0};
        EXPECT_EQ(value.error().code, code) << text << ": " << value.error().text();
        return value.error().at;
    };
    EXPECT_EQ(at("", Errc::truncated), 0u);
    EXPECT_EQ(at("  ", Errc::truncated), 2u);
    EXPECT_EQ(at("[1, tru]", Errc::malformed), 4u);
    EXPECT_EQ(at("[1 2]", Errc::malformed), 3u);
    EXPECT_EQ(at("[1,", Errc::truncated), 3u);
    EXPECT_EQ(at("[1", Errc::truncated), 2u);
    EXPECT_EQ(at("[1,]", Errc::malformed), 3u);
    EXPECT_EQ(at("{\"a\" 1}", Errc::malformed), 5u);
    EXPECT_EQ(at("{\"a\":1,}", Errc::malformed), 7u);
    EXPECT_EQ(at("{1:2}", Errc::malformed), 1u);
    EXPECT_EQ(at("{\"a\":1", Errc::truncated), 6u);
    EXPECT_EQ(at("\"abc", Errc::truncated), 4u);
    EXPECT_EQ(at("\"a\\", Errc::truncated), 2u);
    EXPECT_EQ(at("\"a\nb\"", Errc::malformed), 2u);
    EXPECT_EQ(at("\"\\u12g4\"", Errc::malformed), 1u);
    EXPECT_EQ(at("1 1", Errc::trailing), 2u);
    EXPECT_EQ(at("1.e5", Errc::trailing), 1u);
    EXPECT_EQ(at("1e+", Errc::trailing), 1u);
    EXPECT_EQ(at("-NaN", Errc::malformed), 0u);
    EXPECT_EQ(at("\v1", Errc::malformed), 0u);
    EXPECT_EQ(at("nul", Errc::malformed), 0u);
}

TEST(Json, stops_at_its_limits) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(parse(nested(64)));
    EXPECT_EQ(parse(nested(65)).error().code, Errc::oversized);
    EXPECT_EQ(parse(std::string(1'000'000, '[')).error().at, 64u);
    EXPECT_EQ(parse("{\"a\":{\"b\":[]}}", {.depth_max = 2}).error().code, Errc::oversized);
    EXPECT_TRUE(parse("[[],[],{},[]]", {.depth_max = 2}));  // side by side is not deep
    EXPECT_TRUE(parse("[1,{\"a\":2}]", {.values_max = 4}));
    EXPECT_EQ(parse("[1,{\"a\":2}]", {.values_max = 3}).error().code, Errc::oversized);
}

TEST(Json, writes_in_three_styles) {
    const Value value = Value::object(
        {{"b", Value::array({1, nullptr, true, 2.5, "x"})},
         {"a",
          Value::object({{"z", false}, {"\xf0\x9f\x98\x80", 1}, {"\xef\xbf\xbf", 2}, {"", 3}})}});
    EXPECT_EQ(write(value, Style::python),
              R"({"b": [1, null, true, 2.5, "x"], )"
              R"("a": {"z": false, "\ud83d\ude00": 1, "\uffff": 2, "": 3}})");
    EXPECT_EQ(write(value, Style::compact),
              R"({"b":[1,null,true,2.5,"x"],"a":{"z":false,"\ud83d\ude00":1,"\uffff":2,"":3}})");
    EXPECT_EQ(write(value, Style::canonical),
              R"({"a":{"":3,"z":false,"\uffff":2,"\ud83d\ude00":1},"b":[1,null,true,2.5,"x"]})");
    EXPECT_EQ(write(Value::object(), Style::python), "{}");
    EXPECT_EQ(write(Value::array(), Style::python), "[]");
    EXPECT_EQ(write(Value{}, Style::python), "null");
}

TEST(Json, is_built_from_numbers_of_every_kind) {
    const Uint128 large = Uint128{1} << 100;
    EXPECT_EQ(write(Value::array({std::uint64_t{18446744073709551615u}, std::int64_t{-5}, large,
                                  std::uint8_t{7}, -0.0, 1e16, 123456.789}),
                    Style::compact),
              "[18446744073709551615,-5,1267650600228229401496703205376,7,-0.0,1e+16,123456.789]");
    EXPECT_EQ(*Value::number_token("123456789012345678901234567890")->as_number(),
              "123456789012345678901234567890");
    for (const auto* bad : {"", " 1", "1 ", "\"1\"", "0x1", "[1]", "1,2"}) {
        EXPECT_FALSE(Value::number_token(bad)) << bad;
    }
}

TEST(Json, replaces_in_place_and_appends) {
    Value value = Value::object().set("a", 1).set("b", 2);
    value.set("a", "new").set("c", Value::array());
    EXPECT_EQ(write(value, Style::compact), R"({"a":"new","b":2,"c":[]})");
    Value items = Value::array({1});
    items.push(2).push(Value::object());
    EXPECT_EQ(write(items, Style::compact), "[1,2,{}]");
    EXPECT_EQ(write(Value::object({{"a", 1}, {"b", 2}, {"a", 3}}), Style::compact),
              R"({"a":3,"b":2})");
}

TEST(Json, gives_out_only_what_it_holds) {
    const Value value = *parse(
        R"({"n":18446744073709551615,"m":18446744073709551616,"neg":-1,"f":1.5,"s":"7","b":true,)"
        R"("l":[1,2],"max":340282366920938463463374607431768211455,"o":{"k":null}})");
    EXPECT_EQ(*value.get_u64("n"), ~std::uint64_t{0});
    EXPECT_TRUE(*value.get_u128("m") == (Uint128{1} << 64));
    EXPECT_TRUE(*value.get_u128("max") == ~Uint128{0});
    EXPECT_EQ(*value.get_double("f"), 1.5);
    EXPECT_EQ(*value.get_double("neg"), -1.0);
    EXPECT_EQ(*value.get_text("s"), "7");
    EXPECT_TRUE(*value.get_bool("b"));
    EXPECT_EQ(value.get_array("l")->size(), 2u);
    EXPECT_EQ(value.get_object("o")->front().key, "k");
    for (const auto* key : {"m", "neg", "f", "s", "b", "l", "o"}) {
        EXPECT_EQ(value.get_u64(key).error().code, Errc::malformed) << key;
    }
    EXPECT_FALSE(value.get_u128("neg"));
    EXPECT_FALSE(value.get_bool("n"));
    EXPECT_FALSE(value.get_text("n"));
    EXPECT_EQ(value.find("absent"), nullptr);
    EXPECT_EQ(Value{1}.find("absent"), nullptr);
}

TEST(Json, names_the_key_of_what_is_missing_or_wrong) {
    const Value value = *parse(R"({"height":"9","port":70000000000000000000})");
    EXPECT_EQ(value.get_u64("hash").error().text(), "missing key: \"hash\"");
    EXPECT_EQ(value.get_u64("hash").error().code, Errc::not_found);
    EXPECT_EQ(value.get_u64("height").error().text(), "expected a number: \"height\": found text");
    EXPECT_EQ(value.get_u64("port").error().text(),
              "expected an integer of 64 bits: \"port\": got 70000000000000000000");
    EXPECT_EQ(Value{1}.get_u64("x").error().text(), "expected an object: found number");
}

}  // namespace
}  // namespace sennit::json
