// SPDX-License-Identifier: MIT
#include "chain/execution.hpp"

#include <gmock/gmock.h>

#include "chain/ledger_fixture.hpp"

namespace sennit::chain {
namespace {

using fixture::kCoin;
using fixture::Ledger;

const auto kAlice = fixture::account_key(100);
const auto kBob = fixture::account_key(1000);

/// The error of adding one transaction to a fresh block.
std::string refusal(const Ledger& ledger, const SignedTransaction& tx) {
    Overlay overlay{ledger.state};
    BlockExecutor run{overlay, ledger.genesis, ledger.genesis_id, ledger.context(Slot{1})};
    const auto receipt = run.add(tx);
    EXPECT_TRUE(overlay.changes().empty() || receipt) << "a refused transaction changed something";
    return receipt ? "accepted" : std::string{receipt.error().what};
}

Transaction plain(const Ledger& ledger) {
    Transaction tx;
    tx.nonce = ledger.nonce(kAlice);
    tx.gas_price = 1;
    tx.gas_limit = 21'000;
    tx.to = kBob.address();
    tx.value = 5;
    return tx;
}

std::string refusal(const Ledger& ledger, const Transaction& tx) {
    return refusal(ledger, fixture::sign(kAlice, ledger.genesis.chain_id, tx));
}

TEST(Execution, moves_value_counts_the_nonce_and_returns_unused_gas) {
    Ledger ledger{fixture::genesis({4})};
    const auto before = ledger.balance(kAlice.address());
    const auto outcome =
        ledger.block(Slot{1}, {ledger.transaction(kAlice, kBob.address(), 7 * kCoin)});
    EXPECT_EQ(outcome.receipts, std::vector<Receipt>({{.status = 1, .gas_used = 21'000}}));
    EXPECT_EQ(outcome.gas_used, 21'000u);
    EXPECT_EQ(outcome.fees, 21'000u);
    EXPECT_EQ(outcome.sets, std::nullopt);
    EXPECT_EQ(ledger.balance(kBob.address()), 7 * kCoin);
    EXPECT_EQ(ledger.balance(kAlice.address()), before - 7 * kCoin - 21'000);
    EXPECT_EQ(ledger.nonce(kAlice), 1u);
    EXPECT_EQ(ledger.balance(fixture::address(900)), 21'000u) << "the fee is the leader's";
}

TEST(Execution, charges_4_a_zero_byte_and_16_another) {
    Ledger ledger{fixture::genesis({4})};
    const auto outcome =
        ledger.block(Slot{1}, {ledger.transaction(kAlice, kBob.address(), 1, {0, 0, 9})});
    EXPECT_EQ(outcome.gas_used, 21'000u + 2 * 4 + 16);
}

TEST(Execution, pays_the_reward_by_the_weight_that_voted) {
    Ledger ledger{fixture::genesis({4})};
    auto context = ledger.context(Slot{1});
    context.voted_weight = 3;
    context.total_weight = 4;
    ledger.block(Slot{1}, {}, context);
    EXPECT_EQ(ledger.balance(fixture::address(900)), ledger.genesis.stake.reward * 3 / 4);
    ledger.block(Slot{2});
    EXPECT_EQ(ledger.balance(fixture::address(900)), ledger.genesis.stake.reward * 3 / 4)
        << "no newer J, no reward";
}

TEST(Execution, computes_a_reward_whose_product_is_over_128_bits) {
    auto genesis = fixture::genesis({4});
    genesis.stake.reward = Uint128{1} << 87;
    Ledger ledger{genesis};
    auto context = ledger.context(Slot{1});
    context.voted_weight = (std::uint64_t{1} << 63) - 2;
    context.total_weight = (std::uint64_t{1} << 63) - 1;
    ledger.block(Slot{1}, {}, context);
    // 2^87 * (1 - 1/(2^63 - 1)) = 2^87 - 2^24 - 2^24/(2^63 - 1), rounded down.
    EXPECT_EQ(ledger.balance(fixture::address(900)), (Uint128{1} << 87) - (1u << 24) - 1);
}

TEST(Execution, refuses_with_the_sentences_of_geth) {
    Ledger ledger{fixture::genesis({4})};
    ledger.block(Slot{1}, {ledger.transaction(kAlice, kBob.address(), 1)});
    EXPECT_EQ(refusal(ledger, plain(ledger)), "accepted");

    auto tx = plain(ledger);
    tx.nonce = 0;
    EXPECT_EQ(refusal(ledger, tx), "nonce too low");
    tx.nonce = 2;
    EXPECT_EQ(refusal(ledger, tx), "nonce too high");
    tx = plain(ledger);
    tx.gas_limit = 20'999;
    EXPECT_EQ(refusal(ledger, tx), "intrinsic gas too low");
    tx = plain(ledger);
    tx.gas_price = 0;
    EXPECT_EQ(refusal(ledger, tx), "transaction underpriced");
    tx = plain(ledger);
    tx.gas_limit = ledger.genesis.gas_limit + 1;
    EXPECT_EQ(refusal(ledger, tx), "gas limit reached");
    EXPECT_EQ(refusal(ledger, fixture::sign(kAlice, 7778, plain(ledger))),
              "invalid chain id for signer");
}

TEST(Execution, wants_value_and_the_whole_gas_limit_at_hand) {
    Ledger ledger{fixture::genesis({4})};
    const auto balance = ledger.balance(kAlice.address());
    auto tx = plain(ledger);
    tx.gas_limit = 30'000;
    tx.value = balance - 30'000;
    EXPECT_EQ(refusal(ledger, tx), "accepted");
    tx.value += 1;
    EXPECT_EQ(refusal(ledger, tx), "insufficient funds for gas * price + value");
    tx.value = ~Uint128{0};
    tx.gas_price = ~std::uint64_t{0};
    EXPECT_EQ(refusal(ledger, tx), "insufficient funds for gas * price + value")
        << "value + limit * price is over 2^128 here";
}

TEST(Execution, refuses_a_transaction_that_leaves_the_block_no_room) {
    auto genesis = fixture::genesis({4});
    genesis.block_bytes_max = 4'000;
    Ledger ledger{genesis};
    EXPECT_EQ(refusal(ledger, ledger.transaction(kAlice, kBob.address(), 1, Bytes(2'800))),
              "accepted");
    EXPECT_EQ(refusal(ledger, ledger.transaction(kAlice, kBob.address(), 1, Bytes(3'000))),
              "oversized data");
}

TEST(Execution, stops_at_the_gas_limit_of_the_block_by_what_was_used) {
    auto genesis = fixture::genesis({4});
    genesis.gas_limit = 50'000;
    Ledger ledger{genesis};
    Overlay overlay{ledger.state};
    BlockExecutor run{overlay, ledger.genesis, ledger.genesis_id, ledger.context(Slot{1})};
    const auto add = [&](std::uint64_t nonce, std::uint64_t limit) {
        auto tx = plain(ledger);
        tx.nonce = nonce;
        tx.gas_limit = limit;
        return run.add(fixture::sign(kAlice, ledger.genesis.chain_id, tx));
    };
    EXPECT_TRUE(add(0, 50'000));
    EXPECT_TRUE(add(1, 29'000)) << "the first one used 21000 of its 50000";
    const auto full = add(2, 21'000);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().what, "gas limit reached");
}

TEST(Execution, leaves_no_empty_account_behind) {
    Ledger ledger{fixture::genesis({4})};
    ledger.block(Slot{1}, {ledger.transaction(kAlice, kBob.address(), 0)});
    EXPECT_FALSE(ledger.state.accounts.contains(kBob.address()));
}

TEST(Execution, to_oneself_costs_the_fee_only) {
    Ledger ledger{fixture::genesis({4})};
    const auto before = ledger.balance(kAlice.address());
    ledger.block(Slot{1}, {ledger.transaction(kAlice, kAlice.address(), kCoin)});
    EXPECT_EQ(ledger.balance(kAlice.address()), before - 21'000);
}

TEST(Execution, returns_the_value_of_a_call_that_fails_and_keeps_its_gas) {
    Ledger ledger{fixture::genesis({4})};
    const auto before = ledger.balance(kAlice.address());
    for (const auto& to : {kRegistryAddress, kRoundsAddress}) {
        const auto outcome =
            ledger.block(ledger.slot + 1, {ledger.transaction(kAlice, to, kCoin, {1, 2, 3, 4})});
        EXPECT_EQ(outcome.receipts.at(0), (Receipt{.status = 0, .gas_used = 21'064}));
    }
    EXPECT_EQ(ledger.balance(kAlice.address()), before - 2 * 21'064);
    EXPECT_EQ(ledger.nonce(kAlice), 2u);
    EXPECT_EQ(ledger.balance(kRoundsAddress), 0u);
}

TEST(Execution, call_that_runs_out_of_gas_uses_its_whole_limit) {
    Ledger ledger{fixture::genesis({4})};
    const auto data = fixture::registration(ledger.genesis, 100, fixture::address(1));
    const auto wanted = estimate_gas(kRegistryAddress, data);
    EXPECT_EQ(wanted, intrinsic_gas(data) + 60'000);
    auto outcome = ledger.block(
        Slot{1}, {ledger.transaction(kAlice, kRegistryAddress, 2 * kCoin, data, wanted - 1)});
    EXPECT_EQ(outcome.receipts.at(0), (Receipt{.status = 0, .gas_used = wanted - 1}));
    outcome = ledger.block(Slot{2},
                           {ledger.transaction(kAlice, kRegistryAddress, 2 * kCoin, data, wanted)});
    EXPECT_EQ(outcome.receipts.at(0), (Receipt{.status = 1, .gas_used = wanted}));
}

TEST(Execution, disk_error_inside_a_call_is_no_failed_call) {
    Ledger ledger{fixture::genesis({4})};
    const auto tx = ledger.transaction(kAlice, kRegistryAddress, 0, fixture::unstaking(1));
    ledger.state.broken = true;
    Overlay overlay{ledger.state};
    BlockExecutor run{overlay, ledger.genesis, ledger.genesis_id, ledger.context(Slot{1})};
    const auto receipt = run.add(tx);
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, Errc::io);
}

TEST(Execution, genesis_state_holds_the_allocation_the_stakes_and_the_reserved_accounts) {
    const auto genesis = fixture::genesis({4, 6});
    Ledger ledger{genesis};
    Amount supply = 10 * kCoin;
    for (const auto& [address, amount] : genesis.alloc) supply += amount;
    EXPECT_EQ(ledger.state.supply(), supply);
    EXPECT_EQ(ledger.balance(kRegistryAddress), 10 * kCoin);
    for (const auto& address : {kRegistryAddress, kRoundsAddress}) {
        EXPECT_EQ(ledger.state.accounts.at(address).nonce, 1u);
        EXPECT_EQ(ledger.state.accounts.at(address).code_hash, kReservedCodeHash);
    }
    Overlay overlay{ledger.state};
    RegistryStore store{overlay};
    const auto sets = read_sets(store);
    ASSERT_TRUE(sets);
    EXPECT_EQ(*sets->current, genesis_set(genesis));
    EXPECT_EQ(sets->previous, nullptr);
    EXPECT_EQ(sets->next, nullptr);
}

TEST(Execution, view_of_an_ordinary_account_is_empty_and_of_an_unknown_call_a_revert) {
    Ledger ledger{fixture::genesis({4})};
    const auto view = [&](const Address& to, Bytes data) {
        return call_view(ledger.state, ledger.genesis, to, data);
    };
    EXPECT_EQ(*view(fixture::address(1), {1, 2, 3, 4}), Bytes{});
    EXPECT_EQ(view(kRoundsAddress, {}).error().what, "execution reverted");
    EXPECT_EQ(view(kRegistryAddress, {1, 2, 3, 4}).error().what, "execution reverted");
    EXPECT_EQ(view(kRegistryAddress, {}).error().what, "execution reverted");
}

TEST(Execution, context_takes_payout_reward_and_finality_from_facts) {
    const auto genesis = fixture::genesis({4, 4, 4});
    const auto header0 = genesis_header(genesis, Digest{});
    const auto facts0 = genesis_facts(genesis, header0);
    const auto set = facts0->sets.current;

    Facts target = *facts0;
    target.id = BlockId{{1}};
    target.slot = Slot{5};
    Facts parent = target;
    Facts block = target;
    block.slot = Slot{6};
    block.justified = target.checkpoint();
    parent.finalised = {Slot{2}, BlockId{{2}}};

    Header header;
    header.validator = set->members[1].key;
    header.timestamp = Schedule{genesis}.timestamp(Slot{6});
    const auto shared = std::make_shared<const Facts>(target);
    const FactsLookup lookup = [&](const BlockId& id) {
        return id == target.id ? shared : nullptr;
    };

    header.extra_data = encode(StakeExtra{.distance = 1, .bitmap = {0b111}});
    auto context = make_context(block, parent, header, lookup);
    EXPECT_EQ(context.payout, set->members[1].payout);
    EXPECT_EQ(context.finalised_slot, Slot{2}) << "F of the parent, not of the block";
    EXPECT_EQ(context.voted_weight, set->total_weight());
    EXPECT_EQ(context.total_weight, set->total_weight());
    EXPECT_EQ(context.timestamp, header.timestamp);

    header.extra_data = encode(StakeExtra{.distance = 1, .bitmap = {}});
    context = make_context(block, parent, header, lookup);
    EXPECT_EQ(context.voted_weight, 0u);
}

}  // namespace
}  // namespace sennit::chain
