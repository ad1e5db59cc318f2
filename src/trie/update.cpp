// SPDX-License-Identifier: MIT
#include <algorithm>

#include "crypto/keccak.hpp"
#include "primitives/account.hpp"
#include "trie/node.hpp"
#include "trie/path_trie.hpp"

namespace sennit::trie {
namespace {

using Changes = std::span<const PathChange>;

// One descent along the sorted changes; after an error the object is not used again. A subtree
// comes back to its parent as a Node: branches are encoded and hashed at once, because nothing
// above can alter them; leaves and extensions wait for the parent, which may be about to vanish and
// hand them its own nibble.
class Updater {
  public:
    explicit Updater(const NodeReader& read) : read_{read} {}

    Result<Update> run(Changes changes);

  private:
    Result<Node> load(BytesView reference);
    Result<Node> apply(Node old, Changes changes);
    Result<Node> apply_to_unread(const Node& old, Changes changes);
    Result<Node> apply_to_none(const Node& old, Changes live);
    Result<Node> apply_to_leaf(const Node& old, Changes changes, Changes live);
    Result<Node> apply_to_extension(const Node& old, Changes changes, Changes live);
    Result<Node> apply_to_branch(const Node& old, Changes changes);

    struct Branch {
        std::array<Node, 16> children;
        BytesView value;
        bool stored{false};
        bool changed{false};
    };
    Result<Node> split(const Node& old, BytesView shared, Branch branch, Changes changes);
    Result<void> apply_to_children(Branch& branch, Changes changes);
    Result<Node> assemble(Branch& branch);
    Result<Node> prepend(BytesView nibbles, Node child);

    BytesView settle(const Node& node);
    BytesView record(Bytes rlp, bool stored);
    void erase();

    BytesView rest(const PathChange& change) const { return change.path.subspan(path_.size()); }
    Changes live(Changes changes) const;
    Changes below(BytesView nibbles, Changes changes) const;
    void enter(BytesView nibbles) { path_.insert(path_.end(), nibbles.begin(), nibbles.end()); }
    void leave(std::size_t count) { path_.resize(path_.size() - count); }

    static constexpr std::size_t kArenaBlock = 64 * 1024;  // a few hundred changed paths

