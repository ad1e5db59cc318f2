// SPDX-License-Identifier: MIT
#include "engine/fixture.hpp"

namespace sennit::engine {
namespace {

using fixture::ScriptedProtocol;
using protocol::Kind;
using protocol::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Told = ScriptedProtocol::Told;

class DeskTest : public fixture::EngineTest {
  protected:
    static protocol::GetHeaders headers() { return {Height{0}, 2048, false}; }
};

TEST_F(DeskTest, reads_for_one_question_of_a_peer_at_a_time) {
    const auto peer = come();
    const auto first = say(peer, headers());
    const auto second = say(peer, protocol::GetBlocks{protocol::BlockRange{Height{1}, 5}});
    EXPECT_THAT(loads_, SizeIs(1));
    finish_load();
    EXPECT_THAT(protocol_.told, ElementsAre(Told{peer, Kind::headers, first}));
    EXPECT_THAT(loads_, SizeIs(1));
    finish_load();
    EXPECT_THAT(protocol_.told,
                ElementsAre(Told{peer, Kind::headers, first}, Told{peer, Kind::blocks, second}));
    EXPECT_EQ(protocol_.settled.at(second), Verdict::accept);
}

TEST_F(DeskTest, answers_in_order_also_what_is_in_memory) {
    const auto peer = come();
    const auto first = say(peer, headers());
    const auto second = say(peer, protocol::GetPeers{5});
    const auto third = say(peer, protocol::GetHeaders{BlockId{}, 5, true});
    EXPECT_THAT(protocol_.told, IsEmpty());
    finish_load();
    EXPECT_THAT(protocol_.told,
                ElementsAre(Told{peer, Kind::headers, first}, Told{peer, Kind::peers, second},
                            Told{peer, Kind::headers, third}));
}

TEST_F(DeskTest, keeps_an_answer_until_there_is_room_and_reads_no_more_meanwhile) {
    const auto peer = come();
    const auto first = say(peer, headers());
    const auto second = say(peer, headers());
    protocol_.full.insert(peer);
    finish_load();
    EXPECT_THAT(protocol_.told, IsEmpty());
    EXPECT_THAT(protocol_.settled, IsEmpty());
    EXPECT_THAT(loads_, IsEmpty());
    tell(protocol::Ready{peer});  // of another queue
    EXPECT_THAT(loads_, IsEmpty());
    protocol_.full.clear();
    tell(protocol::Ready{peer});
    EXPECT_THAT(protocol_.told, ElementsAre(Told{peer, Kind::headers, first}));
    finish_load();
    EXPECT_EQ(protocol_.told.back(), (Told{peer, Kind::headers, second}));
}

TEST_F(DeskTest, keeps_few_answers_and_reads_the_others_again) {
    constexpr int kPeers = 30;
    std::vector<PeerId> peers;
    for (int i = 0; i < kPeers; ++i) {
        peers.push_back(come());
        protocol_.full.insert(peers.back());
        say(peers.back(), headers());
        finish_load();
    }
    protocol_.full.clear();
    for (const auto peer : peers) tell(protocol::Ready{peer});
    const auto kept = protocol_.told.size();
    EXPECT_GT(kept, 0u);
    EXPECT_LT(kept, 20u);
    while (!loads_.empty()) finish_load();
    EXPECT_THAT(protocol_.told, SizeIs(kPeers));
}

TEST_F(DeskTest, refuses_what_is_more_than_may_wait_and_bans_who_goes_on) {
    const auto peer = come();
    for (int i = 0; i < 16; ++i) say(peer, headers());
    EXPECT_THAT(protocol_.told, IsEmpty());
    const auto refused = say(peer, headers());
    EXPECT_THAT(protocol_.told, ElementsAre(Told{peer, Kind::refused, refused}));
    EXPECT_EQ(protocol_.settled.at(refused), Verdict::ignore);
    for (int i = 0; i < 5000; ++i) say(peer, headers());
    EXPECT_THAT(protocol_.disconnected, IsEmpty()) << "a burst is one deed";
    for (int i = 0; i < 50 && protocol_.disconnected.empty(); ++i) {
        now_.at += std::chrono::milliseconds{100};
        say(peer, headers());
    }
    EXPECT_THAT(protocol_.disconnected, ElementsAre(peer));
    EXPECT_THAT(loads_, SizeIs(1));
}

TEST_F(DeskTest, takes_peers_in_turn_and_reads_for_a_few_at_once) {
    std::vector<PeerId> peers;
    for (int i = 0; i < 6; ++i) peers.push_back(come());
    for (int round = 0; round < 2; ++round) {
        for (const auto peer : peers) say(peer, headers());
    }
    EXPECT_THAT(loads_, SizeIs(4));
    while (!loads_.empty()) {
        EXPECT_LE(loads_.size(), 4u);
        finish_load();
    }
    std::vector<PeerId> served;
    for (const auto& one : protocol_.told) served.push_back(one.to);
    auto twice = peers;
    twice.insert(twice.end(), peers.begin(), peers.end());
    EXPECT_EQ(served, twice);
}

TEST_F(DeskTest, forgets_what_was_asked_by_who_left) {
    const auto peer = come();
    for (int i = 0; i < 5; ++i) say(peer, headers());
    leave(peer);
    EXPECT_THAT(protocol_.settled, SizeIs(5));
    finish_load();
    EXPECT_THAT(protocol_.told, IsEmpty());
    EXPECT_THAT(loads_, IsEmpty());
    const auto full = come();
    protocol_.full.insert(full);
    say(full, headers());
    finish_load();
    leave(full);
    EXPECT_THAT(protocol_.settled, SizeIs(6));
}

}  // namespace
}  // namespace sennit::engine
