// SPDX-License-Identifier: MIT
#include "chain/votes.hpp"

#include <algorithm>

namespace sennit::chain {

namespace {

// Rule 13: two are evidence, a third says nothing more.
constexpr std::size_t kVotesMax = 2;

using What = Votes::Admission::What;

Votes::Admission refuse(Errc code, std::string_view what) {
    return {What::refused, {}, Error{code, what, Error::kNowhere, {}}};
}

bool contains(const std::vector<BlockId>& ids, const BlockId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// Whether any set that the block's state names has this key.
bool names_key(const Facts& facts, const ValidatorKey& key) {
    const auto has = [&key](const ValidatorSetPtr& set) { return set && set->index_of(key); };
    return has(facts.sets.previous) || has(facts.sets.current) || has(facts.sets.next);
}

}  // namespace

Votes::Admission Votes::admit(const Vote& vote, const Tree& tree, Slot now) {
    const auto slot = vote.link.target.slot;
    if (slot <= tree.finalised_known()->slot || slot <= forgotten_ || slot > now + 1) {
        return {What::stale, {}, {}};
    }
    if (vote.link.source.slot >= slot) {
        return refuse(Errc::invalid, "a vote's source is not before its target");
    }
    const auto target = tree.find(vote.link.target.id);
    return target == nullptr ? wait(vote, tree) : admit_known(vote, *target, tree);
}

Votes::Admission Votes::admit_known(const Vote& vote, const Facts& target, const Tree& tree) {
    if (target.checkpoint() != vote.link.target) {
        return refuse(Errc::mismatch, "a vote's slot is not its target's");
    }
    // Whoever relays it may not have executed the block yet.
    if (tree.standing(target.id) == Tree::Standing::failed) return {What::stale, {}, {}};
    if (tree.find(target.justified.id) == nullptr) {
        return refuse(Errc::not_found, "the source of a vote's target is not held");
    }
    const auto& tally = tally_of(target, tree);
    if (vote.link != tally.link) {
        return refuse(Errc::mismatch, "a vote's source is not its target's justified ancestor");
    }
    if (vote.set_version != tally.quorum->current().version) {
        return refuse(Errc::mismatch, "a vote names another set version than its target's");
    }
    const auto bit = tally.quorum->bit_of(vote.key);
    if (!bit) return refuse(Errc::mismatch, "a vote by a key that is not in its target's sets");
    if (tally.signatures.contains(*bit)) return {What::known, {}, {}};
    if (const auto mine = by_key_.find(vote.key); mine != by_key_.end()) {
        const auto same_slot = mine->second.find(target.slot);
        if (same_slot != mine->second.end() && same_slot->second.size() >= kVotesMax) {
            return refuse(Errc::busy, "a third vote of one key and slot");
        }
    }
    return {What::verify, tally.message, {}};
}

Votes::Admission Votes::wait(const Vote& vote, const Tree& tree) {
    // Else anybody could fill the queue with keys made up for it.
    if (!names_key(tree.root(), vote.key) && !names_key(*tree.head(), vote.key)) {
        return refuse(Errc::not_found, "a vote for an unknown block by an unknown key");
    }
    const auto slot = vote.link.target.slot;
    const auto queued = waiting_by_key_.find({slot, vote.key});
    if (queued != waiting_by_key_.end()) {
        if (contains(queued->second, vote.link.target.id)) return {What::known, {}, {}};
        if (queued->second.size() >= kVotesMax) {
            return refuse(Errc::busy, "two votes of this key and slot wait for their targets");
        }
    }
    if (waiting_count_ >= limits_.waiting_max) {
        const auto& lowest = *waiting_by_key_.begin();
        if (lowest.first.first >= slot) {
            return refuse(Errc::busy, "too many votes wait for their targets");
        }
        erase_waiting({lowest.first.first, lowest.second.front()});
    }
    waiting_[vote.link.target.id][slot].push_back(vote);
    waiting_by_key_[{slot, vote.key}].push_back(vote.link.target.id);
    ++waiting_count_;
    return {What::waiting, {}, {}};
}

Votes::Tally& Votes::tally_of(const Facts& target, const Tree& tree) {
    const auto found = tallies_.find(target.id);
    if (found != tallies_.end()) return found->second;
    Tally tally;
    tally.link = link_for(target, tree.lookup());
    tally.height = target.height;
    tally.quorum = target.quorum;
    tally.message = vote_signing_bytes(tally.link, target.quorum->set_hash(), genesis_id_);
    tally.bitmap.resize(target.quorum->bitmap_size());
    by_slot_[target.slot].push_back(target.id);
    return tallies_.emplace(target.id, std::move(tally)).first->second;
}

Votes::Added Votes::add(const Vote& vote, const Tree& tree) {
    const auto found = tallies_.find(vote.link.target.id);
    if (found == tallies_.end() || found->second.link != vote.link) return {};
    auto& tally = found->second;
    const auto bit = tally.quorum->bit_of(vote.key);
    if (!bit || tally.signatures.contains(*bit)) return {};
    auto& same_slot = by_key_[vote.key][vote.link.target.slot];
    if (same_slot.size() >= kVotesMax) return {};
    same_slot.push_back(vote.link.target.id);
    tally.signatures.emplace(*bit, vote.signature);
    set_bit(tally.bitmap, *bit);
    ++held_;

    Added added;
    added.fresh = true;
    added.equivocation = offence(vote.key, tally);
    if (tally.quorum->reached(tally.bitmap)) {
        tally.certified = true;
        // Again for a block that the tree lost and got back.
        if (tree.certificate(vote.link.target.id) == nullptr) added.certificate = assemble(tally);
    }
    while (held_ > limits_.held_max) erase_lowest_slot();
    return added;
}

// Votes of an honest key rise in both source and target, so that a vote which offends against any
// other offends against a neighbour.
std::optional<Evidence> Votes::offence(const ValidatorKey& key, const Tally& tally) const {
    const auto& all = by_key_.at(key);
    const auto at = all.find(tally.link.target.slot);
    const auto pair_with = [&](const BlockId& other) {
        return Evidence{evidence_of(key, tallies_.at(other)), evidence_of(key, tally)};
    };
    if (at->second.size() > 1) return pair_with(at->second.front());
    const auto source = tally.link.source.slot;
    if (at != all.begin()) {
        for (const auto& below : std::prev(at)->second) {
            if (tallies_.at(below).link.source.slot > source) return pair_with(below);
        }
    }
    if (const auto next = std::next(at); next != all.end()) {
        for (const auto& above : next->second) {
            if (tallies_.at(above).link.source.slot < source) return pair_with(above);
        }
    }
    return std::nullopt;
}

Bytes Votes::evidence_of(const ValidatorKey& key, const Tally& tally) const {
    const auto signature = tally.signatures.at(*tally.quorum->bit_of(key));
    const Vote vote{tally.quorum->current().version, key, tally.link, signature};
    return evidence_item(vote, tally.quorum->set_hash(), genesis_id_);
}

CertificatePtr Votes::assemble(const Tally& tally) const {
    auto certificate = std::make_shared<Certificate>();
    certificate->set_version = tally.quorum->current().version;
    certificate->joint = tally.quorum->joint();
    certificate->link = tally.link;
    certificate->target_height = tally.height;
    certificate->bitmap = tally.bitmap;
    for (const auto& [bit, signature] : tally.signatures) {
        certificate->signatures.push_back(signature);
    }
    return certificate;
}

CertificatePtr Votes::fullest(const BlockId& target) const {
    const auto tally = tallies_.find(target);
    if (tally == tallies_.end() || !tally->second.certified) return nullptr;
    return assemble(tally->second);
}

std::vector<Vote> Votes::take_waiting(const BlockId& target) {
    std::vector<Vote> out;
    for (auto at = waiting_.find(target); at != waiting_.end(); at = waiting_.find(target)) {
        const auto& [slot, votes] = *at->second.begin();
        out.insert(out.end(), votes.begin(), votes.end());
        erase_waiting({slot, target});
    }
    return out;
}

void Votes::erase_waiting(const Checkpoint& target) {
    const auto by_id = waiting_.find(target.id);
    const auto found = by_id->second.find(target.slot);
    for (const auto& vote : found->second) {
        const auto queued = waiting_by_key_.find({target.slot, vote.key});
        std::erase(queued->second, target.id);
        if (queued->second.empty()) waiting_by_key_.erase(queued);
    }
    waiting_count_ -= found->second.size();
    by_id->second.erase(found);
    if (by_id->second.empty()) waiting_.erase(by_id);
}

std::vector<Vote> Votes::votes_for(const BlockId& target) const {
    std::vector<Vote> out;
    const auto tally = tallies_.find(target);
    if (tally == tallies_.end()) return out;
    const auto& [link, height, quorum, message, bitmap, signatures, certified] = tally->second;
    for (const auto& [bit, signature] : signatures) {
        out.push_back({quorum->current().version, quorum->key(bit), link, signature});
    }
    return out;
}

void Votes::erase_lowest_slot() {
    const auto lowest = by_slot_.begin();
    for (const auto& target : lowest->second) {
        const auto tally = tallies_.find(target);
        for (const auto& [bit, signature] : tally->second.signatures) {
            --held_;
            const auto mine = by_key_.find(tally->second.quorum->key(bit));
            if (mine == by_key_.end()) continue;  // its other vote of this slot went before
            mine->second.erase(lowest->first);
            if (mine->second.empty()) by_key_.erase(mine);
        }
        tallies_.erase(tally);
    }
    forgotten_ = std::max(forgotten_, lowest->first);
    by_slot_.erase(lowest);
}

void Votes::prune(Slot finalised) {
    while (!by_slot_.empty() && by_slot_.begin()->first <= finalised) erase_lowest_slot();
    while (!waiting_by_key_.empty() && waiting_by_key_.begin()->first.first <= finalised) {
        const auto& lowest = *waiting_by_key_.begin();
        erase_waiting({lowest.first.first, lowest.second.front()});
    }
}

std::size_t Votes::size() const {
    return held_ + waiting_count_;
}

void Votes::check_invariants() const {
    std::size_t held = 0;
    for (const auto& [target, tally] : tallies_) {
        SENNIT_ASSERT(tally.link.target.id == target);
        SENNIT_ASSERT(contains(by_slot_.at(tally.link.target.slot), target));
        SENNIT_ASSERT(count_bits(tally.bitmap) == tally.signatures.size());
        SENNIT_ASSERT(tally.certified == tally.quorum->reached(tally.bitmap));
        for (const auto& [bit, signature] : tally.signatures) {
            SENNIT_ASSERT(bit_set(tally.bitmap, bit));
            const auto& mine = by_key_.at(tally.quorum->key(bit));
            SENNIT_ASSERT(contains(mine.at(tally.link.target.slot), target));
        }
        held += tally.signatures.size();
    }
    SENNIT_ASSERT(held == held_ && held_ <= limits_.held_max);
    std::size_t listed = 0;
    for (const auto& [key, by_target] : by_key_) {
        for (const auto& [slot, targets] : by_target) {
            SENNIT_ASSERT(!targets.empty() && targets.size() <= kVotesMax);
            listed += targets.size();
        }
    }
    SENNIT_ASSERT(listed == held_);
    std::size_t waiting = 0;
    for (const auto& [target, by_slot] : waiting_) {
        SENNIT_ASSERT(!by_slot.empty());
        for (const auto& [slot, votes] : by_slot) waiting += votes.size();
    }
    SENNIT_ASSERT(waiting == waiting_count_ && waiting_count_ <= limits_.waiting_max);
    for (const auto& [key, targets] : waiting_by_key_) {
        SENNIT_ASSERT(!targets.empty() && targets.size() <= kVotesMax);
        waiting -= targets.size();
    }
    SENNIT_ASSERT(waiting == 0);
}

}  // namespace sennit::chain