    const NodeReader& read_;
    Arena arena_{kArenaBlock};
    Path path_;  // where the algorithm stands
    Update update_;
};

bool same(BytesView a, BytesView b) {
    return std::ranges::equal(a, b);
}

std::array<std::uint8_t, 1> one_nibble(std::size_t nibble) {
    return {static_cast<std::uint8_t>(nibble)};
}

Error broken(std::string_view what, BytesView path) {
    return Error{Errc::invalid, what, Error::kNowhere, "path " + to_hex(path)};
}

// Cuts deletions from both ends: what remains starts and ends with a value, or is empty.
Changes Updater::live(Changes changes) const {
    while (!changes.empty() && changes.front().value.empty()) changes = changes.subspan(1);
    while (!changes.empty() && changes.back().value.empty()) {
        changes = changes.first(changes.size() - 1);
    }
    return changes;
}

// The changes whose paths go on with `nibbles`.
Changes Updater::below(BytesView nibbles, Changes changes) const {
    const auto elsewhere = [&](const PathChange& change) {
        return shared_prefix(nibbles, rest(change)) < nibbles.size();
    };
    while (!changes.empty() && elsewhere(changes.front())) changes = changes.subspan(1);
    while (!changes.empty() && elsewhere(changes.back())) {
        changes = changes.first(changes.size() - 1);
    }
    return changes;
}

Result<Node> Updater::load(BytesView reference) {
    if (!is_hash_item(reference)) {
        auto node = parse_node(reference, arena_);
        if (!node) return broken("an embedded trie node does not parse", path_);
        return node;
    }
    SENNIT_TRY(auto rlp, read_(path_));
    if (!rlp) return broken("a trie node is missing", path_);
    auto node = parse_node(arena_.keep(std::move(*rlp)), arena_);
    if (!node) return broken("a stored trie node does not parse", path_);
    node->stored = true;
    return node;
}

Result<Node> Updater::apply(Node old, Changes changes) {
    switch (old.kind) {
        case Node::Kind::unread: return apply_to_unread(old, changes);
        case Node::Kind::none: return apply_to_none(old, live(changes));
        case Node::Kind::leaf: return apply_to_leaf(old, changes, live(changes));
        case Node::Kind::extension: return apply_to_extension(old, changes, live(changes));
        case Node::Kind::branch: return apply_to_branch(old, changes);
        case Node::Kind::sealed: break;
    }
    return broken("a trie node was changed twice", path_);
}

Result<Node> Updater::apply_to_unread(const Node& old, Changes changes) {
    SENNIT_TRY(const auto loaded, load(old.body));
    SENNIT_TRY(auto node, apply(loaded, changes));
    if (!node.changed) return old;
    return node;
}

Result<Node> Updater::apply_to_none(const Node& old, Changes live) {
    if (live.empty()) return old;
    const auto first = rest(live.front());
    if (live.size() == 1) {
        return Node{.kind = Node::Kind::leaf,
                    .stored = old.stored,
                    .changed = true,
                    .nibbles = first,
                    .body = live.front().value};
    }
    const auto shared = shared_prefix(first, rest(live.back()));
    return split(old, first.first(shared), Branch{}, live);
}

Result<Node> Updater::apply_to_leaf(const Node& old, Changes changes, Changes live) {
    auto replaced = old;
    replaced.changed = true;
    if (live.empty()) {
        const bool deleted = std::ranges::any_of(
            changes, [&](const PathChange& change) { return same(rest(change), old.nibbles); });
        if (!deleted) return old;
        return Node{.stored = old.stored, .changed = true, .nibbles = {}, .body = {}};
    }
    if (live.size() == 1 && same(rest(live.front()), old.nibbles)) {
        if (same(live.front().value, old.body)) return old;
        replaced.body = live.front().value;
        return replaced;
    }
    const auto shared = std::min(shared_prefix(old.nibbles, rest(live.front())),
                                 shared_prefix(old.nibbles, rest(live.back())));
    Branch branch;
    if (shared == old.nibbles.size()) {
        branch.value = old.body;
    } else {
        branch.children[old.nibbles[shared]] = {
            .kind = Node::Kind::leaf, .nibbles = old.nibbles.subspan(shared + 1), .body = old.body};
    }
    return split(old, old.nibbles.first(shared), branch, changes);
}

Result<Node> Updater::apply_to_extension(const Node& old, Changes changes, Changes live) {
    auto shared = old.nibbles.size();
    if (!live.empty()) {
        shared = std::min(shared_prefix(old.nibbles, rest(live.front())),
                          shared_prefix(old.nibbles, rest(live.back())));
    }
    if (shared < old.nibbles.size()) {
        Branch branch;
        auto& child = branch.children[old.nibbles[shared]];
        child = unread(old.body);
        if (const auto below = old.nibbles.subspan(shared + 1); !below.empty()) {
            child = {.kind = Node::Kind::extension, .nibbles = below, .body = old.body};
        }
        return split(old, old.nibbles.first(shared), branch, changes);
    }
    // Only deletions can lead elsewhere, and there is nothing to delete there.
    changes = below(old.nibbles, changes);
    if (changes.empty()) return old;
    enter(old.nibbles);
    SENNIT_TRY(const auto child, apply(unread(old.body), changes));
    leave(old.nibbles.size());
    if (!child.changed) return old;
    SENNIT_TRY(auto node, prepend(old.nibbles, child));
    node.stored = old.stored;
    return node;
}

Result<Node> Updater::apply_to_branch(const Node& old, Changes changes) {
    const auto items = parse_branch(old);
    if (!items) return broken("a stored trie branch does not parse", path_);
    Branch branch{.children = {}, .value = items->value, .stored = old.stored};
    std::ranges::transform(items->children, branch.children.begin(), unread);
    SENNIT_TRY(apply_to_children(branch, changes));
    if (!branch.changed) return old;
    return assemble(branch);
}

// `branch` takes the place of `old` at the end of `shared`, the nibbles that all keys agree on. A
// change that leads elsewhere is a deletion of nothing.
Result<Node> Updater::split(const Node& old, BytesView shared, Branch branch, Changes changes) {
    branch.stored = old.stored && shared.empty();
    changes = below(shared, changes);
    enter(shared);
    SENNIT_TRY(apply_to_children(branch, changes));
    SENNIT_TRY(const auto assembled, assemble(branch));
    leave(shared.size());
    if (shared.empty()) return assembled;
    SENNIT_TRY(auto node, prepend(shared, assembled));
    node.stored = old.stored;
    return node;
}

Result<void> Updater::apply_to_children(Branch& branch, Changes changes) {
    const auto depth = path_.size();
    while (!changes.empty()) {
        const auto& path = changes.front().path;
        if (path.size() == depth) {
            branch.changed |= !same(branch.value, changes.front().value);
            branch.value = changes.front().value;
            changes = changes.subspan(1);
            continue;
        }
        const auto nibble = path[depth];
        const auto end = std::ranges::find_if(
            changes, [&](const PathChange& change) { return change.path[depth] != nibble; });
        const auto count = static_cast<std::size_t>(end - changes.begin());
        auto& child = branch.children[nibble];
        path_.push_back(nibble);
        SENNIT_TRY(child, apply(child, changes.first(count)));
        path_.pop_back();
        branch.changed |= child.changed;
        changes = changes.subspan(count);
    }
    return {};
}

// What a branch's children and value amount to: with fewer than two of them it is no branch.
Result<Node> Updater::assemble(Branch& branch) {
    std::size_t count = branch.value.empty() ? 0 : 1;
    std::size_t only = branch.children.size();
    for (std::size_t i = 0; i < branch.children.size(); ++i) {
        if (branch.children[i].kind == Node::Kind::none) continue;
        ++count;
        only = i;
    }
    BranchItems items;
    for (std::size_t i = 0; i < branch.children.size(); ++i) {
        if (count == 1 && i == only) continue;
        path_.push_back(static_cast<std::uint8_t>(i));
        items.children[i] = settle(branch.children[i]);
        path_.pop_back();
    }
    Node node{.stored = branch.stored, .changed = true, .nibbles = {}, .body = {}};
    if (count >= 2) {
        items.value = branch.value;
        node.kind = Node::Kind::sealed;
        node.body = record(encode_branch(items), branch.stored);
    } else if (only < branch.children.size()) {
        SENNIT_TRY(node, prepend(arena_.copy(one_nibble(only)), branch.children[only]));
        node.stored = branch.stored;
    } else if (count == 1) {
        node.kind = Node::Kind::leaf;
        node.body = branch.value;
    }
    return node;
}

// The node that stands here when `child`, which stands `nibbles` below, is all there is.
Result<Node> Updater::prepend(BytesView nibbles, Node child) {
    enter(nibbles);
    const auto reference = child.body;
    const bool look = child.kind == Node::Kind::unread;
    if (look) {
        SENNIT_TRY(child, load(reference));
    }
    const bool is_branch = child.kind == Node::Kind::branch || child.kind == Node::Kind::sealed;
    if (child.stored && !is_branch) erase();
    leave(nibbles.size());
    Node node{.kind = child.kind, .changed = true, .nibbles = {}, .body = child.body};
    if (is_branch) {
        node.kind = Node::Kind::extension;
        node.nibbles = nibbles;
        node.body = reference;
    } else if (child.kind != Node::Kind::none) {
        node.nibbles = arena_.join(nibbles, child.nibbles);
    }
    return node;
}

// The reference by which the parent of the node at the current path names it from now on.
BytesView Updater::settle(const Node& node) {
    switch (node.kind) {
        case Node::Kind::none:
            if (node.stored) erase();
            return kEmptyItem;
        case Node::Kind::unread:
        case Node::Kind::sealed: return node.body;
        default: return record(encode_short(node, arena_), node.stored);
    }
}

// A path is written at most once in an update; the two assertions hold the algorithm to it.
void Updater::erase() {
    const bool first = update_.nodes.try_emplace(path_, std::nullopt).second;
    SENNIT_ASSERT(first);
}

BytesView Updater::record(Bytes rlp, bool stored) {
    const bool is_root = path_.empty();
    if (rlp.size() < Digest::kSize && !is_root) {
        if (stored) erase();
        return arena_.copy(rlp);
    }
    const auto hash = crypto::keccak256(rlp);
    if (is_root) update_.root = hash;
    const bool first = update_.nodes.try_emplace(path_, std::move(rlp)).second;
    SENNIT_ASSERT(first);
    const std::array<std::uint8_t, 1> prefix{0x80 + Digest::kSize};
    return arena_.join(prefix, hash.view());
}

Result<Update> Updater::run(Changes changes) {
    for (std::size_t i = 1; i < changes.size(); ++i) {
        SENNIT_ASSERT(std::ranges::lexicographical_compare(changes[i - 1].path, changes[i].path));
    }
    update_.root = kEmptyTrieRoot;
    SENNIT_TRY(auto rlp, read_(path_));
    Node root;
    BytesView encoded;
    if (rlp) {
        encoded = arena_.keep(std::move(*rlp));
        auto parsed = parse_node(encoded, arena_);
        if (!parsed) return broken("the root of a trie does not parse", path_);
        root = *parsed;
        root.stored = true;
    }
    SENNIT_TRY(const auto node, apply(root, changes));
    if (node.changed) {
        settle(node);
    } else if (!encoded.empty()) {
        update_.root = crypto::keccak256(encoded);
    }
    return std::move(update_);
}

}  // namespace

Result<Update> update_paths(const NodeReader& read, std::span<const PathChange> changes) {
    return Updater{read}.run(changes);
}

}  // namespace sennit::trie
