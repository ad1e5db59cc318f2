// SPDX-License-Identifier: MIT
#include "storage/migration.hpp"

#include <algorithm>

#include "chain/schema.hpp"

namespace sennit::storage {
namespace {

Error unsupported(std::string_view what, std::uint32_t stored, std::uint32_t known) {
    return Error{Errc::unsupported, what, Error::kNowhere,
                 "it has schema " + std::to_string(stored) + ", this program knows " +
                     std::to_string(known)};
}

Result<void> write_version(chain::Store& store, std::uint32_t version) {
    chain::Batch batch;
    batch.put(chain::Column::meta, as_bytes(chain::schema::kVersionKey),
              Writer{}.le(version).bytes());
    return store.write(batch, chain::Durability::synced);
}

}  // namespace

Schema current_schema() {
    return {.version = chain::schema::kVersion, .migrations = {}};
}

Result<std::optional<std::uint32_t>> stored_version(const chain::Snapshot& store) {
    SENNIT_TRY(const auto row,
               store.get(chain::Column::meta, as_bytes(chain::schema::kVersionKey)));
    if (!row) return std::optional<std::uint32_t>{};
    Reader in{*row};
    SENNIT_TRY(const auto version, in.le<std::uint32_t>());
    SENNIT_TRY(in.finish());
    return std::optional{version};
}

Result<void> migrate(chain::Store& store, const Schema& schema) {
    SENNIT_TRY(const auto stored, stored_version(store));
    if (!stored) return {};
    if (*stored > schema.version) {
        return unsupported(
            "the database was written by a newer version of this program; update the program, or "
            "name another data directory",
            *stored, schema.version);
    }
    for (auto version = *stored; version < schema.version; ++version) {
        const auto step = std::ranges::find(schema.migrations, version, &Migration::from);
        if (step == schema.migrations.end()) {
            return unsupported(
                "the database is too old to be brought up to date; sync anew into another data "
                "directory",
                *stored, schema.version);
        }
        SENNIT_TRY(step->run(store));
        SENNIT_TRY(write_version(store, version + 1));
    }
    return {};
}

}  // namespace sennit::storage
