// SPDX-License-Identifier: MIT
#include "sync/proof_stage.hpp"

#include <algorithm>

namespace sennit::sync {

namespace {

/// Members in rising order of account with weights that the chain allows, as `Quorum` needs them.
bool well_formed(const ValidatorSet& set) {
    if (set.members.empty() || set.members.size() > chain::kValidatorsMax) return false;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < set.members.size(); ++i) {
        if (i > 0 && set.members[i].account <= set.members[i - 1].account) return false;
        if (set.members[i].weight >= chain::kTotalWeightLimit - total) return false;
        total += set.members[i].weight;
    }
    return total > 0;
}

}  // namespace

void TrustedSets::on_base(const chain::Sets& sets) {
    for (const auto& set : {sets.previous, sets.current, sets.next}) {
        if (set) trust(set);
    }
}

void TrustedSets::trust(ValidatorSetPtr set) {
    const auto version = set->version;
    sets_.insert_or_assign(version, std::move(set));
    while (sets_.size() > kKept) sets_.erase(sets_.begin());
}

ValidatorSetPtr TrustedSets::find(std::uint32_t version) const {
    const auto found = sets_.find(version);
    return found == sets_.end() ? nullptr : found->second;
}

void ProofStage::on_base(const chain::Facts& base) {
    trusted_.on_base(base.sets);
    base_slot_ = base.slot;
    base_height_ = base.height;
}

void ProofStage::start(std::uint64_t lead_min) {
    stop();
    lead_min_ = lead_min;
}

void ProofStage::stop() {
    exchange_.forget_if(
        [](const Request& r) { return std::holds_alternative<ForProofs>(r.purpose); });
    prover_.reset();
    asked_ = false;
    queue_.clear();
    offered_.clear();
    candidate_.reset();
    job_.reset();
    latest_.reset();
    anchor_.reset();
}

void ProofStage::ask(Source& source, Now now) {
    SENNIT_ASSERT(!asked_ && !job_);
    prover_ = source.peer;
    asked_ = true;
    learnt_ = 0;
    protocol::GetCertificates proofs{protocol::LatestCertificate{}};
    if (source.answers(protocol::Form::certificates_by_version)) {
        proofs.what = protocol::FromSetVersion{trusted_.newest() + 1};
    }
    exchange_.ask(source, std::move(proofs), ForProofs{}, now);
}

Result<std::size_t> ProofStage::on_answer(const Request& request, const protocol::Message& answer) {
    SENNIT_ASSERT(prover_ == request.peer && asked_);
    asked_ = false;
    const auto* proofs = std::get_if<protocol::Certificates>(&answer);
    if (proofs == nullptr)
        return Error{Errc::unknown_type, "not an answer to a request for proofs"};
    if (proofs->certificates.empty())
        return Error{Errc::not_found, "claims finality and has no proof of it"};
    if (proofs->certificates.size() > protocol::kCertificatesMax + 1 ||
        proofs->sets.size() > protocol::kCertificatesMax) {
        return Error{Errc::oversized, "more proofs than one answer may hold"};
    }
    for (const auto& set : proofs->sets) {
        if (!set || !well_formed(*set))
            return Error{Errc::invalid, "validator set that no chain allows"};
        offered_.emplace(set->version, set);
    }
    queue_.assign(proofs->certificates.begin(), proofs->certificates.end());
    SENNIT_TRY(next());
    return proofs->certificates.size();
}

Result<QuorumPtr> ProofStage::quorum_for(const Certificate& certificate) {
    const auto version = certificate.set_version;
    auto current = trusted_.find(version);
    candidate_.reset();
    if (!current) {
        if (version < trusted_.newest())
            return Error{Errc::not_found, "proof under a version that is long gone"};
        const auto offered = offered_.find(version);
        if (version != trusted_.newest() + 1 || !certificate.joint || offered == offered_.end()) {
            return Error{Errc::invalid,
                         "proof under a validator set that does not follow from ours"};
        }
        current = candidate_ = offered->second;
    }
    if (!certificate.joint) return std::make_shared<const Quorum>(std::move(current), nullptr);
    auto previous = version == 0 ? nullptr : trusted_.find(version - 1);
    if (!previous) return Error{Errc::not_found, "joint proof under a version that is long gone"};
    return std::make_shared<const Quorum>(std::move(current), std::move(previous));
}

/// Sends the front to the workers, or ends the stage when none is left.
Result<void> ProofStage::next() {
    if (queue_.empty()) return finish();
    const auto& certificate = queue_.front();
    if (!certificate || !certificate->finalises())
        return Error{Errc::invalid, "certificate that finalises nothing"};
    const auto version = certificate->set_version;
    if (version > trusted_.newest() && !offered_.contains(version) && learnt_ > 0 &&
        queue_.size() == 1) {
        // The latest proof, some versions on: the answer was cut to its size.
        queue_.clear();
        return {};
    }
    SENNIT_TRY(auto quorum, quorum_for(*certificate));
    SENNIT_TRY(check_certificate_form(*certificate, *quorum));
    job_ = next_job_++;
    exchange_.out(VerifyProof{*job_, certificate, std::move(quorum)});
    return {};
}

Result<void> ProofStage::on_proof(std::uint64_t job, bool valid) {
    if (job_ != job) return {};
    job_.reset();
    if (!valid) return Error{Errc::invalid, "proof of finality whose signatures do not verify"};
    const auto certificate = queue_.front();
    queue_.pop_front();
    if (candidate_) {
        offered_.erase(candidate_->version);
        trusted_.trust(std::exchange(candidate_, nullptr));
        ++learnt_;
    }
    if (!latest_ || latest_->link.source.slot < certificate->link.source.slot)
        latest_ = certificate;
    return next();
}

/// A block's parent lies in an earlier slot, so heights rise no faster than slots, which are
/// signed: the claimed height cannot make us fetch more than that. The target of a link that
/// finalises is the child of its source.
Result<void> ProofStage::finish() {
    SENNIT_ASSERT(latest_);
    const auto& link = latest_->link;
    const auto claimed = latest_->target_height.value;
    if (link.source.slot <= base_slot_ || claimed <= base_height_.value + lead_min_) {
        return Error{Errc::not_found, "claims finality that its proof does not reach"};
    }
    if (claimed - 1 - base_height_.value > link.source.slot - base_slot_) {
        return Error{Errc::invalid, "proof whose height no chain can have reached by its slot"};
    }
    anchor_ = Anchor{link.source.id, link.source.slot, Height{claimed - 1}, *prover_};
    return {};
}

}  // namespace sennit::sync
