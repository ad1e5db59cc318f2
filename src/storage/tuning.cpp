// SPDX-License-Identifier: MIT
#include "storage/tuning.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

namespace sennit::storage {
namespace {

using chain::Column;

constexpr std::size_t kMiB = std::size_t{1} << 20;
// Columns that see a handful of rows a block; the other columns share the rest of the budget.
constexpr std::size_t kSmallBuffer = 2 * kMiB;
// A memtable takes memory in pieces of this size, and most of the columns never fill a second one.
constexpr std::size_t kArenaBlock = 128 * 1024;
constexpr std::size_t kSyncEvery = kMiB;  // writes go out steadily instead of in one long stall
constexpr int kBloomBitsPerKey = 10;      // one lookup in a hundred reads a block for nothing
constexpr int kBackgroundJobs = 2;        // a flush must not wait for a compaction

enum class Use : std::uint8_t { bulk, cold, hashes, small };

Use use_of(Column column) {
    switch (column) {
        case Column::heights:
        case Column::bodies:
        case Column::receipts: return Use::cold;
        case Column::trie_nodes: return Use::hashes;
        case Column::headers:
        case Column::transactions:
        case Column::accounts:
        case Column::slots:
        case Column::layers:
        case Column::unlinked:
        case Column::facts:
        case Column::proofs: return Use::bulk;
        case Column::meta:
        case Column::certificates:
        case Column::sets:
        case Column::validator:
        case Column::peers:
        case Column::saved:
        case Column::pool: return Use::small;
    }
    return Use::small;
}

/// In the place of a log file beside the tables: on a full disk the file's own writer ends the
/// process by an assertion, and nobody looks into it anyway.
class Log final : public rocksdb::Logger {
  public:
    explicit Log(std::function<void(std::string_view)> sink)
        : rocksdb::Logger{rocksdb::WARN_LEVEL}, sink_{std::move(sink)} {}

    using rocksdb::Logger::Logv;
    void Logv(const char* format, va_list arguments) override {
        Logv(rocksdb::INFO_LEVEL, format, arguments);
    }
    void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
        if (!sink_ || level < rocksdb::WARN_LEVEL || level == rocksdb::HEADER_LEVEL) return;
        std::array<char, 512> line{};
        const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
        if (size > 0)
            sink_({line.data(), std::min(static_cast<std::size_t>(size), line.size() - 1)});
    }

  private:
    std::function<void(std::string_view)> sink_;
};

rocksdb::CompressionType compression(rocksdb::CompressionType wanted) {
    static const auto built_in = rocksdb::GetSupportedCompressions();
    const bool available = std::ranges::find(built_in, wanted) != built_in.end();
    return available ? wanted : rocksdb::kNoCompression;
}

}  // namespace

rocksdb::DBOptions database_options(const Options& options) {
    rocksdb::DBOptions out;
    out.create_missing_column_families = true;
    out.create_if_missing = options.create;
    out.max_open_files = options.open_files_max;
    out.max_background_jobs = kBackgroundJobs;
    out.db_write_buffer_size = options.write_buffer_bytes;
    // The log is what a start after a kill has to replay, and a column that is seldom written would
    // otherwise hold all of it back from being deleted.
    out.max_total_wal_size = options.write_buffer_bytes / 2;
    out.wal_bytes_per_sync = kSyncEvery;
    out.bytes_per_sync = kSyncEvery;
    // A start neither writes what it replays nor looks into every file.
    out.avoid_flush_during_recovery = true;
    out.skip_stats_update_on_db_open = true;
    out.skip_checking_sst_file_sizes_on_db_open = true;
    out.stats_dump_period_sec = 0;
    out.stats_persist_period_sec = 0;
    out.info_log_level = rocksdb::WARN_LEVEL;
    out.info_log = std::make_shared<Log>(options.log);
    return out;
}

ColumnTuning::ColumnTuning(const Options& options)
    : large_buffer_bytes_{options.write_buffer_bytes / 4} {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
    table.cache_index_and_filter_blocks = true;  // inside the budget, not beside it
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
    table.format_version = 5;
    base_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    base_.write_buffer_size = std::min(kSmallBuffer, large_buffer_bytes_);
    base_.arena_block_size = kArenaBlock;
    base_.level_compaction_dynamic_level_bytes = true;
    base_.compression = compression(rocksdb::kLZ4Compression);
}

rocksdb::ColumnFamilyOptions ColumnTuning::options_of(Column column) const {
    auto out = base_;
    const auto use = use_of(column);
    if (use != Use::small) out.write_buffer_size = large_buffer_bytes_;
    // Finalised blocks lie in the last level for ever and are seldom read.
    if (use == Use::cold) out.bottommost_compression = compression(rocksdb::kZSTD);
    if (use == Use::hashes) out.compression = rocksdb::kNoCompression;
    return out;
}

rocksdb::ColumnFamilyOptions ColumnTuning::unknown() const {
    return base_;
}

}  // namespace sennit::storage
