// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "crypto/keccak.hpp"
#include "primitives/account.hpp"
#include "primitives/rlp.hpp"
#include "trie/trie.hpp"

/// The trie written down as the Yellow Paper's appendix D defines it: all of it, from scratch, from
/// a sorted map. Slow, and shares no code with the algorithms; tests and fuzzing compare with it.
namespace sennit::trie::reference {

using Contents = std::map<Path, Bytes>;  // nibbles -> value
using Nodes = std::map<Path, Bytes>;     // path -> RLP of the node that is stored there

inline Bytes hex_prefix(BytesView nibbles, bool leaf) {
    std::vector<int> digits{leaf ? 2 : 0};
    if (nibbles.size() % 2 == 1) {
        ++digits[0];
    } else {
        digits.push_back(0);
    }
    digits.insert(digits.end(), nibbles.begin(), nibbles.end());
    Bytes out;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        out.push_back(static_cast<std::uint8_t>(digits[i] * 16 + digits[i + 1]));
    }
    return out;
}

class Builder {
  public:
    explicit Builder(const Contents& contents) {
        if (contents.empty()) return;
        std::vector<const Contents::value_type*> all;
        for (const auto& entry : contents) all.push_back(&entry);
        const auto rlp = node(all, 0);
        root_ = crypto::keccak256(rlp);
        nodes_.emplace_hint(nodes_.begin(), Path{}, rlp);
    }
    const Digest& root() const { return root_; }
    const Nodes& nodes() const { return nodes_; }

  private:
    using Entries = std::vector<const Contents::value_type*>;

    // c(J, i): the node over `entries`, whose first `depth` nibbles agree.
    Bytes node(const Entries& entries, std::size_t depth) {
        const auto& first = entries.front()->first;
        rlp::Encoder items;
        if (entries.size() == 1) {
            items.string(hex_prefix(BytesView{first}.subspan(depth), true));
            items.string(entries.front()->second);
            return rlp::encode_list(items);
        }
        const auto& last = entries.back()->first;
        auto shared = depth;
        while (shared < first.size() && first[shared] == last[shared]) ++shared;
        if (shared > depth) {
            items.string(hex_prefix(BytesView{first}.subspan(depth, shared - depth), false));
            items.raw(reference(entries, shared));
            return rlp::encode_list(items);
        }
        Bytes value;
        for (std::uint8_t nibble = 0; nibble < 16; ++nibble) {
            Entries below;
            for (const auto* entry : entries) {
                if (entry->first.size() == depth) {
                    value = entry->second;
                } else if (entry->first[depth] == nibble) {
                    below.push_back(entry);
                }
            }
            items.raw(below.empty() ? Bytes{0x80} : reference(below, depth + 1));
        }
        items.string(value);
        return rlp::encode_list(items);
    }

    // n(J, i): how a parent names the node over `entries`.
    Bytes reference(const Entries& entries, std::size_t depth) {
        const auto rlp = node(entries, depth);
        if (rlp.size() < 32) return rlp;
        const auto& key = entries.front()->first;
        nodes_[Path{key.begin(), key.begin() + static_cast<std::ptrdiff_t>(depth)}] = rlp;
        rlp::Encoder hash;
        hash.string(crypto::keccak256(rlp).view());
        return std::move(hash).take();
    }

    Digest root_{kEmptyTrieRoot};
    Nodes nodes_;
};

/// A map of nodes that serves reads and takes updates, as the database does.
class NodeMap {
  public:
    NodeReader reader() const {
        return [this](BytesView path) -> Result<std::optional<Bytes>> {
            const auto found = nodes_.find(to_bytes(path));
            if (found == nodes_.end()) return std::optional<Bytes>{};
            return std::optional{found->second};
        };
    }
    void apply(const Update& update) {
        for (const auto& [path, rlp] : update.nodes) {
            if (rlp) {
                nodes_[path] = *rlp;
            } else {
                nodes_.erase(path);
            }
        }
    }
    Nodes& nodes() { return nodes_; }
    const Nodes& nodes() const { return nodes_; }

  private:
    Nodes nodes_;
};

}  // namespace sennit::trie::reference
