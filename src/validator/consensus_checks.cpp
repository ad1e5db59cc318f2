// SPDX-License-Identifier: MIT
#include <algorithm>

#include "validator/consensus_world.hpp"

namespace sennit::validator::sim {

namespace {

// Of a member of version 0: four coins.
constexpr std::uint64_t kWeight = 4'000'000'000;

// Rule 15 (b) and (c), by definition.
bool slashable(const VoteLink& a, const VoteLink& b) {
    if (a.target.slot == b.target.slot) return a != b;
    const auto& outer = a.target.slot > b.target.slot ? a : b;
    const auto& inner = a.target.slot > b.target.slot ? b : a;
    return outer.source.slot < inner.source.slot;
}

}  // namespace

Outcome run(const Options& options) {
    return World{options}.run();
}

void World::broke(std::string what) {
    if (outcome_.broken.size() < 8) {
        const auto slot = (now_ - start_of(Slot{0})) / slot_length();
        outcome_.broken.push_back("slot " + std::to_string(slot) + ": " + std::move(what));
    }
}

// How long finality waits, once the last asynchronous period is three slots away.
void World::watch_finality() {
    const auto slot = static_cast<std::uint64_t>((now_ - start_of(Slot{0})) / slot_length());
    std::uint64_t since = 0;
    for (const auto& [first, last] : options_.asynchrony) {
        if (slot >= first && slot < last) return;
        if (slot >= last) since = std::max(since, last);
    }
    for (const auto& node : nodes_) {
        if (node == nullptr) continue;
        const auto from = std::max(node->tree.root().slot.value, since);
        outcome_.worst_wait = std::max(outcome_.worst_wait, slot - from);
    }
}

void World::check_votes() {
    for (const auto& [number, links] : honest_votes_) {
        for (std::size_t i = 0; i < links.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                if (slashable(links[i], links[k])) broke("an honest validator is slashable");
            }
        }
    }
}

// Rule 21: whoever trusts version 0 gets to every later one by one finality proof each.
void World::check_light_client() {
    if (sets_.empty()) return;
    auto trusted = maker_.root()->sets.current;
    for (std::uint32_t version = 1; version <= sets_.rbegin()->first; ++version) {
        const auto claimed = sets_.find(version);
        const auto proof = links_.find(version);
        if (claimed == sets_.end() || proof == links_.end()) {
            return broke("no finality proof for a set version");
        }
        const auto& certificate = *proof->second;
        const Quorum quorum{claimed->second, trusted};
        if (!certificate.joint || !certificate.finalises() ||
            !check_certificate_form(certificate, quorum)) {
            return broke("the finality proof of a version is not joint with the one before");
        }
        const auto message =
            vote_signing_bytes(certificate.link, quorum.set_hash(), maker_.root()->id);
        std::size_t next = 0;
        for (std::size_t bit = 0; bit < quorum.size(); ++bit) {
            if (!bit_set(certificate.bitmap, bit)) continue;
            if (!crypto::ed25519_verify(quorum.key(bit).view(), message,
                                        certificate.signatures[next++].view())) {
                return broke("a signature of a finality proof does not hold");
            }
        }
        trusted = claimed->second;
    }
}

bool World::holds_adversary_below_third(const ValidatorSet& set) const {
    std::uint64_t bad = 0;
    for (const auto number : bad_) {
        if (const auto index = set.index_of(keys_[number])) bad += set.members[*index].weight;
    }
    return 3 * bad < set.total_weight();
}

FactsPtr World::execute(const FactsPtr& facts, const chain::Facts& parent) {
    auto out = *facts;
    out.executed = true;
    if (options_.set_changes && facts->epoch_start) {
        const auto found = decided_.find(facts->id);
        if (found == decided_.end()) {
            const auto set = decide(*facts, parent);
            decided_[facts->id] = set ? std::make_shared<const ValidatorSet>(*set) : nullptr;
        }
        out.sets.next = decided_[facts->id];
    }
    return std::make_shared<const chain::Facts>(std::move(out));
}

// The stakes that a branch's registry holds at an epoch's start: other ones on each branch, since
// branches that fight under different sets are the hard case.
std::map<std::size_t, std::uint64_t> World::wish(Rng& rng, const chain::Facts& parent) const {
    const auto author = authors_.find(parent.id);
    const bool half = author != authors_.end() && half_[author->second];
    std::map<std::size_t, std::uint64_t> out;
    for (std::size_t i = 0; i < validators(); ++i) {
        const auto percent = !options_.partitioned ? 67u : half_[i] == half ? 95u : 30u;
        if (rng.chance(percent, 100)) out[i] = kWeight / 4 * (2 + rng.below(5));
    }
    return out;
}

// Rule 17: leavers and decreases first, then entrants and increases up to a quarter.
std::optional<ValidatorSet> World::decide(const chain::Facts& facts,
                                          const chain::Facts& parent) const {
    const auto& current = *facts.sets.current;
    if (parent.finalised.slot < current.first_slot) return std::nullopt;
    const auto schedule = maker_.schedule();
    const auto epoch = schedule.epoch_of(facts.slot);
    auto rng = Rng{options_.seed}.fork("wish " + std::to_string(epoch) + " " +
                                       std::to_string(std::hash<BlockId>{}(parent.id) % 3));
    for (int attempt = 0; attempt < 16; ++attempt) {
        ValidatorSet set{current.version + 1, schedule.epoch_start(epoch + 1), {}};
        std::vector<std::pair<std::size_t, std::uint64_t>> additions;
        for (const auto& [number, weight] : wish(rng, parent)) {
            const auto index = current.index_of(keys_[number]);
            const auto had = index ? current.members[*index].weight : 0;
            if (const auto kept = std::min(had, weight); kept > 0) {
                set.members.push_back({accounts_[number], {}, keys_[number], kept});
            }
            if (weight > had) additions.emplace_back(number, weight - had);
        }
        std::uint64_t added = 0;
        for (const auto& [number, weight] : additions) {
            if (4 * added >= current.total_weight()) break;
            added += weight;
            if (const auto index = set.index_of(keys_[number])) {
                set.members[*index].weight += weight;
            } else {
                set.members.push_back({accounts_[number], {}, keys_[number], weight});
            }
        }
        std::sort(set.members.begin(), set.members.end(),
                  [](const Member& a, const Member& b) { return a.account < b.account; });
        if (!set.members.empty() && holds_adversary_below_third(set)) return set;
    }
    return std::nullopt;
}

}  // namespace sennit::validator::sim
