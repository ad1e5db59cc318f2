// SPDX-License-Identifier: MIT
#pragma once

#include "chain/tree.hpp"

namespace sennit::chain {

/// Votes that were heard, until they make a certificate or their slot is final (CHAIN rules 7, 8,
/// 13, 15). Signatures are verified by workers between `admit` and `add`.
///
/// A vote counts as seen only once its signature held; a forged first copy suppresses nothing.
/// Bounded: two votes per (key, target slot), slots from the finalised one to the next only; when
/// finality stalls, the oldest slots are forgotten, since only new votes can end a stall.
class Votes {
  public:
    struct Admission {
        enum class What : std::uint8_t {
            verify,   ///< check `message` under the key, then call add()
            waiting,  ///< the target is not known; kept, not relayed
            known,    ///< the same signed bytes were seen before
            stale,    ///< of no use: at or below the finalised slot, beyond the next slot, or for
                      ///< a block that failed execution here
            refused,  ///< `why`: busy or not_found may be an honest sender's; else wrong for its
                      ///< target: link, key or version
        } what{};
        Bytes message;
        Error why{};
    };

    struct Limits {
        std::size_t held_max{65'536};    ///< 160 slots of 200 voters who all vote twice
        std::size_t waiting_max{4'096};  ///< 10 slots of them, for targets that are not known
    };

    explicit Votes(BlockId genesis_id) : Votes{genesis_id, Limits{}} {}
    Votes(BlockId genesis_id, Limits limits) : genesis_id_{genesis_id}, limits_{limits} {}

    Admission admit(const Vote& vote, const Tree& tree, Slot now);

    struct Added {
        bool fresh{false};           ///< relay it
        CertificatePtr certificate;  ///< the quorum just became full
        /// Two votes of one key, for one target slot or one surrounding the other (rule 15 b, c).
        std::optional<Evidence> equivocation;
    };
    /// A vote that was admitted and whose signature holds. Nothing if its target was dropped in
    /// between.
    Added add(const Vote& vote, const Tree& tree);

    /// Votes that waited for this block: admit them again.
    std::vector<Vote> take_waiting(const BlockId& target);
    /// What a peer that asks should get: the votes for a target.
    std::vector<Vote> votes_for(const BlockId& target) const;
    /// A certificate with every vote that is held for the target, once it is certified: what its
    /// bitmap counts pays the leader who names it (rule 24). Null if no quorum is held here.
    CertificatePtr fullest(const BlockId& target) const;
    /// Forgets targets at or below the finalised slot.
    void prune(Slot finalised);

    std::size_t size() const;
    void check_invariants() const;

  private:
    struct Tally {
        VoteLink link;
        Height height;
        QuorumPtr quorum;
        Bytes message;
        Bytes bitmap;
        std::map<std::size_t, Signature> signatures;  // by bit
        bool certified{false};
    };
    using ByTarget = std::map<Slot, std::vector<BlockId>>;

    Admission wait(const Vote& vote, const Tree& tree);
    Admission admit_known(const Vote& vote, const Facts& target, const Tree& tree);
    Tally& tally_of(const Facts& target, const Tree& tree);
    std::optional<Evidence> offence(const ValidatorKey& key, const Tally& tally) const;
    Bytes evidence_of(const ValidatorKey& key, const Tally& tally) const;
    CertificatePtr assemble(const Tally& tally) const;
    void erase_lowest_slot();
    void erase_waiting(const Checkpoint& target);

    BlockId genesis_id_;
    Limits limits_;
    Slot forgotten_;  // votes up to this slot were given up for want of room
    std::size_t held_{0};
    std::map<BlockId, Tally> tallies_;
    std::map<Slot, std::vector<BlockId>> by_slot_;
    std::map<ValidatorKey, ByTarget> by_key_;
    // Not verified, and keys, ids and slots are what their senders say. One id may come with a
    // wrong slot beside the right one.
    std::map<BlockId, std::map<Slot, std::vector<Vote>>> waiting_;
    std::map<std::pair<Slot, ValidatorKey>, std::vector<BlockId>> waiting_by_key_;
    std::size_t waiting_count_{0};
};

}  // namespace sennit::chain
