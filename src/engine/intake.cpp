// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"
#include "protocol/body_size.hpp"

namespace sennit::engine {

namespace {

using protocol::Verdict;

/// Blocks without a known parent that are kept: a few slots' worth, whoever sends them.
constexpr std::size_t kOrphansMax = 64;
/// Blocks of the future and blocks that wait for a certificate.
constexpr std::size_t kHeldMax = 64;
/// Of each that one peer may fill with blocks that nobody asked for: nothing there is verified yet,
/// and what it pushes out would be somebody else's.
constexpr std::size_t kWaitingPerPeer = 16;
/// Of one validator, CHAIN rule 1.
constexpr std::size_t kFuturePerValidator = 2;
/// Further copies of blocks that are being checked.
constexpr std::size_t kCopiesMax = 64;
constexpr std::size_t kCopiesPerBlock = 4;

}  // namespace

void Intake::offer(PeerRef peer, std::optional<protocol::ReceiptId> receipt,
                   const protocol::WireBlock& block) {
    core_.inventory.mark(peer, relay::item_of(block.id()));
    Candidate candidate{peer, receipt, block, core_.now.at, !receipt};
    if (!core_.sync.trusts_base()) {
        settle(candidate, Verdict::ignore);
        return offer_done(block.id(), false);
    }
    // Before anything waits for something: what is kept must not be larger than a block can be.
    if (!size_of(block).fits(core_.genesis.block_bytes_max))
        return refuse(candidate, {Errc::oversized, "body larger than the chain allows"});
    consider(std::move(candidate));
}

void Intake::settle(Candidate& candidate, Verdict verdict) {
    if (candidate.receipt) core_.settle(candidate.peer, *candidate.receipt, verdict);
    candidate.receipt.reset();
}

void Intake::refuse(Candidate& candidate, const Error& why, bool last) {
    core_.judge(candidate.peer, peers::Deed::invalid_block, why.text());
    settle(candidate, Verdict::reject);
    if (last) offer_done(candidate.block.id(), false);
}

void Intake::offer_done(const BlockId& id, bool accepted) {
    core_.sync.on_offer_done(id, accepted, core_.now);
}

void Intake::consider(Candidate candidate) {
    const auto& header = candidate.block.header();
    const auto& id = candidate.block.id();
    const auto standing = core_.tree.standing(id);
    if (standing == chain::Tree::Standing::unknown && checking_.contains(id))
        return wait_for_copy(std::move(candidate));
    if (standing != chain::Tree::Standing::unknown) {
        settle(candidate, Verdict::ignore);
        using Standing = chain::Tree::Standing;
        if (standing == Standing::executed || standing == Standing::finalised) {
            offer_done(id, true);
        } else if (standing == Standing::failed) {
            offer_done(id, false);
        }
        return;
    }
    const auto slot = core_.schedule.slot_of(header.timestamp);
    if (!slot || slot->value == 0)
        return refuse(candidate, {Errc::invalid, "timestamp is not a slot's start"});
    // Before any of our clocks sees it: a validator that could have a block of the far future
    // executed would end the chain, since no slot comes after it.
    const auto latest = unix_seconds(core_.now.wall) + kHoldSeconds;
    if (header.height <= core_.tree.root().height || header.timestamp > latest) {
        settle(candidate, Verdict::ignore);
        return offer_done(id, false);
    }
    const auto parent =
        core_.tree.holds(header.previous_hash) ? core_.tree.find(header.previous_hash) : nullptr;
    if (!parent || !core_.tree.executed(parent->id)) return wait_for_parent(std::move(candidate));

    const auto start = from_unix_seconds(header.timestamp);
    const auto half_d =
        std::chrono::microseconds{std::chrono::seconds{core_.genesis.stake.slot_seconds}} / 6;
    if (start > core_.now.wall + half_d) return wait_for_slot(std::move(candidate), *slot);

    auto facts = chain::derive_facts(*parent, header, id, core_.genesis, core_.tree.lookup());
    if (!facts) return refuse(candidate, facts.error());
    CertificatePtr certificate;
    if (const auto link = chain::required_link(**facts, header, core_.tree.lookup())) {
        certificate = core_.tree.certificate(link->target.id);
        if (!certificate || !chain::claims_only(header, *certificate))
            certificate = candidate.block.certificate();
        if (!certificate) return wait_for_certificate(std::move(candidate), link->target.id);
        if (auto fits = chain::check_companion(**facts, header, *certificate, core_.tree.lookup());
            !fits) {
            return refuse(candidate, fits.error());
        }
        if (!chain::claims_only(header, *certificate))
            return wait_for_certificate(std::move(candidate), link->target.id);
    }
    check(std::move(candidate), *std::move(facts), std::move(certificate));
}

std::size_t Intake::orphans_of(PeerRef peer) const {
    std::size_t count = 0;
    for (const auto& [parent, waiting] : orphans_) {
        count += static_cast<std::size_t>(
            std::count_if(waiting.begin(), waiting.end(),
                          [&](const Candidate& one) { return one.peer == peer && !one.wanted; }));
    }
    return count;
}

bool Intake::has_room(const Candidate& candidate) const {
    if (held_.size() >= kHeldMax) return false;
    const auto same = [&](const Held& held) {
        return held.candidate.peer == candidate.peer && !held.candidate.wanted;
    };
    const auto count = std::count_if(held_.begin(), held_.end(), same);
    return candidate.wanted || static_cast<std::size_t>(count) < kWaitingPerPeer;
}

void Intake::wait_for_parent(Candidate candidate) {
    // The receipt is not kept open: whoever sent it did nothing wrong that we know of.
    settle(candidate, Verdict::ignore);
    const auto parent = candidate.block.header().previous_hash;
    auto& waiting = orphans_[parent];
    const auto same = [&](const Candidate& one) { return one.block.id() == candidate.block.id(); };
    if (std::any_of(waiting.begin(), waiting.end(), same)) return;
    if (!candidate.wanted && orphans_of(candidate.peer) >= kWaitingPerPeer) {
        if (waiting.empty()) orphans_.erase(parent);
        return offer_done(candidate.block.id(), false);
    }
    if (orphan_count_ == kOrphansMax) {
        auto oldest =
            std::min_element(orphans_.begin(), orphans_.end(), [](const auto& a, const auto& b) {
                return (a.second.empty() ? Instant::max() : a.second.front().since) <
                       (b.second.empty() ? Instant::max() : b.second.front().since);
            });
        orphan_count_ -= oldest->second.size();
        for (const auto& dropped : oldest->second) offer_done(dropped.block.id(), false);
        if (oldest->first == parent) {
            oldest->second.clear();
        } else {
            orphans_.erase(oldest);
        }
    }
    orphans_[parent].push_back(std::move(candidate));
    ++orphan_count_;
}

void Intake::wait_for_slot(Candidate candidate, Slot slot) {
    settle(candidate, Verdict::ignore);
    const auto validator = candidate.block.header().validator;
    const auto same = [&](const Held& held) {
        return held.candidate.block.header().validator == validator;
    };
    const auto count = std::count_if(held_.begin(), held_.end(), same);
    const auto start = from_unix_seconds(core_.schedule.timestamp(slot));
    if (static_cast<std::size_t>(count) >= kFuturePerValidator || !has_room(candidate))
        return offer_done(candidate.block.id(), false);
    held_.push_back({std::move(candidate), *core_.at_wall(start), {}});
}

void Intake::wait_for_certificate(Candidate candidate, const BlockId& target) {
    settle(candidate, Verdict::ignore);
    const auto slot = std::chrono::seconds{core_.genesis.stake.slot_seconds};
    const bool asked = candidate.certificate_until.has_value();
    const auto until = candidate.certificate_until.value_or(core_.now.at + slot);
    if (until <= core_.now.at || !has_room(candidate))
        return offer_done(candidate.block.id(), false);
    const auto peer = candidate.peer;
    candidate.certificate_until = until;
    held_.push_back({std::move(candidate), until, target});
    if (asked) return;
    protocol::Outgoing ask{protocol::make_message(protocol::GetCertificates{std::vector{target}}),
                           protocol::Priority::control,
                           core_.now.at + slot,
                           core_.next_request(),
                           {},
                           {}};
    core_.send(peer, ask);
}

/// Whoever was first may have sent a body or a certificate that is not the block's: then the next
/// one is looked at, so that nobody can keep an honest leader's block from us by being quick.
void Intake::wait_for_copy(Candidate candidate) {
    settle(candidate, Verdict::ignore);
    auto& copies = checking_.at(candidate.block.id());
    const auto same = [&](const Candidate& one) {
        return one.peer == candidate.peer && one.wanted == candidate.wanted;
    };
    if (copies.size() >= kCopiesPerBlock || copy_count_ >= kCopiesMax ||
        std::any_of(copies.begin(), copies.end(), same)) {
        return;
    }
    copies.push_back(std::move(candidate));
    ++copy_count_;
}

std::vector<Intake::Candidate> Intake::take_copies(const BlockId& id) {
    auto found = checking_.extract(id);
    if (found.empty()) return {};
    copy_count_ -= found.mapped().size();
    return std::move(found.mapped());
}

void Intake::on_down(PeerRef peer) {
    const auto of_peer = [&](const Candidate& one) { return one.peer == peer && !one.wanted; };
    std::erase_if(held_, [&](const Held& held) { return of_peer(held.candidate); });
    for (auto at = orphans_.begin(); at != orphans_.end();) {
        orphan_count_ -= std::erase_if(at->second, of_peer);
        at = at->second.empty() ? orphans_.erase(at) : std::next(at);
    }
}

void Intake::on_certificate(const BlockId& target) {
    std::vector<Held> waiting;
    const auto waits = [&](const Held& held) { return held.certificate_of != target; };
    const auto split = std::stable_partition(held_.begin(), held_.end(), waits);
    std::move(split, held_.end(), std::back_inserter(waiting));
    held_.erase(split, held_.end());
    for (auto& held : waiting) consider(std::move(held.candidate));
}

void Intake::on_wake() {
    std::vector<Held> due;
    const auto early = [&](const Held& held) { return held.until > core_.now.at; };
    const auto split = std::stable_partition(held_.begin(), held_.end(), early);
    std::move(split, held_.end(), std::back_inserter(due));
    held_.erase(split, held_.end());
    for (auto& held : due) {
        if (held.certificate_of) {
            offer_done(held.candidate.block.id(), false);
        } else {
            consider(std::move(held.candidate));
        }
    }
    for (auto at = orphans_.begin(); at != orphans_.end();) {
        auto& [parent, waiting] = *at;
        const auto old = [&](const Candidate& one) { return one.since + kHoldMax <= core_.now.at; };
        const auto kept = std::stable_partition(waiting.begin(), waiting.end(), std::not_fn(old));
        for (auto one = kept; one != waiting.end(); ++one) offer_done(one->block.id(), false);
        orphan_count_ -= static_cast<std::size_t>(waiting.end() - kept);
        waiting.erase(kept, waiting.end());
        at = waiting.empty() ? orphans_.erase(at) : std::next(at);
    }
}

std::optional<Instant> Intake::deadline() const {
    std::optional<Instant> first;
    const auto take = [&](Instant at) { first = first ? std::min(*first, at) : at; };
    for (const auto& held : held_) take(held.until);
    for (const auto& [parent, waiting] : orphans_) {
        for (const auto& one : waiting) take(one.since + kHoldMax);
    }
    return first;
}

void Intake::check(Candidate candidate, chain::FactsPtr facts, CertificatePtr certificate) {
    checking_.try_emplace(facts->id);
    CheckBlock job{candidate.block, {}};
    if (certificate && certificate != core_.tree.certificate(certificate->link.target.id)) {
        const auto target = core_.tree.find(certificate->link.target.id);
        job.certificate = signature_checks(*certificate, *target->quorum, core_.genesis_id);
    }
    core_.run(std::move(job), [this, candidate = std::move(candidate), facts = std::move(facts),
                               certificate = std::move(certificate)](JobResult&& result) mutable {
        on_checked(std::move(candidate), std::move(facts), std::move(certificate),
                   std::get<BlockChecked>(std::move(result)));
    });
}

namespace {

/// Of whoever sent it.
std::optional<Error> fault_of(const BlockChecked& checked) {
    if (!checked.signature) return Error{Errc::invalid, "block signature does not verify"};
    if (!checked.block) return checked.block.error();
    if (!checked.certificate) return Error{Errc::invalid, "certificate signature does not verify"};
    return std::nullopt;
}

}  // namespace

void Intake::on_checked(Candidate candidate, chain::FactsPtr facts, CertificatePtr certificate,
                        BlockChecked&& checked) {
    auto copies = take_copies(facts->id);
    if (auto why = fault_of(checked)) {
        refuse(candidate, *why, copies.empty());
        for (auto& copy : copies) consider(std::move(copy));
        return;
    }
    candidate.wanted =
        candidate.wanted ||
        std::any_of(copies.begin(), copies.end(), [](const auto& copy) { return copy.wanted; });
    // Sync may have moved the base meanwhile, and with it what the parent is.
    if (!core_.tree.executed(facts->parent)) return consider(std::move(candidate));
    const auto block = *checked.block;
    // Only now: a forged header must not accuse anybody.
    if (auto evidence = core_.tree.double_proposal(*facts, block->header)) {
        core_.reporter->on_offence(block->header.validator, *std::move(evidence),
                                   "proposed twice in slot " + std::to_string(facts->slot.value));
    }
    core_.producer->on_foreign_signature(block->header.validator, facts->slot);
    // What we asked for by id is taken even as the third of its slot: else one dishonest leader
    // parts honest nodes for ever (docs/adr/0002).
    const auto origin =
        candidate.wanted ? chain::Tree::Origin::wanted : chain::Tree::Origin::relayed;
    if (auto added = core_.tree.add(facts, block->header, origin); !added) {
        // Full, a third proposal of one slot, or below what became final meanwhile: nobody's fault.
        settle(candidate, Verdict::ignore);
        return offer_done(facts->id, false);
    }
    settle(candidate, Verdict::accept);
    core_.judge(candidate.peer, peers::Deed::valid_block,
                "block " + std::to_string(block->height().value));
    admit(block, facts, certificate);
    execute(block, candidate.wanted);
}

void Intake::admit(const BlockPtr& block, const chain::FactsPtr& facts,
                   const CertificatePtr& certificate) {
    blocks_[block->id] = block;
    auto beside = certificate;
    if (certificate) {
        core_.ballots->certify(certificate);
        if (auto held = core_.tree.certificate(certificate->link.target.id)) beside = held;
    }
    // Rule 13: relayed as soon as it is known to be the leader's, before it was executed. Blocks of
    // old slots are somebody's sync and of no use to others.
    if (facts->slot.value + 2 < core_.slot_now().value) return;
    protocol::Outgoing news{
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{block, beside}}),
        protocol::Priority::urgent,
        core_.now.at + std::chrono::seconds{2 * core_.genesis.stake.slot_seconds},
        {},
        {},
        protocol::key_of(block->id)};
    core_.spread(news, relay::item_of(block->id),
                 [](PeerRef, const protocol::PeerFacts& peer) { return peer.traits.sennit; });
}

