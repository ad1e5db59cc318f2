// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>

#include "engine/engine.hpp"
#include "relay/inventory.hpp"

/// What the engine's parts share. Private to engine/.
namespace sennit::engine {

class Intake;
class Ballots;
class Traffic;
class Producer;
class Reporter;
class Desk;
class Catching;
class Meeting;

/// Requests of the engine itself count from here; those of sync from 1.
constexpr std::uint64_t kOwnRequestsFrom = std::uint64_t{1} << 62;

class Core {
  public:
    Core(chain::Genesis genesis_, BlockId genesis_id_, Setup setup,
         std::optional<crypto::Ed25519Key> key, Options options_, Rng rng, Now start);
    ~Core();

    // Fixed.
    const chain::Genesis genesis;
    const BlockId genesis_id;
    const chain::Schedule schedule;
    const Options options;

    // State machines.
    chain::Tree tree;
    chain::Votes votes;
    mempool::Mempool pool;
    peers::Peers peers;
    sync::Sync sync;
    std::optional<validator::Validator> validator;
    relay::Inventory inventory;

    // Parts.
    std::unique_ptr<Intake> intake;
    std::unique_ptr<Ballots> ballots;
    std::unique_ptr<Traffic> traffic;
    std::unique_ptr<Producer> producer;
    std::unique_ptr<Reporter> reporter;
    std::unique_ptr<Desk> desk;
    std::unique_ptr<Catching> catching;
    std::unique_ptr<Meeting> meeting;

    struct Instance {
        std::string name;
        protocol::Protocol* protocol{nullptr};
    };
    std::map<InstanceId, Instance> instances;

    Now now;  ///< of the event under way
    bool stopping{false};
    bool publish_due{true};

    // Chain.
    chain::FactsPtr head;
    chain::StateViewPtr head_view;
    chain::StateViewPtr base_view;  ///< of the tree's root
    CertificatePtr finality;        ///< newest certificate that finalises
    std::size_t layers_bytes{0};    ///< that wait for finality, as the chain's thread told last

    // Towards the driver.
    std::deque<Action> actions;

    using Then = std::function<void(JobResult&&)>;
    /// The answer comes in a later event. A disk's error halts the node before `then` is called.
    void run(Job job, Then then);
    void on_job(JobId id, JobResult&& result);
    /// `then` runs once the batch is as durable as asked for.
    void store(chain::Batch batch, chain::Durability durability, std::function<void()> then = {});
    void on_stored(Ticket ticket);
    void halt(std::string why);
    void notify(Notify::Level level, std::string text);

    // Towards protocols.
    protocol::Protocol* protocol_of(PeerRef peer);
    void settle(PeerRef peer, protocol::ReceiptId receipt, protocol::Verdict verdict);
    /// To one peer; true unless it was refused.
    bool send(PeerRef peer, const protocol::Outgoing& outgoing);
    /// To every connected peer that passes `wants`, encoded once for each protocol; marks `item` as
    /// known.
    using Wants = std::function<bool(PeerRef, const protocol::PeerFacts&)>;
    void spread(const protocol::Outgoing& outgoing, std::optional<Digest> item, const Wants& wants);
    /// Scores a deed, and disconnects whom it bans.
    void judge(PeerRef peer, peers::Deed deed, std::string_view what);
    protocol::RequestId next_request() { return protocol::RequestId{next_request_++}; }

    Slot slot_now() const;
    std::optional<Instant> at_wall(UnixTime time) const;
    /// After anything that may have changed the head or finality.
    void chain_changed();
    ViewPtr make_view() const;
    /// The base moved under the tree: sync executed straight into it.
    void rebase(chain::FactsPtr base, std::span<const chain::FactsPtr> between,
                chain::StateViewPtr view);
    bool finalising() const { return finalising_; }
    void on_wake();
    void shut_down();

  private:
    void apply_finality();
    void move_head();
    void tell_protocols();

    std::map<JobId, Then> jobs_;
    std::map<Ticket, std::function<void()>> stores_;
    std::uint64_t next_job_{1};
    std::uint64_t next_ticket_{std::uint64_t{1} << 32};
    std::uint64_t next_request_{kOwnRequestsFrom};
    bool finalising_{false};
    std::string sync_error_;  ///< the last that the operator was told
};

/// Durations that several parts wait for.
constexpr std::uint64_t kHoldSeconds = 60;
constexpr Duration kHoldMax = std::chrono::seconds{kHoldSeconds};

}  // namespace sennit::engine
