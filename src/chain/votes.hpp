// SPDX-License-Identifier: MIT
#pragma once

#include "chain/tree.hpp"

namespace sennit::chain {

/// Votes that were heard, until they make a certificate or their slot is final (CHAIN rules 7, 8,
/// 13, 15). Signatures are verified by workers between `admit` and `add`.
///
/// An id counts as seen only once its signature held; a forged first copy suppresses nothing.
/// Bounded: two votes per (key, target slot), slots from the finalised one to the next only.
class Votes {
  public:
    struct Admission {
        enum class What : std::uint8_t {
            verify,   ///< check `message` under the key, then call add()
            waiting,  ///< the target is not known; kept, not relayed
            known,    ///< seen before
            stale,    ///< at or below the finalised slot, or beyond the next slot
            refused,  ///< wrong link, key or version for its target: `why`
        } what{};
        Bytes message;
        Error why{};
    };

    explicit Votes(BlockId genesis_id) : genesis_id_{genesis_id} {}

    Admission admit(const Vote& vote, const Tree& tree, Slot now);

    struct Added {
        bool fresh{false};                     ///< relay it
        CertificatePtr certificate;            ///< the quorum just became full
        std::optional<Evidence> equivocation;  ///< two votes of one key for one target slot
    };
    Added add(const Vote& vote, const Tree& tree);

    /// Votes that waited for this block: admit them again.
    std::vector<Vote> take_waiting(const BlockId& target);
    /// What a peer that asks should get: the votes for a target.
    std::vector<Vote> votes_for(const BlockId& target) const;
    /// Forgets targets at or below the finalised slot.
    void prune(Slot finalised);

    std::size_t size() const;
    void check_invariants() const;

  private:
    struct Tally {
        VoteLink link;
        std::map<ValidatorKey, Vote> votes;
        bool certified{false};
    };

    BlockId genesis_id_;
    std::map<Checkpoint, Tally> tallies_;
    std::map<std::pair<Slot, ValidatorKey>, std::vector<Vote>> by_key_;
    std::map<BlockId, std::vector<Vote>> waiting_;
};

}  // namespace sennit::chain
