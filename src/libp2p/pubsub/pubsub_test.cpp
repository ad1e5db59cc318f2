// SPDX-License-Identifier: MIT
#include "libp2p/pubsub/pubsub.hpp"

#include <gmock/gmock.h>

#include "libp2p/gossipsub/testing.hpp"
#include "libp2p/swarm/test_carrier.hpp"

namespace sennit::libp2p {
namespace {

using namespace std::chrono_literals;
using gossipsub::Router;
using ::testing::ElementsAre;
using testing::identity;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Nodes of a test network, each with a pubsub.
class PubsubTest : public ::testing::Test {
  protected:
    struct Node {
        std::unique_ptr<Pubsub> pubsub;
        std::vector<std::string> received{};
    };

    void SetUp() override { start(3); }

    void start(std::size_t count, gossipsub::SigningPolicy policy = {}) {
        nodes.clear();
        net.emplace(count, testing::Network::Like{Pubsub::protocols()});
        for (std::size_t i = 0; i < count; ++i) {
            const auto key = identity(static_cast<std::uint8_t>(i + 1));
            gossipsub::Config config{.identity = key, .policy = policy};
            nodes.push_back(
                {std::make_unique<Pubsub>(net->node(i).swarm, config, Rng{i}, net->now)});
            net->node(i).first = [this, i](const Swarm::Event& event, Now now) {
                return nodes[i].pubsub->on_event(event, now);
            };
            net->node(i).pump = [this, i] { return pump(i); };
            const auto where = "/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/4001";
            ASSERT_TRUE(net->node(i).swarm.listen(*Multiaddr::parse(where)));
        }
        net->run();
    }
    bool pump(std::size_t i) {
        bool moved = nodes[i].pubsub->pump(net->now);
        while (const auto event = nodes[i].pubsub->poll_event(net->now)) {
            moved = true;
            if (const auto* got = std::get_if<Router::Received>(&*event))
                nodes[i].received.emplace_back(as_text(*got->message->data));
        }
        return moved;
    }
    ConnectionId connect(std::size_t from, std::size_t to) {
        const auto address =
            Multiaddr::parse("/ip4/10.0.0." + std::to_string(to + 1) + "/tcp/4001");
        const auto id = net->node(from).swarm.dial(*address, net->now);
        net->run();
        return *id;
    }
    void join_all() {
        for (auto& node : nodes)
            ASSERT_TRUE(node.pubsub->router().join("t", {.ask = false}, net->now));
        net->run();
    }
    void publish(std::size_t from, std::string_view text) {
        ASSERT_TRUE(nodes[from].pubsub->router().publish("t", to_bytes(as_bytes(text)), net->now));
        net->run();
    }
    void pass(Duration time) {
        const auto until = net->now.at + time;
        while (net->now.at < until) {
            net->now.at += 250ms;
            for (auto& node : nodes) node.pubsub->on_time(net->now);
            net->tick();
        }
        for (auto& node : nodes) node.pubsub->check_invariants();
    }

