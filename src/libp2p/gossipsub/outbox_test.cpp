// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/outbox.hpp"

#include "libp2p/gossipsub/testing.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using namespace std::chrono_literals;
using fixture::at;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::rpc_of;
using ::testing::SizeIs;

class OutboxTest : public ::testing::Test {
  protected:
    static constexpr Outbox::Limits kLimits{
        .frame_size_max = 1000, .bytes_max = 5000, .count_max = 100, .ids_max = 200, .keep = 5s};

    Outbox::Queued put(std::uint8_t number, std::size_t size) {
        Message message;
        message.topic = "t";
        message.data = Bytes(size, number);
        return outbox.message({number}, std::make_shared<const Bytes>(encode_message(message)),
                              at(0));
    }
    Rpc next(double seconds = 0) {
        const auto frame = outbox.next_frame(at(seconds));
        outbox.check_invariants();
        return frame ? rpc_of(*frame) : Rpc{};
    }

    Outbox outbox{kLimits};
};

TEST_F(OutboxTest, says_control_before_messages_and_messages_before_gossip) {
    outbox.ihave("t", {{1}});
    outbox.iwant({2}, false);
    put(1, 600);
    put(2, 600);
    outbox.graft("t");
    outbox.subscription("t", true);
    outbox.idontwant({3});
    const auto first = next();
    EXPECT_THAT(first.subscriptions, SizeIs(1));
    EXPECT_THAT(first.control.graft, SizeIs(1));
    EXPECT_THAT(first.control.idontwant, SizeIs(1));
    EXPECT_THAT(first.publish, SizeIs(1));
    EXPECT_THAT(first.control.ihave, IsEmpty());
    const auto second = next();
    EXPECT_THAT(second.publish, SizeIs(1));
    EXPECT_THAT(second.control.iwant, SizeIs(1));
    EXPECT_THAT(second.control.ihave, SizeIs(1));
    EXPECT_FALSE(outbox.next_frame(at(0)));
    EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, never_makes_a_frame_longer_than_the_peer_takes) {
    for (int i = 0; i < 150; ++i) {
        const auto name = "a rather long topic " + std::to_string(i);
        outbox.subscription(name, true);
        outbox.prune({name, std::vector<Prune::Peer>(3, Prune::Peer{Bytes(30), {}}), 60});
        outbox.iwant(Bytes(40), false);
        outbox.idontwant(Bytes(40));
    }
    for (std::uint8_t i = 0; i < 10; ++i) put(i, 300);
    outbox.ihave("t", std::vector<MessageId>(200, Bytes(40)));
    std::size_t ids = 0;
    while (const auto frame = outbox.next_frame(at(0))) {
        EXPECT_LE(frame->size(), kLimits.frame_size_max + 2);
        for (const auto& ihave : rpc_of(*frame).control.ihave) ids += ihave.ids.size();
    }
    EXPECT_EQ(ids, 200u);
}

/// Filled with everything at once, whatever the frame's size.
class FullOutbox : public ::testing::TestWithParam<std::size_t> {};

TEST_P(FullOutbox, makes_frames_that_every_decoder_takes) {
    Outbox full{{.frame_size_max = GetParam(),
                 .bytes_max = 4 << 20,
                 .count_max = 20'000,
                 .ids_max = 15'000,
                 .keep = 5s}};
    Message message;
    message.topic = "t";
    const auto encoded = std::make_shared<const Bytes>(encode_message(message));
    for (int i = 0; i < 12'000; ++i) {
        const auto id = std::move(Writer{4}.be(static_cast<std::uint32_t>(i))).take();
        full.message(id, encoded, at(0));
        full.iwant(id, i % 100 == 0);
        full.idontwant(id);
    }
    for (int i = 0; i < 1500; ++i) {
        const auto topic = std::to_string(i);
        full.subscription(topic, true);
        full.prune({topic, std::vector<Prune::Peer>(16, Prune::Peer{Bytes(38), {}}), 60});
        if (i < 5) full.ihave(topic, std::vector<MessageId>(5000, Bytes(8)));
    }
    std::size_t messages = 0, ids = 0, exchanged = 0;
    while (const auto frame = full.next_frame(at(0))) {
        const auto rpc = rpc_of(*frame);
        EXPECT_LE(rpc.subscriptions.size(), 100u) << "rust's limit";
        messages += rpc.publish.size();
        ids += rpc.control.iwant.size() + rpc.control.idontwant.size();
        for (const auto& ihave : rpc.control.ihave) ids += ihave.ids.size();
        for (const auto& prune : rpc.control.prune) exchanged += prune.peers.size();
    }
    EXPECT_EQ(messages, 12'000u);
    EXPECT_EQ(ids, 2 * 12'000u + 5 * 5000u);
    EXPECT_EQ(exchanged, 1500u * 16);
    EXPECT_EQ(full.take_asked().size(), 120u);
}

INSTANTIATE_TEST_SUITE_P(AnySize, FullOutbox, ::testing::Values(64u << 10, 1u << 20));

TEST_F(OutboxTest, sends_what_is_asked_for_whatever_was_said_before) {
    outbox.unwanted({1});
    outbox.wanted({1});
    put(1, 10);
    EXPECT_THAT(next().publish, SizeIs(1));
    outbox.on_heartbeat();
    outbox.check_invariants();
}

TEST_F(OutboxTest, refuses_a_message_longer_than_a_frame_until_the_peer_takes_longer_ones) {
    EXPECT_EQ(put(1, 990), Outbox::Queued::too_large);
    outbox.set_frame_size_max(2000);
    EXPECT_EQ(put(1, 990), Outbox::Queued::yes);
}

TEST_F(OutboxTest, drops_the_new_message_when_it_is_full) {
    for (std::uint8_t i = 0; i < 5; ++i) EXPECT_EQ(put(i, 900), Outbox::Queued::yes);
    EXPECT_EQ(put(5, 900), Outbox::Queued::full);
    EXPECT_EQ(next().publish.at(0).data->at(0), 0);
    EXPECT_EQ(put(6, 900), Outbox::Queued::yes) << "there is room again";
}

TEST_F(OutboxTest, does_not_send_what_waited_too_long) {
    put(1, 100);
    EXPECT_THAT(next(5.1).publish, IsEmpty());
    EXPECT_EQ(outbox.dropped_late(), 1u);
    EXPECT_TRUE(outbox.empty());
}

TEST_F(OutboxTest, forgets_after_three_heartbeats_what_is_not_wanted) {
    outbox.unwanted({1});
    for (int beat = 0; beat < 3; ++beat) {
        EXPECT_FALSE(outbox.wants({1}));
        outbox.on_heartbeat();
    }
    EXPECT_TRUE(outbox.wants({1}));
    outbox.check_invariants();
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
