// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include "chain/test_chain.hpp"
#include "engine/engine.hpp"

/// The engine's parts through its face: a protocol that follows a script, and jobs that end when
/// the test says so.
namespace sennit::engine::fixture {

constexpr InstanceId kInstance{1};
constexpr std::uint64_t kBlocks = 40;
constexpr std::uint64_t kUnfinalised = 8;

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
    std::map<std::uint64_t, protocol::Verdict> settled;
    std::vector<PeerId> disconnected;

  private:
    protocol::Traits traits_;
};

class EngineTest : public testing::Test {
  protected:
    EngineTest() : store_{chain::make_memory_store()}, state_{chain_.open(*store_)} {
        for (std::uint64_t h = 1; h <= kBlocks; ++h) {
            const auto block = chain_.extend(*state_, state_->base()->id);
            SENNIT_ASSERT(state_->execute(block) && state_->finalise(block->id));
        }
        auto parent = state_->base()->id;
        for (std::uint64_t h = 0; h < kUnfinalised; ++h) {
            keep_certificate(parent);
            unfinalised_.push_back(chain_.extend(*state_, parent));
            parent = unfinalised_.back()->id;
            SENNIT_ASSERT(state_->execute(unfinalised_.back()));
        }
        engine_.emplace(chain_.genesis(), chain_.genesis_id(), *load_setup(*state_, *store_),
                        std::nullopt, Options{}, Rng{1}, now_);
        engine_->attach(kInstance, "scripted", protocol_, now_);
        pump();
    }

    /// As a run before left it, without the last member's signature.
    void keep_certificate(const BlockId& target) {
        auto certificate = *chain_.certify(*state_, *state_->facts(target));
        const auto last = certificate.signatures.size() - 1;
        certificate.bitmap[last / 8] ^= static_cast<std::uint8_t>(1u << last % 8);
        certificate.signatures.pop_back();
        Writer key;
        key.be(certificate.link.target.slot.value).hash(target);
        chain::Batch batch;
        batch.put(chain::Column::certificates, key.bytes(), encode(certificate));
        SENNIT_ASSERT(store_->write(batch, chain::Durability::synced));
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
    template <class M>
    std::uint64_t say(PeerId peer, M message) {
        const protocol::ReceiptId receipt{++last_receipt_};
        tell(protocol::Received{peer, receipt, protocol::make_message(std::move(message)), {}, 21});
        return receipt.value;
    }

    void tell(protocol::Output output) { handle(FromProtocol{kInstance, std::move(output)}); }
    /// The oldest read of the database ends.
    void finish_load() { finish(loads_); }
    void finish_check() { finish(checks_); }
    void finish(std::deque<engine::Run>& runs) {
        ASSERT_FALSE(runs.empty());
        const auto run = std::move(runs.front());
        runs.pop_front();
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
            if (std::holds_alternative<CheckSignatures>(run->job))
                checks_.push_back(std::move(*run));
        }
        engine_->check_invariants();
    }

    chain::fixture::TestChain chain_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<chain::State> state_;
    std::vector<BlockPtr> unfinalised_;
    Now now_{Instant{} + std::chrono::hours{1},
             from_unix_seconds(chain_.genesis().genesis_time + 1000)};
    ScriptedProtocol protocol_;
    std::optional<Engine> engine_;
    std::deque<engine::Run> loads_;
    std::deque<engine::Run> checks_;
    std::uint64_t last_peer_{0};
    std::uint64_t last_receipt_{0};
};

}  // namespace sennit::engine::fixture
