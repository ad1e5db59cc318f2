// SPDX-License-Identifier: MIT
/// One connection per peer: which of two stays, and that both sides agree.
#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using ::testing::HasSubstr;
using testing::Network;
using testing::Node;
using Cause = Swarm::Cause;
using namespace std::chrono_literals;

const Swarm::Config& like() {
    static const Swarm::Config config{.identity = testing::identity(1), .protocols = {"/echo"}};
    return config;
}

/// Two nodes that listen both; `small` is the one with the smaller id.
struct Two {
    Two() {
        for (const std::size_t i : {small, large}) listen(i);
        net.run();
    }
    void listen(std::size_t i) { EXPECT_TRUE(net.node(i).swarm.listen(address(where(i)))); }
    static std::string where(std::size_t i) {
        return "/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/4001";
    }
    /// Without the peer's id: the dialler does not know whom it will meet.
    ConnectionId dial(std::size_t from, bool named = false) {
        const auto to = from == small ? large : small;
        const auto id = net.node(to).swarm.self().text();
        return *net.node(from).swarm.dial(address(where(to) + (named ? "/p2p/" + id : "")),
                                          net.now);
    }
    Node& smaller() { return net.node(small); }
    Node& larger() { return net.node(large); }
    bool echoes(Node& from) {
        const auto stream = *from.swarm.open(*from.up.begin(), {"/echo"}, net.now);
        from.swarm.write(stream, as_bytes("hello"));
        net.run();
        return from.received[stream] == "hello";
    }

    Network net{2, like()};
    std::size_t small{net.node(0).swarm.self() < net.node(1).swarm.self() ? 0u : 1u};
    std::size_t large{1 - small};
};

TEST(SwarmPeers, keep_what_the_smaller_dialled_when_both_dial_at_once_in_every_order) {
    int kept_by_smaller = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        for (const bool named : {false, true}) {
            Two two;
            two.net.held = true;
            two.dial(two.small, named);
            two.dial(two.large, named);
            Rng rng{seed};
            two.net.settle(rng);
            ASSERT_EQ(two.smaller().up.size(), 1u) << seed;
            ASSERT_EQ(two.larger().up.size(), 1u) << seed;
            ASSERT_EQ(two.net.links().size(), 2u) << seed;
            const bool inbound = two.smaller().connected.at(*two.smaller().up.begin()).inbound;
            ASSERT_NE(inbound, two.larger().connected.at(*two.larger().up.begin()).inbound) << seed;
            // One that knows its peer does not dial on when the peer was faster.
            ASSERT_TRUE(named || !inbound) << seed;
            kept_by_smaller += inbound ? 0 : 1;
            two.net.held = false;
            ASSERT_TRUE(two.echoes(two.smaller()) && two.echoes(two.larger())) << seed;
        }
    }
    EXPECT_GT(kept_by_smaller, 500);
}

TEST(SwarmPeers, tell_the_streams_of_a_connection_that_is_superseded) {
    Two two;
    const auto lost = two.dial(two.large);
    two.net.run();
    auto& larger = two.larger();
    const auto ours = *larger.swarm.open(lost, {"/echo"}, two.net.now);
    larger.swarm.write(ours, as_bytes("x"));
    two.net.run();
    auto& smaller = two.smaller();
    const auto theirs = *smaller.opened.begin();
    two.dial(two.small);
    two.net.run();

    ASSERT_TRUE(smaller.reasons.contains(theirs));
    EXPECT_THAT(smaller.reasons.at(theirs).text(), HasSubstr("superseded"));
    const auto& gone = smaller.gone.at(theirs.connection);
    EXPECT_EQ(gone.cause, Cause::superseded);
    EXPECT_EQ(gone.why.code, Errc::duplicate);
    EXPECT_TRUE(gone.was_connected);
    ASSERT_TRUE(larger.gone.contains(lost));
    EXPECT_EQ(smaller.up.size(), 1u);
    EXPECT_EQ(larger.up.size(), 1u);
    EXPECT_TRUE(two.echoes(larger));
}

TEST(SwarmPeers, drop_a_second_dial_to_the_same_peer_before_the_peer_knows_of_it) {
    for (const std::size_t from : {std::size_t{0}, std::size_t{1}}) {
        Two two;
        auto& dialler = two.net.node(from);
        auto& listener = two.net.node(1 - from);
        const auto first = two.dial(from);
        two.net.run();
        const auto second = two.dial(from);
        two.net.run();
        EXPECT_TRUE(dialler.up.contains(first));
        ASSERT_TRUE(dialler.gone.contains(second));
        EXPECT_EQ(dialler.gone.at(second).cause, Cause::superseded);
        EXPECT_THAT(dialler.gone.at(second).why.text(),
                    HasSubstr("connection " + std::to_string(first.value)));
        EXPECT_EQ(listener.connected.size(), 1u);
        EXPECT_EQ(listener.swarm.connections(), 1u);
        EXPECT_TRUE(two.echoes(dialler));
    }
}

