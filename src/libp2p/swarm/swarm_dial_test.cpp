// SPDX-License-Identifier: MIT
/// Many addresses, one connection.
#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using ::testing::HasSubstr;
using testing::Network;
using Cause = Swarm::Cause;
using namespace std::chrono_literals;

const char* const kHome = "/ip4/10.0.0.1/tcp/4001";
const char* const kSecond = "/ip4/10.0.0.1/tcp/4002";
const char* const kNobody = "/ip4/10.0.0.9/tcp/1";

std::string hole(int number) {
    return "/ip4/10.9.0." + std::to_string(number) + "/tcp/1";
}

class SwarmDial : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(net.node(0).swarm.listen(address(kHome)));
        ASSERT_TRUE(net.node(0).swarm.listen(address(kSecond)));
        net.run();
        for (int i = 0; i < 20; ++i)
            net.black_holes.insert({"tcp", "10.9.0." + std::to_string(i), 1});
    }
    Result<ConnectionId> dial(const std::vector<std::string>& addresses) {
        std::vector<Multiaddr> all;
        for (const auto& one : addresses) all.push_back(address(one));
        auto id = node.swarm.dial(all, net.now);
        net.run();
        return id;
    }
    void wait(Duration time) {
        net.now.at += time;
        net.tick();
    }
    std::string named(const char* where) {
        return std::string{where} + "/p2p/" + net.node(0).swarm.self().text();
    }
    Network net{3, {.protocols = {"/echo"}}};
    testing::Node& node{net.node(1)};
};

TEST_F(SwarmDial, tries_the_next_address_after_a_quarter_of_a_second) {
    const auto id = *dial({hole(1), kHome});
    wait(249ms);
    EXPECT_EQ(net.dials.size(), 1u);
    EXPECT_EQ(node.swarm.next_wake(), net.now.at + 1ms);
    wait(1ms);
    ASSERT_TRUE(node.connected.contains(id));
    EXPECT_EQ(node.connected.at(id).address.host, "10.0.0.1");
    // The one that never answered is forgotten, and its answer is not wanted any more.
    const auto late = net.dials.front().id;
    node.swarm.on_input(sennit::DialFailed{late, "timeout"}, net.now);
    LinkOpen open;
    open.id = LinkId{999};
    open.dial = late;
    node.swarm.on_input(open, net.now);
    net.run();
    EXPECT_EQ(net.hang_ups, std::vector<std::string>{"not wanted any more"});
    EXPECT_TRUE(node.gone.empty());
}

TEST_F(SwarmDial, tries_the_next_address_as_soon_as_one_fails) {
    const auto id = *dial({kNobody, kHome});
    EXPECT_TRUE(node.connected.contains(id));
    EXPECT_EQ(net.dials.size(), 2u);
}

TEST_F(SwarmDial, has_three_attempts_at_once_and_no_more) {
    const auto id = *dial({hole(1), hole(2), hole(3), hole(4), hole(5)});
    for (int i = 0; i < 10; ++i) wait(1s);
    EXPECT_EQ(net.dials.size(), 3u);
    node.swarm.on_input(sennit::DialFailed{net.dials[1].id, "no route"}, net.now);
    net.run();
    EXPECT_EQ(net.dials.size(), 4u) << "the place of the one that failed";
    node.swarm.disconnect(id);
    net.run();
    EXPECT_EQ(node.gone.at(id).cause, Cause::we_left);
    EXPECT_EQ(node.swarm.next_wake(), Instant::max());
}

TEST_F(SwarmDial, tells_of_every_address_when_none_led_to_the_peer) {
    const auto other = "/p2p/" + net.node(2).swarm.self().text();
    const auto id =
        *dial({kNobody + other, "/ip4/10.0.0.1/udp/4001/quic-v1" + other, kHome + other});
    ASSERT_TRUE(node.gone.contains(id));
    const auto& gone = node.gone.at(id);
    EXPECT_EQ(gone.cause, Cause::unreachable);
    EXPECT_FALSE(gone.was_connected);
    EXPECT_THAT(gone.why.text(), HasSubstr("10.0.0.9:1: cannot connect: nobody listens"));
    EXPECT_THAT(gone.why.text(), HasSubstr("quic-v1"));
    EXPECT_THAT(gone.why.text(), HasSubstr("10.0.0.1:4001: noise handshake"));
    EXPECT_EQ(node.swarm.connections(), 0u);
}

