// SPDX-License-Identifier: MIT
/// Against bytes that the original wrote, and against what its decoders said of odd ones.
#include <gmock/gmock.h>

#include "protocol/moderntensor/extension.hpp"
#include "protocol/moderntensor/fixture.hpp"
#include "protocol/moderntensor/json_form.hpp"

namespace sennit::protocol::moderntensor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(ModernTensorCodec, frames_of_the_original_are_read_and_written_again_byte_for_byte) {
    std::size_t count = 0;
    for (const auto& item : read_cases("frames.json")) {
        const auto name = *item.get_text("name");
        const auto& fields = **item.get("fields");
        const auto bytes = hex_of(item);
        const auto frames = describe(bytes, {});
        ASSERT_EQ(frames.size(), 1u) << name;
        EXPECT_EQ(*frames[0].get_text("type"), *fields.get_text("type_name")) << name;
        // Those are the type byte with any payload or none, as for a codec without JSON.
        const bool structured = !name.starts_with("type_");
        EXPECT_TRUE(!structured || frames[0].find("error") == nullptr) << name;
        if (const auto* json = fields.find("json")) {
            for (const auto& [key, value] : *json->as_object()) {
                ASSERT_NE(frames[0].find(key), nullptr) << name << " " << key;
                EXPECT_EQ(*frames[0].find(key), value) << name << " " << key;
            }
        }
        const auto again = encode(frames[0]);
        ASSERT_TRUE(again) << name << again.error().text();
        EXPECT_EQ(to_hex(*again), to_hex(bytes)) << name;
        ++count;
    }
    EXPECT_EQ(count, 61u);
}

TEST(ModernTensorCodec, the_json_of_the_original_needs_no_payload_to_be_rebuilt) {
    for (const auto& item : read_cases("frames.json")) {
        if (item.get_text("name")->starts_with("type_")) continue;
        EXPECT_EQ(describe(hex_of(item), {})[0].find("payload"), nullptr) << *item.get_text("name");
    }
}

TEST(ModernTensorCodec, odd_json_gets_the_verdict_of_the_originals_decoders) {
    std::size_t errors = 0;
    for (const auto& item : read_cases("decode.json")) {
        const auto name = *item.get_text("name");
        // A HELLO's payload under PING: only a decoder that was told what to expect can object.
        if (name == "wrong_type_for_hello") continue;
        const bool wrong = *(*item.get("fields"))->get_text("verdict") == "error";
        const auto frames = describe(hex_of(item), {});
        ASSERT_EQ(frames.size(), 1u) << name;
        EXPECT_EQ(frames[0].find("error") != nullptr, wrong) << name;
        EXPECT_EQ(frames[0].find("at") != nullptr, wrong) << name;
        EXPECT_EQ(to_hex(*encode(frames[0])), *item.get_text("hex")) << name;
        errors += wrong ? 1 : 0;
    }
    EXPECT_EQ(errors, 17u);
}

TEST(ModernTensorCodec, broken_frames_get_the_verdict_of_the_originals_decoder) {
    for (const auto& item : read_cases("negative.json")) {
        const auto name = *item.get_text("name");
        const auto& fields = **item.get("fields");
        auto bytes = hex_of(item);
        if (const auto* zeros = fields.find("repeat_of_zero_bytes_after_hex")) {
            bytes.resize(bytes.size() + *zeros->as_u64());
        }
        const auto frames = describe(bytes, {});
        const bool fine = frames.size() == 1 && frames[0].find("error") == nullptr;
        EXPECT_EQ(fine, *fields.get_text("verdict") == "ok") << name;
    }
}

TEST(ModernTensorCodec, headers_are_parsed_as_by_the_original_but_for_what_it_loses) {
    for (const auto& item : read_cases("sync.json")) {
        const auto name = *item.get_text("name");
        if (!name.starts_with("parse_header")) continue;
        const auto& fields = **item.get("fields");
        const auto& parsed = **fields.get("parsed");
        const auto header = read_header(*json::parse(as_text(hex_of(item))));
        // A hash of one byte names no block; the original lets it through.
        const bool stricter = name == "parse_header_short_prev_hash";
        ASSERT_EQ(header.has_value(), !parsed.is_null() && !stricter) << name;
        if (!header) continue;
        const auto text = json::parse(write_headers({{WireHeader{*header}}, {}}));
        const auto& written = (*text->get_array("headers"))[0];
        for (const auto& [key, value] : *parsed.as_object()) {
            if (key == "extra_data") continue;
            EXPECT_EQ(*written.find(key), value) << name << " " << key;
        }
        const auto* extra = (*fields.get("json"))->find("extra_data");
        EXPECT_EQ(*written.get_text("extra_data"), extra != nullptr ? *extra->as_text() : "")
            << name;
    }
}

