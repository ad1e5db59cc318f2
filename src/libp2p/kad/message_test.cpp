// SPDX-License-Identifier: MIT
#include "libp2p/kad/message.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "libp2p/kad/testing.hpp"
#include "libp2p/protobuf.hpp"

namespace sennit::libp2p::kad {
namespace {

using testing::address;
using testing::peer;

// Written by hand from the message's definition in kad-dht/README.md.
const std::string kId =
    "1220"
    "0000000000000001000000000000000000000000000000000000000000000000";
const std::string kRequest =
    "0804"
    "1222" +
    kId;
const std::string kPeer = "0a22" + kId +  // 1 id
                          "1208"
                          "0401020304"
                          "060fa1"  // 2 addrs: /ip4/1.2.3.4/tcp/4001
                          "1801";   // 3 connection: connected
const std::string kResponse =
    "0804"
    "4230" +
    kPeer;

TEST(KadMessage, reads_and_writes_a_request_as_the_specification_has_it) {
    const auto bytes = *from_hex(kRequest);
    const auto read = decode(bytes);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->type, MessageType::find_node);
    EXPECT_EQ(read->key, to_bytes(peer(1).view()));
    EXPECT_TRUE(read->closer.empty());
    EXPECT_EQ(to_hex(encode(*read)), kRequest);
}

TEST(KadMessage, reads_and_writes_a_response_as_the_specification_has_it) {
    const auto read = decode(*from_hex(kResponse));
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(read->closer.size(), 1u);
    EXPECT_EQ(read->closer[0].id, peer(1));
    ASSERT_EQ(read->closer[0].addresses.size(), 1u);
    EXPECT_EQ(read->closer[0].addresses[0].text(), "/ip4/1.2.3.4/tcp/4001");
    EXPECT_EQ(read->closer[0].connection, ConnectionType::connected);
    EXPECT_EQ(to_hex(encode(*read)), kResponse);
}

TEST(KadMessage, walks_over_records_providers_cluster_level_and_what_nobody_knows) {
    const std::string record =
        "1a04"
        "0a02abcd";
    const std::string provider =
        "4a03"
        "0a0100";
    const std::string cluster = "50ffffffffffffffffff01";  // -1 as int32
    const std::string unknown = "a00601";                  // field 100
    const auto read = decode(*from_hex(record + kRequest + provider + cluster + unknown));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, *decode(*from_hex(kRequest)));
}

TEST(KadMessage, without_a_type_is_the_first_one_as_in_proto3) {
    EXPECT_EQ(decode({})->type, MessageType::put_value);
}

TEST(KadMessage, of_a_type_that_nobody_defined_is_refused_with_its_byte) {
    const auto read = decode(*from_hex("0806"));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::unknown_type);
    EXPECT_EQ(read.error().at, 1u);
}

TEST(KadMessage, leaves_out_peers_and_addresses_that_do_not_parse_and_keeps_the_rest) {
    protobuf::MessageWriter no_id, bad_id, some;
    no_id.bytes(2, address(1).view());
    bad_id.bytes(1, Bytes{1, 2, 3});
    some.bytes(1, peer(2).view()).bytes(2, Bytes{0x7f}).bytes(2, address(2).view()).u64(3, 9);
    protobuf::MessageWriter out;
    out.u64(1, 4).message(8, no_id).message(8, bad_id).message(8, some);
    const auto read = decode(out.view());
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_EQ(read->closer.size(), 1u);
    EXPECT_EQ(read->closer[0].id, peer(2));
    EXPECT_EQ(read->closer[0].addresses, std::vector{address(2)});
    EXPECT_EQ(read->closer[0].connection, ConnectionType::not_connected);
}

TEST(KadMessage, keeps_no_more_peers_and_addresses_than_its_limits) {
    protobuf::MessageWriter one;
    one.bytes(1, peer(1).view());
    for (std::uint64_t i = 0; i < 20; ++i) one.bytes(2, address(i).view());
    one.bytes(2, address("/dns4/" + std::string(250, 'x') + "/tcp/1").view());
    protobuf::MessageWriter out;
    out.u64(1, 4);
    for (int i = 0; i < 26; ++i) out.message(8, one);
    const auto read = decode(out.view());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->closer.size(), 24u);
    for (const auto& kept : read->closer) EXPECT_EQ(kept.addresses.size(), 8u);

    MessageLimits narrow;
    narrow.address_size_max = address(1).view().size() - 1;
    EXPECT_TRUE(decode(out.view(), narrow)->closer[0].addresses.empty());
}

TEST(KadMessage, above_its_size_or_with_a_long_key_is_refused) {
    protobuf::MessageWriter out;
    out.u64(1, 4).bytes(2, Bytes(257));
    auto read = decode(out.view());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::oversized);
    EXPECT_EQ(read.error().at, 5u);
    read = decode(Bytes(kMessageSizeMax + 1));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::oversized);
}

TEST(KadMessage, cut_anywhere_is_an_error_or_means_less) {
    const auto whole = *from_hex(kResponse);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto read = decode(BytesView{whole}.first(n));
        EXPECT_EQ(read.has_value(), n == 0 || n == 2) << n;
    }
}

TEST(KadMessage, that_would_be_too_long_loses_its_last_peers) {
    Message message{MessageType::find_node, {}, {}};
    for (std::uint64_t i = 0; i < 20; ++i) {
        MessagePeer one{peer(i), {}, ConnectionType::connected};
        for (int k = 0; k < 8; ++k)
            one.addresses.push_back(
                address("/dns4/" + std::string(200, 'a') + "/tcp/" + std::to_string(k + 1)));
        message.closer.push_back(std::move(one));
    }
    const auto bytes = encode(message);
    EXPECT_LE(bytes.size(), kMessageSizeMax);
    const auto read = decode(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->closer.size(), 9u);  // 1744 bytes each
    EXPECT_TRUE(std::ranges::equal(read->closer, std::span{message.closer}.first(9)));
}

}  // namespace
}  // namespace sennit::libp2p::kad
