// SPDX-License-Identifier: MIT
/// Peers with streams by hand: who asks wrongly, too slowly or too much, and who answers so.
#include <gmock/gmock.h>

#include "libp2p/peer_routing/fixture.hpp"

namespace sennit::libp2p {
namespace {

using namespace std::chrono_literals;
using peer_routing::testing::address;
using peer_routing::testing::answer;
using peer_routing::testing::find_node;
using peer_routing::testing::World;
using ::testing::IsEmpty;

/// Node 0 serves.
class ServingTest : public ::testing::Test {
  protected:
    void write(std::size_t from, StreamRef stream, BytesView bytes) {
        ASSERT_EQ(world.net.node(from).swarm.write(stream, bytes), bytes.size());
        world.net.run();
    }
    std::vector<kad::Message> answers(std::size_t node, StreamRef stream) {
        const auto& text = world.net.node(node).received[stream];
        FrameCutter frames{kad::kMessageSizeMax};
        std::vector<kad::Message> out;
        for (auto in = as_bytes(text); !in.empty();) {
            const auto frame = frames.next(in);
            if (!frame || !*frame) break;
            out.push_back(*kad::decode(**frame));
        }
        return out;
    }
    bool failed(std::size_t node, StreamRef stream) {
        return world.net.node(node).failed.contains(stream);
    }
    PeerRouting& routing() { return world.sides[0]->routing; }

    World world{4};
};

TEST_F(ServingTest, several_requests_on_one_stream_are_answered_in_order) {
    world.route(0);
    const auto stream = world.open(1, world.dial(1, 0));
    auto three = find_node(world.id(2).view());
    const auto ping = Bytes{2, 8, 5};
    three.insert(three.end(), ping.begin(), ping.end());
    write(1, stream, three);
    write(1, stream, find_node(Bytes{7}));
    const auto got = answers(1, stream);
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0].type, kad::MessageType::find_node);
    EXPECT_EQ(got[1].type, kad::MessageType::ping);
    EXPECT_EQ(got[2].type, kad::MessageType::find_node);
    EXPECT_EQ(routing().inbound(), 1u);
    world.net.node(1).swarm.close_write(stream);
    world.net.run();
    EXPECT_EQ(routing().inbound(), 0u);
    EXPECT_TRUE(world.net.node(1).remote_closed.contains(stream));
    EXPECT_FALSE(failed(1, stream));
}

TEST_F(ServingTest, junk_an_oversized_prefix_and_half_a_request_are_reset) {
    world.route(0);
    const auto connection = world.dial(1, 0);
    for (const auto& bytes : {Bytes{3, 0xff, 0xff, 0xff}, Bytes{0xff, 0xff, 0x7f}}) {
        const auto stream = world.open(1, connection);
        write(1, stream, bytes);
        EXPECT_TRUE(failed(1, stream)) << to_hex(bytes);
    }
    const auto half = world.open(1, connection);
    write(1, half, Bytes{9, 8});
    EXPECT_FALSE(failed(1, half));
    world.net.node(1).swarm.close_write(half);
    world.net.run();
    EXPECT_TRUE(failed(1, half));
    EXPECT_EQ(routing().inbound(), 0u);
}

TEST_F(ServingTest, a_peer_has_its_share_of_streams) {
    world.route(0, {.streams_per_peer_max = 2, .streams_max = 3});
    const auto first = world.dial(1, 0);
    const auto a = world.open(1, first);
    const auto b = world.open(1, first);
    world.net.run();
    const auto c = world.open(1, first);
    world.net.run();
    EXPECT_FALSE(failed(1, a) || failed(1, b));
    EXPECT_TRUE(failed(1, c));
    const auto other = world.dial(2, 0);
    const auto d = world.open(2, other);
    const auto e = world.open(2, other);
    world.net.run();
    EXPECT_FALSE(failed(2, d));
    EXPECT_TRUE(failed(2, e)) << "all places are taken";
    world.net.node(1).swarm.disconnect(first);
    world.net.run();
    const auto f = world.open(2, other);
    world.net.run();
    EXPECT_FALSE(failed(2, f)) << "a place is free again";
}

TEST_F(ServingTest, a_byte_now_and_then_keeps_no_stream) {
    world.route(0, {.stream_idle_max = 5s});
    const auto stream = world.open(1, world.dial(1, 0));
    const auto request = find_node(Bytes(100, 7));
    for (std::size_t i = 0; i < 4; ++i) {
        write(1, stream, BytesView{request}.subspan(i, 1));
        ASSERT_FALSE(failed(1, stream)) << i;
        world.pass(1s);
    }
    EXPECT_EQ(routing().inbound(), 1u);
    world.pass(1s);
    EXPECT_TRUE(failed(1, stream));
    EXPECT_EQ(routing().inbound(), 0u);
}

TEST_F(ServingTest, whole_requests_keep_a_stream) {
    world.route(0, {.stream_idle_max = 5s});
    const auto stream = world.open(1, world.dial(1, 0));
    for (int i = 0; i < 4; ++i) {
        write(1, stream, find_node(Bytes{7}));
        world.pass(4s);
    }
    EXPECT_FALSE(failed(1, stream));
    EXPECT_EQ(answers(1, stream).size(), 4u);
}

