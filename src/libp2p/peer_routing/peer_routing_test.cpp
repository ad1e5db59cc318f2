// SPDX-License-Identifier: MIT
#include "libp2p/peer_routing/peer_routing.hpp"

#include <gmock/gmock.h>

#include "libp2p/peer_routing/fixture.hpp"

namespace sennit::libp2p {
namespace {

using namespace std::chrono_literals;
using peer_routing::testing::address;
using peer_routing::testing::Side;
using peer_routing::testing::World;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<PeerId> ids(const std::vector<kad::PeerAddresses>& peers) {
    std::vector<PeerId> out;
    for (const auto& one : peers) out.push_back(one.id);
    return out;
}

/// 0 knows 1, which knows 2, which alone knows 3: 3 asks nobody, for all it hears of are hosts that
/// it takes for somebody's own network.
class TwoHops : public ::testing::Test {
  protected:
    void SetUp() override {
        for (std::size_t i = 0; i < 3; ++i) world.route(i);
        auto asks_nobody = world.config(3);
        asks_nobody.addresses.private_hosts = false;
        world.route(3, {}, asks_nobody);
        world.sides[2]->routing.kad().bootstrap({world.where(1)}, world.net.now);
        world.net.run();
        world.dial(2, 3);
    }
    Side& side(std::size_t i) { return *world.sides[i]; }

    World world{4};
};

TEST_F(TwoHops, a_peer_is_found_that_only_a_friends_friend_knows) {
    ASSERT_TRUE(side(2).knows(world.id(3)));
    ASSERT_FALSE(side(1).knows(world.id(3)));
    auto& kad = side(0).routing.kad();
    kad.bootstrap({world.where(1)}, world.net.now);
    ASSERT_TRUE(kad.find(world.id(3), world.net.now));
    world.net.run();
    ASSERT_TRUE(side(0).done);
    ASSERT_TRUE(side(0).done->target);
    EXPECT_EQ(side(0).done->target->id, world.id(3));
    EXPECT_THAT(side(0).done->target->addresses, ElementsAre(address(3)));
    EXPECT_EQ(side(0).done->closest.front().id, world.id(3)) << "and it answered";
    EXPECT_EQ(side(0).done->requests, 3u);
    EXPECT_FALSE(side(1).knows(world.id(3))) << "so it took two hops";
}

TEST_F(TwoHops, who_asks_comes_into_the_tables_of_those_who_answer) {
    side(0).routing.kad().bootstrap({world.where(1)}, world.net.now);
    world.net.run();
    EXPECT_TRUE(side(1).knows(world.id(0)));
    EXPECT_TRUE(side(2).knows(world.id(0)));
}

TEST_F(TwoHops, somebody_who_is_nowhere_is_not_found) {
    auto& kad = side(0).routing.kad();
    kad.bootstrap({world.where(1)}, world.net.now);
    const auto nobody = testing::identity(99).peer_id();
    ASSERT_TRUE(kad.find(nobody, world.net.now));
    world.net.run();
    ASSERT_TRUE(side(0).done);
    EXPECT_FALSE(side(0).done->target);
    EXPECT_THAT(ids(side(0).done->closest), Contains(world.id(3)));
}

TEST_F(TwoHops, connections_of_a_lookup_are_hung_up_when_idle_and_those_of_others_are_not) {
    const auto kept = world.dial(0, 1);
    auto& kad = side(0).routing.kad();
    kad.bootstrap({world.where(1)}, world.net.now);
    ASSERT_TRUE(kad.find(world.id(3), world.net.now));
    world.net.run();
    ASSERT_TRUE(side(0).done);
    EXPECT_EQ(side(0).routing.own_connections(), 2u) << "to 2 and 3; to 1 there was one";
    world.pass(9s);
    EXPECT_EQ(side(0).routing.own_connections(), 2u);
    world.pass(2s);
    EXPECT_EQ(side(0).routing.own_connections(), 0u);
    EXPECT_FALSE(world.net.node(0).gone.contains(kept));
    EXPECT_TRUE(side(0).knows(world.id(2))) << "it is in the table still";
}

class PeerRoutingTest : public ::testing::Test {
  protected:
    /// Node 0 looks for somebody, knowing `peers`.
    void look(const std::vector<kad::PeerAddresses>& peers) {
        auto& kad = world.sides[0]->routing.kad();
        kad.bootstrap(peers, world.net.now);
        ASSERT_TRUE(kad.find(testing::identity(99).peer_id(), world.net.now));
        world.net.run();
    }
    void black_hole(std::size_t n) { world.net.black_holes.insert(*tcp_address(address(n))); }

