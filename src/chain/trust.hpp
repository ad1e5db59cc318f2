// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "chain/facts.hpp"
#include "chain/store.hpp"

/// Weak subjectivity (CHAIN rule 22).
///
/// Whoever had stake long ago may have withdrawn it since, and risks nothing by signing another
/// past; to a node that was away for so long, that past looks as good as the true one. So it asks
/// its operator for a block that somebody trustworthy knows to be final, and follows no chain that
/// does not contain it. Sets still come from execution.
namespace sennit::chain {

/// Whether the keys that certified what comes after `finalised` could have withdrawn their stake by
/// now: half the unbonding time has passed, the other half is for evidence to arrive.
bool too_old_to_follow(const Genesis& genesis, Slot finalised, UnixTime wall);

/// May a node that stands at `base` go on from there, given what its operator trusts? A trusted
/// block below the base must be in the database; one above it is for sync to find. Errors: timeout
/// when the base is too old, with what to do about it; mismatch when the database holds another
/// chain; io.
Result<void> check_trust(const Genesis& genesis, const Snapshot& db, const Facts& base,
                         const std::optional<Checkpoint>& trusted, UnixTime wall);

/// "slot:id", the id as 64 hexadecimal digits, with or without 0x. Errors: malformed.
Result<Checkpoint> parse_checkpoint(std::string_view text);
std::string to_text(const Checkpoint& checkpoint);

}  // namespace sennit::chain
