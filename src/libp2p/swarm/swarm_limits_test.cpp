// SPDX-License-Identifier: MIT
/// Places, gates, and connections that nobody uses.
#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::Network;
using Cause = Swarm::Cause;
using namespace std::chrono_literals;

const char* const kHome = "/ip4/10.0.0.1/tcp/4001";

Swarm::Config like() {
    return {.identity = testing::identity(1), .protocols = {"/echo"}};
}

/// Node 0 listens, node 1 dials it.
struct Pair {
    explicit Pair(Swarm::Config config = like(), std::size_t count = 2) : net{count, config} {
        EXPECT_TRUE(net.node(0).swarm.listen(address(kHome)));
        net.run();
    }
    ConnectionId dial(std::size_t from = 1) {
        const auto id = *net.node(from).swarm.dial(address(kHome), net.now);
        net.run();
        return id;
    }
    void wait(Duration time) {
        net.now.at += time;
        net.tick();
    }
    Network net;
    testing::Node& listener{net.node(0)};
    testing::Node& dialler{net.node(1)};
};

TEST(SwarmLimits, give_one_host_few_places_and_others_theirs) {
    auto config = like();
    config.inbound_per_host_max = 2;
    Pair pair{config};
    for (int i = 0; i < 4; ++i) pair.net.silent_link(0, "198.51.100.7");
    pair.net.silent_link(0, "198.51.100.8");
    // One subscriber has a /64.
    for (int i = 1; i < 5; ++i) pair.net.silent_link(0, "2a00:1450:1:2::" + std::to_string(i));
    for (int i = 0; i < 4; ++i) pair.net.silent_link(0, "10.4.4.4");
    pair.net.run();
    EXPECT_EQ(pair.listener.swarm.connections(), 2u + 1u + 2u + 4u);
    EXPECT_EQ(pair.net.hang_ups.size(), 4u);
    EXPECT_THAT(pair.net.hang_ups, Each("too many connections of one host"));
    pair.wait(10s);
    EXPECT_EQ(pair.listener.gone.begin()->second.cause, Cause::timeout);
    pair.net.silent_link(0, "198.51.100.7");
    pair.net.run();
    EXPECT_EQ(pair.listener.swarm.connections(), 1u) << "their places are free again";
}

TEST(SwarmLimits, leave_places_for_those_whom_we_dial) {
    auto config = like();
    config.inbound_max = 3;
    config.outbound_max = 2;
    Pair pair{config};
    for (int i = 0; i < 5; ++i) pair.net.silent_link(0);
    pair.net.run();
    EXPECT_EQ(pair.listener.swarm.connections(), 3u);
    auto& swarm = pair.listener.swarm;
    pair.net.black_holes.insert({"tcp", "10.9.0.1", 1});
    const auto first = swarm.dial(address("/ip4/10.9.0.1/tcp/1"), pair.net.now);
    EXPECT_TRUE(first && swarm.dial(address("/ip4/10.9.0.1/tcp/1"), pair.net.now));
    const auto third = swarm.dial(address("/ip4/10.9.0.1/tcp/1"), pair.net.now);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, Errc::busy);
    swarm.disconnect(*first);
    EXPECT_TRUE(swarm.dial(address("/ip4/10.9.0.1/tcp/1"), pair.net.now));
    swarm.check_invariants();
}

