// SPDX-License-Identifier: MIT
#include "libp2p/mdns/dns.hpp"

#include <gmock/gmock.h>

#include "libp2p/vectors.hpp"

namespace sennit::libp2p::mdns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Name name(std::string_view text) {
    return *Name::parse(text);
}

/// A message's header, with counts of questions, answers, authorities and additionals.
Writer header(std::uint16_t questions, std::uint16_t answers = 0, std::uint16_t authorities = 0,
              std::uint16_t additionals = 0, std::uint16_t flags = 0) {
    Writer out;
    out.be<std::uint16_t>(0).be(flags).be(questions).be(answers).be(authorities).be(additionals);
    return out;
}

Error refused(BytesView bytes) {
    const auto read = decode(bytes);
    EXPECT_FALSE(read);
    return read ? Error{} : read.error();
}

TEST(Dns, reads_and_writes_what_js_writes) {
    const auto file = vectors::load("mdns");
    const auto query = vectors::hex(file, "query");
    const auto asked = *decode(query);
    EXPECT_EQ(asked, (Message{.questions = {{.name = name("_p2p._udp.local")}}}));
    EXPECT_EQ(encode(asked), query);

    const auto answer = vectors::hex(file, "answer");
    const auto said = *decode(answer);
    EXPECT_TRUE(said.response && said.authoritative);
    ASSERT_EQ(said.answers.size(), 3u);
    const auto instance = name(std::string{*file.get_text("peer_name")} + "._p2p._udp.local");
    EXPECT_EQ(said.answers[0].name, name("_p2p._udp.local"));
    EXPECT_EQ(said.answers[0].target, instance);
    EXPECT_EQ(said.answers[0].ttl, 120u);
    const auto addresses = *file.get_array("addresses");
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(said.answers[1 + i].name, instance);
        EXPECT_THAT(said.answers[1 + i].texts,
                    ElementsAre("dnsaddr=" + std::string{*addresses.begin()[i].as_text()}));
    }
    EXPECT_EQ(encode(said), answer);
}

TEST(Dns, reads_names_that_were_compressed) {
    auto in = header(1, 2, 0, 0, 0x8400);
    in.raw(name("_p2p._udp.local").view()).be<std::uint16_t>(12).be<std::uint16_t>(1);
    // A pointer to byte 12, then a label in front of one to "_udp.local" at 17.
    in.be<std::uint16_t>(0xc00c).be<std::uint16_t>(12).be<std::uint16_t>(1).be<std::uint32_t>(9);
    in.be<std::uint16_t>(4).be<std::uint8_t>(1).text("a").be<std::uint16_t>(0xc011);
    in.be<std::uint16_t>(0xc00c).be<std::uint16_t>(16).be<std::uint16_t>(1).be<std::uint32_t>(9);
    in.be<std::uint16_t>(4).be<std::uint8_t>(2).text("hi").be<std::uint8_t>(0);
    const auto read = decode(in.bytes());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->answers[0].name, name("_p2p._udp.local"));
    EXPECT_EQ(read->answers[0].target, name("a._udp.local"));
    EXPECT_THAT(read->answers[1].texts, ElementsAre("hi", ""));
}

TEST(Dns, steps_over_records_of_other_types) {
    auto in = header(0, 2, 1, 2, 0x8400);
    const auto record = [&in](std::uint16_t type, BytesView data) {
        in.raw(name("host.local").view()).be(type).be<std::uint16_t>(0x8001).be<std::uint32_t>(1);
        in.be(static_cast<std::uint16_t>(data.size())).raw(data);
    };
    record(33, Bytes{0, 0, 0, 0, 0x0f, 0xa1, 0xc0, 0x0c});  // SRV
    record(47, Bytes{0, 1, 2});                             // NSEC
    record(16, Bytes{1, 'y'});                              // as authority
    record(1, Bytes{192, 0, 2, 1});                         // A
    record(16, Bytes{1, 'x'});
    const auto read = decode(in.bytes());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_TRUE(read->answers.empty());
    ASSERT_EQ(read->additionals.size(), 1u);
    EXPECT_EQ(read->additionals[0].dns_class, 0x8001);
}

TEST(Dns, names_are_equal_in_any_case_of_letters_and_printed_without_control_characters) {
    EXPECT_EQ(name("_P2P._UDP.Local"), name("_p2p._udp.local"));
    EXPECT_NE(name("a[.b"), name("a{.b"));
    EXPECT_NE(name("ab.c"), name("a.bc"));
    EXPECT_EQ(name("a\x1b[31m.local").text(), "a?[31m.local");
    EXPECT_EQ(Name{}.text(), "");
}

