// SPDX-License-Identifier: MIT
#include "trie/trie.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.hpp"
#include "trie/path_trie.hpp"
#include "trie/reference_trie.hpp"

namespace sennit::trie {
namespace {

using reference::Builder;
using reference::Contents;
using reference::NodeMap;
using Writes = std::map<Path, Bytes>;  // empty value: delete

Result<Update> write(NodeMap& store, const Writes& writes) {
    std::vector<PathChange> changes;
    for (const auto& [path, value] : writes) changes.push_back({path, value});
    auto update = update_paths(store.reader(), changes);
    if (update) store.apply(*update);
    return update;
}

void apply(Contents& contents, const Writes& writes) {
    for (const auto& [path, value] : writes) {
        if (value.empty()) {
            contents.erase(path);
        } else {
            contents[path] = value;
        }
    }
}

Bytes random_bytes(Rng& rng, std::size_t size) {
    Bytes out(size);
    rng.fill(out);
    return out;
}

/// Keys that share long beginnings, so that every kind of split and collapse happens often.
struct KeyShape {
    const char* name;
    std::size_t size_min;
    std::size_t size_max;
    std::uint64_t digits;  // nibbles are drawn from [0, digits)
    std::size_t value_max;
};
void PrintTo(const KeyShape& shape, std::ostream* out) {
    *out << shape.name;
}

class TrieOfShape : public testing::TestWithParam<KeyShape> {
  protected:
    Path random_path(Rng& rng) const {
        const auto& shape = GetParam();
        Path path(shape.size_min + rng.below(shape.size_max - shape.size_min + 1));
        for (auto& nibble : path) nibble = static_cast<std::uint8_t>(rng.below(shape.digits));
        return path;
    }
    Writes random_writes(Rng& rng, const Contents& contents, std::uint64_t deletions) const {
        Writes writes;
        for (auto n = 1 + rng.below(12); n > 0; --n) {
            auto path = random_path(rng);
            if (!contents.empty() && rng.chance(1, 2)) {
                const auto found = contents.lower_bound(path);
                path = found == contents.end() ? contents.begin()->first : found->first;
            }
            const auto size = 1 + rng.below(GetParam().value_max);
            writes[path] = rng.chance(deletions, 10) ? Bytes{} : random_bytes(rng, size);
        }
        return writes;
    }
    PathLimits limits() const { return {GetParam().size_min, GetParam().size_max}; }
};

INSTANTIATE_TEST_SUITE_P(
    Shapes, TrieOfShape,
    testing::Values(KeyShape{"dense", 6, 6, 2, 40}, KeyShape{"tiny_values", 5, 5, 3, 2},
                    KeyShape{"any_length", 0, 7, 2, 40}, KeyShape{"any_length_tiny", 0, 5, 3, 2},
                    KeyShape{"long", 64, 64, 2, 80}, KeyShape{"wide", 4, 4, 16, 33}),
    [](const auto& shape) { return shape.param.name; });

// After every random batch, root and stored nodes are those of a trie built from scratch: so
// nothing reachable is missing, and nothing unreachable stays behind.
TEST_P(TrieOfShape, any_sequence_of_updates_leaves_what_building_from_scratch_gives) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        SCOPED_TRACE(seed);
        Rng rng{seed};
        NodeMap store;
        Contents contents;
        for (int round = 0; round < 40; ++round) {
            const std::uint64_t deletions = round < 20 ? 3 : 8;
            const auto writes = random_writes(rng, contents, deletions);
            const auto update = write(store, writes);
            ASSERT_TRUE(update) << update.error().text();
            apply(contents, writes);
            const Builder expected{contents};
            ASSERT_EQ(to_hex(update->root), to_hex(expected.root()));
            ASSERT_EQ(store.nodes(), expected.nodes());
            const auto reachable = check_paths(store.reader(), update->root, limits());
            ASSERT_TRUE(reachable) << reachable.error().text();
            ASSERT_EQ(*reachable, store.nodes().size());
        }
    }
}

