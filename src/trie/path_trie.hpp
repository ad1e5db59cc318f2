// SPDX-License-Identifier: MIT
#pragma once

#include "trie/trie.hpp"

/// The algorithms of trie.hpp over paths of any length, as Ethereum's plain tries and the public
/// test vectors need them: a key may be the beginning of another, and then ends in a branch.
/// Private to this module; recursion is as deep as the longest path of a change.
namespace sennit::trie {

struct PathChange {
    BytesView path;   ///< nibbles, one a byte
    BytesView value;  ///< empty: delete
};

/// `changes` sorted by path, paths unique.
Result<Update> update_paths(const NodeReader& read, std::span<const PathChange> changes);
Result<Bytes> get_path(const NodeReader& read, BytesView path);
Result<std::vector<Bytes>> prove_path(const NodeReader& read, BytesView path);
Result<Bytes> verify_path(const Digest& root, BytesView path, std::span<const Bytes> proof);

struct PathLimits {
    std::size_t size_min{0};
    std::size_t size_max{0};
};
/// As check(), with every key's number of nibbles within `limits`.
Result<std::uint64_t> check_paths(const NodeReader& read, const Digest& root, PathLimits limits);

}  // namespace sennit::trie
