// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/rng.hpp"
#include "chain/store.hpp"

/// What every chain::Store promises, as one suite. A test program includes this file once and says
/// which stores it has:
///
///     INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
///                              testing::Values(StoreUnderTest{"memory", make_memory_store}),
///                              name_of_store);
///
/// The column `meta` is left alone: a store on disk keeps its schema version there.
namespace sennit::chain {

struct StoreUnderTest {
    std::string name;
    std::function<std::shared_ptr<Store>()> make_empty;
};
inline void PrintTo(const StoreUnderTest& store, std::ostream* out) {
    *out << store.name;
}
inline std::string name_of_store(const testing::TestParamInfo<StoreUnderTest>& info) {
    return info.param.name;
}

class StoreConformance : public testing::TestWithParam<StoreUnderTest> {
  protected:
    using Entries = std::vector<std::pair<Bytes, Bytes>>;

    static Bytes bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
    static std::optional<Bytes> get(const Snapshot& from, Column column, std::string_view key) {
        auto found = from.get(column, as_bytes(key));
        EXPECT_TRUE(found) << found.error().text();
        return found ? *found : std::nullopt;
    }
    static Entries all(const Snapshot& from, Column column, BytesView first = {}) {
        Entries out;
        EXPECT_TRUE(from.scan(column, first, [&](BytesView key, BytesView value) {
            out.emplace_back(to_bytes(key), to_bytes(value));
            return true;
        }));
        return out;
    }
    void put(Column column, std::string_view key, std::string_view value) {
        Batch batch;
        batch.put(column, as_bytes(key), as_bytes(value));
        write(batch);
    }
    void write(const Batch& batch, Durability durability = Durability::buffered) {
        const auto written = store->write(batch, durability);
        ASSERT_TRUE(written) << written.error().text();
    }

