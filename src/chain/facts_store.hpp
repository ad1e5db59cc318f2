// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>

#include "chain/facts.hpp"
#include "chain/store.hpp"

namespace sennit::chain {

/// Facts of finalised blocks: the newest in memory, the others read from the database when a rule
/// asks for them.
///
/// The window covers what headers name in ordinary times, J and the blocks down to it; after a
/// long stall of finality J may lie further back, and is then read.
class FactsStore {
  public:
    explicit FactsStore(const Snapshot& db) : db_{db} {}

    /// Null if the block is not stored.
    Result<FactsPtr> get(const BlockId& id);
    /// The same, past the window: for blocks that are not final.
    Result<FactsPtr> read(const BlockId& id);
    void remember(FactsPtr facts);

    /// Puts the facts' row, and each validator set that the parent's facts (null for block 0) did
    /// not bring to the disk already.
    void write(Batch& batch, const Facts& facts, const Facts* parent);

  private:
    Result<ValidatorSetPtr> set(const Digest& digest);
    Digest digest_of(const ValidatorSetPtr& set);
    void keep(const Digest& digest, ValidatorSetPtr set);

    /// About 2 MiB: more slots than a day of finality in every other slot leaves open.
    static constexpr std::size_t kWindow = 4096;
    /// Sets change once an epoch; a window seldom sees more than a few.
    static constexpr std::size_t kSetsKept = 16;

    const Snapshot& db_;
    std::map<BlockId, FactsPtr> window_;
    std::deque<BlockId> order_;
    std::deque<std::pair<Digest, ValidatorSetPtr>> sets_;  ///< newest first
    QuorumPtr quorum_;  ///< of the last facts seen: neighbours share it
};

}  // namespace sennit::chain
