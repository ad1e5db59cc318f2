// SPDX-License-Identifier: MIT
#include "chain/execution.hpp"

#include <algorithm>

#include "chain/registry.hpp"
#include "chain/registry_sets.hpp"

namespace sennit::chain {

namespace {

/// A block's bytes beside its largest transaction (CHAIN section 1).
constexpr std::uint64_t kBlockOverhead = 1000;

// geth's sentences: wallets and libraries match on them (CHAIN section 6).
constexpr std::string_view kOversized = "oversized data";
constexpr std::string_view kOtherChain = "invalid chain id for signer";
constexpr std::string_view kGasLimitReached = "gas limit reached";
constexpr std::string_view kNonceTooLow = "nonce too low";
constexpr std::string_view kNonceTooHigh = "nonce too high";
constexpr std::string_view kNonceMax = "nonce has max value";
constexpr std::string_view kUnderpriced = "transaction underpriced";
constexpr std::string_view kIntrinsicGas = "intrinsic gas too low";
constexpr std::string_view kNoFunds = "insufficient funds for gas * price + value";

Error refuse(std::string_view what, std::string detail = {}) {
    return Error{Errc::invalid, what, Error::kNowhere, std::move(detail)};
}

std::string have_want(Uint128 have, Uint128 want) {
    return "have " + to_decimal(have) + " want " + to_decimal(want);
}

/// reward * voted / total, rounded down, without a product of 192 bits.
Amount share_of(Amount reward, std::uint64_t voted, std::uint64_t total) {
    SENNIT_ASSERT(total > 0 && voted <= total);
    return reward / total * voted + reward % total * voted / total;
}

/// What is checked before anything moves and needs no state.
Result<void> check_limits(const Transaction& tx, std::size_t size, const Genesis& genesis,
                          std::uint64_t gas_used) {
    const auto size_max =
        std::min<std::uint64_t>(kTransactionSizeMax, genesis.block_bytes_max - kBlockOverhead);
    if (size > size_max) {
        return Error{Errc::oversized, kOversized, Error::kNowhere, have_want(size, size_max)};
    }
    if (tx.chain_id() != genesis.chain_id) {
        return Error{Errc::mismatch, kOtherChain, Error::kNowhere,
                     have_want(tx.chain_id(), genesis.chain_id)};
    }
    if (tx.gas_price < genesis.min_gas_price) {
        return refuse(kUnderpriced, have_want(tx.gas_price, genesis.min_gas_price));
    }
    if (tx.gas_limit > genesis.gas_limit - gas_used) {
        return refuse(kGasLimitReached, have_want(genesis.gas_limit - gas_used, tx.gas_limit));
    }
    const auto intrinsic = intrinsic_gas(tx.data);
    if (tx.gas_limit < intrinsic) return refuse(kIntrinsicGas, have_want(tx.gas_limit, intrinsic));
    return {};
}

Result<void> check_sender(const Transaction& tx, const Account& account) {
    if (tx.nonce < account.nonce) {
        return refuse(kNonceTooLow, "tx: " + std::to_string(tx.nonce) +
                                        " state: " + std::to_string(account.nonce));
    }
    if (tx.nonce > account.nonce) {
        return refuse(kNonceTooHigh, "tx: " + std::to_string(tx.nonce) +
                                         " state: " + std::to_string(account.nonce));
    }
    if (tx.nonce == ~std::uint64_t{0}) return refuse(kNonceMax);
    const auto cost = checked_add(Uint128{tx.gas_limit} * tx.gas_price, tx.value);
    if (!cost || account.balance < *cost) {
        return refuse(kNoFunds, "have " + to_decimal(account.balance) + " want " +
                                    (cost ? to_decimal(*cost) : std::string{"over 2^128"}));
    }
    return {};
}

}  // namespace

BlockContext make_context(const Facts& block, const Facts& parent, const Header& header,
                          const FactsLookup& lookup) {
    BlockContext context;
    context.slot = block.slot;
    context.timestamp = header.timestamp;
    context.epoch_start = block.epoch_start;
    context.finalised_slot = parent.finalised.slot;
    context.sets = block.sets;
    const auto index = block.sets.current->index_of(header.validator);
    SENNIT_ASSERT(index.has_value());
    context.payout = block.sets.current->members[*index].payout;

    const auto extra = decode_stake_extra(header.extra_data);
    SENNIT_ASSERT(extra.has_value());
    if (!extra->bitmap.empty()) {
        const auto justified = lookup(block.justified.id);
        SENNIT_ASSERT(justified != nullptr);
        context.voted_weight = justified->quorum->weight(extra->bitmap);
        context.total_weight = justified->quorum->current().total_weight();
    }
    return context;
}

BlockExecutor::BlockExecutor(Overlay& state, const Genesis& genesis, const BlockId& genesis_id,
                             const BlockContext& context)
    : state_{state}, genesis_{genesis}, genesis_id_{genesis_id}, context_{context} {}

Result<void> BlockExecutor::begin() {
    if (!context_.epoch_start) return {};
    SENNIT_TRY(context_.sets, change_sets(state_, genesis_, context_));
    outcome_.sets = context_.sets;
    return {};
}

Result<Receipt> BlockExecutor::add(const SignedTransaction& signed_tx) {
    const Transaction& tx = signed_tx.tx;
    SENNIT_TRY(check_limits(tx, signed_tx.rlp.size(), genesis_, outcome_.gas_used));
    SENNIT_TRY(auto sender, state_.account(signed_tx.sender));
    SENNIT_TRY(check_sender(tx, sender));

    // A system call whose gas limit is under its price uses the whole limit and fails, as a
    // contract that runs out of gas does.
    const auto wanted = estimate_gas(tx.to, tx.data);
    const bool enough = tx.gas_limit >= wanted;
    Receipt receipt{.status = 1, .gas_used = enough ? wanted : tx.gas_limit};
    const Amount fee = Uint128{receipt.gas_used} * tx.gas_price;
    sender.nonce += 1;
    sender.balance -= fee;
    state_.set_account(signed_tx.sender, sender);

    state_.begin();
    const auto ran = enough ? run(signed_tx) : Result<void>{refuse("out of gas")};
    if (ran) {
        state_.commit();
    } else {
        state_.rollback();
        if (ran.error().code == Errc::io) return ran.error();
        receipt.status = 0;
    }
    outcome_.gas_used += receipt.gas_used;
    outcome_.fees += fee;
    outcome_.receipts.push_back(receipt);
    return receipt;
}

Result<void> BlockExecutor::run(const SignedTransaction& signed_tx) {
    const Transaction& tx = signed_tx.tx;
    if (tx.to == kRoundsAddress) return refuse("rounds are not offered by this version");
    SENNIT_TRY(transfer(state_, signed_tx.sender, tx.to, tx.value));
    if (tx.to != kRegistryAddress) return {};
    Registry registry{state_, genesis_, genesis_id_, context_};
    return registry.call(signed_tx.sender, tx.value, tx.data);
}

Result<BlockExecutor::Outcome> BlockExecutor::finish() {
    const Amount reward =
        share_of(genesis_.stake.reward, context_.voted_weight, context_.total_weight);
    SENNIT_TRY(credit(state_, context_.payout, outcome_.fees + reward));
    return std::move(outcome_);
}

Result<void> write_genesis_state(Overlay& state, const Genesis& genesis) {
    for (const auto& [address, amount] : genesis.alloc) {
        SENNIT_TRY(credit(state, address, amount));
    }
    Account reserved;
    reserved.nonce = 1;
    reserved.code_hash = kReservedCodeHash;
    state.set_account(kRoundsAddress, reserved);
    for (const auto& validator : genesis.validators) reserved.balance += validator.stake;
    state.set_account(kRegistryAddress, reserved);
    RegistryStore store{state};
    return write_genesis_registry(store, genesis);
}

Result<Bytes> call_view(const StateReader& state, const Genesis&, const Address& to,
                        BytesView data) {
    if (to == kRoundsAddress) return refuse("execution reverted");
    if (to != kRegistryAddress) return Bytes{};
    Overlay scratch{state};
    return registry_view(scratch, data);
}

std::uint64_t estimate_gas(const Address& to, BytesView data) {
    return intrinsic_gas(data) + (to == kRegistryAddress ? registry_gas(data) : 0);
}

}  // namespace sennit::chain
