// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chain/store.hpp"

/// The node's database on disk: RocksDB behind chain::Store.
namespace sennit::storage {

struct Options {
    std::string path;    ///< a directory; one process at a time
    bool create{false};  ///< when nothing is there; parents of the directory too
    /// Blocks of the files on disk, their indices and filters.
    std::size_t cache_bytes{std::size_t{64} << 20};
    /// All columns' unflushed writes together. What a kill leaves to read back at the next start is
    /// bounded by half of it.
    std::size_t write_buffer_bytes{std::size_t{128} << 20};
    /// Files on disk that may be open at once: a node shares its descriptors with its peers.
    int open_files_max{256};
    /// Warnings of the database's own threads; called on any of them.
    std::function<void(std::string_view)> log{};
};

/// Opens the database; brings one of an older schema up to date first.
///
/// Errors: not_found (nothing there, and `create` is off), busy (another process has it open),
/// unsupported (written by a newer version, or by another program), io with RocksDB's text.
///
/// The store may be used from any thread. Snapshots keep the database, and its lock, open beyond
/// the store. Destroying the last of them flushes, so that the next start has no log to replay; a
/// process that is killed instead loses nothing that write() returned from.
Result<std::unique_ptr<chain::Store>> open_store(const Options& options);

}  // namespace sennit::storage