TEST_F(ServingTest, who_asks_too_often_is_reset_and_others_are_answered) {
    world.route(0);
    const auto stream = world.open(1, world.dial(1, 0));
    Bytes many;
    for (int i = 0; i < 100; ++i) {
        const auto one = find_node(Bytes{7});
        many.insert(many.end(), one.begin(), one.end());
    }
    write(1, stream, many);
    EXPECT_TRUE(failed(1, stream));
    const auto other = world.open(2, world.dial(2, 0));
    write(2, other, find_node(Bytes{7}));
    EXPECT_EQ(answers(2, other).size(), 1u);
}

TEST_F(ServingTest, who_reads_no_answers_holds_up_nobody_else_and_is_asked_no_further) {
    auto config = world.config(0);
    config.requests_of_one = {1'000'000, 1ms};
    config.requests_of_all = {1'000'000, 1ms};
    world.route(0, {.stream_idle_max = 5s}, config);
    const auto connection = world.dial(1, 0);
    const auto stream = world.open(1, connection);
    auto& node = world.net.node(1);
    node.first = [&](const Swarm::Event& event, Now) {
        const auto* readable = std::get_if<Swarm::Readable>(&event);
        return readable != nullptr && readable->stream == stream;  // and leaves it there
    };
    const auto request = find_node(Bytes{7});
    // Far more than a stream's window and queue take of answers.
    for (int i = 0; i < 400'000 && !failed(1, stream); ++i) {
        const auto taken = node.swarm.write(stream, request);
        if (taken < request.size()) break;
        if (i % 1000 == 0) world.net.run();
    }
    world.net.run();
    EXPECT_EQ(routing().inbound(), 1u);
    const auto other = world.open(2, world.dial(2, 0));
    write(2, other, find_node(Bytes{7}));
    EXPECT_EQ(answers(2, other).size(), 1u);
    world.pass(6s);
    EXPECT_TRUE(failed(1, stream)) << "it does not read for ever";
}

/// Node 0 asks node 1, which answers by hand.
class AskingTest : public ::testing::Test {
  protected:
    void ask(std::function<void(Swarm&, StreamRef)> answers) {
        auto& node = world.net.node(1);
        node.first = [&node, answers](const Swarm::Event& event, Now) {
            if (const auto* opened = std::get_if<Swarm::Opened>(&event))
                answers(node.swarm, opened->stream);
            return true;
        };
        world.route(0, {.idle_max = 60s});
        auto& kad = world.sides[0]->routing.kad();
        kad.bootstrap({world.where(1)}, world.net.now);
        ASSERT_TRUE(kad.find(testing::identity(99).peer_id(), world.net.now));
        world.net.run();
    }
    const std::optional<kad::Kad::QueryDone>& done() { return world.sides[0]->done; }

    World world{3};
};

TEST_F(AskingTest, silence_is_a_failure_after_the_time_that_kad_gives) {
    std::vector<StreamRef> streams;
    ask([&](Swarm&, StreamRef stream) { streams.push_back(stream); });
    EXPECT_FALSE(done());
    world.pass(9s);
    EXPECT_FALSE(done());
    world.pass(2s);
    ASSERT_TRUE(done());
    EXPECT_THAT(done()->closest, IsEmpty());
}

TEST_F(AskingTest, an_oversized_answer_is_a_failure_at_its_prefix) {
    ask([](Swarm& swarm, StreamRef stream) { swarm.write(stream, Bytes{0xff, 0xff, 0x7f}); });
    ASSERT_TRUE(done());
    EXPECT_THAT(done()->closest, IsEmpty());
}

TEST_F(AskingTest, half_an_answer_and_its_end_is_a_failure) {
    ask([](Swarm& swarm, StreamRef stream) {
        swarm.write(stream, Bytes{9, 8});
        swarm.close_write(stream);
    });
    ASSERT_TRUE(done());
    EXPECT_THAT(done()->closest, IsEmpty());
}

TEST_F(AskingTest, a_reset_stream_is_a_failure) {
    ask([](Swarm& swarm, StreamRef stream) { swarm.reset(stream); });
    ASSERT_TRUE(done());
    EXPECT_THAT(done()->closest, IsEmpty());
}

TEST_F(AskingTest, an_answer_counts_though_the_peer_never_closes) {
    ask([](Swarm& swarm, StreamRef stream) { swarm.write(stream, answer({})); });
    ASSERT_TRUE(done());
    EXPECT_EQ(done()->closest.size(), 1u);
    EXPECT_LE(world.sides[0]->routing.next_wake(), world.net.now.at + 2s);
    world.pass(3s);
}

TEST_F(AskingTest, a_stream_is_not_closed_before_its_answer_is_there) {
    std::vector<StreamRef> streams;
    ask([&](Swarm&, StreamRef stream) { streams.push_back(stream); });
    ASSERT_FALSE(streams.empty());
    auto& node = world.net.node(1);
    std::set<StreamRef> closed;
    node.first = [&](const Swarm::Event& event, Now) {
        if (const auto* one = std::get_if<Swarm::RemoteClosed>(&event)) closed.insert(one->stream);
        return true;
    };
    world.pass(1s);
    EXPECT_THAT(closed, IsEmpty());
    node.swarm.write(streams.front(), answer({}));
    world.net.run();
    EXPECT_TRUE(closed.contains(streams.front()));
}

TEST_F(AskingTest, bytes_behind_an_answer_change_nothing) {
    ask([](Swarm& swarm, StreamRef stream) {
        auto bytes = answer({});
        bytes.resize(bytes.size() + 1000, 0xff);
        swarm.write(stream, bytes);
    });
    ASSERT_TRUE(done());
    EXPECT_EQ(done()->closest.size(), 1u);
}

}  // namespace
}  // namespace sennit::libp2p
