// SPDX-License-Identifier: MIT
#include "chain/facts_store.hpp"

#include <algorithm>

#include "chain/schema.hpp"

namespace sennit::chain {

Result<FactsPtr> FactsStore::get(const BlockId& id) {
    if (const auto found = window_.find(id); found != window_.end()) return found->second;
    SENNIT_TRY(auto facts, read(id));
    if (facts) remember(facts);
    return facts;
}

Result<FactsPtr> FactsStore::read(const BlockId& id) {
    SENNIT_TRY(const auto row, db_.get(Column::facts, id.view()));
    if (!row) return FactsPtr{};
    // The codec wants its sets at once and without errors of the disk, so these are kept aside.
    std::optional<Error> failed;
    const auto lookup = [&](const Digest& digest) -> ValidatorSetPtr {
        auto found = set(digest);
        if (found) return *found;
        failed = found.error();
        return nullptr;
    };
    auto facts = decode_facts(*row, lookup, quorum_);
    if (failed) return *failed;
    if (!facts) return schema::damaged("facts of block " + to_hex(id), facts.error());
    quorum_ = (*facts)->quorum;
    return *facts;
}

void FactsStore::remember(FactsPtr facts) {
    quorum_ = facts->quorum;
    const auto [at, fresh] = window_.insert_or_assign(facts->id, facts);
    if (!fresh) return;
    order_.push_back(facts->id);
    if (order_.size() > kWindow) {
        window_.erase(order_.front());
        order_.pop_front();
    }
}

void FactsStore::write(Batch& batch, const Facts& facts, const Facts* parent) {
    const std::array sets{facts.sets.previous, facts.sets.current, facts.sets.next};
    const auto digest = [&](const ValidatorSet& set) {
        return digest_of(*std::ranges::find(sets, &set, &ValidatorSetPtr::get));
    };
    batch.put(Column::facts, facts.id.view(), encode(facts, digest));
    for (const ValidatorSetPtr& set : sets) {
        if (set == nullptr) continue;
        const bool stored =
            parent != nullptr && (set == parent->sets.previous || set == parent->sets.current ||
                                  set == parent->sets.next);
        if (!stored) batch.put(Column::sets, digest_of(set).view(), encode(*set));
    }
}

Digest FactsStore::digest_of(const ValidatorSetPtr& set) {
    const auto known = std::ranges::find(sets_, set, &decltype(sets_)::value_type::second);
    if (known != sets_.end()) return known->first;
    const Digest digest = set_digest(*set);
    keep(digest, set);
    return digest;
}

void FactsStore::keep(const Digest& digest, ValidatorSetPtr set) {
    sets_.emplace_front(digest, std::move(set));
    if (sets_.size() > kSetsKept) sets_.pop_back();
}

Result<ValidatorSetPtr> FactsStore::set(const Digest& digest) {
    const auto known = std::ranges::find(sets_, digest, &decltype(sets_)::value_type::first);
    if (known != sets_.end()) return known->second;
    SENNIT_TRY(const auto row, db_.get(Column::sets, digest.view()));
    if (!row) return ValidatorSetPtr{};
    auto decoded = decode_validator_set(*row);
    if (!decoded) return schema::damaged("validator set " + to_hex(digest), decoded.error());
    auto set = std::make_shared<const ValidatorSet>(std::move(*decoded));
    keep(digest, set);
    return ValidatorSetPtr{std::move(set)};
}

}  // namespace sennit::chain
