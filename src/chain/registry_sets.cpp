// SPDX-License-Identifier: MIT
#include "chain/registry_sets.hpp"

#include <algorithm>
#include <map>

namespace sennit::chain {

namespace {

struct Listed {
    Address account;
    Candidate candidate;
};

Result<std::vector<Listed>> read_list(RegistryStore& store, std::size_t count) {
    std::vector<Listed> list;
    list.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        SENNIT_TRY(const auto account, store.listed(i));
        SENNIT_TRY(auto candidate, store.candidate(account));
        list.push_back({account, std::move(candidate)});
    }
    return list;
}

std::vector<Contender> contenders_of(const std::vector<Listed>& list) {
    std::vector<Contender> contenders;
    for (const auto& [account, candidate] : list) {
        if (candidate.status != Candidate::Status::active || candidate.stake < kWeightUnit) {
            continue;
        }
        contenders.push_back({.member = {.account = account,
                                         .payout = candidate.payout,
                                         .key = candidate.validator_key,
                                         .weight = weight_of(candidate.stake)},
                              .stake = candidate.stake});
    }
    return contenders;
}

/// All that was bonded when this version was decided, and is not any more, is behind nobody's vote.
bool backs_no_more(const ValidatorSet& in_force, const Listed& listed) {
    const auto index = in_force.index_of(listed.candidate.validator_key);
    if (!index) return true;
    return in_force.members[*index].weight <= weight_of(listed.candidate.stake);
}

/// Starts the clocks that wait for `in_force`, which is final, and takes who has left for good off
/// the list.
void start_clocks(RegistryStore& store, RegistryStore::Head& head, std::vector<Listed>& list,
                  const ValidatorSet& in_force, std::uint64_t now) {
    for (std::size_t i = 0; i < list.size();) {
        auto& [account, candidate] = list[i];
        const bool waits = candidate.unbonding > 0 && candidate.unbonding_since == 0;
        if (!waits || !backs_no_more(in_force, list[i])) {
            ++i;
            continue;
        }
        candidate.unbonding_since = now;
        candidate.listed = candidate.stake > 0;
        store.set_candidate(account, candidate);
        if (candidate.listed) {
            ++i;
            continue;
        }
        list[i] = std::move(list.back());
        store.set_listed(i, list[i].account);
        list.pop_back();
        store.set_listed(list.size(), Address{});
    }
    head.candidates = static_cast<std::uint16_t>(list.size());
}

}  // namespace

std::optional<ValidatorSet> next_set(const ValidatorSet& current, std::vector<Contender> contenders,
                                     std::size_t members_max, Slot first_slot) {
    if (contenders.empty()) return std::nullopt;
    std::sort(contenders.begin(), contenders.end(), [](const auto& a, const auto& b) {
        return a.stake != b.stake ? a.stake > b.stake : a.member.account < b.member.account;
    });
    std::map<Address, Member> members;
    std::vector<std::pair<Member, std::uint64_t>> gains;  // by rank
    std::vector<Address> outranked;                       // the least last
    for (std::size_t rank = 0; rank < contenders.size(); ++rank) {
        const Member& member = contenders[rank].member;
        const auto index = current.index_of(member.key);
        const bool stays = index && current.members[*index].account == member.account;
        const std::uint64_t today = stays ? current.members[*index].weight : 0;
        const bool wished = rank < members_max;
        if (stays) {
            Member kept = member;
            kept.weight = std::min(today, member.weight);
            members[member.account] = kept;
            if (!wished) outranked.push_back(member.account);
        }
        if (wished && member.weight > today) gains.emplace_back(member, member.weight - today);
    }
    const std::uint64_t cap = current.total_weight() / 4;
    std::uint64_t added = 0;
    for (const auto& [member, gain] : gains) {
        if (added != 0 && (gain > cap || added > cap - gain)) break;
        if (!members.contains(member.account) && members.size() >= members_max) {
            SENNIT_ASSERT(!outranked.empty());
            members.erase(outranked.back());
            outranked.pop_back();
        }
        members[member.account] = member;
        added += gain;
    }
    ValidatorSet next;
    next.version = current.version + 1;
    next.first_slot = first_slot;
    for (const auto& [account, member] : members) next.members.push_back(member);
    if (next.members == current.members) return std::nullopt;
    return next;
}

Result<Sets> change_sets(Overlay& state, const Genesis& genesis, const BlockContext& context) {
    RegistryStore store{state};
    Sets sets = context.sets;
    sets.next = nullptr;
    const auto& in_force = *sets.current;
    SENNIT_TRY(auto head, store.head());
    if (head.version != in_force.version) {
        head.version = in_force.version;
        head.first_slot = in_force.first_slot;
        store.set_set_hash(Quorum{sets.current, nullptr}.set_hash());
    }
    // Without finality sets are frozen: two versions in a row that are not final would let two
    // branches end up with sets that share nobody.
    if (context.finalised_slot >= in_force.first_slot) {
        SENNIT_TRY(auto list, read_list(store, head.candidates));
        start_clocks(store, head, list, in_force, context.timestamp);
        const Schedule schedule{genesis};
        const Slot first = schedule.epoch_start(schedule.epoch_of(context.slot) + 1);
        auto next = next_set(in_force, contenders_of(list), genesis.stake.validators_max, first);
        if (next) {
            SENNIT_TRY(store.freeze(*next));
            sets.next = std::make_shared<const ValidatorSet>(std::move(*next));
        }
    }
    store.set_head(head);
    return sets;
}

Result<Sets> read_sets(RegistryStore& store) {
    SENNIT_TRY(const auto head, store.head());
    Sets sets;
    SENNIT_TRY(auto current, store.frozen(head.version));
    if (!current) return Error{Errc::io, "registry lacks the set in force"};
    sets.current = std::make_shared<const ValidatorSet>(std::move(*current));
    if (head.version > 0) {
        SENNIT_TRY(auto previous, store.frozen(head.version - 1));
        if (!previous) return Error{Errc::io, "registry lacks the set before the one in force"};
        sets.previous = std::make_shared<const ValidatorSet>(std::move(*previous));
    }
    SENNIT_TRY(auto next, store.frozen(head.version + 1));
    if (next) sets.next = std::make_shared<const ValidatorSet>(std::move(*next));
    return sets;
}

Result<void> write_genesis_registry(RegistryStore& store, const Genesis& genesis) {
    const auto set = genesis_set(genesis);
    SENNIT_TRY(store.freeze(set));
    for (std::size_t i = 0; i < genesis.validators.size(); ++i) {
        const auto& v = genesis.validators[i];
        store.set_candidate(v.account, {.status = Candidate::Status::active,
                                        .listed = true,
                                        .validator_key = v.validator_key,
                                        .node_key = v.node_key,
                                        .payout = v.payout,
                                        .stake = v.stake});
        store.set_listed(i, v.account);
        store.set_key_use(v.validator_key.view(),
                          {.account = v.account, .role = KeyRole::validator, .used = true});
        store.set_key_use(v.node_key.view(),
                          {.account = v.account, .role = KeyRole::node, .used = true});
    }
    store.set_head({.version = 0,
                    .candidates = static_cast<std::uint16_t>(genesis.validators.size()),
                    .first_slot = Slot{0}});
    const auto shared = std::make_shared<const ValidatorSet>(set);
    store.set_set_hash(Quorum{shared, nullptr}.set_hash());
    return {};
}

}  // namespace sennit::chain
