// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "chain/genesis.hpp"

namespace sennit::chain {

/// The versions of the validator set that a block's state names (CHAIN rules 17 and 25).
struct Sets {
    ValidatorSetPtr previous;  ///< null for version 0
    ValidatorSetPtr current;
    ValidatorSetPtr next;  ///< null unless decided in this epoch; in force from the next one

    /// What is in force at `slot`, a slot of this epoch or a later one.
    Sets at(Slot slot) const;
};

/// What consensus knows of a block from its own ancestors alone: nothing here depends on what a
/// node happened to hear, so every node derives the same (CHAIN section 2).
struct Facts {
    BlockId id;
    BlockId parent;
    Height height;
    Slot slot;
    Checkpoint justified;     ///< J: the newest certified ancestor that this block's branch records
    Checkpoint finalised;     ///< F: recorded finality
    Digest digest;            ///< d: chain of records, rule 23
    bool epoch_start{false};  ///< the first block of its epoch on this branch
    /// Sets after this block was executed. Before execution `sets.next` of an epoch's first block
    /// is not known yet, and `executed` is false.
    Sets sets;
    bool executed{false};
    QuorumPtr quorum;  ///< who certifies this block as a target, rule 18

    Checkpoint checkpoint() const { return {slot, id}; }
};
using FactsPtr = std::shared_ptr<const Facts>;

/// Finds an ancestor by id; null if it is not held.
using FactsLookup = std::function<FactsPtr(const BlockId&)>;

/// Facts of block 0.
FactsPtr genesis_facts(const Genesis& genesis, const Header& header);

/// Derives a block's facts from its parent's, checking every rule that needs the header alone:
/// version, height, slot exact and later than the parent's, gas limit, leader's key, extra_data,
/// J among the ancestors and no older than the parent's, the bitmap present exactly when J is
/// newer, and a quorum (CHAIN rules 1, 3, 4, 5, 18). The signature, the certificate's signatures
/// and everything that needs execution are checked elsewhere. The parent must be executed. Errors:
/// invalid, with the rule broken; not_found when `lookup` lacks an ancestor.
Result<FactsPtr> derive_facts(const Facts& parent, const Header& header, const BlockId& id,
                              const Genesis& genesis, const FactsLookup& lookup);

/// The certificate that must come with this block, told from its header: its link. nullopt if
/// the block's J is its parent's.
std::optional<VoteLink> required_link(const Facts& block, const Header& header,
                                      const FactsLookup& lookup);

/// Does `certificate` justify the block's J: same link, signers a quorum? Whether these are all
/// whom the header's bitmap names is for `claims_only`.
Result<void> check_companion(const Facts& block, const Header& header,
                             const Certificate& certificate, const FactsLookup& lookup);

/// Whether the header's bitmap names nobody but signers of `certificate`, which passed
/// `check_companion`. If not, the block waits for one that shows them all: it is not invalid.
bool claims_only(const Header& header, const Certificate& certificate);

/// The link that a vote for `target` must name: source is J(target), rule 7.
VoteLink link_for(const Facts& target, const FactsLookup& lookup);

/// For our own disk: fixed size, sets by `set_digest`; the sets themselves lie elsewhere, once
/// each.
Bytes encode(const Facts& facts);
/// The same with digests that the caller may remember: hashing a set of 100 takes longer than an
/// empty block does.
using SetDigest = std::function<Digest(const ValidatorSet&)>;
Bytes encode(const Facts& facts, const SetDigest& digest_of);
using SetLookup = std::function<ValidatorSetPtr(const Digest&)>;
/// `shared` (may be null) is the quorum of a neighbour, taken over when it is the same. Errors:
/// not_found when `sets` lacks one; truncated, malformed, trailing for a broken database.
Result<FactsPtr> decode_facts(BytesView bytes, const SetLookup& sets, const QuorumPtr& shared);

Bytes encode(const ValidatorSet& set);
/// Accounts in rising order, 1 to 100 members, weights within their bound.
Result<ValidatorSet> decode_validator_set(BytesView bytes);
Digest set_digest(const ValidatorSet& set);  ///< Keccak of its bytes: a name on our disk only

}  // namespace sennit::chain
