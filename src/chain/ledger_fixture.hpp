// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "chain/execution.hpp"
#include "chain/genesis_fixture.hpp"
#include "chain/registry_abi.hpp"
#include "chain/registry_sets.hpp"
#include "primitives/rlp.hpp"

/// A state in memory and blocks run over it without headers, for the tests of execution.
namespace sennit::chain::fixture {

class MemoryState : public StateReader {
  public:
    Result<std::optional<Account>> account(const Address& address) const override {
        const auto found = accounts.find(address);
        if (found == accounts.end()) return std::optional<Account>{};
        return std::optional{found->second};
    }
    Result<Word> slot(const Address& address, const Word& key) const override {
        if (broken) return Error{Errc::io, "disk on fire"};
        const auto found = slots.find({address, key});
        return found == slots.end() ? Word{} : found->second;
    }
    void apply(const Overlay& overlay) {
        for (const auto& [address, change] : overlay.changes()) {
            if (change.account) {
                EXPECT_FALSE(change.account->empty()) << "an empty account was written";
                accounts[address] = *change.account;
            }
            for (const auto& [key, value] : change.slots) {
                if (value.is_zero()) {
                    slots.erase({address, key});
                } else {
                    slots[{address, key}] = value;
                }
            }
        }
    }
    Amount supply() const {
        Amount sum = 0;
        for (const auto& [address, account] : accounts) sum += account.balance;
        return sum;
    }

    std::map<Address, Account> accounts;
    std::map<std::pair<Address, Word>, Word> slots;
    bool broken{false};
};

/// An ordinary transaction, signed. Price 1.
inline SignedTransaction sign(const crypto::Secp256k1Key& key, std::uint64_t chain_id,
                              Transaction tx) {
    tx.v = 35 + 2 * chain_id;
    const auto signature = key.sign(signing_digest(tx, chain_id));
    tx.v += signature.recovery;
    tx.r = signature.r;
    tx.s = signature.s;
    const auto rlp = encode(tx);
    auto opened = open_transaction(rlp, chain_id);
    SENNIT_ASSERT(opened.has_value());
    return **opened;
}

inline Bytes call_data(std::string_view signature, Bytes arguments = {}) {
    Writer out;
    out.be(abi::selector(signature)).raw(arguments);
    return std::move(out).take();
}

/// Blocks over a MemoryState: each `block` is one executed block of a slot.
class Ledger {
  public:
    explicit Ledger(Genesis g) : genesis{std::move(g)} {
        Overlay overlay{state};
        EXPECT_TRUE(write_genesis_state(overlay, genesis));
        state.apply(overlay);
        genesis_id = header_id(genesis_header(genesis, Digest{}));
        sets.current = std::make_shared<const ValidatorSet>(genesis_set(genesis));
    }

    std::uint64_t nonce(const crypto::Secp256k1Key& key) const {
        const auto found = state.accounts.find(key.address());
        return found == state.accounts.end() ? 0 : found->second.nonce;
    }
    Amount balance(const Address& address) const {
        const auto found = state.accounts.find(address);
        return found == state.accounts.end() ? 0 : found->second.balance;
    }
    SignedTransaction transaction(const crypto::Secp256k1Key& from, const Address& to, Amount value,
                                  Bytes data = {}, std::uint64_t gas_limit = 500'000) const {
        Transaction tx;
        tx.nonce = nonce(from);
        tx.gas_price = 1;
        tx.gas_limit = gas_limit;
        tx.to = to;
        tx.value = value;
        tx.data = std::move(data);
        return sign(from, genesis.chain_id, tx);
    }

    BlockContext context(Slot at) const {
        const Schedule schedule{genesis};
        BlockContext out;
        out.slot = at;
        out.timestamp = schedule.timestamp(at);
        out.payout = address(900);
        out.epoch_start = schedule.epoch_of(at) > schedule.epoch_of(slot);
        out.finalised_slot = finalised;
        out.sets = sets.at(at);
        return out;
    }

    /// Runs a block of `at` with `transactions`; each must be valid.
    BlockExecutor::Outcome block(Slot at, const std::vector<SignedTransaction>& transactions = {},
                                 std::optional<BlockContext> with = std::nullopt) {
        Overlay overlay{state};
        const auto used = with.value_or(context(at));
        BlockExecutor run{overlay, genesis, genesis_id, used};
        EXPECT_TRUE(run.begin());
        for (const auto& tx : transactions) {
            const auto receipt = run.add(tx);
            EXPECT_TRUE(receipt) << receipt.error().text();
        }
        auto outcome = run.finish();
        EXPECT_TRUE(outcome);
        state.apply(overlay);
        slot = at;
        sets = used.sets;
        if (outcome->sets) sets = *outcome->sets;
        return *outcome;
    }
    /// One transaction in the next slot; its receipt's status.
    int run(const SignedTransaction& tx) { return block(slot + 1, {tx}).receipts.at(0).status; }
    int call(const crypto::Secp256k1Key& from, Bytes data, Amount value = 0) {
        return run(transaction(from, kRegistryAddress, value, std::move(data)));
    }
    /// An empty block at the start of the next epoch; everything before it is final.
    void next_epoch() {
        const Schedule schedule{genesis};
        const Slot start = schedule.epoch_start(schedule.epoch_of(slot) + 1);
        finalised = start - 1;
        block(start);
    }
    Candidate candidate(const Address& account) {
        Overlay overlay{state};
        return *RegistryStore{overlay}.candidate(account);
    }

    Genesis genesis;
    BlockId genesis_id;
    MemoryState state;
    Slot slot;
    Slot finalised;
    Sets sets;
};

/// Call data of `register` for the account of validator `number`.
inline Bytes registration(const Genesis& g, std::uint32_t number, const Address& payout,
                          BytesView addresses = {}) {
    const auto account = account_key(number).address();
    abi::Answer arguments{6};
    const auto proof = [&](KeyRole role, const crypto::Ed25519Key& key) {
        return possession(g.chain_id, account, role, key);
    };
    arguments.word(validator_key(number).public_key<Word>())
        .bytes(proof(KeyRole::validator, validator_key(number)).view())
        .word(node_key(number).public_key<Word>())
        .bytes(proof(KeyRole::node, node_key(number)).view())
        .address(payout)
        .bytes(addresses);
    return call_data("register(bytes32,bytes,bytes32,bytes,address,bytes)",
                     std::move(arguments).take());
}

inline Bytes one_word(std::string_view signature, Uint128 value) {
    return call_data(signature, to_bytes(abi::word_from(value).view()));
}
inline Bytes unstaking(Uint128 amount) {
    return one_word("unstake(uint256)", amount);
}
inline Bytes accusation(BytesView first, BytesView second) {
    abi::Answer arguments{2};
    arguments.bytes(first).bytes(second);
    return call_data("evidence(bytes,bytes)", std::move(arguments).take());
}

}  // namespace sennit::chain::fixture
