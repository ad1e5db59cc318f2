// SPDX-License-Identifier: MIT
#include "libp2p/swarm/swarm.hpp"

#include <gmock/gmock.h>

#include "libp2p/connection/pair.hpp"
#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Network;
using testing::Node;
using namespace std::chrono_literals;

class SwarmTest : public ::testing::Test {
  protected:
    /// Listener 0 listens; what dials it is up to the test.
    void SetUp() override {
        ASSERT_TRUE(net.node(0).swarm.listen(address("/ip4/10.0.0.1/tcp/4001")));
        net.run();
    }
    ConnectionId dial(std::size_t from, const char* to = "/ip4/10.0.0.1/tcp/4001") {
        const auto id = net.node(from).swarm.dial(address(to), net.now);
        EXPECT_TRUE(id);
        net.run();
        return *id;
    }
    Network net{3, {.protocols = {"/echo"}}};
};

TEST_F(SwarmTest, says_where_it_listens_and_who_it_is) {
    ASSERT_EQ(net.node(0).listening.size(), 1u);
    EXPECT_EQ(net.node(0).listening[0].text(),
              "/ip4/10.0.0.1/tcp/4001/p2p/" + net.node(0).swarm.self().text());
}

TEST_F(SwarmTest, connects_and_learns_who_the_other_is) {
    const auto id = dial(1);
    auto& dialler = net.node(1);
    ASSERT_TRUE(dialler.connected.contains(id));
    EXPECT_EQ(dialler.connected.at(id).peer, net.node(0).swarm.self());
    EXPECT_TRUE(dialler.connected.at(id).early_muxer);
    ASSERT_EQ(net.node(0).connected.size(), 1u);
    EXPECT_TRUE(net.node(0).connected.begin()->second.inbound);

    ASSERT_TRUE(dialler.says.contains(id));
    const auto& says = dialler.says.at(id);
    EXPECT_EQ(says.agent, "sennit");
    EXPECT_EQ(says.key->peer_id(), net.node(0).swarm.self());
    EXPECT_THAT(says.protocols,
                ElementsAre("/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/echo"));
    ASSERT_EQ(says.listens.size(), 1u);
    EXPECT_EQ(says.listens[0].text(), "/ip4/10.0.0.1/tcp/4001");
    EXPECT_THAT(says.observed->text(), HasSubstr("/ip4/10.0.0.2/tcp/"));
    EXPECT_EQ(net.node(0).says.size(), 1u) << "both ask";
}

TEST_F(SwarmTest, carries_the_applications_streams) {
    const auto id = dial(1);
    const auto stream = *net.node(1).swarm.open(id, {"/echo"}, net.now);
    net.node(1).swarm.write(stream, as_bytes("hello"));
    net.node(1).swarm.close_write(stream);
    net.run();
    EXPECT_EQ(net.node(1).received[stream], "hello");
    EXPECT_THAT(net.node(1).agreed, Contains(stream));
    EXPECT_THAT(net.node(1).remote_closed, Contains(stream));
}

TEST_F(SwarmTest, echoes_pings_on_two_streams_of_a_peer_and_no_more) {
    const auto id = dial(1);
    std::vector<StreamRef> streams;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(*net.node(1).swarm.open(id, {std::string{ping::kProtocol}}, net.now));
        net.node(1).swarm.write(streams.back(), Bytes(64, 'p'));
        net.run();
    }
    EXPECT_EQ(net.node(1).received[streams[0]], std::string(64, 'p'));
    EXPECT_EQ(net.node(1).received[streams[1]], std::string(64, 'p'));
    EXPECT_THAT(net.node(1).failed, Contains(streams[2]));
    net.node(1).swarm.close_write(streams[0]);
    net.run();
    const auto again = *net.node(1).swarm.open(id, {std::string{ping::kProtocol}}, net.now);
    net.node(1).swarm.write(again, Bytes(32, 'q'));
    net.run();
    EXPECT_EQ(net.node(1).received[again], std::string(32, 'q')) << "its place is free again";
}

TEST_F(SwarmTest, tells_of_a_dial_that_leads_to_nothing) {
    const auto id = dial(1, "/ip4/10.0.0.9/tcp/1");
    ASSERT_TRUE(net.node(1).gone.contains(id));
    EXPECT_FALSE(net.node(1).gone.at(id).was_connected);
    EXPECT_THAT(net.node(1).gone.at(id).why.text(), HasSubstr("nobody listens"));
    EXPECT_EQ(net.node(1).swarm.connections(), 0u);
}

