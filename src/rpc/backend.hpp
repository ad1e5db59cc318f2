// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "base/json.hpp"
#include "primitives/account.hpp"
#include "primitives/vote.hpp"

/// What JSON-RPC needs of a node. The node implements it; rpc knows nothing else of the node.
namespace sennit::rpc {

/// Which state or block a call is about (CHAIN section 6).
enum class Tag : std::uint8_t {
    latest,     ///< the head
    safe,       ///< the highest certified block of the head's branch
    finalized,  ///< the last finalised and applied block
    pending,    ///< the head; its nonces count the pool
    earliest,   ///< genesis
};
using BlockRef = std::variant<Tag, Height, BlockId>;

struct BlockAnswer {
    BlockPtr block;
    Address miner;  ///< the leader's payout address; zero for genesis
    std::vector<Receipt> receipts;
};
struct TransactionAnswer {
    TransactionPtr tx;
    std::optional<BlockAnswer> block;  ///< none: it waits in the pool
    std::uint32_t index{0};
};

struct PeerAnswer {
    std::string protocol;
    std::string address;
    std::string agent;
    std::optional<NodeId> id;
    bool proven{false};
    bool inbound{false};
    bool sennit{false};
    std::uint64_t height{0};
    int score{0};
    std::string tier;
    struct Reason {
        std::string deed;
        int delta{0};
        std::string what;
    };
    std::vector<Reason> reasons;  ///< for the score, newest first
};
struct BanAnswer {
    std::string identity;
    std::uint64_t until{0};  ///< Unix seconds
    std::string why;
};
struct PoolAnswer {
    std::size_t transactions{0};
    std::size_t bytes{0};
    std::vector<TransactionPtr> best;  ///< at most a hundred
};
struct StatusAnswer {
    std::string version;
    std::uint64_t chain_id{0};
    BlockId genesis;
    Height head;
    BlockId head_id;
    Height safe;
    Height finalized;
    BlockId finalized_id;
    std::string checkpoint;  ///< slot:id of the finalised block, for others' --trust
    Slot slot_now;
    std::uint64_t slot_seconds{0};
    std::size_t peers{0};
    std::size_t pool_transactions{0};
    std::string sync_phase;  ///< IDLE, SYNCING, SYNCED, BEHIND, ERROR
    std::string sync_stage;
    Height sync_current;
    Height sync_target;
    double sync_percent{100};
    double sync_per_second{0};
    std::optional<double> sync_seconds_left;
    std::string sync_error;                 ///< why it does not go on, or empty
    std::optional<ValidatorKey> validator;  ///< our own key, if this node validates
    std::optional<std::string> fault;
};

/// Takes an answer that others get as well.
template <class T>
using Shared = std::function<void(const Result<T>&)>;

/// Everything is called on the RPC thread; what needs the engine comes back through a callback,
/// on that thread, too, exactly once, or is dropped when the node stops. What comes back so may
/// also be Errc::busy.
class Backend {
  public:
    virtual ~Backend() = default;

    virtual std::uint64_t chain_id() const = 0;
    virtual std::uint64_t min_gas_price() const = 0;
    virtual std::string client_version() const = 0;  ///< "sennit/0.1.0/linux"
    virtual StatusAnswer status() const = 0;

    /// nullopt: no such block. Errors: io.
    virtual Result<std::optional<BlockAnswer>> block(const BlockRef& which) const = 0;
    /// Of the finalised chain, of the head's branch above it, or of the pool.
    virtual void transaction(
        const TxId& id,
        std::function<void(Result<std::optional<TransactionAnswer>>)> then) const = 0;

    /// nullopt: no such account. Errors: not_found with the whole text for the caller ("state of
    /// block N is pruned, oldest is M"); io.
    virtual Result<std::optional<Account>> account(const Address& address,
                                                   const BlockRef& at) const = 0;
    virtual void pending_nonce(const Address& address,
                               std::function<void(Result<std::uint64_t>)> then) const = 0;
    virtual Result<Bytes> call(const Address& to, BytesView data, const BlockRef& at) const = 0;
    virtual std::uint64_t estimate_gas(const Address& to, BytesView data) const = 0;
    virtual bool reserved(const Address& address) const = 0;  ///< has code fe

    /// Acknowledged once it is durable. The error's text is for the caller.
    virtual void submit(Bytes rlp, std::function<void(Result<TxId>)> then) = 0;

    virtual void peers(Shared<std::vector<PeerAnswer>> then) const = 0;
    virtual void bans(Shared<std::vector<BanAnswer>> then) const = 0;
    virtual void pool(Shared<PoolAnswer> then) const = 0;
    /// In force at the head, and the one before it while certificates are joint.
    virtual std::vector<ValidatorSetPtr> validators() const = 0;
    /// The newest certificate that finalises.
    virtual CertificatePtr finality() const = 0;
};

}  // namespace sennit::rpc
