// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/secp256k1.hpp"
#include "engine/job.hpp"
#include "mempool/mempool.hpp"
#include "peers/peers.hpp"
#include "sync/sync.hpp"
#include "validator/validator.hpp"

/// The node's decisions: composes peers, pool, relay, sync, block tree and validator, and is the
/// only place that knows them all (DESIGN 3.2).
///
/// Pure: it owns no socket, disk, thread or clock. It lives on one thread, together with the
/// protocols, which it calls directly; jobs run elsewhere and come back as events.
///
///     engine.handle(event, now);
///     while (auto action = engine.poll()) carry_out(std::move(*action));
///     // then drain the protocols, which the engine may have given something to send
///     wake_at(engine.deadline());
namespace sennit::engine {

using Ticket = Strong<struct TicketTag, std::uint64_t>;

struct Options {
    peers::Peers::Limits peers;
    mempool::Mempool::Limits pool;
    sync::Options sync;
    bool empty_blocks{true};
    /// Pays for transactions of the node's own: evidence against validators.
    std::optional<crypto::Secp256k1Key> account;
    /// Blocks of one proposal may hold so many transactions; the chain's own limits apply besides.
    std::size_t block_transactions_max{2000};
    /// As what waits for finality in memory comes near this, proposals get emptier (rule 20: the
    /// chain goes on, for ever if need be).
    std::size_t layers_bytes_max{chain::State::Limits{}.layers_bytes_max};
};

/// Evidence that the chain has not judged yet.
struct KeptEvidence {
    ValidatorKey offender;
    Evidence evidence;
};

/// What a node finds on its disk when it starts; see `load_setup`.
struct Setup {
    chain::FactsPtr base;
    std::vector<chain::FactsPtr> recent;  ///< ancestors of the base down to J(J(base))
    struct Layer {
        chain::FactsPtr facts;
        BlockPtr block;
        CertificatePtr certificate;  ///< of this block, if it was certified
        chain::StateViewPtr view;    ///< after this block
    };
    std::vector<Layer> layers;  ///< parents first
    chain::StateViewPtr view;   ///< of the base
    /// Of the base: blocks above it name it as J, and whoever gets them wants it beside.
    CertificatePtr base_certificate;
    std::optional<validator::SlashingRecord> slashing;
    std::vector<KeptEvidence> evidence;
    std::vector<Bytes> pool;
    std::optional<Bytes> peers;
    CertificatePtr finality;  ///< the newest held certificate that finalises
};
/// Errors: io.
Result<Setup> load_setup(chain::State& state, const chain::Store& store);

/// What RPC and status commands read, from any thread; replaced on every change.
struct View {
    chain::FactsPtr head;
    chain::FactsPtr certified;
    chain::FactsPtr finalised;
    chain::StateViewPtr state;       ///< after the head
    chain::StateViewPtr base_state;  ///< after the finalised one
    std::map<BlockId, chain::StateViewPtr>
        states;  ///< after executed blocks above the finalised one
    std::map<BlockId, BlockPtr> unfinalised;
    CertificatePtr finality;  ///< the newest held certificate that finalises
    std::vector<std::pair<Height, BlockId>>
        branch;  ///< unfinalised blocks of the head's branch, rising
    sync::Progress sync;
    std::size_t peers{0};
    std::size_t pool_transactions{0};
    std::size_t pool_bytes{0};
    std::optional<std::string> fault;
};
using ViewPtr = std::shared_ptr<const View>;

// Events.

struct FromProtocol {
    InstanceId instance;
    protocol::Output output;  ///< never a CarrierOutput
};
struct JobDone {
    JobId job;
    JobResult result;
};
struct Stored {
    Ticket ticket;
};
/// A transaction of our own user. Answered by Answer.
struct Submit {
    Ticket ticket;
    Bytes rlp;
};
struct Wake {};
struct DiskFailed {
    Error why;
};
struct Shutdown {};
using Event = std::variant<FromProtocol, JobDone, Stored, Submit, Wake, DiskFailed, Shutdown>;

// Actions.

struct Run {
    JobId id;
    Lane lane{};
    Job job;
};
struct Store {
    Ticket ticket;
    chain::Batch batch;
    chain::Durability durability{};
};
struct Answer {
    Ticket ticket;
    Result<TxId> result;
};
struct Publish {
    ViewPtr view;
};
/// A line for the operator.
struct Notify {
    enum class Level : std::uint8_t { debug, info, warning, error } level{};
    std::string text;
};
/// The node cannot go on: stop in order.
struct Halt {
    std::string why;
};
using Action = std::variant<Run, Store, Answer, Publish, Notify, Halt>;

class Core;

class Engine {
  public:
    Engine(chain::Genesis genesis, BlockId genesis_id, Setup setup,
           std::optional<crypto::Ed25519Key> validator_key, Options options, Rng rng, Now now);
    ~Engine();

    /// Before the first event; protocols outlive the engine. `name` is what people see.
    void attach(InstanceId instance, std::string name, protocol::Protocol& protocol, Now now);
    /// Always kept, dialled first.
    void add_bootstrap(InstanceId instance, const NetAddress& address);

    void handle(Event event, Now now);
    std::optional<Action> poll();
    /// When `Wake` is wanted.
    Instant deadline(Now now) const;

    // For RPC, on the engine's thread only.
    const mempool::Mempool& pool() const;
    const peers::Peers& peers() const;
    const validator::Validator* validator() const;
    struct PeerLine {
        PeerRef ref;
        std::string protocol;
        protocol::PeerFacts facts;
        std::uint64_t height{0};
        int score{0};
        std::string tier;
        std::vector<peers::Peers::Change> reasons;  ///< for the score, newest first
    };
    std::vector<PeerLine> peer_lines() const;
    ViewPtr view(Now now) const;

    void check_invariants() const;

  private:
    std::unique_ptr<Core> core_;
};

}  // namespace sennit::engine
