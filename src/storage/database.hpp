// SPDX-License-Identifier: MIT
#pragma once

#include <rocksdb/db.h>

#include "storage/open_store.hpp"

namespace sennit::storage {

/// An open RocksDB and its columns. Shared by the store and its snapshots; the last one closes it.
class Database {
  public:
    static Result<std::shared_ptr<Database>> open(const Options& options);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    rocksdb::DB& db() const { return *db_; }
    rocksdb::ColumnFamilyHandle* column(chain::Column column) const;

  private:
    Database() = default;
    Result<void> adopt(const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

    std::unique_ptr<rocksdb::DB> db_;
    std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> handles_;
    std::array<rocksdb::ColumnFamilyHandle*, chain::kColumns> columns_{};
};

/// Errc::io and RocksDB's own words.
Error io_error(const rocksdb::Status& status);

}  // namespace sennit::storage