TEST_P(TrieOfShape, deleting_everything_in_any_order_leaves_no_node) {
    Rng rng{std::uint64_t{7}};
    NodeMap store;
    Writes all;
    for (int i = 0; i < 60; ++i) all[random_path(rng)] = random_bytes(rng, GetParam().value_max);
    ASSERT_TRUE(write(store, all));
    std::vector<Path> order;
    for (const auto& [path, value] : all) order.push_back(path);
    rng.shuffle(std::span{order});
    for (const auto& path : order) {
        const auto update = write(store, {{path, {}}});
        ASSERT_TRUE(update);
        all.erase(path);
        ASSERT_EQ(update->root, Builder{all}.root());
    }
    EXPECT_TRUE(store.nodes().empty());
}

TEST_P(TrieOfShape, proofs_show_what_is_there_and_what_is_not) {
    Rng rng{std::uint64_t{11}};
    NodeMap store;
    Writes contents;
    for (int i = 0; i < 40; ++i) contents[random_path(rng)] = random_bytes(rng, 1 + rng.below(40));
    const auto update = write(store, contents);
    ASSERT_TRUE(update);
    auto paths = contents;
    for (int i = 0; i < 100; ++i) paths.try_emplace(random_path(rng));
    for (const auto& [path, value] : paths) {
        const auto found = get_path(store.reader(), path);
        ASSERT_TRUE(found);
        EXPECT_EQ(*found, value);
        const auto proof = prove_path(store.reader(), path);
        ASSERT_TRUE(proof);
        const auto shown = verify_path(update->root, path, *proof);
        ASSERT_TRUE(shown) << shown.error().text();
        EXPECT_EQ(*shown, value);
    }
}

TEST_P(TrieOfShape, a_proof_with_any_bit_changed_or_node_missing_or_added_is_refused) {
    Rng rng{std::uint64_t{13}};
    NodeMap store;
    Writes contents;
    for (int i = 0; i < 40; ++i) contents[random_path(rng)] = random_bytes(rng, 1 + rng.below(40));
    const auto update = write(store, contents);
    ASSERT_TRUE(update);
    for (int i = 0; i < 200; ++i) {
        const auto path = random_path(rng);
        const auto good = prove_path(store.reader(), path);
        ASSERT_TRUE(good);
        auto bad = *good;
        auto& node = bad[rng.below(bad.size())];
        node[rng.below(node.size())] ^= static_cast<std::uint8_t>(1u << rng.below(8));
        EXPECT_EQ(verify_path(update->root, path, bad).error().code, Errc::mismatch);

        auto cut = *good;
        cut.pop_back();
        EXPECT_EQ(verify_path(update->root, path, cut).error().code, Errc::truncated);

        auto padded = *good;
        padded.push_back(good->back());
        EXPECT_EQ(verify_path(update->root, path, padded).error().code, Errc::trailing);
    }
}

Digest key_of(std::uint64_t n) {
    return crypto::keccak256(Writer{}.be(n).bytes());
}

std::vector<Change> accounts(std::uint64_t from, std::uint64_t to, Amount balance) {
    std::vector<Change> out;
    for (auto i = from; i < to; ++i) {
        Account account;
        account.nonce = i;
        account.balance = balance + i;
        out.push_back({key_of(i), encode(account)});
    }
    std::ranges::sort(out, {}, &Change::key);
    return out;
}

TEST(Trie, keys_of_accounts_can_be_changed_read_proved_and_checked) {
    NodeMap store;
    const auto filled = update(store.reader(), accounts(0, 1000, 1));
    ASSERT_TRUE(filled);
    store.apply(*filled);
    const auto changed = update(store.reader(), accounts(500, 600, 77));
    ASSERT_TRUE(changed);
    store.apply(*changed);

    EXPECT_NE(filled->root, changed->root);
    EXPECT_LT(changed->nodes.size(), 400u) << "nodes on changed paths only";
    EXPECT_EQ(*get(store.reader(), key_of(550)), accounts(550, 551, 77)[0].value);
    EXPECT_EQ(*get(store.reader(), key_of(1000)), Bytes{});
    const auto proof = prove(store.reader(), key_of(550));
    ASSERT_TRUE(proof);
    EXPECT_EQ(*verify_proof(changed->root, key_of(550), *proof), accounts(550, 551, 77)[0].value);
    EXPECT_EQ(verify_proof(filled->root, key_of(550), *proof).error().code, Errc::mismatch);
    EXPECT_FALSE(verify_proof(changed->root, key_of(551), *proof).has_value());
    const auto reachable = check(store.reader(), changed->root);
    ASSERT_TRUE(reachable) << reachable.error().text();
    EXPECT_EQ(*reachable, store.nodes().size());
}