    World world{6};
};

TEST_F(PeerRoutingTest, a_peers_next_address_is_tried_before_the_one_before_has_failed) {
    auto& asking = world.route(0);
    world.route(1);
    black_hole(100);
    look({{world.id(1), {address(100), address(1)}}});
    EXPECT_EQ(asking.routing.dials(), 1u);
    EXPECT_FALSE(asking.done);
    world.pass(250ms);
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(1)));
    EXPECT_EQ(asking.routing.dials(), 0u) << "the other one is given up";
    EXPECT_THAT(world.net.node(0).gone, IsEmpty()) << "which is nobody else's business";
}

TEST_F(PeerRoutingTest,
       an_address_that_fails_or_cannot_be_dialled_is_followed_by_the_next_at_once) {
    auto& asking = world.route(0);
    world.route(1);
    look({{world.id(1),
           {*Multiaddr::parse("/ip4/10.0.0.2/udp/4001/quic-v1"), address(100), address(1)}}});
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(1)));
}

TEST_F(PeerRoutingTest, who_answers_the_dial_has_to_be_the_peer) {
    auto& asking = world.route(0);
    world.route(1);
    world.route(2);
    look({{world.id(1), {address(2)}}});
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(asking.done->closest, IsEmpty());
    EXPECT_EQ(asking.routing.own_connections(), 0u);
}

TEST_F(PeerRoutingTest, so_many_dials_run_at_once) {
    auto& asking = world.route(0, {.dials_max = 2});
    world.route(4);
    black_hole(100);
    look({{world.id(1), {address(100), address(100 + 1)}},
          {world.id(2), {address(100)}},
          {world.id(4), {address(4)}}});
    EXPECT_FALSE(asking.done);
    EXPECT_EQ(asking.routing.dials(), 2u);
    world.pass(11s);  // requests time out
    ASSERT_TRUE(asking.done);
    EXPECT_EQ(asking.most_dials, 2u);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(4)));
}

TEST_F(PeerRoutingTest, an_idle_connection_gives_way_to_one_that_is_needed) {
    auto& asking = world.route(0, {.connections_max = 1});
    std::vector<kad::PeerAddresses> peers;
    for (std::size_t i = 1; i < 6; ++i) {
        auto silent = world.config(i);
        silent.addresses.private_hosts = false;
        world.route(i, {}, silent);
        peers.push_back(world.where(i));
    }
    look(peers);
    world.pass(30s);
    ASSERT_TRUE(asking.done);
    EXPECT_EQ(asking.done->closest.size(), 5u);
    EXPECT_EQ(asking.most_own, 1u);
}

TEST_F(PeerRoutingTest, two_lookups_of_one_peer_share_a_dial) {
    auto& asking = world.route(0);
    world.route(1);
    black_hole(100);
    look({{world.id(1), {address(100), address(1)}}});
    ASSERT_TRUE(asking.routing.kad().find(testing::identity(98).peer_id(), world.net.now));
    world.net.run();
    EXPECT_EQ(asking.routing.kad().queries(), 3u) << "with that of its own id";
    EXPECT_EQ(asking.routing.dials(), 1u);
    world.pass(1s);
    EXPECT_EQ(asking.routing.kad().queries(), 0u);
    EXPECT_EQ(world.net.node(1).swarm.connections(), 1u);
}

TEST_F(PeerRoutingTest, a_connection_that_the_peer_opens_meanwhile_serves_as_well) {
    auto& asking = world.route(0);
    world.route(1);
    black_hole(100);
    look({{world.id(1), {address(100)}}});
    EXPECT_FALSE(asking.done);
    world.dial(1, 0);
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(1)));
    EXPECT_EQ(asking.routing.dials(), 0u);
    EXPECT_EQ(asking.routing.own_connections(), 0u);
}

/// Several users of one swarm: what routing does when a peer is somebody else's business too.
class SharedSwarmTest : public PeerRoutingTest {
  protected:
    ConnectionId dial_nowhere() {
        black_hole(100);
        return *world.net.node(0).swarm.dial(of(1, 100), world.net.now);
    }
    Multiaddr of(std::size_t peer, std::size_t at) {
        return *address(at).encapsulate(Multiaddr::of_peer(world.id(peer)));
    }
    bool gone(ConnectionId id) { return world.net.node(0).gone.contains(id); }
};

TEST_F(SharedSwarmTest, the_end_of_somebody_elses_dial_is_told_to_him) {
    auto& asking = world.route(0);
    const auto theirs = dial_nowhere();
    look({{world.id(1), {address(100)}}});
    EXPECT_EQ(asking.routing.dials(), 0u) << "it only waits";
    world.pass(11s);
    EXPECT_TRUE(asking.done);
    EXPECT_FALSE(gone(theirs)) << "a request that has waited too long ends nobody else's dial";
    const auto& path = world.net.dials.front();
    world.net.node(0).swarm.on_input(sennit::DialFailed{path.id, "timeout"}, world.net.now);
    world.net.run();
    EXPECT_TRUE(gone(theirs));
}

