// SPDX-License-Identifier: MIT
/// Whose turn it is, and who is woken when.
#include <gmock/gmock.h>

#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using testing::address;
using testing::Network;
using namespace std::chrono_literals;

class SwarmTurns : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(net.node(0).swarm.listen(address("/ip4/10.0.0.1/tcp/4001")));
        net.run();
        for (const std::size_t from : {std::size_t{1}, std::size_t{2}})
            ASSERT_TRUE(net.node(from).swarm.dial(address("/ip4/10.0.0.1/tcp/4001"), net.now));
        net.run();
        ASSERT_EQ(net.node(0).connected.size(), 2u);
    }
    Network net{3, {.protocols = {"/echo"}}};
};

TEST_F(SwarmTurns, gives_each_connection_a_frame_in_turn_however_much_one_has) {
    auto& swarm = net.node(0).swarm;
    for (const auto& [id, connected] : net.node(0).connected) {
        const auto stream = *swarm.open(id, {"/echo"}, net.now);
        EXPECT_GT(swarm.write(stream, Bytes(200'000, 'x')), 150'000u);
    }
    std::vector<LinkId> links;
    for (int i = 0; i < 4; ++i) {
        const auto output = swarm.poll_output(net.now);
        ASSERT_TRUE(output);
        links.push_back(std::get<Transmit>(*output).link);
    }
    EXPECT_NE(links[0], links[1]);
    EXPECT_EQ(links[0], links[2]);
    EXPECT_EQ(links[1], links[3]);
}

TEST_F(SwarmTurns, takes_events_of_each_connection_in_turn) {
    auto& swarm = net.node(0).swarm;
    // Two streams each, all of which have something to read at once.
    for (int i = 0; i < 2; ++i) {
        for (const auto& [id, connected] : net.node(0).connected)
            swarm.write(*swarm.open(id, {"/echo"}, net.now), as_bytes("hi"));
    }
    std::vector<ConnectionId> order;
    net.run_others(0);
    while (const auto event = swarm.poll_event(net.now)) {
        if (const auto* agreed = std::get_if<Swarm::Agreed>(&*event))
            order.push_back(agreed->stream.connection);
    }
    ASSERT_EQ(order.size(), 4u);
    EXPECT_NE(order[0], order[1]);
    EXPECT_EQ(order[0], order[2]);
}

TEST_F(SwarmTurns, sleeps_until_the_first_keep_alive) {
    auto& swarm = net.node(0).swarm;
    EXPECT_EQ(swarm.next_wake(), net.now.at + 30s);
    net.now.at += 29s;
    swarm.on_time(net.now);
    EXPECT_FALSE(swarm.poll_output(net.now)) << "nobody's time has come";
    net.now.at += 1s;
    net.tick();
    EXPECT_EQ(swarm.next_wake(), net.now.at + 30s) << "pinged and answered";
}

TEST_F(SwarmTurns, is_not_woken_for_those_that_are_gone) {
    net.cut();
    net.run();
    EXPECT_EQ(net.node(0).swarm.next_wake(), Instant::max());
}

TEST(Deadlines, wake_each_once_the_earliest_first) {
    Deadlines<int> deadlines;
    const Instant start{};
    EXPECT_EQ(deadlines.next(), Instant::max());
    EXPECT_FALSE(deadlines.take_due(Instant::max()));
    deadlines.set(1, start + 3s);
    deadlines.set(2, start + 2s);
    deadlines.set(1, start + 1s);
    deadlines.set(3, start + 1s);
    deadlines.forget(3);
    EXPECT_EQ(deadlines.next(), start + 1s);
    EXPECT_FALSE(deadlines.take_due(start));
    EXPECT_EQ(deadlines.take_due(start + 2s), 1);
    EXPECT_EQ(deadlines.take_due(start + 2s), 2);
    EXPECT_FALSE(deadlines.take_due(start + 9s));
    deadlines.check_invariants();
}

TEST(SwarmEcho, says_all_of_it_back_after_the_peer_has_closed_however_short_the_queue) {
    Swarm::Config config{.identity = testing::identity(1)};
    config.yamux.send_stream_bytes_max = 5'000;
    Network net{2, config};
    ASSERT_TRUE(net.node(0).swarm.listen(address("/ip4/10.0.0.1/tcp/4001")));
    net.run();
    auto& node = net.node(1);
    const auto id = *node.swarm.dial(address("/ip4/10.0.0.1/tcp/4001"), net.now);
    net.run();
    const auto stream = *node.swarm.open(id, {std::string{ping::kProtocol}}, net.now);
    net.run();
    // The peer has all of it and the end before it has sent anything back.
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(node.swarm.write(stream, Bytes(4'000, 'x')), 4'000u);
        net.deliver(1);
    }
    node.swarm.close_write(stream);
    net.deliver(1);
    net.run();
    EXPECT_EQ(node.received[stream].size(), 12'000u);
    EXPECT_TRUE(node.remote_closed.contains(stream));
}

}  // namespace
}  // namespace sennit::libp2p
