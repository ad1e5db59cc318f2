// SPDX-License-Identifier: MIT
#pragma once

#include "primitives/transaction.hpp"

namespace sennit {

/// LuxTensor's header; its bincode bytes are canonical and their Keccak is the block's id.
struct Header {
    std::uint32_t version{1};
    Height height{};
    std::uint64_t timestamp{0};  ///< Unix seconds; the slot follows from it
    BlockId previous_hash{};
    Digest state_root{};
    Digest txs_root{};
    Digest receipts_root{};
    ValidatorKey validator{};
    Signature signature{};
    std::uint64_t gas_used{0};
    std::uint64_t gas_limit{0};
    Bytes extra_data{};

    bool operator==(const Header&) const = default;
};

/// 1 KiB: what `coherence` needs; `stake` uses at most 37 bytes.
constexpr std::size_t kExtraDataSizeMax = 1024;
/// Bytes of a header without its extra_data.
constexpr std::size_t kHeaderSizeMin = 276;

Bytes encode(const Header& header);
void encode(const Header& header, Writer& out);
/// Consumes one header from the front. The signature must be 64 bytes, extra_data at most 1 KiB.
Result<Header> decode_header(Reader& in);
/// Exactly one header.
Result<Header> decode_header(BytesView bytes);

BlockId header_id(BytesView bytes);
BlockId header_id(const Header& header);

/// The bytes that a validator signs: "sennit/header/1" || genesis_id || Keccak(bincode of the
/// header with an empty signature), CHAIN rule 6.
Bytes header_signing_bytes(const Header& header, const BlockId& genesis);

/// One bit for each of up to 200 members: two disjoint sets of 100 (CHAIN rule 18).
constexpr std::size_t kBitmapSizeMax = 25;

/// extra_data of a `stake` block: 01 || uleb128(slot distance to J) || bitmap, CHAIN rule 5.
struct StakeExtra {
    std::uint64_t distance{0};
    Bytes bitmap{};  ///< empty: no newer J, no certificate
};
Bytes encode(const StakeExtra& extra);
Result<StakeExtra> decode_stake_extra(BytesView bytes);

/// A header and its transactions, immutable, with id and canonical bytes kept: serving a block
/// never encodes or hashes it again.
struct Block {
    Header header;
    BlockId id{};
    Bytes header_bytes{};
    std::vector<TransactionPtr> transactions;

    Height height() const { return header.height; }
};
using BlockPtr = std::shared_ptr<const Block>;

BlockPtr make_block(Header header, std::vector<TransactionPtr> transactions);

/// Size of the LuxTensor 0.4 encoding, which `block_bytes_max` limits.
std::size_t luxtensor_size(const Block& block);

/// RFC 6962 shape: transaction leaf = Keccak(00 || id), node = Keccak(01 || l || r), empty =
/// Keccak of nothing. A node that is alone moves up as it is.
Digest transactions_root(std::span<const TransactionPtr> transactions);
Digest merkle_root(std::span<const Digest> leaves);

struct Receipt {
    std::uint8_t status{0};
    std::uint64_t gas_used{0};

    bool operator==(const Receipt&) const = default;
};
/// Keccak(00 || from || to || nonce || value || status || gas_used || Keccak(data)), little-endian.
Digest receipt_leaf(const SignedTransaction& tx, const Receipt& receipt);
Digest receipts_root(std::span<const TransactionPtr> transactions,
                     std::span<const Receipt> receipts);

/// Digest chain of records, CHAIN rule 23: `parent` for an empty block, else
/// Keccak(parent || slot || receipts_root).
Digest record_digest(const Digest& parent, Slot slot, const Header& header, bool empty);

/// A body as it is stored and sent: count, then sender and RLP of each transaction.
Bytes encode_body(const Block& block);
/// With the senders as stored; for our own disk only.
Result<std::vector<TransactionPtr>> decode_stored_body(BytesView bytes);

}  // namespace sennit
