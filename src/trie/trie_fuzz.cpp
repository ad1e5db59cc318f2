// SPDX-License-Identifier: MIT
/// First byte even: the rest drives updates, and after each batch the trie must be the one that is
/// built from scratch. Odd: the rest is a proof, from wherever.
#include "trie/node.hpp"
#include "trie/path_trie.hpp"
#include "trie/reference_trie.hpp"

namespace {

using namespace sennit;
using namespace sennit::trie;

constexpr std::size_t kWritesMax = 64;
constexpr std::size_t kPathMax = 8;

std::uint8_t next(Reader& in) {
    const auto byte = in.le<std::uint8_t>();
    return byte ? *byte : std::uint8_t{0};
}

Path next_path(Reader& in) {
    Path path(next(in) % (kPathMax + 1));
    for (auto& nibble : path) nibble = next(in) % 16;
    return path;
}

void drive_updates(Reader in) {
    reference::NodeMap store;
    reference::Contents contents;
    while (!in.empty()) {
        std::map<Path, Bytes> writes;
        for (auto n = next(in) % kWritesMax + 1; n > 0 && !in.empty(); --n) {
            auto path = next_path(in);
            writes[std::move(path)] = Bytes(next(in) % 40, next(in));
        }
        std::vector<PathChange> changes;
        for (const auto& [path, value] : writes) {
            changes.push_back({path, value});
            contents.erase(path);
            if (!value.empty()) contents[path] = value;
        }
        const auto update = update_paths(store.reader(), changes);
        SENNIT_ASSERT(update.has_value());
        store.apply(*update);
        const reference::Builder expected{contents};
        SENNIT_ASSERT(update->root == expected.root());
        SENNIT_ASSERT(store.nodes() == expected.nodes());
        const auto count = check_paths(store.reader(), update->root, {0, kPathMax});
        SENNIT_ASSERT(count && *count == store.nodes().size());
    }
}

// The root is taken from the bytes themselves, so that verification gets past the first hash.
void verify_bytes(Reader in) {
    const auto path = next_path(in);
    std::vector<Bytes> proof;
    while (!in.empty()) {
        const std::size_t size = next(in) + 256u * (next(in) % 4u);
        proof.push_back(to_bytes(*in.take(std::min(size, in.remaining()))));
    }
    if (proof.empty()) return;
    const auto root = crypto::keccak256(proof.front());
    (void)verify_path(root, path, proof);
    (void)verify_proof(root, root, proof);
    Arena arena{64};
    if (const auto node = parse_node(proof.front(), arena); node) {
        if (node->kind == Node::Kind::branch) {
            if (const auto items = parse_branch(*node)) {
                SENNIT_ASSERT(encode_branch(*items) == proof.front());
            }
        } else {
            SENNIT_ASSERT(encode_short(*node, arena) == proof.front());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Reader in{BytesView{data, size}};
    if (next(in) % 2 == 0) {
        drive_updates(in);
    } else {
        verify_bytes(in);
    }
    return 0;
}
