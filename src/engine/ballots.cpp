// SPDX-License-Identifier: MIT
#include <algorithm>

#include "chain/signers.hpp"
#include "engine/parts.hpp"

namespace sennit::engine {

using protocol::Verdict;

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
    // Only what a block of ours waits for or what certifies a block that we hold; proofs of
    // finality come as answers to sync.
    std::vector<CertificatePtr> wanted;
    CheckSignatures job;
    for (const auto& certificate : message.certificates) {
        // Of blocks below the root the tree may know no more what they justify.
        if (!core_.tree.holds(certificate->link.target.id)) continue;
        const auto target = core_.tree.find(certificate->link.target.id);
        const bool fits = certificate->link == chain::link_for(*target, core_.tree.lookup()) &&
                          check_certificate_form(*certificate, *target->quorum);
        if (!fits) {
            core_.judge(peer, peers::Deed::invalid_vote, "certificate does not fit its target");
            return core_.settle(peer, receipt, Verdict::reject);
        }
        const auto held = core_.tree.certificate(target->id);
        if (held && chain::covers(held->bitmap, certificate->bitmap)) continue;
        auto checks = signature_checks(*certificate, *target->quorum, core_.genesis_id);
        std::move(checks.begin(), checks.end(), std::back_inserter(job.checks));
        wanted.push_back(certificate);
    }
    if (wanted.empty()) return core_.settle(peer, receipt, Verdict::ignore);
    core_.run(std::move(job), [this, peer, receipt,
                               wanted = std::move(wanted)](JobResult&& result) {
        const auto& verdicts = std::get<SignaturesChecked>(result).verdicts;
        if (std::find(verdicts.begin(), verdicts.end(), false) != verdicts.end()) {
            core_.judge(peer, peers::Deed::invalid_vote, "certificate signature does not verify");
            return core_.settle(peer, receipt, Verdict::reject);
        }
        core_.settle(peer, receipt, Verdict::accept);
        for (const auto& certificate : wanted) certify(certificate);
        core_.chain_changed();
    });
}

}  // namespace sennit::engine
