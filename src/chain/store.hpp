// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.hpp"

namespace sennit::chain {

/// The tables of the node's database. The numbers are part of the schema: never reuse one.
enum class Column : std::uint8_t {
    meta,          ///< schema version, genesis, head, finalised, sync progress
    headers,       ///< block id -> header bytes; of a final block only its height
    bodies,        ///< block id -> body with senders
    receipts,      ///< block id -> receipts
    heights,       ///< height (big-endian) -> block id and header of the finalised chain
    transactions,  ///< transaction id -> block id, index
    accounts,      ///< base state: Keccak(address) -> account
    slots,         ///< base state: Keccak(address) || Keccak(key) -> value
    trie_nodes,    ///< base state: trie nodes by path
    layers,        ///< block id -> its layer above the finalised block
    certificates,  ///< slot (big-endian) || block id -> certificate
    sets,          ///< Keccak of a validator set -> the set
    validator,     ///< what we signed: the slashing record
    peers,         ///< the peer book
    saved,         ///< what protocols asked to keep
    pool,          ///< transactions of the pool, across restarts
    unlinked,      ///< height (big-endian) -> header that sync fetched and nothing vouches for yet
    facts,         ///< block id -> what consensus knows of an executed block
    proofs,        ///< set version (big-endian) -> the set and its first finality proof
};
constexpr std::size_t kColumns = 19;
std::string_view to_string(Column column);

/// Changes that become visible, and durable, together or not at all.
class Batch {
  public:
    struct Change {
        Column column{};
        Bytes key;
        std::optional<Bytes> value;  ///< nullopt: delete
    };

    void put(Column column, BytesView key, BytesView value) {
        changes_.push_back({column, to_bytes(key), to_bytes(value)});
        bytes_ += key.size() + value.size();
    }
    void put(Column column, BytesView key, Bytes&& value) {
        bytes_ += key.size() + value.size();
        changes_.push_back({column, to_bytes(key), std::move(value)});
    }
    void erase(Column column, BytesView key) {
        changes_.push_back({column, to_bytes(key), std::nullopt});
        bytes_ += key.size();
    }
    const std::vector<Change>& changes() const { return changes_; }
    bool empty() const { return changes_.empty(); }
    std::size_t bytes() const { return bytes_; }
    void clear() {
        changes_.clear();
        bytes_ = 0;
    }

  private:
    std::vector<Change> changes_;
    std::size_t bytes_{0};
};

/// Reads of one consistent state of the database. Safe from any thread.
class Snapshot {
  public:
    virtual ~Snapshot() = default;
    /// nullopt: no such key. Error: Errc::io, and the node must stop in order.
    virtual Result<std::optional<Bytes>> get(Column column, BytesView key) const = 0;
    /// Keys from `from` upwards in byte order, until `visit` returns false.
    virtual Result<void> scan(
        Column column, BytesView from,
        const std::function<bool(BytesView key, BytesView value)>& visit) const = 0;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

enum class Durability : std::uint8_t {
    buffered,  ///< survives a kill of the process, not of the machine
    synced,    ///< on the disk before write() returns: votes, proposals, acknowledged transactions
};

/// The database, as the chain sees it: RocksDB in the daemon, memory in tests and simulation.
/// Reads see every earlier write.
class Store : public Snapshot {
  public:
    virtual Result<void> write(const Batch& batch, Durability durability) = 0;
    virtual SnapshotPtr snapshot() const = 0;
};

/// The twin in memory: same order, same atomicity. Not for more than one thread at once.
std::unique_ptr<Store> make_memory_store();

}  // namespace sennit::chain
