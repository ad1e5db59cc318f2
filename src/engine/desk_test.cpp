// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "chain/test_chain.hpp"
#include "engine/engine.hpp"

/// The desk through the engine's face: a protocol that follows a script, and jobs that end when the
/// test says so.
namespace sennit::engine {
namespace {

using protocol::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr InstanceId kInstance{1};
constexpr std::uint64_t kBlocks = 40;

class ScriptedProtocol : public protocol::Protocol {
  public:
    struct Told {
        PeerId to;
        protocol::Kind kind;
        std::uint64_t answers;  ///< receipt

        bool operator==(const Told&) const = default;
    };

    void handle(const protocol::Input& input, Now) override {
        if (const auto* settle = std::get_if<protocol::Settle>(&input)) {
            EXPECT_TRUE(settled.emplace(settle->receipt.value, settle->verdict).second)
                << "settled twice: " << settle->receipt.value;
        }
        if (const auto* bye = std::get_if<protocol::Disconnect>(&input))
            disconnected.push_back(bye->peer);
    }
    protocol::Sent send(std::span<const PeerId> peers, const protocol::Outgoing& outgoing,
                        Now now) override {
        protocol::Sent sent{now.at, {}};
        for (const auto peer : peers) {
            if (outgoing.priority == protocol::Priority::bulk && full.contains(peer)) {
                sent.refused.emplace_back(peer, protocol::Refusal::busy);
            } else if (outgoing.answers) {
                EXPECT_FALSE(settled.contains(outgoing.answers->value));
                told.push_back({peer, kind_of(*outgoing.message), outgoing.answers->value});
            }
        }
        return sent;
    }
    Result<void> announce(const protocol::Outgoing&, std::span<const PeerId>, Now) override {
        return {};
    }
    std::optional<protocol::Output> poll() override { return {}; }
    std::optional<Instant> deadline() const override { return {}; }
    const protocol::Traits& traits() const override { return traits_; }
    protocol::Stats stats() const override { return {}; }

    std::set<PeerId> full;  ///< their queues of answers are
    std::vector<Told> told;
    std::map<std::uint64_t, Verdict> settled;
    std::vector<PeerId> disconnected;

  private:
    protocol::Traits traits_;
};

class DeskTest : public testing::Test {
  protected:
    DeskTest() : store_{chain::make_memory_store()}, state_{chain_.open(*store_)} {
        for (std::uint64_t h = 1; h <= kBlocks; ++h) {
            const auto block = chain_.extend(*state_, state_->base()->id);
            SENNIT_ASSERT(state_->execute(block) && state_->finalise(block->id));
        }
        engine_.emplace(chain_.genesis(), chain_.genesis_id(), *load_setup(*state_, *store_),
                        std::nullopt, Options{}, Rng{1}, now_);
        engine_->attach(kInstance, "scripted", protocol_, now_);
        pump();
    }

    PeerId come() {
        const PeerId peer{++last_peer_};
        protocol::PeerFacts facts;
        facts.inbound = true;
        facts.address = {"tcp", "20." + std::to_string(last_peer_) + ".0.1", 1};
        facts.traits.says = protocol::KindSet::all();
        tell(protocol::PeerUp{peer, facts});
        return peer;
    }
    void leave(PeerId peer) { tell(protocol::PeerDown{peer, "left"}); }

    /// Returns its receipt.
    template <class Ask>
    std::uint64_t ask(PeerId peer, Ask ask) {
        const protocol::ReceiptId receipt{++last_receipt_};
        tell(protocol::Received{peer, receipt, protocol::make_message(std::move(ask)), {}, 21});
        return receipt.value;
    }
    static protocol::GetHeaders headers() { return {Height{0}, 2048, false}; }