    std::optional<testing::Network> net;
    std::deque<Node> nodes;
};

TEST_F(PubsubTest, carries_a_message_over_two_hops) {
    join_all();
    connect(0, 1);
    connect(1, 2);
    publish(0, "hello");
    EXPECT_THAT(nodes[1].received, ElementsAre("hello"));
    EXPECT_THAT(nodes[2].received, ElementsAre("hello"));
    EXPECT_THAT(nodes[0].received, IsEmpty());
    publish(2, "back");
    EXPECT_THAT(nodes[0].received, ElementsAre("back"));
}

TEST_F(PubsubTest, carries_unsigned_messages_where_nobody_signs) {
    start(3, gossipsub::SigningPolicy::strict_no_sign);
    join_all();
    connect(0, 1);
    connect(1, 2);
    publish(2, "hello");
    EXPECT_THAT(nodes[0].received, ElementsAre("hello"));
}

TEST_F(PubsubTest, carries_messages_longer_than_a_window_to_peers_that_take_long_ones) {
    join_all();
    connect(0, 1);
    // Our own agent is "sennit" here, which says nothing about what it takes.
    const auto id = identity(2).peer_id();
    nodes[0].pubsub->router().set_rpc_size_max(id, 1 << 20);
    const std::string large(900'000, 'x');
    publish(0, large);
    EXPECT_THAT(nodes[1].received, ElementsAre(large));
}

TEST_F(PubsubTest, delivers_thousands_of_messages_in_order_and_loses_none) {
    join_all();
    connect(0, 1);
    // Frames that could hold more messages than a decoder takes.
    nodes[0].pubsub->router().set_rpc_size_max(identity(2).peer_id(), 1 << 20);
    for (int i = 0; i < 3000; ++i) {
        ASSERT_TRUE(nodes[0].pubsub->router().publish("t", to_bytes(as_bytes(std::to_string(i))),
                                                      net->now));
    }
    net->run();
    ASSERT_THAT(nodes[1].received, SizeIs(3000));
    for (int i = 0; i < 3000; ++i)
        ASSERT_EQ(nodes[1].received[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(PubsubTest, forgets_a_peer_with_its_connection_and_finds_it_again) {
    join_all();
    const auto id = connect(0, 1);
    auto& router = nodes[0].pubsub->router();
    EXPECT_EQ(router.peers(), 1u);
    net->node(0).swarm.disconnect(id);
    net->run();
    EXPECT_EQ(router.peers(), 0u);
    EXPECT_EQ(nodes[1].pubsub->router().peers(), 0u);
    connect(1, 0);
    EXPECT_EQ(router.peers(), 1u);
    publish(0, "again");
    EXPECT_THAT(nodes[1].received, ElementsAre("again"));
}

TEST_F(PubsubTest, opens_its_stream_again_when_it_broke) {
    join_all();
    const auto id = connect(0, 1);
    // The peer resets the stream on which node 0 writes.
    const auto broken = *net->node(0).swarm.open(id, Pubsub::protocols(), net->now);
    net->run();  // a second one: node 1 resets the first
    net->node(0).swarm.reset(broken);
    net->run();
    publish(0, "waits");
    EXPECT_THAT(nodes[1].received, IsEmpty());
    pass(4s);
    publish(0, "waits too");
    pass(8s);
    EXPECT_EQ(nodes[0].pubsub->router().peers(), 1u);
    publish(0, "hello");
    EXPECT_THAT(nodes[1].received, ::testing::Contains("hello"));
}

TEST_F(PubsubTest, finds_a_peer_that_speaks_pubsub_only_later) {
    for (auto& node : nodes) ASSERT_TRUE(node.pubsub->router().join("t", {.ask = false}, net->now));
    net->node(1).swarm.set_protocols({}, net->now);
    connect(0, 1);
    pass(45s);
    EXPECT_EQ(nodes[0].pubsub->router().peers(), 0u) << "it has given up";
    net->node(1).swarm.set_protocols(Pubsub::protocols(), net->now);
    // By now node 1 has opened its own stream again, which tells that it is there.
    pass(30s);
    EXPECT_EQ(nodes[0].pubsub->router().peers(), 1u);
    publish(0, "hello");
    EXPECT_THAT(nodes[1].received, ::testing::Contains("hello"));
}

TEST_F(PubsubTest, resets_the_stream_of_who_writes_no_rpc_and_stays_connected) {
    join_all();
    const auto id = connect(0, 1);
    const auto stream = *net->node(0).swarm.open(id, Pubsub::protocols(), net->now);
    net->run();
    net->node(0).swarm.write(stream, Bytes{2, 0x0f, 0xff});
    net->run();
    EXPECT_LT(nodes[1].pubsub->router().score(identity(1).peer_id(), net->now), 0);
    EXPECT_EQ(net->node(1).swarm.connections(), 1u);
}

TEST_F(PubsubTest, refuses_an_rpc_that_is_too_long_when_it_begins) {
    join_all();
    const auto id = connect(0, 1);
    const auto stream = *net->node(0).swarm.open(id, Pubsub::protocols(), net->now);
    net->run();
    net->node(0).swarm.write(stream, Bytes{0xff, 0xff, 0xff, 0x7f});
    net->run();
    EXPECT_THAT(net->node(0).failed, ::testing::Contains(stream));
}

}  // namespace
}  // namespace sennit::libp2p
