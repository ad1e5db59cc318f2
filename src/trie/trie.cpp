// SPDX-License-Identifier: MIT
#include "trie/trie.hpp"

#include "trie/node.hpp"
#include "trie/path_trie.hpp"

namespace sennit::trie {
namespace {

constexpr std::size_t kKeyNibbles = 2 * Digest::kSize;

Path path_of(const Digest& key) {
    Path path;
    path.reserve(kKeyNibbles);
    append_nibbles(key.view(), path);
    return path;
}

}  // namespace

Result<Update> update(const NodeReader& read, std::span<const Change> changes) {
    Bytes nibbles;
    nibbles.reserve(kKeyNibbles * changes.size());
    for (const auto& change : changes) append_nibbles(change.key.view(), nibbles);
    std::vector<PathChange> by_path;
    by_path.reserve(changes.size());
    for (const auto& change : changes) {
        const auto path = BytesView{nibbles}.subspan(kKeyNibbles * by_path.size(), kKeyNibbles);
        by_path.push_back({path, change.value});
    }
    return update_paths(read, by_path);
}

Result<Bytes> get(const NodeReader& read, const Digest& key) {
    return get_path(read, path_of(key));
}

Result<std::vector<Bytes>> prove(const NodeReader& read, const Digest& key) {
    return prove_path(read, path_of(key));
}

Result<Bytes> verify_proof(const Digest& root, const Digest& key, std::span<const Bytes> proof) {
    return verify_path(root, path_of(key), proof);
}

Result<std::uint64_t> check(const NodeReader& read, const Digest& root) {
    return check_paths(read, root, {.size_min = kKeyNibbles, .size_max = kKeyNibbles});
}

}  // namespace sennit::trie