    std::shared_ptr<Store> store{GetParam().make_empty()};
};

TEST_P(StoreConformance, what_is_written_is_read_and_what_is_not_is_missing) {
    put(Column::headers, "one", "1");
    EXPECT_EQ(get(*store, Column::headers, "one"), bytes("1"));
    EXPECT_EQ(get(*store, Column::headers, "on"), std::nullopt);
    EXPECT_EQ(get(*store, Column::headers, "one "), std::nullopt);
    EXPECT_EQ(get(*store, Column::headers, ""), std::nullopt);
    put(Column::headers, "one", "other");
    EXPECT_EQ(get(*store, Column::headers, "one"), bytes("other"));
}

TEST_P(StoreConformance, an_empty_value_or_key_is_a_value_and_a_key) {
    put(Column::saved, "key", "");
    put(Column::saved, "", "value");
    EXPECT_EQ(get(*store, Column::saved, "key"), Bytes{});
    EXPECT_EQ(get(*store, Column::saved, ""), bytes("value"));
    EXPECT_EQ(all(*store, Column::saved),
              (Entries{{bytes(""), bytes("value")}, {bytes("key"), bytes("")}}));
}

TEST_P(StoreConformance, columns_do_not_see_each_other) {
    for (std::size_t i = 1; i < kColumns; ++i) {
        const auto column = static_cast<Column>(i);
        put(column, "key", to_string(column));
    }
    for (std::size_t i = 1; i < kColumns; ++i) {
        const auto column = static_cast<Column>(i);
        EXPECT_EQ(all(*store, column), (Entries{{bytes("key"), bytes(to_string(column))}}));
    }
}

TEST_P(StoreConformance, the_changes_of_a_batch_take_effect_in_their_order) {
    put(Column::pool, "erased", "before");
    Batch batch;
    batch.put(Column::pool, as_bytes("twice"), as_bytes("first"));
    batch.put(Column::pool, as_bytes("twice"), as_bytes("second"));
    batch.put(Column::pool, as_bytes("gone"), as_bytes("soon"));
    batch.erase(Column::pool, as_bytes("gone"));
    batch.erase(Column::pool, as_bytes("erased"));
    batch.erase(Column::pool, as_bytes("never was"));
    batch.erase(Column::pool, as_bytes("back"));
    batch.put(Column::pool, as_bytes("back"), as_bytes("again"));
    batch.put(Column::peers, as_bytes("other"), as_bytes("column"));
    write(batch, Durability::synced);
    EXPECT_EQ(all(*store, Column::pool),
              (Entries{{bytes("back"), bytes("again")}, {bytes("twice"), bytes("second")}}));
    EXPECT_EQ(get(*store, Column::peers, "other"), bytes("column"));
}

TEST_P(StoreConformance, an_empty_batch_is_written) {
    write(Batch{});
    write(Batch{}, Durability::synced);
    EXPECT_TRUE(all(*store, Column::headers).empty());
}

TEST_P(StoreConformance, a_scan_goes_up_in_the_order_of_unsigned_bytes) {
    const std::vector<Bytes> sorted{{0x00},       {0x00, 0x00}, {0x7f},      {0x80},
                                    {0x80, 0x01}, {0xff},       {0xff, 0xff}};
    auto shuffled = sorted;
    Rng rng{std::uint64_t{3}};
    rng.shuffle(std::span{shuffled});
    Batch batch;
    for (const auto& key : shuffled) batch.put(Column::heights, key, BytesView{key});
    write(batch);
    std::vector<Bytes> keys;
    for (const auto& [key, value] : all(*store, Column::heights)) keys.push_back(key);
    EXPECT_EQ(keys, sorted);
}

TEST_P(StoreConformance, a_scan_starts_at_or_after_its_key_and_stops_when_told) {
    for (const auto key : {"b", "d", "f", "h"}) put(Column::heights, key, key);
    EXPECT_EQ(all(*store, Column::heights, as_bytes("d")).size(), 3u);
    EXPECT_EQ(all(*store, Column::heights, as_bytes("c")).size(), 3u);
    EXPECT_TRUE(all(*store, Column::heights, as_bytes("i")).empty());
    std::size_t visited = 0;
    EXPECT_TRUE(
        store->scan(Column::heights, {}, [&](BytesView, BytesView) { return ++visited < 2; }));
    EXPECT_EQ(visited, 2u);
}

TEST_P(StoreConformance, a_scan_does_not_see_what_its_visitor_writes) {
    for (const auto key : {"a", "b", "c"}) put(Column::saved, key, "old");
    std::string seen;
    EXPECT_TRUE(store->scan(Column::saved, {}, [&](BytesView key, BytesView value) {
        seen += std::string{as_text(key)} + std::string{as_text(value)} + " ";
        Batch batch;
        batch.put(Column::saved, as_bytes("bb"), as_bytes("new"));
        batch.put(Column::saved, as_bytes("c"), as_bytes("new"));
        EXPECT_TRUE(store->write(batch, Durability::buffered));
        return true;
    }));
    EXPECT_EQ(seen, "aold bold cold ");
}

TEST_P(StoreConformance, a_snapshot_stays_as_it_was_and_outlives_the_store) {
    put(Column::accounts, "a", "1");
    put(Column::accounts, "b", "1");
    const auto before = store->snapshot();
    Batch batch;
    batch.put(Column::accounts, as_bytes("a"), as_bytes("2"));
    batch.erase(Column::accounts, as_bytes("b"));
    batch.put(Column::accounts, as_bytes("c"), as_bytes("2"));
    write(batch);
    const auto after = store->snapshot();
    EXPECT_EQ(get(*store, Column::accounts, "a"), bytes("2"));
    store.reset();
    EXPECT_EQ(all(*before, Column::accounts),
              (Entries{{bytes("a"), bytes("1")}, {bytes("b"), bytes("1")}}));
    EXPECT_EQ(get(*before, Column::accounts, "c"), std::nullopt);
    EXPECT_EQ(all(*after, Column::accounts),
              (Entries{{bytes("a"), bytes("2")}, {bytes("c"), bytes("2")}}));
}

TEST_P(StoreConformance, a_large_value_comes_back_whole) {
    Bytes value(1 << 20);
    Rng rng{std::uint64_t{1}};
    rng.fill(value);
    Batch batch;
    batch.put(Column::bodies, as_bytes("block"), BytesView{value});
    write(batch);
    EXPECT_EQ(get(*store, Column::bodies, "block"), value);
}

// Random batches against ordered maps, with snapshots kept across later writes.
TEST_P(StoreConformance, random_batches_leave_what_ordered_maps_hold) {
    constexpr std::array kTables{Column::accounts, Column::slots, Column::trie_nodes};
    using Model = std::map<Column, std::map<Bytes, Bytes>>;
    const auto expect_equal = [&](const Snapshot& from, Model& model) {
        for (const auto column : kTables) {
            const auto& table = model[column];
            EXPECT_EQ(all(from, column), Entries(table.begin(), table.end()));
        }
    };
    Rng rng{std::uint64_t{42}};
    Model model;
    std::vector<std::pair<SnapshotPtr, Model>> kept;
    for (int round = 0; round < 60; ++round) {
        Batch batch;
        for (auto n = rng.below(40); n > 0; --n) {
            const auto column = kTables[rng.below(kTables.size())];
            Bytes key(rng.below(4));
            for (auto& byte : key) byte = static_cast<std::uint8_t>(64 * rng.below(4));
            if (rng.chance(1, 3)) {
                batch.erase(column, key);
                model[column].erase(key);
                continue;
            }
            Bytes value(rng.below(50));
            rng.fill(value);
            model[column][key] = value;
            batch.put(column, key, std::move(value));
        }
        write(batch, round % 10 == 0 ? Durability::synced : Durability::buffered);
        expect_equal(*store, model);
        if (round % 7 == 0) kept.emplace_back(store->snapshot(), model);
    }
    for (auto& [snapshot, then] : kept) expect_equal(*snapshot, then);
}

}  // namespace sennit::chain