TEST_F(SwarmTest, refuses_somebody_else_than_the_address_names) {
    const auto other = net.node(2).swarm.self().text();
    const auto id = dial(1, ("/ip4/10.0.0.1/tcp/4001/p2p/" + other).c_str());
    ASSERT_TRUE(net.node(1).gone.contains(id));
    EXPECT_EQ(net.node(1).gone.at(id).why.code, Errc::mismatch);
    EXPECT_TRUE(net.node(0).connected.empty());
    EXPECT_EQ(net.node(0).swarm.connections(), 0u) << "nothing is left of it on either side";
    EXPECT_EQ(net.node(1).swarm.connections(), 0u);
}

TEST_F(SwarmTest, names_addresses_that_it_cannot_dial) {
    for (const auto* text :
         {"/ip4/1.2.3.4/udp/4001/quic-v1", "/ip4/1.2.3.4", "/unix/a", "/ip4/1.2.3.4/tcp/1/ws"}) {
        const auto id = net.node(1).swarm.dial(address(text), net.now);
        ASSERT_FALSE(id) << text;
        EXPECT_EQ(id.error().code, Errc::unsupported);
        EXPECT_THAT(id.error().text(), HasSubstr(text));
    }
    EXPECT_EQ(tcp_address(address("/ip6/::1/tcp/9"))->text(), "tcp://[::1]:9");
    EXPECT_EQ(tcp_address(address("/dns4/a.example/tcp/9"))->text(), "tcp://a.example:9");
    EXPECT_EQ(multiaddr_of({"tcp", "a.example", 9}).text(), "/dns/a.example/tcp/9");
    EXPECT_EQ(multiaddr_of({"tcp", "::1", 9}).text(), "/ip6/::1/tcp/9");
}

TEST_F(SwarmTest, leaves_in_order_and_keeps_nothing) {
    const auto id = dial(1);
    net.node(1).swarm.disconnect(id);
    net.run();
    EXPECT_TRUE(net.node(1).gone.contains(id));
    EXPECT_EQ(net.node(0).gone.size(), 1u);
    EXPECT_EQ(net.node(0).swarm.connections() + net.node(1).swarm.connections(), 0u);
    EXPECT_FALSE(net.node(1).swarm.open(id, {"/echo"}, net.now));
}

TEST_F(SwarmTest, notices_a_link_that_was_cut) {
    const auto id = dial(1);
    net.cut();
    net.run();
    ASSERT_TRUE(net.node(1).gone.contains(id));
    EXPECT_TRUE(net.node(1).gone.at(id).was_connected);
    EXPECT_EQ(net.node(0).swarm.connections() + net.node(1).swarm.connections(), 0u);
}

TEST_F(SwarmTest, hangs_up_on_strangers_who_never_finish_a_handshake) {
    for (int i = 0; i < 70; ++i) net.silent_link(0);
    net.run();
    EXPECT_EQ(net.node(0).swarm.connections(), 64u);
    dial(1);
    EXPECT_TRUE(net.node(1).connected.empty()) << "until one of them has had its time";
    net.now.at += 10s;
    net.tick();
    EXPECT_EQ(net.node(0).swarm.connections(), 0u);
    dial(1);
    EXPECT_EQ(net.node(1).connected.size(), 1u);
}

TEST_F(SwarmTest, forgets_a_dial_that_is_not_wanted_any_more) {
    const auto id = *net.node(1).swarm.dial(address("/ip4/10.0.0.1/tcp/4001"), net.now);
    net.node(1).swarm.disconnect(id);
    net.run();
    EXPECT_TRUE(net.node(1).gone.contains(id));
    EXPECT_EQ(net.node(0).swarm.connections() + net.node(1).swarm.connections(), 0u);
}

TEST_F(SwarmTest, never_sends_more_than_the_link_takes) {
    net.room = 10'000;
    const auto id = dial(1);
    const auto stream = *net.node(1).swarm.open(id, {"/echo"}, net.now);
    std::string all(300'000, 'x');
    for (std::size_t sent = 0; sent < all.size();) {
        sent += net.node(1).swarm.write(stream, as_bytes(std::string_view{all}.substr(sent)));
        net.run();
    }
    EXPECT_EQ(net.node(1).received[stream].size(), all.size());
}

}  // namespace
}  // namespace sennit::libp2p