TEST(SwarmLimits, share_the_growth_of_windows_among_all_connections) {
    auto config = like();
    config.yamux.budget = std::make_shared<yamux::Budget>(1'000'000);
    Pair pair{config};
    EXPECT_EQ(config.yamux.budget->free(), 1'000'000u);
    yamux::Budget::Share first{config.yamux.budget};
    yamux::Budget::Share second{config.yamux.budget};
    for (int i = 0; i < 50; ++i) first.take(256 * 1024);
    EXPECT_GT(first.held(), 450'000u);
    const auto granted = first.held();
    for (int i = 0; i < 50; ++i) second.take(256 * 1024);
    EXPECT_GT(second.held(), 200'000u) << "the first has left something";
    EXPECT_EQ(first.held(), granted) << "and keeps what it has";
    second = yamux::Budget::Share{config.yamux.budget};
    EXPECT_EQ(config.yamux.budget->free(), 1'000'000u - granted) << "all went back";
}

TEST(SwarmGate, refuses_addresses_before_anything_is_said) {
    auto config = like();
    config.admits_address = [](const NetAddress& from, bool) { return from.host != "10.0.0.2"; };
    Pair pair{config, 3};
    const auto id = pair.dial();
    EXPECT_THAT(pair.net.hang_ups, ::testing::Contains("refused by the gate"));
    EXPECT_TRUE(pair.listener.gone.empty()) << "there never was a connection";
    EXPECT_TRUE(pair.dialler.gone.contains(id));

    pair.net.dials.clear();
    const auto back = *pair.listener.swarm.dial(address("/ip4/10.0.0.2/tcp/1"), pair.net.now);
    pair.net.run();
    EXPECT_TRUE(pair.net.dials.empty());
    ASSERT_TRUE(pair.listener.gone.contains(back));
    EXPECT_EQ(pair.listener.gone.at(back).cause, Cause::refused);
    EXPECT_TRUE(pair.net.node(2).gone.empty());
    const auto other = pair.dial(2);
    EXPECT_TRUE(pair.net.node(2).up.contains(other));
}

TEST(SwarmGate, refuses_peers_when_they_have_proved_who_they_are) {
    for (const bool inbound_refused : {false, true}) {
        auto config = like();
        config.admits_peer = [=](const PeerId&, const NetAddress&, bool inbound) {
            return inbound != inbound_refused;
        };
        Pair pair{config};
        const auto id = pair.dial();
        EXPECT_TRUE(pair.listener.connected.empty());
        auto& refuser = inbound_refused ? pair.listener : pair.dialler;
        ASSERT_EQ(refuser.gone.size(), 1u);
        EXPECT_EQ(refuser.gone.begin()->second.cause, Cause::refused);
        EXPECT_THAT(refuser.gone.begin()->second.why.text(), HasSubstr("refused by the gate"));
        EXPECT_TRUE(pair.dialler.gone.contains(id));
        EXPECT_EQ(pair.listener.swarm.connections() + pair.dialler.swarm.connections(), 0u);
    }
}

TEST(SwarmGate, is_asked_again_for_the_host_that_a_name_led_to) {
    auto config = like();
    config.admits_address = [](const NetAddress& to, bool inbound) {
        return inbound || to.host != "10.0.0.1";
    };
    Pair pair{config};
    pair.net.names = {{"a.example", "10.0.0.1"}, {"b.example", "10.0.0.2"}};
    const auto id = *pair.dialler.swarm.dial(address("/dns/a.example/tcp/4001"), pair.net.now);
    pair.net.run();
    EXPECT_EQ(pair.net.dials.size(), 1u) << "the name itself is nobody's";
    ASSERT_TRUE(pair.dialler.gone.contains(id));
    EXPECT_EQ(pair.dialler.gone.at(id).cause, Cause::refused);
    EXPECT_THAT(pair.dialler.gone.at(id).why.text(), HasSubstr("10.0.0.1"));
    EXPECT_THAT(pair.net.hang_ups, ::testing::Contains("refused by the gate"));
    EXPECT_TRUE(pair.listener.connected.empty());
    EXPECT_EQ(pair.dialler.swarm.connections(), 0u);

    ASSERT_TRUE(pair.dialler.swarm.listen(address("/ip4/10.0.0.2/tcp/4001")));
    pair.net.run();
    const auto other = *pair.listener.swarm.dial(address("/dns/b.example/tcp/4001"), pair.net.now);
    pair.net.run();
    EXPECT_TRUE(pair.listener.up.contains(other));
}

TEST(SwarmLimits, give_an_upgrade_as_much_time_as_a_dial) {
    auto config = like();
    config.dial_timeout = 3s;
    Pair pair{config};
    pair.net.silent_link(0);
    pair.wait(2s);
    EXPECT_EQ(pair.listener.swarm.connections(), 1u);
    pair.wait(1s);
    EXPECT_EQ(pair.listener.swarm.connections(), 0u);
}

TEST(SwarmLimits, tell_a_peer_who_we_are_so_often_and_not_oftener) {
    Pair pair;
    const auto id = pair.dial();
    const auto answered = [&] {
        const auto stream =
            *pair.dialler.swarm.open(id, {std::string{identify::kProtocol}}, pair.net.now);
        pair.dialler.swarm.close_write(stream);
        pair.net.run();
        return !pair.dialler.failed.contains(stream) && !pair.dialler.received[stream].empty();
    };
    // The dialler's swarm has asked once.
    for (int i = 1; i < 64; ++i) ASSERT_TRUE(answered()) << i;
    EXPECT_FALSE(answered());
    pair.wait(1s);
    EXPECT_TRUE(answered());
    EXPECT_FALSE(answered());
}

TEST(SwarmStreams, are_not_opened_without_a_protocol_or_with_too_long_a_name) {
    Pair pair;
    const auto id = pair.dial();
    for (const auto& proposals : {std::vector<std::string>{},
                                  {std::string(1024, 'x')},
                                  {"/echo", std::string(5000, 'x')}}) {
        const auto stream = pair.dialler.swarm.open(id, proposals, pair.net.now);
        ASSERT_FALSE(stream);
        EXPECT_EQ(stream.error().code, Errc::invalid);
    }
    EXPECT_TRUE(pair.dialler.swarm.open(id, {std::string(1023, 'x')}, pair.net.now));
    pair.net.run();
}

TEST(SwarmConfig, names_at_least_one_security) {
    auto config = like();
    config.security.clear();
    EXPECT_DEATH((Swarm{config, Rng{1}}), "security");
}

TEST(SwarmIdle, counts_from_a_stream_that_was_over_within_one_turn) {
    for (const bool listens : {false, true}) {
        Pair pair;
        const auto id = pair.dial();
        const auto other = *pair.listener.up.begin();
        // Only one side minds.
        if (listens) {
            pair.dialler.swarm.keep(id, true, pair.net.now);
        } else {
            pair.listener.swarm.keep(other, true, pair.net.now);
        }
        for (int i = 0; i < 29; ++i) pair.wait(10s);
        const auto stream = *pair.dialler.swarm.open(id, {"/echo"}, pair.net.now);
        if (listens) {
            pair.dialler.swarm.write(stream, as_bytes("x"));
            pair.dialler.swarm.close_write(stream);
        } else {
            pair.dialler.swarm.reset(stream);
        }
        pair.net.run();
        for (int i = 0; i < 29; ++i) pair.wait(10s);
        EXPECT_TRUE(pair.dialler.up.contains(id)) << listens;
        pair.wait(10s);
        EXPECT_FALSE(pair.dialler.up.contains(id)) << listens;
    }
}

TEST(SwarmIdle, closes_a_connection_that_nobody_uses) {
    Pair pair;
    const auto id = pair.dial();
    for (int i = 0; i < 29; ++i) pair.wait(10s);
    EXPECT_TRUE(pair.dialler.up.contains(id));
    pair.wait(10s);
    ASSERT_TRUE(pair.dialler.gone.contains(id));
    EXPECT_EQ(pair.dialler.gone.at(id).cause, Cause::idle);
    EXPECT_THAT(pair.dialler.gone.at(id).why.text(), HasSubstr("idle"));
    EXPECT_EQ(pair.listener.gone.size(), 1u);
}

TEST(SwarmIdle, keeps_one_with_an_open_stream_and_counts_from_its_end) {
    Pair pair;
    const auto id = pair.dial();
    const auto stream = *pair.dialler.swarm.open(id, {"/echo"}, pair.net.now);
    pair.net.run();
    for (int i = 0; i < 100; ++i) pair.wait(10s);
    EXPECT_TRUE(pair.dialler.up.contains(id));
    pair.dialler.swarm.close_write(stream);
    pair.net.run();
    for (int i = 0; i < 29; ++i) pair.wait(10s);
    EXPECT_TRUE(pair.dialler.up.contains(id));
    pair.wait(10s);
    EXPECT_FALSE(pair.dialler.up.contains(id));
}

TEST(SwarmIdle, takes_pings_and_identify_for_no_use) {
    Pair pair;
    const auto id = pair.dial();
    // The dialler's own stream is a use to itself; the listener only echoes.
    ASSERT_TRUE(pair.dialler.swarm.open(id, {std::string{ping::kProtocol}}, pair.net.now));
    pair.net.run();
    for (int i = 0; i < 30; ++i) pair.wait(10s);
    ASSERT_EQ(pair.listener.gone.size(), 1u);
    EXPECT_EQ(pair.listener.gone.begin()->second.cause, Cause::idle);
}

TEST(SwarmIdle, keeps_what_it_is_told_to_and_all_with_a_timeout_of_zero) {
    Pair pair;
    const auto id = pair.dial();
    const auto other = *pair.listener.up.begin();
    pair.dialler.swarm.keep(id, true, pair.net.now);
    pair.listener.swarm.keep(other, true, pair.net.now);
    for (int i = 0; i < 100; ++i) pair.wait(10s);
    EXPECT_TRUE(pair.dialler.up.contains(id));
    pair.listener.swarm.keep(other, false, pair.net.now);
    for (int i = 0; i < 30; ++i) pair.wait(10s);
    EXPECT_FALSE(pair.dialler.up.contains(id));

    auto config = like();
    config.idle_timeout = Duration::zero();
    Pair never{config};
    const auto stays = never.dial();
    for (int i = 0; i < 100; ++i) never.wait(10s);
    EXPECT_TRUE(never.dialler.up.contains(stays));
}

}  // namespace
}  // namespace sennit::libp2p
