// SPDX-License-Identifier: MIT
#pragma once

#include "cli/rpc_client.hpp"
#include "crypto/secp256k1.hpp"
#include "primitives/transaction.hpp"

namespace sennit::cli {

/// Signs `tx` for `chain_id` and encodes it.
Bytes sign_transaction(Transaction tx, std::uint64_t chain_id, const crypto::Secp256k1Key& key);

/// A quantity (0x…) as the RPC gives it.
Result<std::uint64_t> quantity_of(const json::Value& value);

}  // namespace sennit::cli
