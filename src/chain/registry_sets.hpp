// SPDX-License-Identifier: MIT
#pragma once

#include "chain/execution.hpp"
#include "chain/registry_store.hpp"

namespace sennit::chain {

/// Who may be elected, and the whole stake behind it: weights round down, and ranks do not.
struct Contender {
    Member member;
    Amount stake{0};
};

/// The set after `current` on the way to the registry's wish, the `members_max` contenders with the
/// most stake (CHAIN rule 17). nullopt: no change, or nobody to wish for.
///
/// Who is no contender any more leaves at once, and who has less weighs less at once. Who enters or
/// grows does so by rank until the new weight would pass a quarter of `current`'s, one at least; a
/// member that was only outranked stays until an entrant needs its place.
///
/// The cap is against a new majority in one step: members that nobody has seen voting may not hold
/// a third, or finality could stop with the first version that has them. Were the outranked to
/// leave at once, a rich newcomer would have the whole next set
/// (docs/adr/validator-set-changes.md).
std::optional<ValidatorSet> next_set(const ValidatorSet& current, std::vector<Contender> contenders,
                                     std::size_t members_max, Slot first_slot);

/// The registry's duties in the first block of an epoch: puts the next version in force, starts
/// unbonding clocks and decides on another version (CHAIN rules 17 and 19). Returns the sets after
/// it; the sets of `context` are those in force already.
Result<Sets> change_sets(Overlay& state, const Genesis& genesis, const BlockContext& context);

/// The sets as the registry's storage names them. Errors: io.
Result<Sets> read_sets(RegistryStore& store);

/// Writes version 0 and its candidates.
Result<void> write_genesis_registry(RegistryStore& store, const Genesis& genesis);

}  // namespace sennit::chain
