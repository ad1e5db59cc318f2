// SPDX-License-Identifier: MIT
#include "chain/rows.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"
#include "chain/schema.hpp"
#include "trie/trie.hpp"

namespace sennit::chain {
namespace {

Address address(std::uint8_t number) {
    return Address{{number, 1}};
}
Word word(std::uint8_t number) {
    return Word{{number, 2}};
}

/// A store that counts the reads that reach it.
class CountingStore : public Snapshot {
  public:
    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        ++reads;
        return inner->get(column, key);
    }
    Result<void> scan(Column column, BytesView from,
                      const std::function<bool(BytesView, BytesView)>& visit) const override {
        return inner->scan(column, from, visit);
    }
    std::unique_ptr<Store> inner = make_memory_store();
    mutable std::size_t reads{0};
};

void apply(BaseRows& rows, Store& store, const Settled& settled) {
    for (const Row& row : settled.rows) rows.set(row.column, row.key, row.value);
    Batch batch;
    rows.write_to(batch);
    ASSERT_TRUE(store.write(batch, Durability::buffered));
    rows.commit();
}

TEST(BaseRows, pending_changes_are_seen_and_written_once_sorted) {
    CountingStore store;
    BaseRows rows{store, 1 << 20};
    rows.set(Column::slots, Bytes{2}, Bytes{1});
    rows.set(Column::accounts, Bytes{9}, Bytes{2});
    rows.set(Column::slots, Bytes{2}, Bytes{3});
    rows.set(Column::slots, Bytes{1}, std::nullopt);
    EXPECT_EQ(**rows.row(Column::slots, Bytes{2}), Bytes{3});
    EXPECT_EQ(*rows.row(Column::slots, Bytes{1}), std::nullopt);
    Batch batch;
    rows.write_to(batch);
    ASSERT_EQ(batch.changes().size(), 3u);
    EXPECT_EQ(batch.changes()[0].column, Column::accounts);
    EXPECT_EQ(batch.changes()[1].key, Bytes{1});
    EXPECT_EQ(batch.changes()[1].value, std::nullopt);
    EXPECT_EQ(*batch.changes()[2].value, Bytes{3});
}

TEST(BaseRows, discarded_changes_never_happened) {
    CountingStore store;
    BaseRows rows{store, 1 << 20};
    rows.set(Column::accounts, Bytes{1}, Bytes{1});
    rows.discard();
    EXPECT_EQ(*rows.row(Column::accounts, Bytes{1}), std::nullopt);
}

TEST(BaseRows, a_discarded_change_uncovers_the_newest_written_value) {
    CountingStore store;
    BaseRows rows{store, 2000};
    const auto write = [&](std::uint8_t value) {
        rows.set(Column::accounts, Bytes{1}, Bytes{value});
        Batch batch;
        rows.write_to(batch);
        ASSERT_TRUE(store.inner->write(batch, Durability::buffered));
        rows.commit();
    };
    write(1);
    for (std::uint8_t i = 0; i < 8; ++i) ASSERT_TRUE(rows.row(Column::slots, Bytes{i}));
    write(2);
    rows.set(Column::accounts, Bytes{1}, Bytes{3});
    rows.discard();
    EXPECT_EQ(**rows.row(Column::accounts, Bytes{1}), Bytes{2});
}

TEST(BaseRows, what_was_read_or_written_is_not_read_again) {
    CountingStore store;
    BaseRows rows{store, 1 << 20};
    rows.set(Column::accounts, Bytes{1}, Bytes{1});
    rows.commit();
    EXPECT_EQ(**rows.row(Column::accounts, Bytes{1}), Bytes{1});
    EXPECT_EQ(store.reads, 0u);
    EXPECT_EQ(*rows.row(Column::accounts, Bytes{2}), std::nullopt);
    EXPECT_EQ(*rows.row(Column::accounts, Bytes{2}), std::nullopt);
    EXPECT_EQ(store.reads, 1u) << "absence is remembered too";
}

TEST(BaseRows, the_cache_stays_within_its_bytes) {
    CountingStore store;
    constexpr std::size_t kLimit = 64 * 1024;
    BaseRows rows{store, kLimit};
    for (std::uint32_t i = 0; i < 5000; ++i) {
        rows.set(Column::accounts, schema::height_key(Height{i}), Bytes(100));
        if (i % 7 == 0) rows.commit();
        ASSERT_LE(rows.cached_bytes(), kLimit + 2048) << "the limit, and one commit";
    }
}

TEST(Settle, nothing_changed_leaves_the_root) {
    CountingStore store;
    BaseRows rows{store, 1 << 20};
    const RowState state{rows};
    const Overlay none{state};
    const auto settled = settle(rows, none);
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->state_root, kEmptyTrieRoot);
    EXPECT_TRUE(settled->rows.empty());
}

