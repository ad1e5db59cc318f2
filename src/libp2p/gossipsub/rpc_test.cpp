// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/rpc.hpp"

#include <gmock/gmock.h>

#include "crypto/ed25519.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using vectors::hex;

Rpc rpc_of(Control control) {
    return {{}, {}, std::move(control)};
}

TEST(Rpc, reads_and_writes_the_messages_of_other_implementations) {
    const auto file = vectors::load("gossipsub");
    for (const auto& item : *file.get_array("vectors")) {
        const auto name = std::string{*item.get_text("name")};
        const auto bytes = hex(item, "rpc");
        const auto rpc = decode_rpc(bytes);
        ASSERT_TRUE(rpc) << name;
        ASSERT_EQ(rpc->publish.size(), 1u);
        const auto& message = rpc->publish[0];
        EXPECT_EQ(message.from, hex(item, "from")) << name;
        EXPECT_EQ(message.data, hex(item, "data")) << name;
        EXPECT_EQ(message.seqno, hex(item, "seqno")) << name;
        EXPECT_EQ(message.topic, *item.get_text("topic")) << name;
        EXPECT_EQ(message.signature, hex(item, "signature")) << name;
        EXPECT_EQ(message.key.has_value(), item.find("key")->is_text()) << name;
        EXPECT_EQ(signed_bytes(message), hex(item, "signed_bytes")) << name;
        EXPECT_EQ(default_message_id(message), hex(item, "default_message_id")) << name;
        EXPECT_EQ(encode_rpc(*rpc), bytes) << name;
    }
}

TEST(Rpc, signs_as_other_implementations_do) {
    const auto file = vectors::load("gossipsub");
    for (const auto& item : *file.get_array("vectors")) {
        auto rpc = decode_rpc(hex(item, "rpc"));
        crypto::Ed25519Key::Seed seed;
        std::ranges::copy(hex(item, "seed"), seed.begin());
        const auto key = crypto::Ed25519Key::from_seed(seed);
        EXPECT_EQ(to_bytes(key.sign(signed_bytes(rpc->publish[0])).view()),
                  *rpc->publish[0].signature);
    }
}

TEST(Rpc, reads_and_writes_the_control_messages_of_other_implementations) {
    const std::string topic = "luxtensor/blocks/1.0.0";
    const auto id = *from_hex("846d8f5b292efb98");
    const auto other = *from_hex("bd60acb658c79e45");
    const auto peer =
        *from_hex("0024080112204cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29");
    const std::map<std::string, Rpc> expected{
        {"subscribe", {{{true, topic}}, {}, {}}},
        {"unsubscribe", {{{false, topic}}, {}, {}}},
        {"graft", rpc_of({.graft = {topic}})},
        {"prune_backoff_60", rpc_of({.prune = {{topic, {}, 60}}})},
        {"prune_px", rpc_of({.prune = {{topic, {{peer, {}}}, 60}}})},
        {"ihave", rpc_of({.ihave = {{topic, {id, other}}}})},
        {"iwant", rpc_of({.iwant = {id}})},
        {"idontwant", rpc_of({.idontwant = {id}})}};
    const auto file = vectors::load("gossipsub");
    std::size_t seen = 0;
    for (const auto& item : *file.get_array("control")) {
        const auto name = std::string{*item.get_text("name")};
        const auto rpc = decode_rpc(hex(item, "rpc"));
        ASSERT_TRUE(rpc) << name;
        EXPECT_EQ(*rpc, expected.at(name)) << name;
        EXPECT_EQ(encode_rpc(*rpc), hex(item, "rpc")) << name;
        ++seen;
    }
    EXPECT_EQ(seen, expected.size());
}

