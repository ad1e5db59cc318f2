// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "sync/exchange.hpp"

namespace sennit::sync {

/// The block that a verified proof of finality names: everything below it is decided by its id.
struct Anchor {
    BlockId id;
    Slot slot;
    Height height;  ///< of the prover's claim, until its header is here: the id commits to it
    PeerRef prover;
};

/// Versions of the validator set that we may believe in: those of our base, and those that a quorum
/// of the version before signed for (CHAIN rule 21).
class TrustedSets {
  public:
    void on_base(const chain::Sets& sets);
    void trust(ValidatorSetPtr set);

    std::uint32_t newest() const { return sets_.rbegin()->first; }
    ValidatorSetPtr find(std::uint32_t version) const;

  private:
    /// Proofs name the newest version and at most the two before it.
    static constexpr std::size_t kKept = 4;

    std::map<std::uint32_t, ValidatorSetPtr> sets_;
};

/// First part of an anchored sync: one peer gives the proofs of finality at the changes of the
/// validator set that we missed, then the latest one; workers check the signatures one by one.
class ProofStage {
  public:
    explicit ProofStage(Exchange& exchange) : exchange_{exchange} {}

    void on_base(const chain::Facts& base);
    /// Forgets what is under way. `lead_min`: a proof must lead that many blocks further than our
    /// base.
    void start(std::uint64_t lead_min);
    void stop();

    /// Asks `source` unless something is under way already.
    void ask(Source& source, Now now);
    bool under_way() const { return prover_.has_value(); }

    Result<std::size_t> on_answer(const Request& request, const protocol::Message& answer);
    /// An error is the prover's fault.
    Result<void> on_proof(std::uint64_t job, bool valid);
    std::optional<PeerRef> prover() const { return prover_; }

    /// What was found, once.
    std::optional<Anchor> take_anchor() { return std::exchange(anchor_, std::nullopt); }
    /// More versions follow than one answer held: ask the same peer again.
    bool wants_more() const { return prover_ && !asked_ && !job_ && queue_.empty() && !anchor_; }

  private:
    Result<void> next();
    Result<QuorumPtr> quorum_for(const Certificate& certificate);
    Result<void> finish();

    Exchange& exchange_;
    TrustedSets trusted_;
    Slot base_slot_;
    Height base_height_;
    std::uint64_t lead_min_{1};

    std::optional<PeerRef> prover_;
    bool asked_{false};
    std::deque<CertificatePtr> queue_;                  ///< front is being checked
    std::map<std::uint32_t, ValidatorSetPtr> offered_;  ///< not trusted yet
    ValidatorSetPtr candidate_;                         ///< trusted if the front's signatures hold
    std::optional<std::uint64_t> job_;
    std::uint64_t next_job_{1};
    std::uint32_t learnt_{0};  ///< versions since the last request
    CertificatePtr latest_;    ///< the verified one with the newest source
    std::optional<Anchor> anchor_;
};

}  // namespace sennit::sync
