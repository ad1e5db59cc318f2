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

/// Headers of final blocks move to their heights (chain::schema::encode_final).
Result<void> move_headers(chain::Store& store) {
    using chain::Column;
    constexpr std::size_t kRowsMax = 4096;
    Bytes from;
    for (bool more = true; more;) {
        std::vector<std::pair<Bytes, BlockId>> rows;
        bool damaged = false;
        SENNIT_TRY(store.scan(Column::heights, from, [&](BytesView height, BytesView row) {
            damaged = row.size() < BlockId::kSize;
            if (damaged || rows.size() == kRowsMax) return false;
            rows.emplace_back(to_bytes(height), BlockId::from(row.first(BlockId::kSize)));
            return true;
        }));
        if (damaged) return Error{Errc::io, "a row of the finalised chain is damaged"};
        more = rows.size() == kRowsMax;
        chain::Batch batch;
        for (const auto& [height, id] : rows) {
            SENNIT_TRY(const auto header, store.get(Column::headers, id.view()));
            if (!header) return Error{Errc::io, "a final block has no header"};
            if (header->size() == height.size()) continue;  // moved by a run that was interrupted
            batch.put(Column::heights, height, chain::schema::encode_final(id, *header));
            batch.put(Column::headers, id.view(), BytesView{height});
        }
        SENNIT_TRY(store.write(batch, chain::Durability::buffered));
        if (!rows.empty()) {
            from = rows.back().first;
            from.push_back(0);
        }
    }
    return {};
}

}  // namespace

Schema current_schema() {
    return {.version = chain::schema::kVersion, .migrations = {{1, move_headers}}};
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
