// SPDX-License-Identifier: MIT
#include "storage/open_store.hpp"

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "chain/schema.hpp"
#include "chain/store_conformance.hpp"
#include "storage/migration.hpp"
#include "storage/temporary_directory.hpp"

namespace sennit::chain {
namespace {

// The directory goes when the last owner of the store lets go; open snapshots keep their files.
std::shared_ptr<Store> make_empty_store_on_disk() {
    auto directory = std::make_shared<storage::TemporaryDirectory>();
    auto store = storage::open_store({.path = *directory / "db", .create = true});
    EXPECT_TRUE(store) << store.error().text();
    std::shared_ptr<Store> shared{std::move(*store)};
    auto* raw = shared.get();
    return {raw, [directory, shared](Store*) mutable {
                shared.reset();
                directory.reset();
            }};
}

INSTANTIATE_TEST_SUITE_P(Disk, StoreConformance,
                         testing::Values(StoreUnderTest{"rocksdb", make_empty_store_on_disk}),
                         name_of_store);

}  // namespace
}  // namespace sennit::chain

namespace sennit::storage {
namespace {

using chain::Batch;
using chain::Column;
using chain::Durability;
using testing::HasSubstr;

Batch one(Column column, std::string_view key, std::string_view value) {
    Batch batch;
    batch.put(column, as_bytes(key), as_bytes(value));
    return batch;
}

Batch version(std::uint32_t number) {
    Batch batch;
    batch.put(Column::meta, as_bytes(chain::schema::kVersionKey), Writer{}.le(number).bytes());
    return batch;
}

std::string read(const chain::Snapshot& from, Column column, std::string_view key) {
    const auto row = from.get(column, as_bytes(key));
    if (!row) return row.error().text();
    return *row ? std::string{as_text(**row)} : "missing";
}

class OpenStore : public testing::Test {
  protected:
    std::unique_ptr<chain::Store> open() {
        auto store = open_store(options);
        EXPECT_TRUE(store) << store.error().text();
        return store ? std::move(*store) : nullptr;
    }
    Error refusal(const Schema& schema = current_schema()) {
        auto store = open_store(options, schema);
        EXPECT_FALSE(store);
        return store ? Error{} : store.error();
    }

    TemporaryDirectory directory;
    Options options{.path = directory / "data/chain", .create = true};
};

TEST_F(OpenStore, what_was_written_is_there_after_reopening) {
    {
        const auto store = open();
        ASSERT_TRUE(store->write(one(Column::headers, "id", "header"), Durability::buffered));
        ASSERT_TRUE(store->write(one(Column::validator, "vote", "7"), Durability::synced));
    }
    options.create = false;
    const auto store = open();
    EXPECT_EQ(read(*store, Column::headers, "id"), "header");
    EXPECT_EQ(read(*store, Column::validator, "vote"), "7");
    EXPECT_EQ(read(*store, Column::bodies, "id"), "missing");
}

TEST_F(OpenStore, nothing_is_made_unless_it_is_asked_for) {
    options.create = false;
    const auto error = refusal();
    EXPECT_EQ(error.code, Errc::not_found);
    EXPECT_THAT(error.text(), HasSubstr(options.path));
    EXPECT_FALSE(std::filesystem::exists(options.path));
}

TEST_F(OpenStore, a_directory_that_cannot_be_made_is_reported) {
    std::ofstream{directory / "data"} << "a file, not a directory";
    EXPECT_EQ(refusal().code, Errc::io);
}

TEST_F(OpenStore, a_second_opener_is_refused_and_told_what_to_do) {
    const auto store = open();
    const auto error = refusal();
    EXPECT_EQ(error.code, Errc::busy);
    EXPECT_THAT(error.text(), HasSubstr("stop that one"));
    EXPECT_THAT(error.text(), HasSubstr(options.path));
}

TEST_F(OpenStore, a_snapshot_holds_the_lock_until_it_goes) {
    auto snapshot = open()->snapshot();
    EXPECT_EQ(refusal().code, Errc::busy);
    snapshot.reset();
    EXPECT_NE(open(), nullptr);
}

TEST_F(OpenStore, a_newer_schema_is_refused_and_left_as_it_was) {
    const auto newer = current_schema().version + 1;
    ASSERT_TRUE(open()->write(version(newer), Durability::synced));
    const auto error = refusal();
    EXPECT_EQ(error.code, Errc::unsupported);
    EXPECT_THAT(error.text(), HasSubstr("update the program"));
    EXPECT_THAT(error.text(), HasSubstr("schema " + std::to_string(newer)));
    EXPECT_TRUE(open_store(options, Schema{newer, {}})) << "its own program still opens it";
}

TEST_F(OpenStore, another_programs_database_is_refused) {
    std::filesystem::create_directories(options.path);
    rocksdb::DB* raw = nullptr;
    rocksdb::Options foreign;
    foreign.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(foreign, options.path, &raw).ok());
    ASSERT_TRUE(raw->Put({}, "key", "value").ok());
    delete raw;
    EXPECT_EQ(refusal().code, Errc::unsupported);
}

TEST_F(OpenStore, columns_of_a_later_version_do_not_hinder_and_are_kept) {
    ASSERT_NE(open(), nullptr);
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options.path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> all;
    for (const auto& name : names) all.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, options.path, all, &handles, &raw).ok());
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(raw->CreateColumnFamily({}, "later", &added).ok());
    handles.push_back(added);
    for (auto* handle : handles) raw->DestroyColumnFamilyHandle(handle);
    delete raw;

    ASSERT_NE(open(), nullptr);
    names.clear();
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options.path, &names).ok());
    EXPECT_THAT(names, testing::Contains("later"));
}

