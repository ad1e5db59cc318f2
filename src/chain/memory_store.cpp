// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "chain/store.hpp"

namespace sennit::chain {
namespace {

// Lets a map of byte strings be searched by a view.
struct ByteOrder {
    using is_transparent = void;
    bool operator()(BytesView a, BytesView b) const {
        return std::ranges::lexicographical_compare(a, b);
    }
};
using Table = std::map<Bytes, Bytes, ByteOrder>;

// Tables are shared with snapshots and copied when one of both sides is about to change.
class Tables : public Snapshot {
  public:
    Tables() {
        for (auto& table : tables_) table = std::make_shared<Table>();
    }

    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        const auto& table = *tables_[index(column)];
        const auto found = table.find(key);
        if (found == table.end()) return std::optional<Bytes>{};
        return std::optional{found->second};
    }

    Result<void> scan(
        Column column, BytesView from,
        const std::function<bool(BytesView key, BytesView value)>& visit) const override {
        const std::shared_ptr<const Table> table = tables_[index(column)];  // visit may write
        for (auto entry = table->lower_bound(from); entry != table->end(); ++entry) {
            if (!visit(entry->first, entry->second)) break;
        }
        return {};
    }

    void apply(const Batch& batch) {
        for (const auto& change : batch.changes()) {
            auto& table = writable(change.column);
            if (change.value) {
                table.insert_or_assign(change.key, *change.value);
            } else {
                table.erase(change.key);
            }
        }
    }

  private:
    static std::size_t index(Column column) {
        const auto out = static_cast<std::size_t>(column);
        SENNIT_ASSERT(out < kColumns);
        return out;
    }
    Table& writable(Column column) {
        auto& table = tables_[index(column)];
        if (table.use_count() > 1) table = std::make_shared<Table>(*table);
        return *table;
    }

    std::array<std::shared_ptr<Table>, kColumns> tables_;
};

class MemoryStore final : public Store {
  public:
    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        return tables_.get(column, key);
    }
    Result<void> scan(
        Column column, BytesView from,
        const std::function<bool(BytesView key, BytesView value)>& visit) const override {
        return tables_.scan(column, from, visit);
    }
    Result<void> write(const Batch& batch, Durability) override {
        tables_.apply(batch);
        return {};
    }
    SnapshotPtr snapshot() const override { return std::make_shared<Tables>(tables_); }

  private:
    Tables tables_;
};

}  // namespace

std::string_view to_string(Column column) {
    switch (column) {
        case Column::meta: return "meta";
        case Column::headers: return "headers";
        case Column::bodies: return "bodies";
        case Column::receipts: return "receipts";
        case Column::heights: return "heights";
        case Column::transactions: return "transactions";
        case Column::accounts: return "accounts";
        case Column::slots: return "slots";
        case Column::trie_nodes: return "trie_nodes";
        case Column::layers: return "layers";
        case Column::certificates: return "certificates";
        case Column::sets: return "sets";
        case Column::validator: return "validator";
        case Column::peers: return "peers";
        case Column::saved: return "saved";
        case Column::pool: return "pool";
        case Column::unlinked: return "unlinked";
        case Column::facts: return "facts";
        case Column::proofs: return "proofs";
    }
    return "unknown";
}

std::unique_ptr<Store> make_memory_store() {
    return std::make_unique<MemoryStore>();
}

}  // namespace sennit::chain