TEST_F(SharedSwarmTest, a_dial_that_somebody_else_gives_up_is_begun_again) {
    auto& asking = world.route(0);
    world.route(1);
    const auto theirs = dial_nowhere();
    black_hole(1);
    look({{world.id(1), {address(1)}}});
    world.net.black_holes.clear();
    world.net.node(0).swarm.disconnect(theirs);
    world.net.run();
    EXPECT_TRUE(gone(theirs));
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(1)));
    EXPECT_EQ(asking.routing.own_connections(), 1u);
}

TEST_F(SharedSwarmTest, a_dial_of_its_own_that_somebody_else_joins_is_his_too) {
    auto& asking = world.route(0);
    black_hole(100);
    look({{world.id(1), {address(100)}}});
    ASSERT_EQ(asking.routing.dials(), 1u);
    const auto shared = *world.net.node(0).swarm.dial(of(1, 100), world.net.now);
    world.pass(10s + 500ms);
    EXPECT_TRUE(asking.done);
    EXPECT_EQ(asking.routing.dials(), 0u);
    EXPECT_GT(world.net.node(0).swarm.times_dialled(shared), 0u) << "it goes on";
}

TEST_F(SharedSwarmTest, somebody_who_joined_hears_that_it_led_nowhere) {
    auto& asking = world.route(0);
    black_hole(100);
    look({{world.id(1), {address(100)}}});
    const auto shared = *world.net.node(0).swarm.dial(of(1, 100), world.net.now);
    const auto& path = world.net.dials.front();
    world.net.node(0).swarm.on_input(sennit::DialFailed{path.id, "refused"}, world.net.now);
    world.net.run();
    EXPECT_TRUE(asking.done);
    EXPECT_TRUE(gone(shared));
}

TEST_F(SharedSwarmTest, a_connection_that_is_dialled_used_or_kept_by_somebody_else_stays) {
    world.route(0);
    for (std::size_t i = 1; i < 5; ++i) world.route(i);
    look({world.where(1), world.where(2), world.where(3), world.where(4)});
    auto& swarm = world.net.node(0).swarm;
    const auto to = [&](std::size_t i) { return *swarm.connection_to(world.id(i)); };
    ASSERT_EQ(world.sides[0]->routing.own_connections(), 4u);
    std::vector<ConnectionId> id{to(1), to(2), to(3), to(4)};
    ASSERT_EQ(*swarm.dial(of(1, 1), world.net.now), id[0]);
    ASSERT_TRUE(swarm.open(id[1], {std::string{ping::kProtocol}}, world.net.now));
    swarm.keep(id[2], true, world.net.now);
    world.pass(25s);
    EXPECT_FALSE(gone(id[0]) || gone(id[1]) || gone(id[2]));
    EXPECT_TRUE(gone(id[3]));
    swarm.keep(id[2], false, world.net.now);
    world.pass(11s);
    EXPECT_TRUE(gone(id[2]));
    EXPECT_FALSE(gone(id[0])) << "it is not routing's any more";
}

TEST_F(PeerRoutingTest, all_addresses_that_fail_are_a_failure_that_is_noticed_at_once) {
    auto& asking = world.route(0);
    black_hole(100);
    look({{world.id(1), {address(100), address(101), address(102)}}});
    world.pass(1s);
    const auto& path = world.net.dials.front();
    world.net.node(0).swarm.on_input(sennit::DialFailed{path.id, "timeout"}, world.net.now);
    world.net.run();
    EXPECT_TRUE(asking.done);
    EXPECT_EQ(asking.routing.dials(), 0u);
}

TEST_F(PeerRoutingTest, a_client_asks_but_answers_nobody_and_is_in_no_table) {
    auto client = world.config(0);
    client.mode = kad::Mode::client;
    auto& asking = world.route(0, {}, client);
    auto& server = world.route(1);
    look({world.where(1)});
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(ids(asking.done->closest), ElementsAre(world.id(1)));
    EXPECT_FALSE(server.knows(world.id(0)));
    const auto stream = world.open(2, world.dial(2, 0));
    world.net.node(2).swarm.write(stream, peer_routing::testing::find_node(Bytes{1}));
    world.net.run();
    EXPECT_TRUE(world.net.node(2).failed.contains(stream));
}

TEST_F(PeerRoutingTest, what_a_connection_carried_has_failed_when_it_breaks) {
    auto& asking = world.route(0);
    world.net.node(1).first = [](const auto&, Now) { return true; };  // and answers nothing
    look({world.where(1)});
    EXPECT_EQ(asking.routing.own_connections(), 1u);
    EXPECT_FALSE(asking.done);
    world.net.cut();
    world.net.run();
    ASSERT_TRUE(asking.done);
    EXPECT_THAT(asking.done->closest, IsEmpty());
    EXPECT_EQ(asking.routing.own_connections(), 0u);
}

}  // namespace
}  // namespace sennit::libp2p
