// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>

#include "chain/layer.hpp"

namespace sennit::chain {

/// The rows of accounts, slots and trie nodes as some block left them.
class RowReader {
  public:
    virtual ~RowReader() = default;
    /// nullopt: no such row. An error is the disk's.
    virtual Result<std::optional<Bytes>> row(Column column, BytesView key) const = 0;
};

Result<std::optional<Account>> read_account(const RowReader& rows, const Digest& account);
Result<Word> read_slot(const RowReader& rows, const Digest& account, const Digest& slot);

/// Accounts and slots over rows: what execution reads.
class RowState : public StateReader {
  public:
    explicit RowState(const RowReader& rows) : rows_{rows} {}

    Result<std::optional<Account>> account(const Address& address) const override;
    Result<Word> slot(const Address& address, const Word& key) const override;

  private:
    const RowReader& rows_;
};

/// The base's rows for the chain thread: changes that are not written yet, and a bounded cache,
/// over the database.
///
/// Blocks below known finality change the same rows again and again (the leader's account, the
/// trie's upper nodes); only the last value of each goes to the disk. The cache outlives a call, so
/// that execution seldom asks the database for what it has just written.
class BaseRows : public RowReader {
  public:
    BaseRows(const Snapshot& db, std::size_t cache_bytes) : db_{db}, cache_bytes_{cache_bytes} {}

    Result<std::optional<Bytes>> row(Column column, BytesView key) const override;

    /// A change that is not durable yet, visible at once. Such changes do not count as cache.
    void set(Column column, BytesView key, std::optional<Bytes> value);
    /// Appends all pending changes, in the order of their keys.
    void write_to(Batch& batch) const;
    /// The batch was written: pending changes are the database's now.
    void commit();
    /// It was not: they never happened.
    void discard();

    std::size_t cached_bytes() const { return young_.bytes + old_.bytes; }

  private:
    struct Entry {
        std::optional<Bytes> value;
        bool pending{false};
    };
    /// Lets a view on the stack be looked up without a string made for it.
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const {
            return std::hash<std::string_view>{}(key);
        }
    };
    /// Column and key as one string; short paths need no allocation.
    using Map = std::unordered_map<std::string, Entry, KeyHash, std::equal_to<>>;
    struct Generation {
        Map rows;
        std::size_t bytes{0};
    };
    /// The entry in the young generation, wherever it was; null if it is in none.
    Map::value_type* find(std::string_view key) const;
    static std::size_t weight(const Map::value_type& entry);
    void rotate() const;

    const Snapshot& db_;
    std::size_t cache_bytes_;
    /// Two generations instead of a list by use: what is read moves to the young one, and when that
    /// is full the old one is dropped whole. A key is in one of them at most.
    mutable Generation young_;
    mutable Generation old_;
    std::vector<Map::value_type*> pending_;  ///< in the young one, which stays while there are any
};

/// Rows through a block's layer and those below it, then the base's.
class LayeredRows : public RowReader {
  public:
    LayeredRows(const Layer* top, const RowReader& base) : top_{top}, base_{base} {}

    Result<std::optional<Bytes>> row(Column column, BytesView key) const override {
        if (top_ != nullptr) {
            if (const Row* found = top_->find(column, key)) return found->value;
        }
        return base_.row(column, key);
    }

  private:
    const Layer* top_;
    const RowReader& base_;
};

/// Rows straight from a snapshot, for readers on other threads.
class SnapshotRows : public RowReader {
  public:
    explicit SnapshotRows(const Snapshot& db) : db_{db} {}
    Result<std::optional<Bytes>> row(Column column, BytesView key) const override {
        return db_.get(column, key);
    }

  private:
    const Snapshot& db_;
};

/// What a block's changes come to: changed rows, unsorted, and the root of the state after them.
struct Settled {
    Digest state_root;
    std::vector<Row> rows;
    std::vector<TouchedAccount> touched;  ///< by address
};
/// Brings `changes` into the tries that `before` holds. Changes to the value that is there already
/// leave no trace; accounts that become empty vanish (EIP-161). Cost: the trie nodes on the changed
/// paths, each read, hashed and written once.
Result<Settled> settle(const RowReader& before, const Overlay& changes);

}  // namespace sennit::chain
