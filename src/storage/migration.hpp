// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "storage/open_store.hpp"

namespace sennit::storage {

/// Rewrites a database of schema `from` as `from + 1`. It runs again from the start when it was
/// interrupted, so it must not mind what it has done already. The version is raised after it.
struct Migration {
    std::uint32_t from{0};
    std::function<Result<void>(chain::Store& store)> run;
};

/// What this program reads and writes, and how it gets there from older databases.
struct Schema {
    std::uint32_t version{0};
    std::vector<Migration> migrations;  ///< one for each older version that is still supported
};

/// chain::schema's version, and the way there from every older one.
Schema current_schema();

/// The version that the chain wrote with its genesis; nullopt: there is no chain in it yet.
Result<std::optional<std::uint32_t>> stored_version(const chain::Snapshot& store);

/// Runs what is missing between the store's version and the schema's, a synced write after each.
/// Errors: unsupported (newer, or too old), and what a migration returns.
Result<void> migrate(chain::Store& store, const Schema& schema);

/// open_store() with a schema of one's own: for tests of migrations.
Result<std::unique_ptr<chain::Store>> open_store(const Options& options, const Schema& schema);

}  // namespace sennit::storage
