// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <span>

#include "base/bytes.hpp"

/// Ethereum's secure Merkle-Patricia trie (Yellow Paper, appendix D), its nodes kept by path.
///
/// Pure: nodes are read through a function and changes come back as a list, so that one algorithm
/// serves the database, layers above it, and proofs. A node is stored under the nibbles that lead
/// to it, as (one byte a nibble); an update rewrites only the nodes on the changed paths, and
/// nothing has to be collected later. Nodes below 32 bytes are embedded in their parent and have no
/// entry.
namespace sennit::trie {

/// Nibbles from the root, one a byte; empty for the root.
using Path = Bytes;

/// RLP of the node stored at a path, or nullopt. An error (the disk's) ends the update.
using NodeReader = std::function<Result<std::optional<Bytes>>(BytesView path)>;

struct Change {
    Digest key;   ///< hashed already ("secure" trie)
    Bytes value;  ///< empty: delete
};

struct Update {
    Digest root;
    /// Path -> new RLP; nullopt: the node is gone. Sorted by path.
    std::map<Path, std::optional<Bytes>> nodes;
};

/// Applies `changes` (sorted by key, keys unique) to the trie whose nodes `read` serves. Deleting
/// what is not there changes nothing. Cost: the nodes on the changed paths, each read, hashed and
/// written once. Error: Errc::invalid when a stored node does not parse (a broken database).
Result<Update> update(const NodeReader& read, std::span<const Change> changes);

/// The value under `key`; empty if there is none.
Result<Bytes> get(const NodeReader& read, const Digest& key);

/// The nodes from the root down to `key`, or to where its path ends: a Merkle proof of presence or
/// absence (EIP-1186 order).
Result<std::vector<Bytes>> prove(const NodeReader& read, const Digest& key);

/// Checks a proof against a root: the value, or empty for proven absence. Every node must be used.
/// Errors: mismatch (a hash), malformed (a node), truncated (a node lacks), trailing (one too
/// many).
Result<Bytes> verify_proof(const Digest& root, const Digest& key, std::span<const Bytes> proof);

/// Counts the stored nodes that are reachable from the root, and checks that each hashes to what
/// its parent says and that the trie has the one shape its contents allow. Compare the count with
/// the entries of the database: they are equal (CHAIN section 4). Reads the whole trie; memory is
/// bounded by 16 references for each of the 64 levels.
Result<std::uint64_t> check(const NodeReader& read, const Digest& root);

}  // namespace sennit::trie
