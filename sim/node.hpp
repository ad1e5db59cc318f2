// SPDX-License-Identifier: MIT
#pragma once

#include "engine/engine.hpp"
#include "sim/network.hpp"

namespace sennit::sim {

struct NodeOptions {
    std::optional<crypto::Ed25519Key> validator_key;
    std::optional<crypto::Secp256k1Key> account;  ///< brings evidence
    crypto::Ed25519Key node_key;
    std::vector<HostId> bootstrap;
    Duration clock_skew{0};  ///< of its wall's clock
    bool check_invariants{true};
    std::optional<Checkpoint> trusted{};
    chain::State::Limits state{};
};

/// What work costs, in virtual time.
struct Costs {
    Duration worker{std::chrono::milliseconds{2}};
    std::size_t workers{0};  ///< 0: as many as there are jobs
    Duration chain{std::chrono::milliseconds{5}};
    Duration disk{std::chrono::milliseconds{3}};
};

/// One node: the engine, ModernTensor and a chain in memory, driven as the daemon drives them (see
/// node/node.cpp), without its threads, sockets and disk. Jobs run at the end of their virtual
/// time, so a kill loses what was under way.
///
/// The store outlives runs of the node; everything else is made anew by `start`.
class SimNode {
  public:
    /// What a node tells the world, for its checks.
    struct Observer {
        std::function<void(HostId)> on_view;
        std::function<void(HostId, const engine::Notify&)> on_notify;
        std::function<void(HostId, const std::string& why)> on_halt;
    };

    SimNode(HostId host, const chain::Genesis& genesis, NodeOptions options, Costs costs,
            Scheduler& scheduler, Network& network, Rng rng, Observer observer);
    ~SimNode();

    void start();
    /// From the next start on.
    void trust(const Checkpoint& checkpoint) { options_.trusted = checkpoint; }
    /// In order: goodbyes, the peer book saved.
    void stop();
    /// As by the power switch: writes and jobs under way are lost.
    void kill();
    bool running() const { return run_ != nullptr; }
    void handle(const CarrierInput& input);

    HostId host() const { return host_; }
    /// Of the last run, if it does not run.
    const engine::View& view() const { return *view_; }
    const engine::Engine& engine() const;
    const chain::Store& store() const { return *store_; }
    Slot head_slot() const { return view_->head->slot; }
    Slot finalised_slot() const { return view_->finalised->slot; }
    Height head_height() const { return view_->head->height; }
    Height finalised_height() const { return view_->finalised->height; }
    std::size_t peers() const { return view_->peers; }
    /// After the head.
    Amount balance(const Address& address) const;
    /// Nullopt: never signed.
    std::optional<validator::SlashingRecord> slashing_record() const;

    engine::Ticket submit(const TransactionPtr& tx);
    /// Nullptr: no answer yet.
    const Result<TxId>* answer(engine::Ticket ticket) const;
    // What a machine that is not honest does beside its engine.

    /// To all its peers, whatever the engine thinks of it.
    void say(const protocol::MessagePtr& message);
    /// To one of them.
    void say(HostId to, const protocol::MessagePtr& message);
    /// The same in bytes, past the protocol and its limits, as far as the links take them. From
    /// then on it takes no notice of what it is told.
    void shout(const Bytes& frames);
    chain::State& state() { return *run_->state; }

    /// Timers that have fired: a node that spins shows here.
    std::uint64_t wakes() const { return wakes_; }

  private:
    /// What one run of the node consists of.
    struct Run {
        std::unique_ptr<chain::State> state;
        std::unique_ptr<protocol::Protocol> protocol;
        std::unique_ptr<engine::Engine> engine;
        std::optional<Instant> armed;  ///< the earliest planned wake
        Instant chain_free{};
        std::vector<Instant> workers_free;
        Instant disk_free{};
        std::vector<engine::Store> unwritten;
    };

    Now now() const;
    void say(std::span<const PeerId> peers, const protocol::MessagePtr& message);
    void handle(engine::Event event);
    void pump();
    void carry_out(engine::Action action);
    void carry_out(engine::Run run);
    void carry_out(engine::Store store);
    void write_oldest();
    void arm();
    void wake();
    /// Plans for this run only.
    void plan(Instant when, std::function<void()> event);

    HostId host_;
    const chain::Genesis& genesis_;
    NodeOptions options_;
    Costs costs_;
    Scheduler& scheduler_;
    Network& network_;
    Rng rng_;
    Observer observer_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<Run> run_;
    std::uint64_t runs_{0};
    std::uint64_t wakes_{0};
    bool shouts_{false};
    engine::ViewPtr view_;
    std::uint64_t next_ticket_{1};
    std::map<engine::Ticket, Result<TxId>> answers_;
};

}  // namespace sennit::sim
