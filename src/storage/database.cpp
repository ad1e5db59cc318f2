// SPDX-License-Identifier: MIT
#include "storage/database.hpp"

#include <algorithm>
#include <filesystem>

#include "storage/tuning.hpp"

namespace sennit::storage {
namespace {

std::vector<chain::Column> all_columns() {
    std::vector<chain::Column> out;
    for (std::size_t i = 0; i < chain::kColumns; ++i) out.push_back(static_cast<chain::Column>(i));
    return out;
}

// RocksDB insists that every column in the database is opened: those that this version knows, its
// own "default", which stays empty, and what a newer version may have added.
Result<std::vector<rocksdb::ColumnFamilyDescriptor>> columns_to_open(const Options& options,
                                                                     bool exists) {
    const ColumnTuning tuning{options};
    std::vector<std::string> stored;
    if (exists) {
        const auto status = rocksdb::DB::ListColumnFamilies({}, options.path, &stored);
        if (!status.ok()) return io_error(status);
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> out;
    out.emplace_back(rocksdb::kDefaultColumnFamilyName, tuning.unknown());
    for (const auto column : all_columns()) {
        out.emplace_back(std::string{to_string(column)}, tuning.options_of(column));
    }
    for (const auto& name : stored) {
        const bool known =
            std::ranges::find(out, name, &rocksdb::ColumnFamilyDescriptor::name) != out.end();
        if (!known) out.emplace_back(name, tuning.unknown());
    }
    return out;
}

Error open_error(const rocksdb::Status& status, const std::string& path) {
    const auto text = status.ToString();
    // RocksDB has no code of its own for a lock that is taken, by others or by this process.
    const bool locked = status.IsIOError() && (text.find("lock file") != std::string::npos ||
                                               text.find("lock hold by") != std::string::npos);
    if (!locked) return io_error(status);
    return Error{Errc::busy,
                 "the database is open in another process; stop that one, or name another data "
                 "directory",
                 Error::kNowhere, path + ": " + text};
}

Result<bool> prepare_directory(const Options& options) {
    std::error_code failed;
    const std::filesystem::path path{options.path};
    const bool exists = std::filesystem::exists(path / "CURRENT", failed);
    if (exists) return true;
    if (!options.create) {
        return Error{Errc::not_found,
                     "there is no database here; create one, or name another data directory",
                     Error::kNowhere, options.path};
    }
    std::filesystem::create_directories(path, failed);
    if (failed) {
        return Error{Errc::io, "the data directory cannot be made", Error::kNowhere,
                     options.path + ": " + failed.message()};
    }
    return false;
}

}  // namespace

Error io_error(const rocksdb::Status& status) {
    return Error{Errc::io, "the database failed", Error::kNowhere, status.ToString()};
}

Result<std::shared_ptr<Database>> Database::open(const Options& options) {
    SENNIT_TRY(const bool exists, prepare_directory(options));
    SENNIT_TRY(const auto columns, columns_to_open(options, exists));
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const auto status =
        rocksdb::DB::Open(database_options(options), options.path, columns, &handles, &db);
    if (!status.ok()) return open_error(status, options.path);
    std::shared_ptr<Database> out{new Database};
    out->db_.reset(db);
    SENNIT_TRY(out->adopt(handles));
    return out;
}

Result<void> Database::adopt(const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
    for (auto* handle : handles) {
        handles_.emplace_back(handle);
        for (const auto column : all_columns()) {
            if (handle->GetName() == to_string(column)) {
                columns_[static_cast<std::size_t>(column)] = handle;
            }
        }
    }
    SENNIT_ASSERT(std::ranges::count(columns_, nullptr) == 0);
    const std::unique_ptr<rocksdb::Iterator> foreign{db_->NewIterator({})};
    foreign->SeekToFirst();
    if (foreign->Valid()) {
        return Error{Errc::unsupported,
                     "the directory holds another program's database; name another data directory",
                     Error::kNowhere, db_->GetName()};
    }
    if (!foreign->status().ok()) return io_error(foreign->status());
    return {};
}

Database::~Database() {
    // Errors have no taker here, and lose nothing: the log still holds what was not flushed.
    std::vector<rocksdb::ColumnFamilyHandle*> all(columns_.begin(), columns_.end());
    db_->Flush({}, all).PermitUncheckedError();
    handles_.clear();
    db_->Close().PermitUncheckedError();
}

rocksdb::ColumnFamilyHandle* Database::column(chain::Column column) const {
    const auto index = static_cast<std::size_t>(column);
    SENNIT_ASSERT(index < columns_.size());
    return columns_[index];
}

}  // namespace sennit::storage
