// SPDX-License-Identifier: MIT
#include "libp2p/identify/identify.hpp"

#include <gmock/gmock.h>

#include "libp2p/protobuf.hpp"
#include "libp2p/varint.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::identify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Identify, reads_and_writes_what_js_writes) {
    const auto file = vectors::load("identify");
    for (const auto& item : *file.get_array("vectors")) {
        const auto name = std::string{*item.get_text("name")};
        const auto bytes = vectors::hex(item, "protobuf");
        const auto read = decode(bytes);
        ASSERT_TRUE(read) << name << read.error().text();
        EXPECT_EQ(encode(*read), bytes) << name;
        Writer frame;
        write_prefixed(frame, bytes);
        EXPECT_EQ(frame.bytes(), vectors::hex(item, "stream_frame")) << name;
    }
}

TEST(Identify, means_what_js_meant) {
    const auto file = vectors::load("identify");
    const auto& full = file.get_array("vectors")->begin()[1];
    const auto read = *decode(vectors::hex(full, "protobuf"));
    EXPECT_EQ(read.protocol_version, "/luxtensor/1.0.0");
    EXPECT_EQ(read.agent, "test/1.0");
    ASSERT_EQ(read.listens.size(), 2u);
    EXPECT_EQ(read.listens[0].text(), "/ip4/127.0.0.1/tcp/30303");
    EXPECT_EQ(read.listens[1].text(), "/ip6/::1/tcp/30303");
    EXPECT_EQ(read.observed->text(), "/ip4/192.0.2.7/tcp/50000");
    EXPECT_THAT(read.protocols,
                ElementsAre("/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0",
                            "/meshsub/1.1.0", "/meshsub/1.2.0"));
    EXPECT_EQ(read.key->type(), KeyType::ed25519);
}

TEST(Identify, leaves_out_addresses_of_kinds_that_it_does_not_know) {
    protobuf::MessageWriter out;
    out.bytes(2, Bytes{0x7f, 0x01}).bytes(2, (*Multiaddr::parse("/ip4/1.2.3.4/tcp/5")).view());
    out.bytes(4, Bytes{0x7f});
    const auto read = decode(out.view());
    ASSERT_TRUE(read);
    ASSERT_EQ(read->listens.size(), 1u);
    EXPECT_FALSE(read->observed);
}

TEST(Identify, keeps_no_more_than_an_honest_peer_has) {
    protobuf::MessageWriter out;
    const auto address = *Multiaddr::parse("/ip4/1.2.3.4/tcp/5");
    for (int i = 0; i < 1000; ++i) out.text(3, "/p").bytes(2, address.view());
    out.text(3, std::string(200, 'x')).text(6, "a\n\x1b[31m" + std::string(300, 'b'));
    const auto read = *decode(out.view());
    EXPECT_EQ(read.listens.size(), kListensMax);
    EXPECT_EQ(read.protocols.size(), kProtocolsMax);
    EXPECT_EQ(read.agent.size(), kTextSizeMax);
    EXPECT_THAT(read.agent, HasSubstr("a??[31mb"));
}

TEST(Identify, refuses_a_key_that_is_none_and_a_message_that_is_cut) {
    protobuf::MessageWriter out;
    out.bytes(1, Bytes{1, 2, 3});
    const auto read = decode(out.view());
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().text(), HasSubstr("key in identify at byte 2"));
    EXPECT_EQ(decode(Bytes{0x32, 0x05, 'a'}).error().code, Errc::truncated);
    EXPECT_EQ(decode(Bytes{0x30, 0x05}).error().code, Errc::malformed);
}

TEST(Identify, joins_what_came_in_several_messages) {
    Identify first{.agent = "one", .protocols = {"/a"}};
    merge(first, Identify{.protocol_version = "v", .protocols = {"/b"}});
    EXPECT_EQ(first,
              (Identify{.protocol_version = "v", .agent = "one", .protocols = {"/a", "/b"}}));
    merge(first, Identify{.agent = "two"});
    EXPECT_EQ(first.agent, "two");
}

}  // namespace
}  // namespace sennit::libp2p::identify