TEST(ModernTensorCodec, a_type_of_the_extension_is_unknown_until_it_is_negotiated) {
    const auto frame = *make_frame(Type::sennit_votes, Bytes{0, 0});
    const auto plain = describe(frame, {});
    ASSERT_EQ(plain.size(), 1u);
    EXPECT_EQ(*plain[0].get_text("error"), "unknown message type");
    EXPECT_EQ(*plain[0].get_u64("type_code"), 0x50u);
    EXPECT_EQ(*plain[0].get_u64("at"), 4u);

    const auto extended = describe(frame, {{"capability", "sennit/1"}});
    ASSERT_EQ(extended.size(), 1u);
    EXPECT_EQ(*extended[0].get_text("type"), "SENNIT");
    EXPECT_EQ(*extended[0].get_text("kind"), "VOTES");
    EXPECT_EQ(*encode(extended[0]), frame);
}

TEST(ModernTensorCodec, description_says_where_something_is_wrong) {
    auto bytes = *make_frame(Type::ping);
    const auto bad = *make_frame(Type::get_blocks, R"({"start_height": })");
    bytes.insert(bytes.end(), bad.begin(), bad.end());
    bytes.push_back(0);
    const auto frames = describe(bytes, {});
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(*frames[0].get_text("type"), "PING");
    EXPECT_EQ(*frames[1].get_text("type"), "GET_BLOCKS");
    EXPECT_EQ(*frames[1].get_u64("at"), 5u + 5u + 17u);
    EXPECT_EQ(*frames[2].get_text("error"), "the frame is not whole");
    EXPECT_EQ(*frames[2].get_u64("at"), bytes.size());
}

TEST(ModernTensorCodec, a_payload_with_the_describers_own_keys_is_kept_whole) {
    const auto frame = text_frame(Type::state, R"({"type": "PING", "payload": 1})");
    const auto frames = describe(frame, {});
    EXPECT_EQ(*frames[0].get_text("type"), "STATE");
    EXPECT_EQ(*encode(frames[0]), frame);
}

TEST(ModernTensorCodec, a_frame_to_encode_names_its_type_and_fits) {
    EXPECT_EQ(encode(json::Value::object()).error().code, Errc::not_found);
    EXPECT_EQ(encode(json::Value::object({{"type", "HALLO"}})).error().code, Errc::unknown_type);
    const auto disconnect = json::Value::object({{"type", "DISCONNECT"}, {"reason", "bye"}});
    EXPECT_EQ(to_hex(*encode(disconnect)), "0000000403627965");
    const auto sennit = json::Value::object({{"type", "SENNIT"}, {"kind", "VOTES"}});
    EXPECT_EQ(encode(sennit).error().detail, "payload");
}

TEST(ModernTensorCodec, limits_hold_by_the_head_alone) {
    FrameBudget budget;
    Layout layout;
    const auto feed = [&](Bytes head) {
        FrameReader reader{layout, budget};
        BytesView input{head};
        const auto frame = reader.feed(input, Instant{});
        return frame ? std::optional<Errc>{} : std::optional{frame.error().code};
    };
    EXPECT_EQ(feed({0, 0, 0x10, 0, 0x00}), Errc::oversized) << "4 KiB before the handshake";
    EXPECT_EQ(feed({0, 0, 0x0f, 0xfa, 0x00}), std::nullopt);
    EXPECT_EQ(feed({0, 0, 0x10, 0, 0x11}), Errc::oversized) << "whatever the type";
    layout.handshaking = false;
    EXPECT_EQ(feed({0, 0xa0, 0, 1}), Errc::oversized) << "10 MiB and one";
    EXPECT_EQ(feed({0, 0xa0, 0, 0, 0x11}), std::nullopt);
    EXPECT_EQ(feed({0, 1, 0, 2, 0x41}), Errc::oversized) << "PEERS 64 KiB";
    EXPECT_EQ(feed({0, 1, 0, 1, 0x41}), std::nullopt);
    EXPECT_EQ(feed({0, 0, 0, 0}), Errc::malformed);
    EXPECT_EQ(feed({0, 0, 0, 2, 0x50, 1}), Errc::unknown_type);
    EXPECT_EQ(feed({0, 0, 0, 1, 0x81}), Errc::unknown_type) << "0x80 | kind is not on the wire";
    layout.extended = true;
    EXPECT_EQ(feed({0, 0, 0, 1, 0x50}), Errc::malformed) << "no kind";
    EXPECT_EQ(feed({0, 0, 0, 2, 0x50, 0x7f}), Errc::unknown_type);
    EXPECT_EQ(feed({0, 0, 0, 2, 0x50, 0x81}), Errc::unknown_type);
    EXPECT_EQ(feed({0, 0, 0, 0x43, 0x50, 0}), Errc::oversized) << "a proof is 64 bytes";
    EXPECT_EQ(budget.used(), 0u);
}

