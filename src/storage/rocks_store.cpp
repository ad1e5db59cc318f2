// SPDX-License-Identifier: MIT
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "storage/database.hpp"
#include "storage/migration.hpp"

namespace sennit::storage {
namespace {

using chain::Column;
using Visit = std::function<bool(BytesView key, BytesView value)>;

// RocksDB frames each change of a batch with a tag, a column and two lengths.
constexpr std::size_t kChangeOverhead = 16;

rocksdb::Slice slice_of(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
BytesView view_of(const rocksdb::Slice& slice) {
    return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

rocksdb::ReadOptions reading(const rocksdb::Snapshot* snapshot) {
    rocksdb::ReadOptions out;
    out.snapshot = snapshot;
    return out;
}

Result<std::optional<Bytes>> get(const Database& database, const rocksdb::Snapshot* snapshot,
                                 Column column, BytesView key) {
    rocksdb::PinnableSlice value;
    const auto status =
        database.db().Get(reading(snapshot), database.column(column), slice_of(key), &value);
    if (status.IsNotFound()) return std::optional<Bytes>{};
    if (!status.ok()) return io_error(status);
    return std::optional{to_bytes(view_of(value))};
}

Result<void> scan(const Database& database, const rocksdb::Snapshot* snapshot, Column column,
                  BytesView from, const Visit& visit) {
    const std::unique_ptr<rocksdb::Iterator> at{
        database.db().NewIterator(reading(snapshot), database.column(column))};
    for (at->Seek(slice_of(from)); at->Valid(); at->Next()) {
        if (!visit(view_of(at->key()), view_of(at->value()))) return {};
    }
    if (!at->status().ok()) return io_error(at->status());
    return {};
}

class RocksSnapshot final : public chain::Snapshot {
  public:
    explicit RocksSnapshot(std::shared_ptr<Database> database)
        : database_{std::move(database)}, snapshot_{database_->db().GetSnapshot()} {}
    ~RocksSnapshot() override { database_->db().ReleaseSnapshot(snapshot_); }
    RocksSnapshot(const RocksSnapshot&) = delete;
    RocksSnapshot& operator=(const RocksSnapshot&) = delete;

    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        return storage::get(*database_, snapshot_, column, key);
    }
    Result<void> scan(Column column, BytesView from, const Visit& visit) const override {
        return storage::scan(*database_, snapshot_, column, from, visit);
    }

  private:
    std::shared_ptr<Database> database_;
    const rocksdb::Snapshot* snapshot_;
};

class RocksStore final : public chain::Store {
  public:
    explicit RocksStore(std::shared_ptr<Database> database) : database_{std::move(database)} {}

    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        return storage::get(*database_, nullptr, column, key);
    }
    Result<void> scan(Column column, BytesView from, const Visit& visit) const override {
        return storage::scan(*database_, nullptr, column, from, visit);
    }
    Result<void> write(const chain::Batch& batch, chain::Durability durability) override;
    chain::SnapshotPtr snapshot() const override {
        return std::make_shared<RocksSnapshot>(database_);
    }

  private:
    std::shared_ptr<Database> database_;
};

Result<void> RocksStore::write(const chain::Batch& batch, chain::Durability durability) {
    rocksdb::WriteBatch changes{batch.bytes() + kChangeOverhead * batch.changes().size()};
    for (const auto& change : batch.changes()) {
        auto* column = database_->column(change.column);
        const auto key = slice_of(change.key);
        const auto status = change.value ? changes.Put(column, key, slice_of(*change.value))
                                         : changes.Delete(column, key);
        if (!status.ok()) return io_error(status);
    }
    rocksdb::WriteOptions options;
    options.sync = durability == chain::Durability::synced;
    const auto status = database_->db().Write(options, &changes);
    if (!status.ok()) return io_error(status);
    return {};
}

}  // namespace

Result<std::unique_ptr<chain::Store>> open_store(const Options& options, const Schema& schema) {
    SENNIT_TRY(auto database, Database::open(options));
    auto store = std::make_unique<RocksStore>(std::move(database));
    SENNIT_TRY(migrate(*store, schema));
    return std::unique_ptr<chain::Store>{std::move(store)};
}

Result<std::unique_ptr<chain::Store>> open_store(const Options& options) {
    return open_store(options, current_schema());
}

}  // namespace sennit::storage
