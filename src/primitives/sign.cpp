// SPDX-License-Identifier: MIT
#include "primitives/sign.hpp"

namespace sennit {

Bytes sign_transaction(Transaction tx, std::uint64_t chain_id, const crypto::Secp256k1Key& key) {
    const auto signature = key.sign(signing_digest(tx, chain_id));
    tx.r = signature.r;
    tx.s = signature.s;
    tx.v = 35 + 2 * chain_id + signature.recovery;
    return encode(tx);
}

}  // namespace sennit
