// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "base/time.hpp"
#include "chain/votes.hpp"
#include "crypto/ed25519.hpp"

namespace sennit::validator {

/// What this key has signed: all of the protection against being slashed (CHAIN rule 14). Written
/// through to the disk before anything signed leaves.
struct SlashingRecord {
    Slot proposed_last;
    Slot target_last;
    Slot source_highest;

    bool operator==(const SlashingRecord&) const = default;
};
Bytes encode(const SlashingRecord& record);
Result<SlashingRecord> decode_slashing_record(BytesView bytes);

/// A validator's duties by slot: when to freeze, propose and vote, and what may be signed (CHAIN
/// rules 11, 12, 14).
///
/// Pure: the engine tells it what the tree looks like and what time it is, and carries out what it
/// answers. Signing happens here, after the record's new value was handed out to be stored; the
/// engine sends only after the store has acknowledged.
///
/// Nobody can tell a restored or copied record: every start stays silent until it has watched two
/// whole slots in company (see `on_company`), and for good if it sees its own key signing meanwhile
/// (see `on_own_signature`).
class Validator {
  public:
    struct Options {
        bool empty_blocks{true};
        bool watch_first{
            true};  ///< off only for a chain's very first start (no block above genesis)
    };

    Validator(crypto::Ed25519Key key, BlockId genesis_id, chain::Schedule schedule,
              std::optional<SlashingRecord> record, Options options, Now now);

    const ValidatorKey& key() const { return key_id_; }

    /// When `on_time` wants to be called next: a freeze or a slot's start, strictly after `now`.
    UnixTime next_wake(UnixTime now) const;

    struct ProposeDuty {
        Slot slot;
        chain::FactsPtr parent;
        chain::FactsPtr justified;  ///< J for the new block
        StakeExtra extra;
        /// Goes with the block; null if J is the parent's. The engine may put a fuller one in its
        /// place, and its bitmap into `extra` (see `Votes::fullest`).
        CertificatePtr certificate;
    };
    /// At a freeze remembers K (rule 12). At a slot's start: the duty to propose, if this key leads
    /// and may. `has_transactions`: in the pool or above the finalised block. May be called at any
    /// other time too: a duty is handed out once, and not later than D after its slot began, since
    /// nobody would vote for the block.
    std::optional<ProposeDuty> on_time(UnixTime now, const chain::Tree& tree,
                                       bool has_transactions);

    struct Signed {
        SlashingRecord record;  ///< store durably, then send
        Signature signature;
    };
    /// Signs a built header of this key and `slot`. nullopt: not allowed any more (an equal or
    /// later slot was signed).
    std::optional<Signed> sign_proposal(const Header& header, Slot slot);

    struct SignedVote {
        SlashingRecord record;
        Vote vote;
    };
    /// Rule 14: may and should this key vote for `block`, executed just now? Ask again at the
    /// slot's start for what was executed before it (`Tree::executed_at`).
    std::optional<SignedVote> vote_for(const chain::Facts& block, const chain::Tree& tree,
                                       UnixTime now);

    /// Whether anybody is there through whom another machine's signatures would be heard. Two slots
    /// watched in an empty room prove nothing: the watch begins when company comes, and again if it
    /// left before the end. True from the start unless told otherwise.
    void on_company(bool any, UnixTime now);
    /// A proposal or vote under our key was heard. If we did not make it, another machine runs this
    /// key: stops all signing and returns the sentence for the operator. Echoes of what this run
    /// signed, and whatever an earlier run may have signed, are no proof and pass.
    std::optional<std::string> on_own_signature(Slot slot);
    bool silent(UnixTime now) const;
    /// Silent only because nobody is there.
    bool waits_for_company() const { return watching_ && !company_ && !stopped_; }
    const SlashingRecord& record() const { return record_; }
    void check_invariants() const;

  private:
    void watch(UnixTime now);
    void freeze(Slot slot, const chain::Tree& tree);
    std::optional<ProposeDuty> duty(Slot slot, const chain::Tree& tree) const;
    bool in_vote_window(Slot slot, UnixTime now) const;
    void remember(Slot slot);

    crypto::Ed25519Key key_;
    ValidatorKey key_id_;
    BlockId genesis_id_;
    chain::Schedule schedule_;
    SlashingRecord record_;
    Options options_;
    UnixTime silent_until_;
    bool watching_;  ///< two slots were not watched yet
    bool company_{true};
    bool stopped_{false};
    Slot frozen_slot_;  ///< for which slot `frozen_` holds
    std::pair<Slot, Height> frozen_;
    Slot duty_done_;
    Slot former_run_;        ///< up to here an earlier run may have signed
    std::set<Slot> signed_;  ///< by this run, the newest
};

}  // namespace sennit::validator