void Intake::produced(BlockPtr block, CertificatePtr certificate) {
    // Finality or sync may have passed it by while the record was written.
    if (!core_.tree.holds(block->header.previous_hash) ||
        !core_.tree.executed(block->header.previous_hash))
        return;
    const auto parent = core_.tree.find(block->header.previous_hash);
    auto facts =
        chain::derive_facts(*parent, block->header, block->id, core_.genesis, core_.tree.lookup());
    if (!facts)
        return core_.notify(Notify::Level::error, "own block refused: " + facts.error().text());
    if (auto added = core_.tree.add(*facts, block->header); !added) {
        return core_.notify(Notify::Level::error, "own block refused: " + added.error().text());
    }
    admit(block, *facts, certificate);
    execute(block, true);
}

void Intake::restore(const Setup::Layer& layer) {
    if (!core_.tree.add(layer.facts, layer.block->header)) return;
    blocks_[layer.block->id] = layer.block;
    views_[layer.block->id] = layer.view;
    core_.tree.on_executed(layer.facts);
    if (layer.certificate) (void)core_.tree.certify(layer.certificate);
    // Reading it back as an execution that was done already also brings the accounts it touched.
    execute(layer.block, true);
}

/// `asked_for`: by us, or by a branch that we follow.
void Intake::execute(const BlockPtr& block, bool asked_for) {
    using Room = chain::State::Room;
    const bool needed = asked_for || core_.tree.contends(block->id);
    core_.run(ExecuteBlock{block, needed ? Room::needed : Room::limited},
              [this, block, generation = generation_](JobResult&& result) {
                  auto& executed = std::get<BlockExecuted>(result);
                  core_.layers_bytes = executed.layers_bytes;
                  if (!executed.result && executed.result.error().code == Errc::io)
                      return core_.halt(executed.result.error().text());
                  // Asked of a state that is no more: sync has moved the base since.
                  if (generation != generation_) return;
                  on_executed(block, std::move(executed));
              });
}