TEST_F(OpenStore, a_damaged_database_is_an_error_with_rocksdbs_words) {
    ASSERT_TRUE(open()->write(one(Column::headers, "id", "header"), Durability::synced));
    std::ofstream{options.path + "/CURRENT", std::ios::trunc} << "MANIFEST-999999\n";
    const auto error = refusal();
    EXPECT_EQ(error.code, Errc::io);
    EXPECT_THAT(error.text(), HasSubstr("MANIFEST-999999"));
}

TEST_F(OpenStore, migrations_run_in_order_and_only_once) {
    ASSERT_TRUE(open()->write(version(1), Durability::synced));
    std::string runs;
    const auto append = [&](std::string_view mark) {
        return [&runs, mark](chain::Store& store) {
            runs += mark;
            return store.write(one(Column::saved, mark, "done"), Durability::buffered);
        };
    };
    const Schema schema{3, {{2, append("b")}, {1, append("a")}}};
    {
        const auto store = open_store(options, schema);
        ASSERT_TRUE(store) << store.error().text();
        EXPECT_EQ(read(**store, Column::saved, "b"), "done");
        EXPECT_EQ(*stored_version(**store), 3u);
    }
    ASSERT_TRUE(open_store(options, schema));
    EXPECT_EQ(runs, "ab");
}

TEST_F(OpenStore, headers_of_schema_1_move_to_their_heights) {
    const auto id = [](std::uint64_t i) {
        Writer out;
        out.be(i * 0x9e3779b97f4a7c15u);
        auto bytes = std::move(out).take();
        bytes.resize(BlockId::kSize);
        return BlockId::from(bytes);
    };
    const auto header = [](std::uint64_t i) {
        return Bytes(kHeaderSizeMin + i % 3, static_cast<std::uint8_t>(i));
    };
    constexpr std::uint64_t kHeights = 5000;  // more than are moved at once
    auto batch = version(1);
    for (std::uint64_t i = 0; i < kHeights; ++i) {
        batch.put(Column::heights, Writer{}.be(i).bytes(), id(i).view());
        batch.put(Column::headers, id(i).view(), header(i));
    }
    ASSERT_TRUE(open()->write(batch, Durability::synced));
    for (int again = 0; again < 2; ++again) {
        const auto store = open();
        EXPECT_EQ(*stored_version(*store), current_schema().version);
        const auto run = chain::stored_headers(*store, Height{0}, 2 * kHeights);
        ASSERT_TRUE(run);
        ASSERT_EQ(run->size(), kHeights);
        for (const std::uint64_t i : {std::uint64_t{0}, std::uint64_t{4097}, kHeights - 1}) {
            EXPECT_EQ((*run)[i].bytes, header(i));
            EXPECT_EQ(**chain::stored_header(*store, id(i)), header(i));
        }
        // As if the process had been killed before the version was raised.
        ASSERT_TRUE(store->write(version(1), Durability::synced));
    }
}

TEST_F(OpenStore, an_interrupted_migration_runs_again) {
    ASSERT_TRUE(open()->write(version(1), Durability::synced));
    int runs = 0;
    const Schema schema{2, {{1, [&](chain::Store&) -> Result<void> {
                                 if (++runs == 1) return Error{Errc::io, "power", 0, {}};
                                 return {};
                             }}}};
    EXPECT_EQ(refusal(schema).code, Errc::io);
    const auto store = open_store(options, schema);
    ASSERT_TRUE(store);
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(*stored_version(**store), 2u);
}

TEST_F(OpenStore, a_schema_without_a_migration_is_refused) {
    ASSERT_TRUE(open()->write(version(1), Durability::synced));
    const auto error = refusal(Schema{3, {{2, [](chain::Store&) { return Result<void>{}; }}}});
    EXPECT_EQ(error.code, Errc::unsupported);
    EXPECT_THAT(error.text(), HasSubstr("sync anew"));
}

// The chain thread writes while RPC threads read snapshots: every snapshot sees whole batches.
TEST_F(OpenStore, snapshots_in_other_threads_see_whole_batches_while_one_thread_writes) {
    const auto store = open();
    constexpr int kBatches = 2000;
    std::atomic<int> torn{0};
    std::atomic<bool> done{false};
    const auto reader = [&] {
        while (!done) {
            const auto snapshot = store->snapshot();
            const auto a = read(*snapshot, Column::accounts, "n");
            if (a != read(*snapshot, Column::trie_nodes, "n")) ++torn;
        }
    };
    std::thread first{reader};
    std::thread second{reader};
    for (int i = 0; i < kBatches; ++i) {
        auto batch = one(Column::accounts, "n", std::to_string(i));
        batch.put(Column::trie_nodes, as_bytes("n"), as_bytes(std::to_string(i)));
        EXPECT_TRUE(store->write(batch, Durability::buffered));
    }
    done = true;
    first.join();
    second.join();
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(read(*store, Column::accounts, "n"), std::to_string(kBatches - 1));
}

}  // namespace
}  // namespace sennit::storage