TEST(Dns, takes_names_up_to_their_limits) {
    const std::string label(63, 'a');
    const auto longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    EXPECT_EQ(name(longest).view().size(), kNameSizeMax);
    EXPECT_EQ(Name::parse(longest + "b").error().code, Errc::oversized);
    EXPECT_EQ(Name::parse(label + "a.local").error().code, Errc::oversized);
    EXPECT_EQ(Name::parse("a..b").error().at, 2u);
    EXPECT_EQ(Name::parse("").error().code, Errc::malformed);
    EXPECT_EQ(Name::parse("a.").error().code, Errc::malformed);

    Message message{.questions = {{.name = name(longest)}}};
    EXPECT_EQ(*decode(encode(message)), message);
    auto one_more = header(1);
    for (const std::uint8_t size : std::array<std::uint8_t, 4>{63, 63, 63, 62})
        one_more.be(size).text(std::string(size, 'a'));
    one_more.be<std::uint8_t>(0).be<std::uint32_t>(0x000c0001);
    EXPECT_EQ(refused(one_more.bytes()).code, Errc::oversized);
    // Two more, behind a pointer.
    auto in = header(2);
    in.raw(name(longest).view()).be<std::uint32_t>(0x000c0001);
    in.be<std::uint8_t>(1).text("x").be<std::uint16_t>(0xc00c).be<std::uint32_t>(0x000c0001);
    EXPECT_THAT(refused(in.bytes()).text(), HasSubstr("name too long at byte 271"));
}

TEST(Dns, refuses_pointers_that_loop_or_lead_forward_or_never_end) {
    for (const auto pointer : std::array<std::uint16_t, 4>{0xc00c, 0xc00d, 0xc00e, 0xffff}) {
        auto in = header(1);
        in.be(pointer).be<std::uint32_t>(0x000c0001).be<std::uint8_t>(0);
        EXPECT_EQ(refused(in.bytes()).code, Errc::malformed) << pointer;
        EXPECT_EQ(refused(in.bytes()).at, 12u);
    }
    // A label, then a pointer to it: each turn would add a byte.
    auto in = header(1);
    in.be<std::uint8_t>(1).text("a").be<std::uint16_t>(0xc00c).be<std::uint32_t>(0x000c0001);
    EXPECT_THAT(refused(in.bytes()).text(), HasSubstr("does not lead backwards"));

    // Pointers to pointers in a text record: the last name follows all of them.
    for (const std::size_t hops : {15u, 16u}) {
        auto chain = header(0, 2);
        chain.be<std::uint8_t>(0).be<std::uint32_t>(0x00100001).be<std::uint32_t>(0);
        chain.be(static_cast<std::uint16_t>(1 + 2 * hops)).be(static_cast<std::uint8_t>(2 * hops));
        auto to = static_cast<std::uint16_t>(0xc00c);
        for (std::size_t i = 0; i < hops; ++i) {
            const auto here = static_cast<std::uint16_t>(0xc000 | chain.size());
            chain.be(std::exchange(to, here));
        }
        chain.be(to).be<std::uint32_t>(0x000c0001).be<std::uint32_t>(0);
        chain.be<std::uint16_t>(1).be<std::uint8_t>(0);
        EXPECT_EQ(decode(chain.bytes()).has_value(), hops == 15) << hops;
    }
}

TEST(Dns, refuses_labels_of_reserved_kinds) {
    for (const auto first : std::array<std::uint8_t, 3>{0x40, 0x80, 0xbf}) {
        auto in = header(1);
        in.be(first).text(std::string(64, 'a')).be<std::uint8_t>(0).be<std::uint32_t>(0x000c0001);
        EXPECT_EQ(refused(in.bytes()).code, Errc::malformed) << int{first};
    }
}

TEST(Dns, refuses_counts_that_lie_and_messages_that_are_cut_anywhere) {
    EXPECT_EQ(refused(header(0xffff, 0xffff).bytes()).code, Errc::oversized);
    EXPECT_EQ(refused(header(256).bytes()).code, Errc::truncated);
    EXPECT_EQ(refused(header(0, 0, 257).bytes()).code, Errc::oversized);
    EXPECT_EQ(refused(header(0, 0, 257).bytes()).at, 12u);
    const auto whole = vectors::hex(vectors::load("mdns"), "answer");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto error = refused(BytesView{whole}.first(size));
        EXPECT_EQ(error.code, Errc::truncated) << size;
        EXPECT_LE(error.at, size);
    }
    auto more = whole;
    more.push_back(0);
    EXPECT_EQ(refused(more).code, Errc::trailing);
    EXPECT_EQ(refused(more).at, whole.size());
    EXPECT_EQ(refused(Bytes(kMessageSizeMax + 1)).code, Errc::oversized);
}

TEST(Dns, refuses_data_that_is_not_as_long_as_its_record_says) {
    const auto record = [](std::uint16_t type, std::uint16_t size, BytesView data) {
        auto in = header(0, 1);
        in.be<std::uint8_t>(0).be(type).be<std::uint16_t>(1).be<std::uint32_t>(0);
        in.be(size).raw(data);
        return std::move(in).take();
    };
    EXPECT_TRUE(decode(record(12, 3, Bytes{1, 'a', 0})));
    EXPECT_EQ(refused(record(12, 2, Bytes{1, 'a', 0})).code, Errc::malformed);
    EXPECT_EQ(refused(record(12, 4, Bytes{1, 'a', 0, 0})).code, Errc::malformed);
    EXPECT_EQ(refused(record(16, 2, Bytes{2, 'a', 'b'})).what, "text leads out of its record");
    EXPECT_EQ(refused(record(16, 2, Bytes{2, 'a', 'b'})).at, 23u);
    EXPECT_EQ(refused(record(1, 5, Bytes{1, 2, 3, 4})).code, Errc::truncated);
}

}  // namespace
}  // namespace sennit::libp2p::mdns