    void tell(protocol::Output output) { handle(FromProtocol{kInstance, std::move(output)}); }
    /// The oldest read of the database ends.
    void finish_load() {
        ASSERT_FALSE(loads_.empty());
        const auto run = std::move(loads_.front());
        loads_.pop_front();
        const JobContext context{chain_.genesis(), chain_.genesis_id(), *store_, *state_};
        handle(JobDone{run.id, engine::run(run.job, context)});
    }
    void handle(Event event) {
        engine_->handle(std::move(event), now_);
        pump();
    }
    void pump() {
        while (auto action = engine_->poll()) {
            auto* run = std::get_if<engine::Run>(&*action);
            if (run == nullptr) continue;
            const bool load = std::holds_alternative<LoadBlocks>(run->job) ||
                              std::holds_alternative<LoadRows>(run->job);
            if (load) loads_.push_back(std::move(*run));
        }
        engine_->check_invariants();
    }

    chain::fixture::TestChain chain_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<chain::State> state_;
    Now now_{Instant{} + std::chrono::hours{1},
             from_unix_seconds(chain_.genesis().genesis_time + 1000)};
    ScriptedProtocol protocol_;
    std::optional<Engine> engine_;
    std::deque<engine::Run> loads_;
    std::uint64_t last_peer_{0};
    std::uint64_t last_receipt_{0};
};

using Told = ScriptedProtocol::Told;
using protocol::Kind;

TEST_F(DeskTest, reads_for_one_question_of_a_peer_at_a_time) {
    const auto peer = come();
    const auto first = ask(peer, headers());
    const auto second = ask(peer, protocol::GetBlocks{protocol::BlockRange{Height{1}, 5}});
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
    const auto first = ask(peer, headers());
    const auto second = ask(peer, protocol::GetPeers{5});
    const auto third = ask(peer, protocol::GetHeaders{BlockId{}, 5, true});
    EXPECT_THAT(protocol_.told, IsEmpty());
    finish_load();
    EXPECT_THAT(protocol_.told,
                ElementsAre(Told{peer, Kind::headers, first}, Told{peer, Kind::peers, second},
                            Told{peer, Kind::headers, third}));
}

TEST_F(DeskTest, keeps_an_answer_until_there_is_room_and_reads_no_more_meanwhile) {
    const auto peer = come();
    const auto first = ask(peer, headers());
    const auto second = ask(peer, headers());
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
        ask(peers.back(), headers());
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
    for (int i = 0; i < 16; ++i) ask(peer, headers());
    EXPECT_THAT(protocol_.told, IsEmpty());
    const auto refused = ask(peer, headers());
    EXPECT_THAT(protocol_.told, ElementsAre(Told{peer, Kind::refused, refused}));
    EXPECT_EQ(protocol_.settled.at(refused), Verdict::ignore);
    for (int i = 0; i < 5000; ++i) ask(peer, headers());
    EXPECT_THAT(protocol_.disconnected, IsEmpty()) << "a burst is one deed";
    for (int i = 0; i < 50 && protocol_.disconnected.empty(); ++i) {
        now_.at += std::chrono::milliseconds{100};
        ask(peer, headers());
    }
    EXPECT_THAT(protocol_.disconnected, ElementsAre(peer));
    EXPECT_THAT(loads_, SizeIs(1));
}

TEST_F(DeskTest, takes_peers_in_turn_and_reads_for_a_few_at_once) {
    std::vector<PeerId> peers;
    for (int i = 0; i < 6; ++i) peers.push_back(come());
    for (int round = 0; round < 2; ++round) {
        for (const auto peer : peers) ask(peer, headers());
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
    for (int i = 0; i < 5; ++i) ask(peer, headers());
    leave(peer);
    EXPECT_THAT(protocol_.settled, SizeIs(5));
    finish_load();
    EXPECT_THAT(protocol_.told, IsEmpty());
    EXPECT_THAT(loads_, IsEmpty());
    const auto full = come();
    protocol_.full.insert(full);
    ask(full, headers());
    finish_load();
    leave(full);
    EXPECT_THAT(protocol_.settled, SizeIs(6));
}

}  // namespace
}  // namespace sennit::engine