TEST(SwarmPeers, keep_one_of_two_dials_by_one_side_in_every_order) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Two two;
        two.net.held = true;
        two.dial(two.small);
        two.dial(two.small);
        Rng rng{seed};
        two.net.settle(rng);
        ASSERT_EQ(two.smaller().up.size(), 1u) << seed;
        ASSERT_EQ(two.larger().up.size(), 1u) << seed;
        ASSERT_EQ(two.net.links().size(), 2u) << seed;
    }
}

/// The old connection is up on one side only; whoever dialled it, and whoever comes back.
TEST(SwarmPeers, let_one_that_restarted_replace_its_old_connection) {
    for (const bool small_dialled : {false, true}) {
        for (const bool small_restarts : {false, true}) {
            Two two;
            two.dial(small_dialled ? two.small : two.large);
            two.net.run();
            two.net.now.at += Swarm::kCrossingMax + 1ms;
            const auto back = small_restarts ? two.small : two.large;
            auto& stayed = two.net.node(1 - back);
            const auto old = *stayed.up.begin();
            two.net.restart(back, like());
            const auto fresh = two.dial(back, /*named=*/true);
            two.net.run();
            ASSERT_TRUE(two.net.node(back).up.contains(fresh));
            ASSERT_TRUE(stayed.gone.contains(old));
            EXPECT_EQ(stayed.gone.at(old).cause, Cause::superseded);
            EXPECT_EQ(stayed.up.size(), 1u);
            EXPECT_TRUE(two.echoes(stayed));
        }
    }
}

TEST(SwarmPeers, let_one_that_restarted_in_seconds_in_again_after_them) {
    Two two;
    two.dial(two.small);
    two.net.run();
    two.net.restart(two.large, like());
    const auto early = two.dial(two.large, /*named=*/true);
    two.net.run();
    EXPECT_TRUE(two.larger().gone.contains(early)) << "it might be a dial that crossed ours";
    two.net.now.at += Swarm::kCrossingMax + 1ms;
    const auto later = two.dial(two.large, /*named=*/true);
    two.net.run();
    EXPECT_TRUE(two.larger().up.contains(later));
}

TEST(SwarmPeers, leave_a_dial_that_leads_nowhere_when_the_peer_has_come) {
    Two two;
    two.net.black_holes.insert({"tcp", "10.7.7.7", 1});
    for (const std::size_t from : {two.small, two.large}) {
        Two fresh;
        fresh.net.black_holes.insert({"tcp", "10.7.7.7", 1});
        auto& waiting = fresh.net.node(from);
        const auto peer = fresh.net.node(1 - from).swarm.self().text();
        const auto id =
            *waiting.swarm.dial(address("/ip4/10.7.7.7/tcp/1/p2p/" + peer), fresh.net.now);
        fresh.net.run();
        fresh.dial(1 - from);
        fresh.net.run();
        ASSERT_TRUE(waiting.gone.contains(id));
        EXPECT_EQ(waiting.gone.at(id).cause, Cause::superseded);
        EXPECT_FALSE(waiting.gone.at(id).was_connected);
        EXPECT_EQ(waiting.up.size(), 1u);
    }
}

TEST(SwarmPeers, are_not_disturbed_by_strangers) {
    Network net{3, like()};
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}})
        ASSERT_TRUE(net.node(i).swarm.listen(address(Two::where(i))));
    net.run();
    const auto id = *net.node(0).swarm.dial(address(Two::where(1)), net.now);
    net.run();
    const auto other_side = *net.node(1).up.begin();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(net.node(2).swarm.dial(address(Two::where(0)), net.now));
        ASSERT_TRUE(net.node(2).swarm.dial(address(Two::where(1)), net.now));
        net.silent_link(0);
        net.run();
        net.now.at += Swarm::kCrossingMax + 1ms;
        net.tick();
    }
    EXPECT_TRUE(net.node(0).up.contains(id));
    EXPECT_TRUE(net.node(1).up.contains(other_side));
}

TEST(SwarmPeers, say_how_they_went) {
    Two two;
    const auto left = two.dial(two.small);
    two.net.run();
    two.smaller().swarm.disconnect(left);
    two.net.run();
    EXPECT_EQ(two.smaller().gone.at(left).cause, Cause::we_left);
    EXPECT_EQ(two.larger().gone.begin()->second.cause, Cause::peer_left);

    const auto cut = two.dial(two.small);
    two.net.run();
    two.net.cut();
    two.net.run();
    EXPECT_EQ(two.smaller().gone.at(cut).cause, Cause::link_down);

    const auto silent = two.dial(two.small);
    two.net.run();
    two.net.restart(two.large, like());
    for (int i = 0; i < 6; ++i) {
        two.net.now.at += 10s;
        two.net.tick();
    }
    ASSERT_TRUE(two.smaller().gone.contains(silent));
    EXPECT_EQ(two.smaller().gone.at(silent).cause, Cause::timeout);
}

}  // namespace
}  // namespace sennit::libp2p