TEST(ModernTensorCodec, hello_is_written_as_python_writes_it) {
    Hello hello;
    hello.protocol_version = 1;
    hello.network_id = 1;
    hello.genesis_hash = Bytes(32, 0);
    hello.best_height = 0;
    hello.best_hash = Bytes(32, 0);
    hello.listen_port = 30303;
    hello.node_id = Bytes(32, 1);
    hello.capabilities = {"sync", "relay"};
    for (const auto& item : read_cases("frames.json")) {
        if (*item.get_text("name") != "hello_defaults_as_sent_by_fresh_node") continue;
        EXPECT_EQ(to_hex(*make_frame(Type::hello, write_hello(hello))), *item.get_text("hex"));
    }
    hello.nonce = Digest{};
    hello.capabilities = {"sennit/1", "\"\n\xc3\xa9"};
    const auto text = write_hello(hello);
    EXPECT_EQ(json::write(*json::parse(text), json::Style::python), text);
    const auto again = parse_hello(as_bytes(text));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->nonce, Digest{});
    EXPECT_EQ(again->capabilities, hello.capabilities);
    EXPECT_EQ(again->node_id, hello.node_id);
}

TEST(ModernTensorCodec, a_transaction_comes_back_as_the_same_rlp_with_its_claimed_sender) {
    const auto tx = test_transaction(5);
    const auto text = write_transaction(WireTransaction{tx});
    ASSERT_TRUE(text);
    EXPECT_THAT(*text, StartsWith(R"({"nonce": 5, "from": "a0a0)"));
    EXPECT_THAT(*text, HasSubstr(R"("value": 200000000000000000010, "gas_price": 7)"));
    EXPECT_EQ(json::write(*json::parse(*text), json::Style::python), *text);
    const auto message = read_json(Type::new_transaction, as_bytes(*text));
    ASSERT_TRUE(message) << message.error().text();
    const auto& list = std::get<Transactions>(**message).transactions;
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(to_hex(list[0].bytes()), to_hex(tx->rlp));
    EXPECT_EQ(list[0].sender, tx->sender);
    // From storage, undecoded.
    const WireTransaction raw{SharedSlice{tx->rlp}, tx->sender};
    EXPECT_EQ(write_transaction(raw), text);
    EXPECT_FALSE(write_transaction(WireTransaction{SharedSlice{tx->rlp}, std::nullopt}));
    EXPECT_FALSE(write_transaction(WireTransaction{SharedSlice{Bytes{1, 2}}, tx->sender}));
}

TEST(ModernTensorCodec, bug_extra_data_and_transactions_survive_headers_and_blocks) {
    const auto block = test_block(4);
    const WireBlock wire{block, test_certificate()};
    const auto check = [&](const WireBlock& got) {
        EXPECT_EQ(got.id(), block->id);
        EXPECT_EQ(got.header(), block->header);
        ASSERT_EQ(got.size(), 2u);
        EXPECT_EQ(to_hex(got.transaction(1)), to_hex(block->transactions[1]->rlp));
        ASSERT_NE(got.certificate(), nullptr);
        EXPECT_EQ(*got.certificate(), *test_certificate());
    };
    const auto one = write_block(wire);
    EXPECT_EQ(json::write(*json::parse(one), json::Style::python), one);
    check(std::get<NewBlock>(**read_json(Type::new_block, as_bytes(one))).block);
    const auto many = write_blocks({{wire, wire}});
    EXPECT_EQ(json::write(*json::parse(many), json::Style::python), many);
    check(std::get<Blocks>(**read_json(Type::blocks, as_bytes(many))).blocks.at(1));

    const Headers headers{{WireHeader{block->header}}, {test_certificate()}};
    const auto text = write_headers(headers);
    EXPECT_EQ(json::write(*json::parse(text), json::Style::python), text);
    const auto back = std::get<Headers>(**read_json(Type::headers, as_bytes(text)));
    EXPECT_EQ(back.headers, headers.headers);
    EXPECT_EQ(*back.certificates.at(0), *test_certificate());
}

TEST(ModernTensorCodec, bug_no_recipient_and_an_empty_one_are_told_apart) {
    auto tx = *json::parse(*write_transaction(WireTransaction{test_transaction(1)}));
    tx.set("to", nullptr);
    const auto text = [&] { return json::write(tx, json::Style::python); };
    EXPECT_EQ(read_json(Type::new_transaction, as_bytes(text())).error().code, Errc::unsupported);
    tx.set("to", "");
    EXPECT_EQ(read_json(Type::new_transaction, as_bytes(text())).error().code, Errc::malformed);
}

TEST(ModernTensorCodec, bodies_transactions_and_peers_come_back) {
    const auto block = test_block(4);
    Bodies bodies;
    bodies.bodies.push_back({block->id, {WireTransaction{block->transactions[0]}}});
    const auto body =
        std::get<Bodies>(**read_json(Type::block_bodies, as_bytes(write_bodies(bodies))))
            .bodies.at(0);
    EXPECT_EQ(body.id, block->id);
    EXPECT_EQ(to_hex(body.transactions.at(0).bytes()), to_hex(block->transactions[0]->rlp));

    const Transactions list{{WireTransaction{test_transaction(1)}}};
    EXPECT_EQ(
        std::get<Transactions>(**read_json(Type::transactions, as_bytes(write_transactions(list))))
            .transactions.size(),
        1u);

    const Peers peers{{{{"tcp", "1.2.3.4", 5}, NodeId{}}, {{"tcp", "h\"\xc3\xb6st", 2}, {}}}};
    const auto text = write_peers(peers);
    EXPECT_THAT(text, HasSubstr(R"({"address": "h\"\u00f6st", "port": 2, "node_id": ""})"));
    const auto back = std::get<Peers>(**read_json(Type::peers, as_bytes(text)));
    ASSERT_EQ(back.peers.size(), 2u);
    EXPECT_EQ(back.peers[1].address, peers.peers[1].address);
    EXPECT_EQ(back.peers[0].id, NodeId{});
}

TEST(ModernTensorCodec, a_block_in_json_holds_no_more_values_than_its_transactions_need) {
    auto block = *json::parse(write_block(WireBlock{test_block(4)}));
    json::Array junk(10'000);
    block.set("junk", json::Value::array(std::move(junk)));
    const auto text = json::write(block, json::Style::python);
    EXPECT_EQ(read_json(Type::new_block, as_bytes(text)).error().code, Errc::oversized);
}

TEST(ModernTensorCodec, entries_of_peers_that_name_no_place_are_left_out) {
    const auto read = [](std::string_view text) {
        return std::get<Peers>(**read_json(Type::peers, as_bytes(text))).peers;
    };
    EXPECT_TRUE(read(R"({"peers": [{"address": "", "port": 1}, {"address": "1.2.3.4", "port": 0},
        {"address": "1.2.3.4", "port": 65536}, {"port": 1}, 7, {"address": 5, "port": 1}]})")
                    .empty());
    EXPECT_EQ(read(R"({"peers": [{"address": "1.2.3.4", "port": 1, "node_id": "zz"}]})").size(),
              1u);
}