TEST_F(SwarmDial, lets_the_first_whose_upgrade_is_complete_win) {
    net.held = true;
    const auto id = *dial({named(kHome), named(kSecond)});
    wait(250ms);
    // The second link is carried to its end before the first one says anything.
    while (net.waiting() > 2) {
        net.deliver_one(2);
        net.run();
    }
    ASSERT_TRUE(node.connected.contains(id));
    EXPECT_EQ(node.connected.at(id).address.port, 4002);
    Rng rng{1};
    net.settle(rng);
    EXPECT_EQ(net.node(0).connected.size(), 1u);
    EXPECT_EQ(net.node(0).swarm.connections(), 1u);
    EXPECT_EQ(net.links().size(), 2u) << "of the other address nothing is left";
}

TEST_F(SwarmDial, ends_with_one_connection_in_whatever_order_two_addresses_answer) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Network fresh{2, {.protocols = {"/echo"}}};
        ASSERT_TRUE(fresh.node(0).swarm.listen(address(kHome)));
        ASSERT_TRUE(fresh.node(0).swarm.listen(address(kSecond)));
        fresh.run();
        fresh.held = true;
        auto& dialler = fresh.node(1).swarm;
        const auto id = *dialler.dial({address(kHome), address(kSecond)}, fresh.now);
        fresh.run();
        fresh.now.at += 250ms;
        fresh.tick();
        Rng rng{seed};
        fresh.settle(rng);
        ASSERT_TRUE(fresh.node(1).up.contains(id)) << seed;
        ASSERT_EQ(fresh.node(0).up.size(), 1u) << seed;
        ASSERT_EQ(fresh.links().size(), 2u) << seed;
    }
}

TEST_F(SwarmDial, gives_an_upgrade_its_time_and_then_takes_the_next_address) {
    net.held = true;
    const auto id = *dial({named(kHome)});
    net.deliver_one(0);  // the link is open on our side, and nothing comes
    net.run();
    wait(10s);
    ASSERT_TRUE(node.gone.contains(id));
    EXPECT_EQ(node.gone.at(id).cause, Cause::unreachable);
    EXPECT_EQ(node.gone.at(id).why.code, Errc::timeout);
}

TEST_F(SwarmDial, gives_the_connection_that_it_has_to_whoever_dials_the_peer_again) {
    const auto id = *dial({named(kHome)});
    EXPECT_EQ(*dial({named(kSecond)}), id);
    EXPECT_EQ(net.dials.size(), 1u);
    EXPECT_EQ(node.swarm.connection_to(net.node(0).swarm.self()), id);
    const auto inbound = net.node(0).connected.begin()->first;
    const auto back = net.node(0).swarm.dial(
        address("/ip4/10.0.0.2/tcp/1/p2p/" + node.swarm.self().text()), net.now);
    EXPECT_EQ(*back, inbound) << "whoever dialled it";
}

TEST_F(SwarmDial, adds_addresses_to_a_dial_that_is_under_way) {
    const auto peer = "/p2p/" + net.node(0).swarm.self().text();
    const auto id = *dial({hole(1) + peer});
    EXPECT_EQ(*dial({hole(1) + peer, named(kHome)}), id);
    EXPECT_TRUE(node.connected.contains(id)) << "at once: nothing else waits";
    EXPECT_EQ(net.dials.size(), 2u) << "no address is tried twice";
    EXPECT_FALSE(node.swarm.connection_to(net.node(2).swarm.self()));
}

TEST_F(SwarmDial, refuses_what_it_cannot_mean) {
    const auto two =
        dial({named(kHome), std::string{kSecond} + "/p2p/" + net.node(2).swarm.self().text()});
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().code, Errc::mismatch);
    const auto us = dial({std::string{kHome} + "/p2p/" + node.swarm.self().text()});
    ASSERT_FALSE(us);
    EXPECT_EQ(us.error().code, Errc::invalid);
    EXPECT_FALSE(dial({}));
    EXPECT_TRUE(dial({kHome, "/ip4/10.0.0.1/udp/1/quic-v1"})) << "one can be dialled";
}

TEST_F(SwarmDial, takes_sixteen_addresses_and_leaves_out_the_rest) {
    std::vector<std::string> many;
    for (int i = 1; i < 18; ++i) many.push_back("/ip4/10.8.0." + std::to_string(i) + "/tcp/1");
    many.push_back(kHome);
    const auto id = *dial(many);
    EXPECT_EQ(net.dials.size(), 16u);
    EXPECT_TRUE(node.gone.contains(id));
}

}  // namespace
}  // namespace sennit::libp2p