void Intake::on_not_executed(const BlockPtr& block, const Error& why) {
    using Standing = chain::Tree::Standing;
    // Else finality has dropped it, or its parent, meanwhile.
    if (core_.tree.standing(block->id) == Standing::proposed) {
        if (why.code == Errc::busy && core_.tree.contends(block->id)) return execute(block, true);
        if (why.code == Errc::busy || why.code == Errc::not_found) {
            // As good as it was. When it matters, whoever has it for his head is asked for it.
            core_.tree.withdraw(block->id);
            forget(std::span{&block->id, 1});
        } else {
            // Nobody is to blame but its leader: who passed it on could not know (rule 13).
            core_.notify(Notify::Level::warning,
                         "block " + to_hex(block->id) + " refused: " + why.text());
            forget(core_.tree.on_failed(block->id));
            core_.chain_changed();
        }
    }
    offer_done(block->id, false);
}

void Intake::on_executed(const BlockPtr& block, BlockExecuted&& executed) {
    if (!executed.result) return on_not_executed(block, executed.result.error());
    if (core_.tree.standing(block->id) == chain::Tree::Standing::unknown)
        return offer_done(block->id, false);
    auto& result = *executed.result;
    core_.tree.on_executed(result.facts);
    if (executed.view) views_[block->id] = executed.view;
    auto& accounts = touched_[block->id];
    for (const auto& account : result.touched) accounts.push_back(account.address);
    offer_done(block->id, true);
    core_.chain_changed();
    core_.ballots->on_block(block->id);
    core_.producer->on_executed(*result.facts);
    core_.meeting->tell_status();
    retry_children(block->id);
}

