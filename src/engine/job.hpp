// SPDX-License-Identifier: MIT
#pragma once

#include "chain/registry_evidence.hpp"
#include "chain/state.hpp"
#include "crypto/ed25519.hpp"
#include "mempool/mempool.hpp"
#include "protocol/protocol.hpp"

/// Work that takes too long for the engine's thread, as data (CONTRACT 4).
///
/// A job is a pure function of itself and of the chain's state: the daemon runs it in threads, the
/// simulator inline at a virtual cost.
namespace sennit::engine {

using JobId = Strong<struct JobIdTag, std::uint64_t>;

// For any worker.

/// Ed25519 signatures: votes, certificates, evidence.
struct CheckSignatures {
    std::vector<protocol::SignatureCheck> checks;
    bool all{false};  ///< worth something only together: after a wrong one none is looked at
};
struct SignaturesChecked {
    std::vector<bool> verdicts;
};

/// Evidence off the wire: is it one, signatures included?
struct JudgeEvidence {
    std::vector<Evidence> items;
};
struct EvidenceJudged {
    std::vector<Result<chain::Offence>> offences;
};

/// A block off the wire: its header's signature, its certificate's, its transactions' form and
/// senders, its body against its header.
struct CheckBlock {
    protocol::WireBlock block;
    std::vector<protocol::SignatureCheck> certificate;  ///< empty: none to check
};
struct BlockChecked {
    bool signature{false};
    bool certificate{false};
    /// Error: the body is wrong, and only who sent it is to blame (CONTRACT rule 7).
    Result<BlockPtr> block{Error{}};
};

/// The same for many blocks of a sync, without certificates.
struct CheckBlocks {
    std::vector<protocol::WireBlock> blocks;
};
struct BlocksChecked {
    std::vector<BlockChecked> blocks;
};

/// Transactions off the wire, with their senders' accounts at the head.
struct OpenTransactions {
    std::vector<protocol::SharedSlice> rlp;
    chain::StateViewPtr state;
};
struct TransactionsOpened {
    struct Opened {
        TransactionPtr tx;
        mempool::Mempool::AccountState account;
    };
    std::vector<Result<Opened>> transactions;
};

/// Finalised blocks out of the database, for those who ask.
struct LoadBlocks {
    enum class What : std::uint8_t { headers, bodies, blocks };
    What what{What::headers};
    std::variant<protocol::BlockRange, std::vector<BlockId>> which;
    bool downwards{false};     ///< with a range: from `from` towards 0; headers have a range
    std::size_t bytes_max{0};  ///< ends after the item that passes it
};
struct BlocksLoaded {
    std::vector<protocol::WireHeader> headers;
    std::vector<BlockPtr> blocks;  ///< for bodies and blocks
};

/// Rows of the database in key order: certificates, unlinked headers.
struct LoadRows {
    chain::Column column{};
    Bytes from;
    std::size_t count_max{0};
};
struct RowsLoaded {
    std::vector<std::pair<Bytes, Bytes>> rows;
};

// For the chain's thread, in order.

struct ExecuteBlock {
    BlockPtr block;
    chain::State::Room room{chain::State::Room::limited};
};
struct BlockExecuted {
    Result<chain::ExecutedBlock> result{Error{}};
    chain::StateViewPtr view;  ///< after the block
    std::size_t layers_bytes{0};
};
struct FinaliseBlock {
    BlockId id;
};
struct BlockFinalised {
    Result<void> result;
    chain::StateViewPtr view;  ///< of the new base
    std::size_t layers_bytes{0};
};
/// Executes checked blocks straight into the base.
struct AppendBlocks {
    std::vector<BlockPtr> blocks;
};
struct BlocksAppended {
    Result<chain::State::Appended> result{Error{}};
    std::vector<chain::FactsPtr> between;  ///< as Tree::rebase wants them
    chain::StateViewPtr view;
    std::size_t layers_bytes{0};
};
struct BuildBlock {
    chain::BuildOrder order;
};
struct BlockBuilt {
    Result<chain::BuiltBlock> result{Error{}};
};

using Job =
    std::variant<CheckSignatures, JudgeEvidence, CheckBlock, CheckBlocks, OpenTransactions,
                 LoadBlocks, LoadRows, ExecuteBlock, FinaliseBlock, AppendBlocks, BuildBlock>;
using JobResult = std::variant<SignaturesChecked, EvidenceJudged, BlockChecked, BlocksChecked,
                               TransactionsOpened, BlocksLoaded, RowsLoaded, BlockExecuted,
                               BlockFinalised, BlocksAppended, BlockBuilt, Error>;

enum class Lane : std::uint8_t {
    worker,  ///< any thread, any order; touches no State
    chain,   ///< one thread, in order
};
Lane lane_of(const Job& job);
/// What a slot waits for overtakes what merely has to be done: a flood of transactions must not
/// keep a validator from checking a block in time. Workers only; the chain's jobs keep their order.
bool is_urgent(const Job& job);

/// What jobs may touch. Workers read `store` only.
struct JobContext {
    const chain::Genesis& genesis;
    BlockId genesis_id;
    const chain::Store& store;
    chain::State& state;
};
/// An Error stands for the disk's.
JobResult run(const Job& job, const JobContext& context);

/// Ancestors of `base` that later blocks may name as J, and what their links need: all down to
/// J(J(base)). With `above` only those above that block.
std::vector<chain::FactsPtr> recent_ancestors(const chain::State& state, const chain::Facts& base,
                                              const chain::Facts* above = nullptr);

/// The checks that a certificate's signatures need; `quorum` must fit its form.
std::vector<protocol::SignatureCheck> signature_checks(const Certificate& certificate,
                                                       const Quorum& quorum,
                                                       const BlockId& genesis_id);

}  // namespace sennit::engine
