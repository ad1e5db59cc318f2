// SPDX-License-Identifier: MIT
#pragma once

#include "mempool/mempool.hpp"

/// Transactions and a chain for the pool's tests and fuzz target.
namespace sennit::mempool::fixture {

inline chain::Genesis genesis() {
    chain::Genesis g;
    g.chain_id = 1337;
    g.gas_limit = 10'000'000;
    g.min_gas_price = 1;
    return g;
}

inline Address sender(std::uint8_t n) {
    Address a;
    a.bytes[0] = n;
    return a;
}

/// Signatures are settled before the pool: an id made up from what matters here will do.
inline TransactionPtr transfer(std::uint8_t from, std::uint64_t nonce, std::uint64_t price,
                               Amount value = 1, std::size_t data = 0) {
    auto out = std::make_shared<SignedTransaction>();
    out->tx.nonce = nonce;
    out->tx.gas_price = price;
    out->tx.gas_limit = 21000 + 16 * data;
    out->tx.value = value;
    out->tx.data.assign(data, 1);
    out->tx.v = 35 + 2 * 1337;
    out->rlp = encode(out->tx);
    out->rlp.push_back(from);
    out->id = transaction_id(out->rlp);
    out->sender = sender(from);
    return out;
}

}  // namespace sennit::mempool::fixture
