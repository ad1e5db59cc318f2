// SPDX-License-Identifier: MIT
#include "trie/node.hpp"

#include <algorithm>

#include "primitives/rlp.hpp"

namespace sennit::trie {
namespace {

// Flags in the first nibble of the hex-prefix encoding (Yellow Paper, appendix C).
constexpr std::uint8_t kOddFlag = 0x10;
constexpr std::uint8_t kLeafFlag = 0x20;

Error malformed(std::string_view what) {
    return Error{Errc::malformed, what, Error::kNowhere, {}};
}

bool is_reference(BytesView item) {
    if (is_empty_item(item) || is_hash_item(item)) return true;
    return item[0] >= 0xc0 && item.size() < Digest::kSize;
}

Result<BytesView> unpack_hex_prefix(BytesView packed, Arena& arena) {
    if (packed.empty() || (packed[0] & ~(kOddFlag | kLeafFlag | 0x0f)) != 0) {
        return malformed("a trie path without a valid prefix");
    }
    const bool odd = (packed[0] & kOddFlag) != 0;
    if (!odd && (packed[0] & 0x0f) != 0) return malformed("a trie path with spare bits");
    const auto out = arena.take(2 * (packed.size() - 1) + (odd ? 1 : 0));
    std::size_t filled = 0;
    if (odd) out[filled++] = packed[0] & 0x0f;
    for (const auto byte : packed.subspan(1)) {
        out[filled++] = byte >> 4;
        out[filled++] = byte & 0x0f;
    }
    return BytesView{out};
}

BytesView pack_hex_prefix(BytesView nibbles, bool leaf, Arena& arena) {
    const bool odd = nibbles.size() % 2 == 1;
    const auto out = arena.take(1 + nibbles.size() / 2);
    out[0] = leaf ? kLeafFlag : 0;
    if (odd) {
        out[0] = static_cast<std::uint8_t>(out[0] | kOddFlag | nibbles[0]);
        nibbles = nibbles.subspan(1);
    }
    for (std::size_t i = 0; i < nibbles.size() / 2; ++i) {
        out[1 + i] = static_cast<std::uint8_t>(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
    }
    return out;
}

Result<Node> parse_short(BytesView items, Arena& arena) {
    rlp::Decoder in{items};
    SENNIT_TRY(const auto packed, in.string());
    SENNIT_TRY(const auto nibbles, unpack_hex_prefix(packed, arena));
    if ((packed[0] & kLeafFlag) != 0) {
        SENNIT_TRY(const auto value, in.string());
        if (value.empty()) return malformed("a trie leaf without a value");
        return Node{.kind = Node::Kind::leaf, .nibbles = nibbles, .body = value};
    }
    SENNIT_TRY(const auto child, in.raw_item());
    if (nibbles.empty()) return malformed("a trie extension without a path");
    if (is_empty_item(child) || !is_reference(child)) {
        return malformed("a trie extension without a child");
    }
    return Node{.kind = Node::Kind::extension, .nibbles = nibbles, .body = child};
}

}  // namespace

BytesView Arena::join(BytesView head, BytesView tail) {
    const auto out = take(head.size() + tail.size());
    std::ranges::copy(head, out.begin());
    std::ranges::copy(tail, out.begin() + static_cast<std::ptrdiff_t>(head.size()));
    return out;
}

Result<Node> parse_node(BytesView rlp, Arena& arena) {
    rlp::Decoder in{rlp};
    SENNIT_TRY(auto list, in.list());
    SENNIT_TRY(in.finish());
    const auto items = rlp.last(rlp.size() - list.offset());
    SENNIT_TRY(list.raw_item());
    SENNIT_TRY(list.raw_item());
    if (list.empty()) return parse_short(items, arena);
    return Node{.kind = Node::Kind::branch, .nibbles = {}, .body = items};
}

Result<BranchItems> parse_branch(const Node& branch) {
    SENNIT_ASSERT(branch.kind == Node::Kind::branch);
    rlp::Decoder in{branch.body};
    BranchItems out;
    for (auto& child : out.children) {
        SENNIT_TRY(child, in.raw_item());
        if (!is_reference(child)) return malformed("a trie branch with an illegal child");
    }
    SENNIT_TRY(out.value, in.string());
    SENNIT_TRY(in.finish());
    return out;
}

Bytes encode_short(const Node& node, Arena& arena) {
    const bool leaf = node.kind == Node::Kind::leaf;
    rlp::Encoder items;
    items.string(pack_hex_prefix(node.nibbles, leaf, arena));
    if (leaf) {
        items.string(node.body);
    } else {
        items.raw(node.body);
    }
    return rlp::encode_list(items);
}

Bytes encode_branch(const BranchItems& items) {
    rlp::Encoder out{items.children.size() * (1 + Digest::kSize) + items.value.size() + 9};
    for (const auto child : items.children) out.raw(child);
    out.string(items.value);
    return rlp::encode_list(out);
}

void append_nibbles(BytesView key, Bytes& out) {
    for (const auto byte : key) {
        out.push_back(byte >> 4);
        out.push_back(byte & 0x0f);
    }
}

std::size_t shared_prefix(BytesView a, BytesView b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace sennit::trie
