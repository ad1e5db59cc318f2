// SPDX-License-Identifier: MIT
#include "primitives/transaction.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"
#include "primitives/rlp.hpp"

namespace sennit {

namespace {

constexpr std::uint64_t kGasBase = 21000;
constexpr std::uint64_t kGasPerZeroByte = 4;
constexpr std::uint64_t kGasPerOtherByte = 16;

/// The smallest v of EIP-155: chain id 0, recovery id 0.
constexpr std::uint64_t kProtectedVMin = 35;

/// Bytes of an encoded transaction beside its data, at most: prefixes, three integers of 8 bytes,
/// v, an address, an amount of 16 bytes, r and s.
constexpr std::size_t kRlpOverheadMax = 9 + 4 * 9 + 21 + 17 + 9 + 2 * 33;

/// LuxTensor 0.4: chain_id 8, nonce 8, from 20, Some(to) 21, value 16, gas_price 8, gas_limit 8,
/// length of data 8, v 1, r 32, s 32.
constexpr std::size_t kLuxtensorOverhead = 162;

// Where wallets and libraries look for a reason, they know geth's sentences (CHAIN section 6).
constexpr std::string_view kOnlyLegacy = "transaction type not valid: only legacy";
constexpr std::string_view kOnlyProtected = "only replay-protected (EIP-155) transactions allowed";
constexpr std::string_view kNoCreation = "contract creation not supported";
constexpr std::string_view kBadSignature = "invalid transaction v, r, s values";

BytesView without_leading_zeros(const Word& word) {
    const auto first =
        std::find_if(word.bytes.begin(), word.bytes.end(), [](auto b) { return b != 0; });
    return {first, word.bytes.end()};
}

Result<Word> word_from_integer(rlp::Decoder& in) {
    const std::size_t at = in.offset();
    SENNIT_TRY(const auto digits, in.string());
    if (digits.size() > Word::kSize) {
        return Error{Errc::oversized, "RLP integer over 256 bits", at};
    }
    if (!digits.empty() && digits[0] == 0) {
        return Error{Errc::malformed, "RLP integer with a leading zero", at};
    }
    Word word;
    std::copy(digits.begin(), digits.end(),
              word.bytes.end() - static_cast<std::ptrdiff_t>(digits.size()));
    return word;
}

/// The six items that come before the signature, in the signed form and in the unsigned one.
rlp::Encoder unsigned_items(const Transaction& tx) {
    rlp::Encoder items{kRlpOverheadMax + tx.data.size()};
    items.integer(tx.nonce)
        .integer(tx.gas_price)
        .integer(tx.gas_limit)
        .string(tx.to.view())
        .integer(tx.value)
        .string(tx.data);
    return items;
}

/// What is well formed and not offered here. Wallets before EIP-155 made v 27 or 28; 0 and 1 are
/// what a typed transaction's parity looks like, and geth calls these unprotected too.
Result<void> check_offered(bool creation, std::uint64_t v) {
    if (v == 27 || v == 28 || v <= 1) return Error{Errc::unsupported, kOnlyProtected};
    if (v < kProtectedVMin) {
        return Error{Errc::invalid, kBadSignature, Error::kNowhere, "v is " + std::to_string(v)};
    }
    if (creation) return Error{Errc::unsupported, kNoCreation};
    return {};
}

TransactionPtr with_sender(Transaction tx, BytesView rlp, const Address& sender) {
    return std::make_shared<const SignedTransaction>(
        SignedTransaction{std::move(tx), to_bytes(rlp), transaction_id(rlp), sender});
}

}  // namespace

Bytes encode(const Transaction& tx) {
    rlp::Encoder items = unsigned_items(tx);
    items.integer(tx.v).string(without_leading_zeros(tx.r)).string(without_leading_zeros(tx.s));
    return rlp::encode_list(items);
}

Result<Transaction> decode_transaction(BytesView bytes) {
    // EIP-2718: a first byte up to 7f is a type, and what follows is that type's own matter.
    if (!bytes.empty() && bytes[0] <= 0x7f) return Error{Errc::unsupported, kOnlyLegacy};
    rlp::Decoder outer{bytes};
    SENNIT_TRY(auto in, outer.list());
    SENNIT_TRY(outer.finish());

    Transaction tx;
    SENNIT_TRY(tx.nonce, in.integer64());
    SENNIT_TRY(tx.gas_price, in.integer64());
    SENNIT_TRY(tx.gas_limit, in.integer64());
    const std::size_t to_at = in.offset();
    SENNIT_TRY(const auto to, in.string());
    if (!to.empty() && to.size() != Address::kSize) {
        return Error{Errc::malformed, "recipient is not an address", to_at};
    }
    SENNIT_TRY(tx.value, in.integer());
    SENNIT_TRY(const auto data, in.string());
    SENNIT_TRY(tx.v, in.integer64());
    SENNIT_TRY(tx.r, word_from_integer(in));
    SENNIT_TRY(tx.s, word_from_integer(in));
    SENNIT_TRY(in.finish());

    SENNIT_TRY(check_offered(to.empty(), tx.v));
    tx.to = Address::from(to);
    tx.data = to_bytes(data);
    return tx;
}

TxId transaction_id(BytesView bytes) {
    return TxId::from(crypto::keccak256(bytes).view());
}

Digest signing_digest(const Transaction& tx, std::uint64_t chain_id) {
    rlp::Encoder items = unsigned_items(tx);
    items.integer(chain_id).integer(0).integer(0);
    return crypto::keccak256(rlp::encode_list(items));
}

Result<void> check_form(const Transaction& tx, std::size_t encoded_size, std::uint64_t chain_id) {
    if (encoded_size > kTransactionSizeMax) {
        return Error{Errc::oversized, "oversized data", Error::kNowhere,
                     "transaction size " + std::to_string(encoded_size) + ", limit " +
                         std::to_string(kTransactionSizeMax)};
    }
    SENNIT_TRY(check_offered(/*creation=*/false, tx.v));
    if (tx.chain_id() != chain_id) {
        return Error{Errc::mismatch, "invalid chain id for signer", Error::kNowhere,
                     "have " + std::to_string(tx.chain_id()) + " want " + std::to_string(chain_id)};
    }
    if (tx.nonce == ~std::uint64_t{0}) return Error{Errc::invalid, "nonce has max value"};
    if (!crypto::is_low_s(tx.s)) {
        return Error{Errc::invalid, kBadSignature, Error::kNowhere, "s is in the upper half"};
    }
    return {};
}

std::uint64_t intrinsic_gas(BytesView data) {
    const auto zeros = static_cast<std::uint64_t>(std::count(data.begin(), data.end(), 0));
    return kGasBase + zeros * kGasPerZeroByte + (data.size() - zeros) * kGasPerOtherByte;
}

Result<Address> recover_sender(const Transaction& tx) {
    if (tx.v < kProtectedVMin) return Error{Errc::invalid, kBadSignature};
    auto sender = crypto::recover_address(signing_digest(tx, tx.chain_id()),
                                          {.r = tx.r, .s = tx.s, .recovery = tx.recovery_id()});
    if (!sender) {
        return Error{Errc::invalid, kBadSignature, Error::kNowhere,
                     std::string{sender.error().what}};
    }
    return *sender;
}

Result<TransactionPtr> open_transaction(BytesView rlp, std::uint64_t chain_id) {
    SENNIT_TRY(auto tx, decode_transaction(rlp));
    SENNIT_TRY(check_form(tx, rlp.size(), chain_id));
    SENNIT_TRY(const auto sender, recover_sender(tx));
    return with_sender(std::move(tx), rlp, sender);
}

Result<TransactionPtr> open_stored_transaction(BytesView rlp, const Address& sender) {
    SENNIT_TRY(auto tx, decode_transaction(rlp));
    return with_sender(std::move(tx), rlp, sender);
}

void encode_luxtensor(const SignedTransaction& signed_tx, Writer& out) {
    const Transaction& tx = signed_tx.tx;
    out.le(tx.chain_id()).le(tx.nonce).hash(signed_tx.sender);
    out.le(std::uint8_t{1}).hash(tx.to);
    out.le128(tx.value).le(tx.gas_price).le(tx.gas_limit);
    out.le(std::uint64_t{tx.data.size()}).raw(tx.data);
    out.le(tx.recovery_id()).hash(tx.r).hash(tx.s);
}

std::size_t luxtensor_size(const Transaction& tx) {
    return kLuxtensorOverhead + tx.data.size();
}

}  // namespace sennit
