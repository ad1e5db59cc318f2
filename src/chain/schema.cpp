// SPDX-License-Identifier: MIT
#include "chain/schema.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"

namespace sennit::chain::schema {

namespace {

constexpr std::uint8_t kAccountsTrie = 0;
constexpr std::uint8_t kStorageTrie = 1;

constexpr std::size_t kReceiptSize = 1 + 8;

}  // namespace

Digest account_key(const Address& address) {
    return crypto::keccak256(address.view());
}

Digest slot_hash(const Word& key) {
    return crypto::keccak256(key.view());
}

Bytes slot_key(const Digest& account, const Digest& slot) {
    Writer out{2 * Digest::kSize};
    out.hash(account).hash(slot);
    return std::move(out).take();
}

Bytes node_key(const Digest* owner, BytesView path) {
    return to_bytes(NodeKey{owner, path}.view());
}

NodeKey::NodeKey(const Digest* owner, BytesView path) : size_{1 + path.size()} {
    if (owner != nullptr) size_ += Digest::kSize;
    SENNIT_ASSERT(size_ <= bytes_.size());
    auto out = bytes_.begin();
    *out++ = owner != nullptr ? kStorageTrie : kAccountsTrie;
    if (owner != nullptr) out = std::copy(owner->bytes.begin(), owner->bytes.end(), out);
    std::copy(path.begin(), path.end(), out);
}

Bytes height_key(Height height) {
    Writer out{sizeof height.value};
    out.be(height.value);
    return std::move(out).take();
}

Bytes encode_final(const BlockId& id, BytesView header) {
    Writer out{BlockId::kSize + header.size()};
    out.hash(id).raw(header);
    return std::move(out).take();
}

Result<FinalRow> decode_final(BytesView row) {
    if (row.size() < BlockId::kSize + kHeaderSizeMin)
        return Error{Errc::malformed, "not a block id and its header"};
    return FinalRow{BlockId::from(row.first(BlockId::kSize)), row.subspan(BlockId::kSize)};
}

std::optional<Height> final_height(BytesView headers_row) {
    if (headers_row.size() != sizeof(Height::value)) return std::nullopt;
    return Height{*Reader{headers_row}.be<std::uint64_t>()};
}

Bytes encode_slot(const Word& value) {
    const auto first =
        std::find_if(value.bytes.begin(), value.bytes.end(), [](auto b) { return b != 0; });
    return {first, value.bytes.end()};
}

Result<Word> decode_slot(BytesView bytes) {
    if (bytes.size() > Word::kSize) return Error{Errc::oversized, "storage word over 32 bytes"};
    Word word;
    std::copy(bytes.begin(), bytes.end(),
              word.bytes.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return word;
}

Bytes encode_receipts(std::span<const Receipt> receipts) {
    Writer out{receipts.size() * kReceiptSize};
    for (const Receipt& receipt : receipts) out.le(receipt.status).le(receipt.gas_used);
    return std::move(out).take();
}

Result<std::vector<Receipt>> decode_receipts(BytesView bytes) {
    std::vector<Receipt> receipts;
    receipts.reserve(bytes.size() / kReceiptSize);
    Reader in{bytes};
    while (!in.empty()) {
        Receipt receipt;
        SENNIT_TRY(receipt.status, in.le<std::uint8_t>());
        SENNIT_TRY(receipt.gas_used, in.le<std::uint64_t>());
        receipts.push_back(receipt);
    }
    return receipts;
}

Bytes encode_place(const TransactionPlace& place) {
    Writer out{BlockId::kSize + 4};
    out.hash(place.block).le(place.index);
    return std::move(out).take();
}

Result<TransactionPlace> decode_place(BytesView bytes) {
    Reader in{bytes};
    TransactionPlace place;
    SENNIT_TRY(place.block, in.hash<BlockId>());
    SENNIT_TRY(place.index, in.le<std::uint32_t>());
    SENNIT_TRY(in.finish());
    return place;
}

Error damaged(std::string_view what, const Error& why) {
    return Error{Errc::io, "the database is damaged", Error::kNowhere,
                 std::string{what} + ": " + why.text()};
}

}  // namespace sennit::chain::schema
