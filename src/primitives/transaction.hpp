// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

namespace sennit {

/// 128 KiB: nodes of Ethereum refuse larger ones too, and a pool must know its worst case.
constexpr std::size_t kTransactionSizeMax = 128 * 1024;

/// The smallest that `decode_transaction` accepts: the list's prefix, a recipient of 21 bytes, and
/// eight items of one byte each, which RLP needs even for zero. A list of transactions on a wire
/// refuses shorter items before it keeps them, since an empty one costs its sender a single byte
/// and its receiver a whole object.
constexpr std::size_t kTransactionSizeMin = 30;

/// A legacy Ethereum transaction with replay protection (EIP-155), as data.
///
/// `v` is EIP-155's 35 + 2 * chain_id + recovery id. Rules (CHAIN section 1) are checked in two
/// places: what needs no state in `check_form`, the rest where the transaction is executed.
struct Transaction {
    std::uint64_t nonce{0};
    std::uint64_t gas_price{0};
    std::uint64_t gas_limit{0};
    Address to{};
    Amount value{0};
    Bytes data{};
    std::uint64_t v{0};
    Word r{};
    Word s{};

    bool operator==(const Transaction&) const = default;

    std::uint8_t recovery_id() const { return static_cast<std::uint8_t>((v - 35) & 1u); }
    std::uint64_t chain_id() const { return (v - 35) / 2; }
};

/// Canonical bytes: Ethereum's RLP list of nine.
Bytes encode(const Transaction& tx);
/// Strict. A creation (empty `to`), a typed transaction or one without replay protection is
/// Errc::unsupported with geth's text (CHAIN section 6).
Result<Transaction> decode_transaction(BytesView rlp);

TxId transaction_id(BytesView rlp);
/// Keccak of the RLP list of nine with (chain_id, 0, 0) in place of the signature.
Digest signing_digest(const Transaction& tx, std::uint64_t chain_id);

/// What is checked without state: size, chain id, low s, nonce below 2^64 - 1.
/// The signature itself is recovered elsewhere, by workers. Errors: oversized; mismatch for
/// another chain's; invalid for the others.
Result<void> check_form(const Transaction& tx, std::size_t encoded_size, std::uint64_t chain_id);

/// 21000 + 4 per zero byte + 16 per other byte of data.
std::uint64_t intrinsic_gas(BytesView data);

/// The sender, recovered from the signature. Errc::invalid if there is none.
Result<Address> recover_sender(const Transaction& tx);

/// A transaction with everything that was derived from it once: never encoded, hashed or
/// recovered a second time. Shared between pool, blocks and protocols.
struct SignedTransaction {
    Transaction tx;
    Bytes rlp{};
    TxId id;
    Address sender{};
};
using TransactionPtr = std::shared_ptr<const SignedTransaction>;

/// Decodes, checks the form and recovers the sender: some 50 microseconds, for workers.
Result<TransactionPtr> open_transaction(BytesView rlp, std::uint64_t chain_id);
/// The same when the sender is already known (from storage).
Result<TransactionPtr> open_stored_transaction(BytesView rlp, const Address& sender);

/// LuxTensor's form of one transaction in the 0.4 layout (bincode: chain_id, nonce, from, Some(to),
/// value, gas_price, gas_limit, data, v = recovery id, r, s): what block sizes are counted in.
void encode_luxtensor(const SignedTransaction& tx, Writer& out);
std::size_t luxtensor_size(const Transaction& tx);

}  // namespace sennit