TEST(Trie, writing_what_is_there_or_deleting_what_is_not_changes_nothing) {
    NodeMap store;
    const auto filled = update(store.reader(), accounts(0, 100, 1));
    ASSERT_TRUE(filled);
    store.apply(*filled);
    auto changes = accounts(0, 50, 1);
    for (std::uint64_t i = 200; i < 300; ++i) changes.push_back({key_of(i), {}});
    std::ranges::sort(changes, {}, &Change::key);
    const auto same = update(store.reader(), changes);
    ASSERT_TRUE(same);
    EXPECT_EQ(same->root, filled->root);
    EXPECT_TRUE(same->nodes.empty());
}

TEST(Trie, nothing_has_the_root_of_the_empty_trie_and_an_empty_proof) {
    NodeMap store;
    const auto nothing = update(store.reader(), {});
    ASSERT_TRUE(nothing);
    EXPECT_EQ(to_hex(nothing->root),
              "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    EXPECT_EQ(*prove(store.reader(), key_of(1)), std::vector<Bytes>{});
    EXPECT_EQ(*verify_proof(nothing->root, key_of(1), {}), Bytes{});
    EXPECT_EQ(*check(store.reader(), nothing->root), 0u);
    EXPECT_FALSE(check(store.reader(), key_of(1)).has_value());
}

TEST(Trie, every_node_on_a_changed_path_is_read_once_and_no_other) {
    NodeMap store;
    const auto filled = update(store.reader(), accounts(0, 2000, 1));
    ASSERT_TRUE(filled);
    store.apply(*filled);
    std::map<Path, int> reads;
    const auto counting = [&](BytesView path) {
        ++reads[to_bytes(path)];
        return store.reader()(path);
    };
    const auto changed = update(counting, accounts(0, 200, 9));
    ASSERT_TRUE(changed);
    std::map<Path, int> expected;
    for (const auto& [path, rlp] : changed->nodes) expected[path] = 1;
    EXPECT_EQ(reads, expected);
}

TEST(Trie, a_broken_database_is_reported_and_its_disk_errors_come_through) {
    NodeMap store;
    const auto filled = update(store.reader(), accounts(0, 300, 1));
    ASSERT_TRUE(filled);
    store.apply(*filled);
    const auto changes = accounts(0, 300, 2);

    auto cut = store;
    cut.nodes().erase(std::prev(cut.nodes().end()));
    EXPECT_EQ(update(cut.reader(), changes).error().code, Errc::invalid);
    EXPECT_EQ(check(cut.reader(), filled->root).error().code, Errc::invalid);

    auto garbled = store;
    garbled.nodes().rbegin()->second[0] ^= 0x40;
    EXPECT_EQ(update(garbled.reader(), changes).error().code, Errc::invalid);
    EXPECT_EQ(check(garbled.reader(), filled->root).error().code, Errc::invalid);

    const NodeReader failing = [](BytesView) -> Result<std::optional<Bytes>> {
        return Error{Errc::io, "no disk", Error::kNowhere, {}};
    };
    EXPECT_EQ(update(failing, changes).error().code, Errc::io);
    EXPECT_EQ(get(failing, changes[0].key).error().code, Errc::io);
    EXPECT_EQ(prove(failing, changes[0].key).error().code, Errc::io);
    EXPECT_EQ(check(failing, filled->root).error().code, Errc::io);
}

TEST(TrieDeathTest, unsorted_changes_are_our_own_bug) {
    auto changes = accounts(0, 2, 1);
    std::swap(changes[0], changes[1]);
    EXPECT_DEATH((void)update(NodeMap{}.reader(), changes), "assertion failed");
}

}  // namespace
}  // namespace sennit::trie
