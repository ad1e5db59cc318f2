// SPDX-License-Identifier: MIT
#include "primitives/block.hpp"

#include "crypto/keccak.hpp"

namespace sennit {

namespace {

constexpr std::uint8_t kStakeExtraVersion = 1;

constexpr std::string_view kHeaderDomain = "sennit/header/1";

/// Of one stored transaction: sender, length, and the shortest RLP of nine items.
constexpr std::size_t kStoredTransactionSizeMin = Address::kSize + 4 + 30;

void encode_with(const Header& header, BytesView signature, Writer& out) {
    out.le(header.version).le(header.height.value).le(header.timestamp);
    out.hash(header.previous_hash).hash(header.state_root);
    out.hash(header.txs_root).hash(header.receipts_root);
    out.hash(header.validator);
    out.le(std::uint64_t{signature.size()}).raw(signature);
    out.le(header.gas_used).le(header.gas_limit);
    out.le(std::uint64_t{header.extra_data.size()}).raw(header.extra_data);
}

Digest merkle_node(const Digest& left, const Digest& right) {
    std::array<std::uint8_t, 1 + 2 * Digest::kSize> bytes;
    bytes[0] = 1;
    std::memcpy(bytes.data() + 1, left.data(), Digest::kSize);
    std::memcpy(bytes.data() + 1 + Digest::kSize, right.data(), Digest::kSize);
    return crypto::keccak256(bytes);
}

/// Halves the level until one digest is left. Pairing from the left gives RFC 6962's split at the
/// largest power of two, without recursion.
Digest reduce(std::vector<Digest> level) {
    if (level.empty()) return crypto::keccak256({});
    while (level.size() > 1) {
        const std::size_t pairs = level.size() / 2;
        for (std::size_t i = 0; i < pairs; ++i) {
            level[i] = merkle_node(level[2 * i], level[2 * i + 1]);
        }
        if (level.size() % 2 != 0) level[pairs] = level.back();
        level.resize((level.size() + 1) / 2);
    }
    return level[0];
}

Digest transaction_leaf(const TxId& id) {
    std::array<std::uint8_t, 1 + TxId::kSize> bytes;
    bytes[0] = 0;
    std::memcpy(bytes.data() + 1, id.data(), TxId::kSize);
    return crypto::keccak256(bytes);
}

}  // namespace

void encode(const Header& header, Writer& out) {
    encode_with(header, header.signature.view(), out);
}

Bytes encode(const Header& header) {
    Writer out{kHeaderSizeMin + header.extra_data.size()};
    encode(header, out);
    return std::move(out).take();
}

Result<Header> decode_header(Reader& in) {
    Header header;
    SENNIT_TRY(header.version, in.le<std::uint32_t>());
    SENNIT_TRY(header.height.value, in.le<std::uint64_t>());
    SENNIT_TRY(header.timestamp, in.le<std::uint64_t>());
    SENNIT_TRY(header.previous_hash, in.hash<BlockId>());
    SENNIT_TRY(header.state_root, in.hash<Digest>());
    SENNIT_TRY(header.txs_root, in.hash<Digest>());
    SENNIT_TRY(header.receipts_root, in.hash<Digest>());
    SENNIT_TRY(header.validator, in.hash<ValidatorKey>());
    SENNIT_TRY(const auto signature_size, in.le<std::uint64_t>());
    if (signature_size != Signature::kSize) {
        return in.fail(Errc::malformed, "header's signature is not 64 bytes");
    }
    SENNIT_TRY(header.signature, in.hash<Signature>());
    SENNIT_TRY(header.gas_used, in.le<std::uint64_t>());
    SENNIT_TRY(header.gas_limit, in.le<std::uint64_t>());
    SENNIT_TRY(const auto extra_size, in.le<std::uint64_t>());
    if (extra_size > kExtraDataSizeMax) return in.fail(Errc::oversized, "extra_data over 1 KiB");
    SENNIT_TRY(const auto extra, in.take(static_cast<std::size_t>(extra_size)));
    header.extra_data = to_bytes(extra);
    return header;
}

Result<Header> decode_header(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(auto header, decode_header(in));
    SENNIT_TRY(in.finish());
    return header;
}

BlockId header_id(BytesView bytes) {
    return BlockId::from(crypto::keccak256(bytes).view());
}

BlockId header_id(const Header& header) {
    return header_id(encode(header));
}

Bytes header_signing_bytes(const Header& header, const BlockId& genesis) {
    Writer unsigned_header{kHeaderSizeMin + header.extra_data.size()};
    encode_with(header, {}, unsigned_header);
    Writer out{kHeaderDomain.size() + BlockId::kSize + Digest::kSize};
    out.text(kHeaderDomain).hash(genesis).hash(crypto::keccak256(unsigned_header.bytes()));
    return std::move(out).take();
}

Bytes encode(const StakeExtra& extra) {
    SENNIT_ASSERT(extra.bitmap.size() <= kBitmapSizeMax);
    Writer out{1 + 10 + extra.bitmap.size()};
    out.le(kStakeExtraVersion).uleb128(extra.distance).raw(extra.bitmap);
    return std::move(out).take();
}

Result<StakeExtra> decode_stake_extra(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto version, in.le<std::uint8_t>());
    if (version != kStakeExtraVersion) {
        return Error{Errc::unknown_type, "extra_data of an unknown version", 0};
    }
    StakeExtra extra;
    SENNIT_TRY(extra.distance, in.uleb128());
    if (in.remaining() > kBitmapSizeMax) return in.fail(Errc::oversized, "bitmap over 25 bytes");
    extra.bitmap = to_bytes(in.rest());
    return extra;
}