void Intake::retry_children(const BlockId& parent) {
    auto waiting = orphans_.extract(parent);
    if (waiting.empty()) return;
    orphan_count_ -= waiting.mapped().size();
    for (auto& candidate : waiting.mapped()) consider(std::move(candidate));
}

void Intake::forget(std::span<const BlockId> ids) {
    for (const auto& id : ids) {
        blocks_.erase(id);
        views_.erase(id);
        touched_.erase(id);
    }
}

void Intake::on_finalised(const BlockId&) {
    const auto below = [&](const BlockPtr& block) {
        return block->height() <= core_.tree.root().height;
    };
    for (auto at = blocks_.begin(); at != blocks_.end();) {
        if (!below(at->second)) {
            ++at;
            continue;
        }
        views_.erase(at->first);
        touched_.erase(at->first);
        at = blocks_.erase(at);
    }
}

void Intake::on_rebased() {
    ++generation_;
    blocks_.clear();
    views_.clear();
    touched_.clear();
}

BlockPtr Intake::block(const BlockId& id) const {
    const auto found = blocks_.find(id);
    return found == blocks_.end() ? nullptr : found->second;
}

chain::StateViewPtr Intake::view(const BlockId& id) const {
    const auto found = views_.find(id);
    return found == views_.end() ? nullptr : found->second;
}

const std::vector<Address>* Intake::touched(const BlockId& id) const {
    const auto found = touched_.find(id);
    return found == touched_.end() ? nullptr : &found->second;
}

bool Intake::has_transactions() const {
    return std::any_of(blocks_.begin(), blocks_.end(),
                       [](const auto& one) { return !one.second->transactions.empty(); });
}

void Intake::check_invariants() const {
    std::size_t orphans = 0;
    for (const auto& [parent, waiting] : orphans_) orphans += waiting.size();
    SENNIT_ASSERT(orphans == orphan_count_);
    SENNIT_ASSERT(orphan_count_ <= kOrphansMax);
    SENNIT_ASSERT(held_.size() <= kHeldMax);
    std::size_t copies = 0;
    for (const auto& [id, waiting] : checking_) copies += waiting.size();
    SENNIT_ASSERT(copies == copy_count_ && copies <= kCopiesMax);
    for (const auto& [id, block] : blocks_) {
        SENNIT_ASSERT(block->id == id);
        SENNIT_ASSERT(core_.tree.standing(id) != chain::Tree::Standing::unknown);
    }
}

}  // namespace sennit::engine
