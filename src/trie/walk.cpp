// SPDX-License-Identifier: MIT
#include "crypto/keccak.hpp"
#include "primitives/account.hpp"
#include "trie/node.hpp"
#include "trie/path_trie.hpp"

namespace sennit::trie {
namespace {

constexpr std::size_t kArenaBlock = 4 * 1024;  // the paths of one descent

Digest hash_of(BytesView reference) {
    SENNIT_ASSERT(is_hash_item(reference));
    return Digest::from(reference.subspan(1));
}

// Follows `path` from the root to its value (empty: none). `fetch(depth, reference)` serves the
// nodes that have an entry of their own; the root's reference is empty. nullopt for the root means
// an empty trie.
template <class Fetch>
Result<Bytes> descend(BytesView path, Fetch&& fetch) {
    Arena arena{kArenaBlock};
    SENNIT_TRY(auto root, fetch(std::size_t{0}, BytesView{}));
    if (!root) return Bytes{};
    auto rlp = arena.keep(std::move(*root));
    std::size_t depth = 0;
    for (;;) {
        SENNIT_TRY(const auto node, parse_node(rlp, arena));
        const auto rest = path.subspan(depth);
        BytesView child = node.body;
        if (node.kind == Node::Kind::branch) {
            SENNIT_TRY(const auto items, parse_branch(node));
            if (rest.empty()) return to_bytes(items.value);
            child = items.children[rest[0]];
            depth += 1;
        } else {
            const bool matches = shared_prefix(node.nibbles, rest) == node.nibbles.size();
            if (!matches) return Bytes{};
            if (node.kind == Node::Kind::leaf) {
                return node.nibbles.size() == rest.size() ? to_bytes(node.body) : Bytes{};
            }
            depth += node.nibbles.size();
        }
        if (is_empty_item(child)) return Bytes{};
        if (!is_hash_item(child)) {
            rlp = child;
            continue;
        }
        SENNIT_TRY(auto next, fetch(depth, child));
        if (!next) return Error{Errc::invalid, "a trie node is missing", depth, {}};
        rlp = arena.keep(std::move(*next));
    }
}

Error as_broken(const Error& error) {
    if (error.code == Errc::io) return error;
    return Error{Errc::invalid, "a stored trie node does not parse", Error::kNowhere, error.text()};
}

// A subtree that check_paths has still to look at.
struct Pending {
    Path path;
    Bytes reference;  // empty: the root
    bool must_be_branch{false};
};

class Checker {
  public:
    Checker(const NodeReader& read, const Digest& root, PathLimits limits)
        : read_{read}, root_{root}, limits_{limits} {}

    Result<std::uint64_t> run();

  private:
    Result<void> look(const Pending& pending);
    Result<void> look_at_leaf(const Pending& pending, const Node& leaf) const;
    Result<void> look_at_branch(const Pending& pending, const Node& branch);
    Error wrong(std::string_view what, const Path& path) const {
        return Error{Errc::invalid, what, Error::kNowhere, "path " + to_hex(path)};
    }