BlockPtr make_block(Header header, std::vector<TransactionPtr> transactions) {
    auto header_bytes = encode(header);
    const auto id = header_id(header_bytes);
    return std::make_shared<const Block>(
        Block{std::move(header), id, std::move(header_bytes), std::move(transactions)});
}

std::size_t luxtensor_size(const Block& block) {
    std::size_t size = block.header_bytes.size() + 8;
    for (const auto& transaction : block.transactions) size += luxtensor_size(transaction->tx);
    return size;
}

Digest merkle_root(std::span<const Digest> leaves) {
    return reduce({leaves.begin(), leaves.end()});
}

Digest transactions_root(std::span<const TransactionPtr> transactions) {
    std::vector<Digest> leaves;
    leaves.reserve(transactions.size());
    for (const auto& transaction : transactions) {
        leaves.push_back(transaction_leaf(transaction->id));
    }
    return reduce(std::move(leaves));
}

Digest receipt_leaf(const SignedTransaction& transaction, const Receipt& receipt) {
    const Transaction& tx = transaction.tx;
    Writer out{1 + 2 * Address::kSize + 8 + 16 + 1 + 8 + Digest::kSize};
    out.le(std::uint8_t{0}).hash(transaction.sender).hash(tx.to).le(tx.nonce).le128(tx.value);
    out.le(receipt.status).le(receipt.gas_used).hash(crypto::keccak256(tx.data));
    return crypto::keccak256(out.bytes());
}

Digest receipts_root(std::span<const TransactionPtr> transactions,
                     std::span<const Receipt> receipts) {
    SENNIT_ASSERT(transactions.size() == receipts.size());
    std::vector<Digest> leaves;
    leaves.reserve(transactions.size());
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        leaves.push_back(receipt_leaf(*transactions[i], receipts[i]));
    }
    return reduce(std::move(leaves));
}

Digest record_digest(const Digest& parent, Slot slot, const Header& header, bool empty) {
    if (empty) return parent;
    Writer out{2 * Digest::kSize + 8};
    out.hash(parent).le(slot.value).hash(header.receipts_root);
    return crypto::keccak256(out.bytes());
}

Bytes encode_body(const Block& block) {
    std::size_t size = 4;
    for (const auto& tx : block.transactions) size += Address::kSize + 4 + tx->rlp.size();
    Writer out{size};
    out.le(static_cast<std::uint32_t>(block.transactions.size()));
    for (const auto& tx : block.transactions) {
        out.hash(tx->sender).le(static_cast<std::uint32_t>(tx->rlp.size())).raw(tx->rlp);
    }
    return std::move(out).take();
}

Result<std::vector<TransactionPtr>> decode_stored_body(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto count, in.le<std::uint32_t>());
    if (count > in.remaining() / kStoredTransactionSizeMin) {
        return in.fail(Errc::truncated, "body promises more transactions than it can hold");
    }
    std::vector<TransactionPtr> transactions;
    transactions.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        SENNIT_TRY(const auto sender, in.hash<Address>());
        SENNIT_TRY(const auto size, in.le<std::uint32_t>());
        if (size > kTransactionSizeMax) return in.fail(Errc::oversized, "transaction over 128 KiB");
        SENNIT_TRY(const auto rlp, in.take(size));
        SENNIT_TRY(auto transaction, open_stored_transaction(rlp, sender));
        transactions.push_back(std::move(transaction));
    }
    SENNIT_TRY(in.finish());
    return transactions;
}

}  // namespace sennit
