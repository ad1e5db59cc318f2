// SPDX-License-Identifier: MIT
#pragma once

#include "chain/facts.hpp"
#include "chain/overlay.hpp"
#include "chain/reserved.hpp"

namespace sennit::chain {

/// What execution needs to know of the block, all of it from headers and facts.
struct BlockContext {
    Slot slot;
    std::uint64_t timestamp{0};
    Address payout;                 ///< the leader's
    bool epoch_start{false};        ///< first block of its epoch: the set may change
    Slot finalised_slot;            ///< slot(F(parent))
    std::uint64_t voted_weight{0};  ///< of the bitmap, 0 without a newer J (rule 24)
    std::uint64_t total_weight{1};
    Sets sets;  ///< in force at this slot
};
/// `block` are its derived facts, `header` its header.
BlockContext make_context(const Facts& block, const Facts& parent, const Header& header,
                          const FactsLookup& lookup);

/// Runs a block's transactions over an overlay. Order: set change, transactions, payout.
///
///     BlockExecutor run{overlay, genesis, genesis_id, context};
///     SENNIT_TRY(run.begin());
///     for (...) { SENNIT_TRY(auto receipt, run.add(*tx)); }
///     SENNIT_TRY(auto outcome, run.finish());
class BlockExecutor {
  public:
    BlockExecutor(Overlay& state, const Genesis& genesis, const BlockId& genesis_id,
                  const BlockContext& context);

    /// The set change of an epoch's first block (rules 16, 17, 19).
    Result<void> begin();

    /// Executes one transaction. Errors: invalid, with geth's text (nonce too low; nonce too high;
    /// insufficient funds for gas * price + value; intrinsic gas too low; gas limit reached; ...):
    /// the transaction cannot be in this block and nothing was changed. A system call that fails
    /// is no error: its receipt has status 0. Errc::io: the disk's.
    Result<Receipt> add(const SignedTransaction& tx);

    struct Outcome {
        std::vector<Receipt> receipts;
        std::uint64_t gas_used{0};
        Amount fees{0};
        std::optional<Sets> sets;  ///< when `begin` rotated or decided something
    };
    /// Pays fees and reward.
    Result<Outcome> finish();

  private:
    /// The transfer or system call itself, inside the overlay's inner level.
    Result<void> run(const SignedTransaction& tx);

    Overlay& state_;
    const Genesis& genesis_;
    BlockId genesis_id_;
    BlockContext context_;
    Outcome outcome_;
};

/// Writes the genesis allocation and the registry's first set.
Result<void> write_genesis_state(Overlay& state, const Genesis& genesis);

/// eth_call on a reserved account: the views of CHAIN section 1. Empty for any other address.
Result<Bytes> call_view(const StateReader& state, const Genesis& genesis, const Address& to,
                        BytesView data);

/// Gas that a transaction will use when it succeeds: intrinsic plus the system call's fixed amount.
std::uint64_t estimate_gas(const Address& to, BytesView data);

}  // namespace sennit::chain
