// SPDX-License-Identifier: MIT
#pragma once

#include "chain/genesis_fixture.hpp"
#include "chain/state.hpp"

namespace sennit::chain::fixture {

/// A chain whose keys are all known: makes signed transfers, blocks and certificates, for tests of
/// this module and of those above it (engine, sync, simulation).
///
///     TestChain chain;
///     auto store = make_memory_store();
///     auto state = chain.open(*store);
///     auto block = chain.extend(*state, state->base()->id, {chain.transfer(100, address(7), 5,
///     0)}); ASSERT_TRUE(state->execute(block));
///
/// What fails here is the test's own mistake, so it asserts.
class TestChain {
  public:
    explicit TestChain(Genesis genesis = fixture::genesis({1, 1, 1, 1}));

    const Genesis& genesis() const { return genesis_; }
    const BlockId& genesis_id() const { return genesis_id_; }
    Schedule schedule() const { return Schedule{genesis_}; }
    const crypto::Ed25519Key& key(const ValidatorKey& key) const { return keys_.at(key); }

    std::unique_ptr<State> open(Store& store, State::Limits limits = {}) const;

    /// From account `from` of the fixture, signed.
    TransactionPtr transfer(std::uint32_t from, const Address& to, Amount value,
                            std::uint64_t nonce, std::uint64_t gas_price = 1) const;
    TransactionPtr sign(std::uint32_t from, Transaction tx) const;

    struct Proposal {
        BlockId parent;
        Slot slot;
        FactsPtr justified;  ///< J; null: the parent's J, without a bitmap
        std::vector<TransactionPtr> transactions;
    };
    /// What the slot's leader would ask its state for.
    BuildOrder order(const State& state, const Proposal& proposal) const;
    /// Builds on `state` and signs. Candidates that do not fit are left out.
    BlockPtr propose(State& state, const Proposal& proposal) const;
    /// The block of ordinary times: the slot after its parent's, J = the parent, all have voted.
    BlockPtr extend(State& state, const BlockId& parent,
                    std::vector<TransactionPtr> transactions = {}) const;
    /// Signs a header with its validator's key.
    BlockPtr seal(Header header, std::vector<TransactionPtr> transactions) const;

    /// Signed by every member of the target's quorum.
    CertificatePtr certify(const State& state, const Facts& target) const;

  private:
    Genesis genesis_;
    BlockId genesis_id_;
    std::map<ValidatorKey, crypto::Ed25519Key> keys_;
    std::map<std::uint32_t, crypto::Secp256k1Key> mutable accounts_;  ///< made once each: costly
};

/// Every bit of a quorum set.
Bytes full_bitmap(const Quorum& quorum);

}  // namespace sennit::chain::fixture
