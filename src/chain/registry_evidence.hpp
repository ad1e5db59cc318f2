// SPDX-License-Identifier: MIT
#pragma once

#include "chain/genesis.hpp"

namespace sennit::chain {

/// Two messages of one key that no honest validator signs (CHAIN rule 15).
struct Offence {
    enum class Kind : std::uint8_t {
        double_proposal,  ///< (a) two headers of one slot: a machine that runs twice makes these
                          ///< too
        double_vote,      ///< (b) two votes for one target slot
        surround_vote,    ///< (c) one vote's link lies inside the other's
    };

    Kind kind{};
    ValidatorKey key;

    /// What the offence burns: one part in this many of the stake.
    Amount burnt_divisor() const { return kind == Kind::double_proposal ? 20 : 2; }
};

/// Largest item of evidence: a header. A vote is 253 bytes.
constexpr std::size_t kEvidenceItemMax = kHeaderSizeMin + kExtraDataSizeMax;

/// Whom an item names, before any signature is looked at. Errors: malformed and its kin.
Result<ValidatorKey> accused(BytesView item);

/// Judges two items as `Evidence` holds them, in any order, signatures included. Errors: invalid
/// with what acquits the key, malformed and its kin for bytes that are no evidence.
Result<Offence> judge(BytesView first, BytesView second, const Genesis& genesis,
                      const BlockId& genesis_id);

}  // namespace sennit::chain