TEST(Settle, values_that_are_there_already_leave_no_trace) {
    CountingStore store;
    BaseRows rows{store, 1 << 20};
    const RowState state{rows};
    Overlay first{state};
    first.set_account(address(1), {.nonce = 1, .balance = 5});
    first.set_slot(address(1), word(1), word(7));
    const auto once = settle(rows, first);
    ASSERT_TRUE(once);
    apply(rows, *store.inner, *once);

    Overlay again{state};
    again.set_account(address(1), *again.account(address(1)));
    again.set_slot(address(1), word(1), word(7));
    again.set_slot(address(1), word(2), Word{});
    again.set_account(address(2), Account{});
    const auto twice = settle(rows, again);
    ASSERT_TRUE(twice);
    EXPECT_EQ(twice->state_root, once->state_root);
    EXPECT_TRUE(twice->rows.empty());
    EXPECT_TRUE(twice->touched.empty());
}

// Many random steps over one store against one step over an empty one: the root depends on the
// state alone, and no node is left behind.
TEST(Settle, the_root_depends_on_the_state_alone) {
    Rng rng{3};
    CountingStore store;
    BaseRows rows{store, 4096};
    const RowState state{rows};
    std::map<Address, Account> accounts;
    std::map<std::pair<Address, Word>, Word> slots;
    Digest root;
    for (int step = 0; step < 60; ++step) {
        Overlay overlay{state};
        for (int i = 0; i < 8; ++i) {
            const Address who = address(static_cast<std::uint8_t>(rng.below(60)));
            Account account{.nonce = 0, .balance = rng.chance(1, 3) ? 0 : rng.below(1000)};
            if (who.bytes[0] < 4)
                account = {.nonce = 1, .balance = rng.below(9), .code_hash = kReservedCodeHash};
            overlay.set_account(who, account);
            accounts[who] = account;
            if (who.bytes[0] >= 4) continue;
            const Word key = word(static_cast<std::uint8_t>(rng.below(20)));
            const Word value =
                rng.chance(1, 3) ? Word{} : word(static_cast<std::uint8_t>(rng.below(256)));
            overlay.set_slot(who, key, value);
            slots[{who, key}] = value;
        }
        const auto settled = settle(rows, overlay);
        ASSERT_TRUE(settled) << settled.error().text();
        root = settled->state_root;
        apply(rows, *store.inner, *settled);
    }

    CountingStore fresh;
    BaseRows nothing{fresh, 4096};
    const RowState empty{nothing};
    Overlay whole{empty};
    for (const auto& [who, account] : accounts) whole.set_account(who, account);
    for (const auto& [place, value] : slots) whole.set_slot(place.first, place.second, value);
    const auto settled = settle(nothing, whole);
    ASSERT_TRUE(settled);
    EXPECT_EQ(settled->state_root, root);
    std::map<Bytes, Bytes> expected;
    for (const Row& row : settled->rows) {
        if (row.column == Column::trie_nodes && row.value) expected[row.key] = *row.value;
    }
    std::map<Bytes, Bytes> stored;
    ASSERT_TRUE(store.scan(Column::trie_nodes, {}, [&](BytesView key, BytesView value) {
        stored[to_bytes(key)] = to_bytes(value);
        return true;
    }));
    EXPECT_EQ(stored, expected);
}

}  // namespace
}  // namespace sennit::chain
