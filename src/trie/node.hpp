// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <memory_resource>

#include "base/bytes.hpp"

/// One node of the trie, between its RLP and the algorithms. Private to this module.
namespace sennit::trie {

/// Bytes that live until the operation ends, so that nodes can be plain views. One trie operation
/// makes thousands of tiny strings (nibbles, references); here they cost a bump of a pointer.
class Arena {
  public:
    explicit Arena(std::size_t first_block) : memory_{first_block} {}

    std::span<std::uint8_t> take(std::size_t size) {
        if (size == 0) return {};
        return {static_cast<std::uint8_t*>(memory_.allocate(size, 1)), size};
    }
    BytesView copy(BytesView bytes) { return join(bytes, {}); }
    BytesView join(BytesView head, BytesView tail);
    /// Takes a node's RLP over from the reader.
    BytesView keep(Bytes&& rlp) { return kept_.emplace_back(std::move(rlp)); }

  private:
    std::pmr::monotonic_buffer_resource memory_;
    std::deque<Bytes> kept_;
};

/// What stands at some path. A *reference* is the item by which a parent names its child: a0 and
/// the hash, or the whole RLP of a child below 32 bytes, or 80 for no child.
struct Node {
    enum class Kind : std::uint8_t {
        none,       ///< nothing
        unread,     ///< body: a reference; what it names has not been looked at
        leaf,       ///< nibbles: the rest of the key; body: the value
        extension,  ///< nibbles: what all keys below share; body: the reference of a branch
        branch,     ///< body: its 17 items, one after another
        sealed,     ///< body: the reference of a branch that was just written
    };

    Kind kind{Kind::none};
    bool stored{false};   ///< the database has an entry of its own for it, at this path
    bool changed{false};  ///< differs from what the update found
    BytesView nibbles;
    BytesView body;
};

/// References of the 16 children, and the value of the key that ends here (empty: none).
struct BranchItems {
    std::array<BytesView, 16> children;
    BytesView value;
};

/// The item for "no child" and "no value".
inline constexpr std::array<std::uint8_t, 1> kEmptyItem{0x80};

inline bool is_empty_item(BytesView reference) {
    return reference.size() == 1 && reference[0] == kEmptyItem[0];
}
inline bool is_hash_item(BytesView reference) {
    return reference.size() == 1 + Digest::kSize && reference[0] == 0x80 + Digest::kSize;
}
inline Node unread(BytesView reference) {
    if (is_empty_item(reference)) return {};
    return {.kind = Node::Kind::unread, .nibbles = {}, .body = reference};
}

/// A leaf, extension or branch; its views lead into `rlp` and `arena`. Strict: canonical RLP,
/// hex-prefix without spare bits, references of a legal shape, no empty value.
Result<Node> parse_node(BytesView rlp, Arena& arena);
/// As strict; a node that is neither short nor has 17 items fails here.
Result<BranchItems> parse_branch(const Node& branch);

/// RLP of a leaf or an extension.
Bytes encode_short(const Node& node, Arena& arena);
Bytes encode_branch(const BranchItems& items);

/// High nibble first (Yellow Paper, appendix C).
void append_nibbles(BytesView key, Bytes& out);
std::size_t shared_prefix(BytesView a, BytesView b);

}  // namespace sennit::trie
