// SPDX-License-Identifier: MIT
#pragma once

#include <rocksdb/options.h>

#include "storage/open_store.hpp"

/// RocksDB's settings: bulk loading of small values, a fast start, a bounded share of memory.
namespace sennit::storage {

rocksdb::DBOptions database_options(const Options& options);

/// Settings of each column; they share one block cache.
class ColumnTuning {
  public:
    explicit ColumnTuning(const Options& options);
    rocksdb::ColumnFamilyOptions options_of(chain::Column column) const;
    /// For a column that this version does not know.
    rocksdb::ColumnFamilyOptions unknown() const;

  private:
    rocksdb::ColumnFamilyOptions base_;
    std::size_t large_buffer_bytes_;
};

}  // namespace sennit::storage