TEST(ModernTensorCodec, ranges_end_with_their_end_and_at_the_cap) {
    const auto ask = [](std::string_view text) {
        const auto message = read_json(Type::get_blocks, as_bytes(text));
        return std::get<BlockRange>(std::get<GetBlocks>(**message).what);
    };
    EXPECT_EQ(ask(R"({"start_height": 5, "end_height": 5})").max, 1u);
    EXPECT_EQ(ask(R"({"start_height": 5, "end_height": 4})").max, 0u);
    EXPECT_EQ(ask(R"({"start_height": 0, "end_height": 18446744073709551615})").max, 128u);
    EXPECT_EQ(ask(R"({"start_height": 3, "end_height": 99, "max_blocks": 50})").max, 50u);
    EXPECT_EQ(ask(R"({"start_height": 3, "end_height": 999, "max_blocks": 500})").max, 128u);
    EXPECT_EQ(ask(R"({"start_height": 3, "end_height": 9})").from, Height{3});
    for (const auto* bad : {R"({"start_height": -1, "end_height": 0})", R"({"start_height": "1",
             "end_height": 0})",
                            R"({"start_height": 1.5, "end_height": 2})", "[]", "{}", ""}) {
        EXPECT_FALSE(read_json(Type::get_blocks, as_bytes(bad))) << bad;
    }
}

}  // namespace
}  // namespace sennit::protocol::moderntensor
