// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "chain/genesis.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/secp256k1.hpp"

/// Keys, accounts and genesis files for the tests of this module and of those above it.
namespace sennit::chain::fixture {

inline crypto::Ed25519Key ed25519(std::uint8_t kind, std::uint32_t number) {
    crypto::Ed25519Key::Seed seed{};
    seed[0] = kind;
    for (std::size_t i = 0; i < 4; ++i) seed[i + 1] = static_cast<std::uint8_t>(number >> (8 * i));
    return crypto::Ed25519Key::from_seed(seed);
}
inline crypto::Ed25519Key validator_key(std::uint32_t number) {
    return ed25519(1, number);
}
inline crypto::Ed25519Key node_key(std::uint32_t number) {
    return ed25519(2, number);
}

/// The account of validator `number`, and of anybody else: accounts 1000 and up own nothing yet.
inline crypto::Secp256k1Key account_key(std::uint32_t number) {
    std::array<std::uint8_t, 32> secret{};
    secret[0] = 7;
    for (std::size_t i = 0; i < 4; ++i) {
        secret[28 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
    return *crypto::Secp256k1Key::from_bytes(secret);
}

inline Address address(std::uint32_t number) {
    Address out;
    for (std::size_t i = 0; i < 4; ++i) {
        out.bytes[16 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
    out.bytes[0] = 0xaa;
    return out;
}

inline Signature possession(std::uint64_t chain_id, const Address& account, KeyRole role,
                            const crypto::Ed25519Key& key) {
    const auto public_key = key.public_key<Digest>();
    return key.sign(possession_bytes(chain_id, account, role, public_key.view()));
}

constexpr Amount kCoin = 1'000'000'000'000'000'000;

/// Validators 0 to n-1 with `stakes` coins each, their accounts and accounts 100 to 103 with a
/// million coins each. Members come in order of account, not of number.
inline Genesis genesis(const std::vector<std::uint64_t>& stakes) {
    Genesis g;
    g.chain_id = 7777;
    g.genesis_time = 1'700'000'000;
    g.gas_limit = 30'000'000;
    g.min_gas_price = 1;
    g.stake = {.slot_seconds = 3,
               .epoch_slots = 64,
               .validators_max = 100,
               .unbonding_seconds = 1000,
               .min_stake = kCoin,
               .reward = 2 * kCoin};
    for (std::uint32_t i = 0; i < stakes.size(); ++i) {
        GenesisValidator v;
        v.account = account_key(i).address();
        v.payout = address(i);
        v.validator_key = validator_key(i).public_key<ValidatorKey>();
        v.node_key = node_key(i).public_key<NodeId>();
        v.validator_pop = possession(g.chain_id, v.account, KeyRole::validator, validator_key(i));
        v.node_pop = possession(g.chain_id, v.account, KeyRole::node, node_key(i));
        v.stake = kCoin * stakes[i];
        g.validators.push_back(v);
        g.alloc.emplace_back(v.account, kCoin * 1'000'000);
    }
    for (std::uint32_t i = 100; i < 104; ++i) {
        g.alloc.emplace_back(account_key(i).address(), kCoin * 1'000'000);
    }
    std::sort(g.validators.begin(), g.validators.end(),
              [](const auto& a, const auto& b) { return a.account < b.account; });
    std::sort(g.alloc.begin(), g.alloc.end());
    return g;
}

/// Which of validators 0 to 999 a key belongs to.
inline std::uint32_t number_of(const ValidatorKey& key) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
        if (validator_key(i).public_key<ValidatorKey>() == key) return i;
    }
    SENNIT_ASSERT(false);
    return 0;
}

}  // namespace sennit::chain::fixture
