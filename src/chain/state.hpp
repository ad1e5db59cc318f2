// SPDX-License-Identifier: MIT
#pragma once

#include "chain/execution.hpp"
#include "chain/store.hpp"

namespace sennit::chain {

/// Balance and nonce of an account that a block touched, for the pool.
struct TouchedAccount {
    Address address;
    std::uint64_t nonce{0};
    Amount balance{0};
};

struct ExecutedBlock {
    FactsPtr facts;  ///< with sets; executed
    std::vector<Receipt> receipts;
    std::vector<TouchedAccount> touched;
};

/// An immutable layer above the finalised block: what one block changed.
class Layer;
using LayerPtr = std::shared_ptr<const Layer>;

/// State after one block, readable from any thread while others write: a database snapshot and the
/// layers above it.
class StateView : public StateReader {
  public:
    StateView(SnapshotPtr base, LayerPtr top) : base_{std::move(base)}, top_{std::move(top)} {}

    Result<std::optional<Account>> account(const Address& address) const override;
    Result<Word> slot(const Address& address, const Word& key) const override;
    /// For proofs; `owner` empty: the accounts' trie, else the storage trie of Keccak(address).
    Result<std::optional<Bytes>> trie_node(const Digest* owner, BytesView path) const;
    const Snapshot& snapshot() const { return *base_; }

  private:
    SnapshotPtr base_;
    LayerPtr top_;
};
using StateViewPtr = std::shared_ptr<const StateView>;

/// What a proposer asks for.
struct BuildOrder {
    BlockId parent;
    Slot slot;
    ValidatorKey validator;
    Bytes extra_data;
    std::vector<TransactionPtr> candidates;  ///< in order of preference; nonces of one sender rise
};
/// A block without its signature, and the candidates that could not be in any next block.
struct BuiltBlock {
    Header header;
    std::vector<TransactionPtr> transactions;
    std::vector<std::pair<TxId, Error>> refused;
};

/// The chain's state on disk and the layers above its finalised block (CHAIN section 4).
///
/// Lives on the chain thread and is entered by jobs, in order. A reorg is somebody else's decision
/// and undoes nothing here: every executed block above the finalised one has its layer. Each call
/// that changes something is one atomic batch; a kill between two leaves a state that opens.
class State {
  public:
    struct Limits {
        std::size_t layers_max{4096};  ///< above it execute() is busy where room is limited
        std::size_t layers_bytes_max{512 << 20};  ///< the same, for what the layers hold in memory
        std::size_t cache_bytes{64 << 20};        ///< of base rows kept for execution
    };

    /// Opens the database, writing the genesis into an empty one. Errors: mismatch when it holds
    /// another genesis; io.
    static Result<std::unique_ptr<State>> open(Store& store, const Genesis& genesis, Limits limits);
    static Result<std::unique_ptr<State>> open(Store& store, const Genesis& genesis) {
        return open(store, genesis, Limits{});
    }
    virtual ~State() = default;

    virtual const BlockId& genesis_id() const = 0;
    virtual const Header& genesis_header() const = 0;
    /// The last finalised and applied block.
    virtual FactsPtr base() const = 0;
    /// Facts of every executed block above the base, parents before children.
    virtual std::vector<FactsPtr> layers() const = 0;
    /// Facts of any stored block: unfinalised, or finalised and recent, or from the database.
    virtual FactsPtr facts(const BlockId& id) const = 0;

    /// Executes a block whose parent is the base or a layer, checks size, roots, gas and state
    /// root, and stores header, body, receipts, facts and layer in one batch. Executing a block
    /// again gives the same answer at no cost. Errors: invalid (the block is condemned: header or
    /// body says), mismatch (the body is not the header's: only its sender is condemned), not_found
    /// (no such parent), busy (no room for another layer), io.
    ///
    /// `Room::needed` is for what contends with the head: refusing that while finality waits would
    /// end the chain, since only blocks that were executed can be voted for (CHAIN rule 20).
    enum class Room : std::uint8_t { limited, needed };
    virtual Result<ExecutedBlock> execute(const BlockPtr& block, Room room = Room::limited) = 0;
    /// What the layers hold in memory.
    virtual std::size_t layers_bytes() const = 0;

    /// Merges the layers from the base up to `id` into the base, drops the siblings, writes the
    /// indices by height and by transaction. Certificates are stored elsewhere. Errors: not_found,
    /// io.
    virtual Result<void> finalise(const BlockId& id) = 0;

    /// Below known finality: executes blocks, each the child of the one before, straight into the
    /// base, in one batch. Header signatures are the caller's. Stops at the first that fails:
    /// those before it are applied. Blocks that have layers already are finalised as `finalise`
    /// does, in a batch of their own; layers that do not descend from the last block are dropped.
    /// Memory grows with the span: some hundred blocks a call are plenty.
    struct Appended {
        std::size_t applied{0};
        FactsPtr base;
        std::optional<Error> error;
        std::vector<TouchedAccount> touched;
    };
    virtual Result<Appended> append_final(std::span<const BlockPtr> blocks) = 0;

    virtual Result<BuiltBlock> build(const BuildOrder& order) = 0;

    /// State after `id`, which must be the base or a layer.
    virtual Result<StateViewPtr> view(const BlockId& id) const = 0;
};

// Reads for RPC and for serving peers, from any thread, on a snapshot.

Result<std::optional<BlockId>> stored_id(const Snapshot& db, Height height);
/// Of the finalised chain.
struct StoredHeader {
    BlockId id;
    Bytes bytes;
};
/// Upwards from `low`, `count` at most, as far as there are any. One scan: a lookup for each costs
/// ten times as much.
Result<std::vector<StoredHeader>> stored_headers(const Snapshot& db, Height low,
                                                 std::uint64_t count);
Result<std::optional<Bytes>> stored_header(const Snapshot& db, const BlockId& id);
/// Header, id and body with senders; null if it is not stored.
Result<BlockPtr> stored_block(const Snapshot& db, const BlockId& id);
Result<std::optional<std::vector<Receipt>>> stored_receipts(const Snapshot& db, const BlockId& id);
struct TransactionPlace {
    BlockId block;
    std::uint32_t index{0};
};
/// Where a finalised transaction lies.
Result<std::optional<TransactionPlace>> stored_place(const Snapshot& db, const TxId& id);

/// Checks the base state as a whole: its root is the base block's, every stored trie node is
/// reachable and hashes to what its parent says, and each stored account and slot is a leaf of its
/// trie (CHAIN section 4). Reads everything: for tests, and for an operator who doubts a disk.
/// Errors: mismatch, with what differs; io.
Result<void> check_state(const Snapshot& db);

}  // namespace sennit::chain