    const NodeReader& read_;
    const Digest& root_;
    PathLimits limits_;
    std::vector<Pending> pending_;  // at most 16 for every nibble of the longest path
    std::uint64_t count_{0};
};

Result<std::uint64_t> Checker::run() {
    SENNIT_TRY(const auto root, read_(Path{}));
    if (!root) {
        if (root_ == kEmptyTrieRoot) return std::uint64_t{0};
        return wrong("the root of a trie is missing", {});
    }
    pending_.push_back({});
    while (!pending_.empty()) {
        const auto next = std::move(pending_.back());
        pending_.pop_back();
        if (next.path.size() > limits_.size_max) return wrong("a trie path is too long", next.path);
        SENNIT_TRY(look(next));
    }
    return count_;
}

Result<void> Checker::look(const Pending& pending) {
    const bool is_root = pending.reference.empty();
    Arena arena{kArenaBlock};
    BytesView rlp = pending.reference;
    if (is_root || is_hash_item(rlp)) {
        SENNIT_TRY(auto stored, read_(pending.path));
        if (!stored) return wrong("a trie node is missing", pending.path);
        if (crypto::keccak256(*stored) != (is_root ? root_ : hash_of(rlp))) {
            return wrong("a trie node is not what its parent says", pending.path);
        }
        if (!is_root && stored->size() < Digest::kSize) {
            return wrong("a trie node should be embedded", pending.path);
        }
        rlp = arena.keep(std::move(*stored));
        ++count_;
    }
    const auto node = parse_node(rlp, arena);
    if (!node) return wrong("a trie node does not parse", pending.path);
    if (node->kind == Node::Kind::branch) return look_at_branch(pending, *node);
    if (pending.must_be_branch) return wrong("a trie extension without a branch", pending.path);
    if (node->kind == Node::Kind::leaf) return look_at_leaf(pending, *node);
    auto path = pending.path;
    path.insert(path.end(), node->nibbles.begin(), node->nibbles.end());
    pending_.push_back({std::move(path), to_bytes(node->body), true});
    return {};
}

Result<void> Checker::look_at_leaf(const Pending& pending, const Node& leaf) const {
    const auto size = pending.path.size() + leaf.nibbles.size();
    if (size < limits_.size_min || size > limits_.size_max) {
        return wrong("a trie key of the wrong length", pending.path);
    }
    return {};
}

Result<void> Checker::look_at_branch(const Pending& pending, const Node& branch) {
    const auto items = parse_branch(branch);
    if (!items) return wrong("a trie branch does not parse", pending.path);
    if (!items->value.empty() && pending.path.size() < limits_.size_min) {
        return wrong("a trie key of the wrong length", pending.path);
    }
    std::size_t used = items->value.empty() ? 0 : 1;
    for (std::size_t i = items->children.size(); i-- > 0;) {
        if (is_empty_item(items->children[i])) continue;
        ++used;
        auto path = pending.path;
        path.push_back(static_cast<std::uint8_t>(i));
        pending_.push_back({std::move(path), to_bytes(items->children[i])});
    }
    if (used < 2) return wrong("a trie branch with one child", pending.path);
    return {};
}

}  // namespace

Result<Bytes> get_path(const NodeReader& read, BytesView path) {
    auto value =
        descend(path, [&](std::size_t depth, BytesView) { return read(path.first(depth)); });
    if (!value) return as_broken(value.error());
    return value;
}

Result<std::vector<Bytes>> prove_path(const NodeReader& read, BytesView path) {
    std::vector<Bytes> proof;
    const auto value =
        descend(path, [&](std::size_t depth, BytesView) -> Result<std::optional<Bytes>> {
            SENNIT_TRY(auto rlp, read(path.first(depth)));
            if (rlp) proof.push_back(*rlp);
            return rlp;
        });
    if (!value) return as_broken(value.error());
    return proof;
}

Result<Bytes> verify_path(const Digest& root, BytesView path, std::span<const Bytes> proof) {
    if (root == kEmptyTrieRoot && proof.empty()) return Bytes{};
    std::size_t used = 0;
    const auto fetch = [&](std::size_t, BytesView reference) -> Result<std::optional<Bytes>> {
        if (used == proof.size()) return Error{Errc::truncated, "a proof lacks a node", used, {}};
        const auto& rlp = proof[used];
        if (crypto::keccak256(rlp) != (reference.empty() ? root : hash_of(reference))) {
            return Error{Errc::mismatch, "a proof's node is not what its parent says", used, {}};
        }
        ++used;
        return std::optional{rlp};
    };
    SENNIT_TRY(auto value, descend(path, fetch));
    if (used < proof.size()) return Error{Errc::trailing, "a proof has a node too many", used, {}};
    return value;
}

Result<std::uint64_t> check_paths(const NodeReader& read, const Digest& root, PathLimits limits) {
    return Checker{read, root, limits}.run();
}

}  // namespace sennit::trie