TEST(Rpc, keeps_apart_what_is_empty_and_what_is_absent) {
    for (const auto& message : {Message{.topic = "t"}, Message{.data = Bytes{}, .topic = "t"},
                                Message{.from = Bytes{}, .topic = "t", .signature = Bytes{}}}) {
        const auto rpc = decode_rpc(encode_rpc({{}, {message}, {}}));
        ASSERT_TRUE(rpc);
        EXPECT_EQ(rpc->publish[0], message);
    }
    EXPECT_EQ(default_message_id({.from = Bytes{1}, .topic = "t"}), std::nullopt);
}

TEST(Rpc, skips_fields_of_later_versions) {
    // Field 10 of the RPC, 6 of control (extensions), 9 of a message.
    const auto bytes = *from_hex(
        "520101"
        "1a05"
        "3203010203"
        "1206"
        "220174"
        "4a0100");
    const auto rpc = decode_rpc(bytes);
    ASSERT_TRUE(rpc) << rpc.error().text();
    EXPECT_TRUE(rpc->control.empty());
    EXPECT_EQ(rpc->publish[0].topic, "t");
}

TEST(Rpc, refuses_entries_without_a_topic_and_says_where) {
    for (const auto* text : {"0a020801",
                             "120212"
                             "00",
                             "1a021a00", "1a022200", "1a020a00"}) {
        const auto rpc = decode_rpc(*from_hex(text));
        ASSERT_FALSE(rpc) << text;
        EXPECT_EQ(rpc.error().what, "entry without a topic") << text;
        EXPECT_GE(rpc.error().at, 2u) << text;
    }
}

TEST(Rpc, counts_entries_before_it_keeps_them) {
    const std::string t = "t";
    const RpcLimits limits{.topic_size_max = 4,
                           .id_size_max = 3,
                           .subscriptions_max = 2,
                           .messages_max = 2,
                           .ids_max = 4,
                           .control_max = 2,
                           .exchange_max = 2};
    const Bytes id{1};
    const std::vector<Rpc> fits{
        {{{true, t}, {true, t}}, {}, {}},
        {{}, {{.topic = t}, {.topic = t}}, {}},
        rpc_of({.ihave = {{t, {id, id}}}, .iwant = {id}, .idontwant = {id}}),
        rpc_of({.graft = {t, t}}),
        rpc_of({.prune = {{t, {{id, {}}}, {}}, {t, {{id, {}}}, {}}}}),
        rpc_of({.ihave = {{t, {}}, {t, {}}}})};
    const std::vector<Rpc> over{
        {{{true, t}, {true, t}, {true, t}}, {}, {}},
        {{}, {{.topic = t}, {.topic = t}, {.topic = t}}, {}},
        rpc_of({.ihave = {{t, {id, id}}}, .iwant = {id}, .idontwant = {id, id}}),
        rpc_of({.graft = {t, t, t}}),
        rpc_of({.ihave = {{t, {}}, {t, {}}, {t, {}}}}),
        {{{true, "topic"}}, {}, {}},
        rpc_of({.iwant = {Bytes(4)}})};
    // Of the peers in PRUNE, which others send by the hundred, the surplus is left out.
    const auto prunes = decode_rpc(
        encode_rpc(rpc_of({.prune = {{t, {{id, {}}, {id, {}}, {id, {}}}, {}}}})), limits);
    ASSERT_TRUE(prunes);
    EXPECT_EQ(prunes->control.prune[0].peers.size(), 2u);
    for (const auto& rpc : fits) EXPECT_TRUE(decode_rpc(encode_rpc(rpc), limits));
    for (const auto& rpc : over) {
        const auto read = decode_rpc(encode_rpc(rpc), limits);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::oversized);
    }
}

TEST(Rpc, refuses_every_cut_that_leaves_something_out) {
    const auto whole = encode_rpc({{{true, "topic"}},
                                   {{.from = Bytes(38), .data = Bytes(20), .topic = "topic"}},
                                   {.iwant = {Bytes(8)}, .prune = {{"topic", {}, 60}}}});
    std::size_t taken = 0;
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        taken += decode_rpc(BytesView{whole}.first(cut)).has_value();
    EXPECT_EQ(taken, 3u) << "nothing, and behind each of the first two parts";
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
