// SPDX-License-Identifier: MIT
#pragma once

#include "chain/state.hpp"

/// The layout of the chain's columns: keys, and values that are nobody else's encoding.
///
/// Values come from our own disk, so a value that does not parse means a broken database: `damaged`
/// makes it Errc::io, upon which the node stops in order.
namespace sennit::chain::schema {

/// Raised whenever a key or value below changes its form; a database of another version is refused.
constexpr std::uint32_t kVersion = 2;

// Keys of Column::meta.
constexpr std::string_view kVersionKey = "version";
constexpr std::string_view kGenesisKey = "genesis";  ///< -> id of block 0
constexpr std::string_view kBaseKey = "base";  ///< -> id of the last finalised and applied block

/// Column::accounts, and the owner's name of a storage trie.
Digest account_key(const Address& address);
/// Keccak(key): the second half of a key in Column::slots, and the key in the storage trie.
Digest slot_hash(const Word& key);
Bytes slot_key(const Digest& account, const Digest& slot);
/// Column::trie_nodes: 00 || path for the accounts' trie, 01 || owner || path for a storage trie.
/// The first byte keeps a deep path from being read as an owner.
Bytes node_key(const Digest* owner, BytesView path);
constexpr std::size_t kNodeKeySizeMax = 1 + Digest::kSize + 64;
/// The same without an allocation: a block reads hundreds of nodes.
class NodeKey {
  public:
    NodeKey(const Digest* owner, BytesView path);
    BytesView view() const { return {bytes_.data(), size_}; }

  private:
    std::array<std::uint8_t, kNodeKeySizeMax> bytes_;
    std::size_t size_;
};
Bytes height_key(Height height);

/// Column::heights: id || header. Headers are asked for by height, thousands at once, and lie
/// beside each other there; by id each would be a random read. Column::headers names the height
/// only once a block is final.
Bytes encode_final(const BlockId& id, BytesView header);
struct FinalRow {
    BlockId id;
    BytesView header;
};
Result<FinalRow> decode_final(BytesView row);
/// nullopt: the row is a header.
std::optional<Height> final_height(BytesView headers_row);

/// A word without its leading zeros; zero is no row at all.
Bytes encode_slot(const Word& value);
Result<Word> decode_slot(BytesView bytes);

Bytes encode_receipts(std::span<const Receipt> receipts);
Result<std::vector<Receipt>> decode_receipts(BytesView bytes);

Bytes encode_place(const TransactionPlace& place);
Result<TransactionPlace> decode_place(BytesView bytes);

/// What a value that does not parse is: a fault of the disk, with what was being read.
Error damaged(std::string_view what, const Error& why);

}  // namespace sennit::chain::schema
