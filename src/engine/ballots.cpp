// SPDX-License-Identifier: MIT
#include <algorithm>

#include "chain/signers.hpp"
#include "engine/parts.hpp"

namespace sennit::engine {

using protocol::Verdict;

namespace {

/// Of one message. Who asks for one gets one, and what is told unasked is about a slot or two;
/// each costs as many signatures as there are members, in the lane of what cannot wait.
constexpr std::size_t kCertificatesChecked = 4;

}  // namespace

void Ballots::on_votes(PeerRef peer, protocol::ReceiptId receipt, const protocol::Votes& message) {
    for (const auto& vote : message.votes) core_.inventory.mark(peer, vote_id(vote));
    verify(peer, receipt, message.votes);
}

void Ballots::on_block(const BlockId& id) {
    auto waiting = core_.votes.take_waiting(id);
    if (!waiting.empty()) verify({}, {}, std::move(waiting));
}

void Ballots::verify(std::optional<PeerRef> peer, std::optional<protocol::ReceiptId> receipt,
                     std::vector<Vote> votes) {
    using What = chain::Votes::Admission::What;
    std::vector<Vote> checking;
    CheckSignatures job;
    bool refused = false;
    for (auto& vote : votes) {
        auto admission = core_.votes.admit(vote, core_.tree, core_.slot_now());
        if (admission.what == What::refused) {
            // Busy, or a target whose ancestors are gone: an honest sender can run into both.
            if (admission.why.code == Errc::busy || admission.why.code == Errc::not_found) continue;
            refused = true;
            if (peer) core_.judge(*peer, peers::Deed::invalid_vote, admission.why.text());
        }
        if (admission.what != What::verify) continue;
        job.checks.push_back(
            {NodeId::from(vote.key.view()), std::move(admission.message), vote.signature});
        checking.push_back(std::move(vote));
    }
    if (checking.empty()) {
        if (receipt) core_.settle(*peer, *receipt, refused ? Verdict::reject : Verdict::ignore);
        return;
    }
    core_.run(std::move(job), [this, peer, receipt, refused,
                               checking = std::move(checking)](JobResult&& result) {
        const auto& verdicts = std::get<SignaturesChecked>(result).verdicts;
        std::vector<Vote> good;
        for (std::size_t i = 0; i < checking.size(); ++i) {
            if (!verdicts[i]) continue;
            core_.producer->on_foreign_signature(checking[i].key, checking[i].link.target.slot);
            good.push_back(checking[i]);
        }
        const bool all = good.size() == checking.size() && !refused;
        if (!all && peer)
            core_.judge(*peer, peers::Deed::invalid_vote, "vote signature does not verify");
        if (receipt) core_.settle(*peer, *receipt, all ? Verdict::accept : Verdict::reject);
        count(good);
    });
}

void Ballots::own(const Vote& vote) {
    // Signed here a moment ago: admitted like any other, only not verified.
    const auto admission = core_.votes.admit(vote, core_.tree, core_.slot_now());
    if (admission.what == chain::Votes::Admission::What::verify) count({vote});
}

void Ballots::count(const std::vector<Vote>& votes) {
    std::vector<Vote> fresh;
    std::vector<CertificatePtr> certificates;
    for (const auto& vote : votes) {
        const auto added = core_.votes.add(vote, core_.tree);
        if (added.fresh) fresh.push_back(vote);
        if (added.certificate) certificates.push_back(added.certificate);
        if (added.equivocation) {
            core_.reporter->on_offence(
                vote.key, *added.equivocation,
                "voted against itself in slot " + std::to_string(vote.link.target.slot.value));
        }
    }
    for (const auto& vote : fresh) {
        protocol::Votes one{{vote}};
        protocol::Outgoing news{
            protocol::make_message(std::move(one)),
            protocol::Priority::urgent,
            core_.now.at + std::chrono::seconds{core_.genesis.stake.slot_seconds},
            {},
            {},
            protocol::key_of(vote_id(vote))};
        core_.spread(news, vote_id(vote),
                     [](PeerRef, const protocol::PeerFacts& peer) { return peer.traits.sennit; });
    }
    for (const auto& certificate : certificates) certify(certificate);
    if (!certificates.empty()) {
        core_.chain_changed();
        core_.meeting->tell_status();
    }
}

void Ballots::certify(const CertificatePtr& certificate) {
    const auto& target = certificate->link.target;
    const auto before = core_.tree.certificate(target.id);
    const auto done = core_.tree.certify(certificate);
    if (!done) return;
    const auto held = core_.tree.certificate(target.id);
    if (held == before) return;
    store(*held);
    if (*done && certificate->finalises()) {
        note_finality(certificate);
        const auto facts = core_.tree.find(target.id);
        keep_proof({facts->sets.at(target.slot).current, certificate});
    }
    core_.intake->on_certificate(target.id);
}

void Ballots::store(const Certificate& certificate) {
    chain::Batch batch;
    Writer key;
    key.be(certificate.link.target.slot.value).hash(certificate.link.target.id);
    batch.put(chain::Column::certificates, key.bytes(), encode(certificate));
    core_.store(std::move(batch), chain::Durability::buffered);
}

void Ballots::note_finality(const CertificatePtr& certificate) {
    const auto& held = core_.finality;
    if (!held || held->link.target.slot < certificate->link.target.slot)
        core_.finality = certificate;
}

void Ballots::keep_finality(const CertificatePtr& certificate) {
    store(*certificate);
    note_finality(certificate);
}

void Ballots::keep_proof(const SetProof& proof) {
    if (!proof.set || proof.set->version != proof.certificate->set_version) return;
    // Whoever knows only the version before can check a joint link and no later one; after a
    // restart such a later one must not replace what is kept (docs/adr/0003).
    if (proof.set->version > 0 && !proof.certificate->joint) return;
    if (!proofs_kept_.insert(proof.set->version).second) return;
    Writer key;
    key.be(proof.set->version);
    chain::Batch batch;
    batch.put(chain::Column::proofs, key.bytes(), encode(proof));
    core_.store(std::move(batch), chain::Durability::buffered);
}

void Ballots::on_certificates(PeerRef peer, protocol::ReceiptId receipt,
                              const protocol::Certificates& message) {
    if (const auto checking = checking_.find(peer); checking != checking_.end()) {
        auto& waiting = checking->second;
        if (waiting) core_.settle(peer, waiting->receipt, Verdict::ignore);
        waiting = Told{receipt, message.certificates};
        return;
    }
    check({peer, receipt}, message.certificates);
}

void Ballots::on_down(PeerRef peer) {
    const auto checking = checking_.extract(peer);
    if (checking.empty() || !checking.mapped()) return;
    core_.settle(peer, checking.mapped()->receipt, Verdict::ignore);
}

Result<std::vector<CertificatePtr>> Ballots::wanted(std::span<const CertificatePtr> told) const {
    // Only what a block of ours waits for or what certifies a block that we hold; proofs of
    // finality come as answers to sync.
    std::vector<CertificatePtr> wanted;
    std::set<BlockId> targets;
    for (const auto& certificate : told) {
        if (wanted.size() == kCertificatesChecked) break;
        // Of blocks below the root the tree may know no more what they justify.
        if (!core_.tree.holds(certificate->link.target.id)) continue;
        const auto target = core_.tree.find(certificate->link.target.id);
        const bool fits = certificate->link == chain::link_for(*target, core_.tree.lookup()) &&
                          check_certificate_form(*certificate, *target->quorum);
        if (!fits) return Error{Errc::invalid, "certificate does not fit its target"};
        const auto held = core_.tree.certificate(target->id);
        if (held && chain::covers(held->bitmap, certificate->bitmap)) continue;
        if (targets.insert(target->id).second) wanted.push_back(certificate);
    }
    return wanted;
}

void Ballots::check(Sender from, std::span<const CertificatePtr> told) {
    const auto [peer, receipt] = from;
    auto found = wanted(told);
    if (!found) {
        core_.judge(peer, peers::Deed::invalid_vote, found.error().text());
        return core_.settle(peer, receipt, Verdict::reject);
    }
    if (found->empty()) return core_.settle(peer, receipt, Verdict::ignore);
    // One wrong signature condemns the message: nothing after it is worth looking at.
    CheckSignatures job{{}, true};
    for (const auto& certificate : *found) {
        const auto target = core_.tree.find(certificate->link.target.id);
        auto checks = signature_checks(*certificate, *target->quorum, core_.genesis_id);
        std::move(checks.begin(), checks.end(), std::back_inserter(job.checks));
    }
    checking_[peer];
    core_.run(std::move(job), [this, from, certificates = *std::move(found)](JobResult&& result) {
        on_checked(from, certificates, std::get<SignaturesChecked>(result));
    });
}

void Ballots::on_checked(Sender from, std::span<const CertificatePtr> certificates,
                         const SignaturesChecked& checked) {
    const auto [peer, receipt] = from;
    const auto waiting = checking_.extract(peer);
    const auto& verdicts = checked.verdicts;
    if (std::find(verdicts.begin(), verdicts.end(), false) != verdicts.end()) {
        core_.judge(peer, peers::Deed::invalid_vote, "certificate signature does not verify");
        core_.settle(peer, receipt, Verdict::reject);
    } else {
        core_.settle(peer, receipt, Verdict::accept);
        for (const auto& certificate : certificates) certify(certificate);
        core_.chain_changed();
    }
    if (waiting.empty() || !waiting.mapped()) return;
    check({peer, waiting.mapped()->receipt}, waiting.mapped()->certificates);
}

}  // namespace sennit::engine
