// SPDX-License-Identifier: MIT
#include "chain/rows.hpp"

#include <algorithm>

#include "chain/schema.hpp"
#include "primitives/rlp.hpp"
#include "trie/trie.hpp"

namespace sennit::chain {

namespace {

/// What an entry takes besides its bytes: the hash node and two allocations.
constexpr std::size_t kEntryOverhead = 112;

/// Column and key as one string, on the stack.
class JoinedKey {
  public:
    JoinedKey(Column column, BytesView key) : size_{1 + key.size()} {
        SENNIT_ASSERT(size_ <= bytes_.size());
        bytes_[0] = static_cast<char>(column);
        std::copy(key.begin(), key.end(), bytes_.begin() + 1);
    }
    std::string_view view() const { return {bytes_.data(), size_}; }

  private:
    std::array<char, 1 + schema::kNodeKeySizeMax> bytes_;
    std::size_t size_;
};

trie::NodeReader node_reader(const RowReader& rows, const Digest* owner) {
    return [&rows, owner](BytesView path) {
        return rows.row(Column::trie_nodes, schema::NodeKey{owner, path}.view());
    };
}

void append_nodes(trie::Update&& update, const Digest* owner, std::vector<Row>& rows) {
    for (auto& [path, node] : update.nodes) {
        rows.push_back({Column::trie_nodes, schema::node_key(owner, path), std::move(node)});
    }
}

/// Changed slots of one account go into its storage trie; the new root, or the old one if nothing
/// changed.
Result<Digest> settle_slots(const RowReader& before, const Digest& account,
                            const std::map<Word, Word>& slots, const Digest& old_root,
                            std::vector<Row>& rows) {
    std::vector<trie::Change> changes;
    for (const auto& [key, value] : slots) {
        const Digest slot = schema::slot_hash(key);
        SENNIT_TRY(const Word old, read_slot(before, account, slot));
        if (old == value) continue;
        Bytes stored = schema::encode_slot(value);
        Bytes leaf;
        std::optional<Bytes> row;
        if (!stored.empty()) {
            rlp::Encoder encoder;
            encoder.string(stored);
            leaf = std::move(encoder).take();
            row = std::move(stored);
        }
        changes.push_back({slot, std::move(leaf)});
        rows.push_back({Column::slots, schema::slot_key(account, slot), std::move(row)});
    }
    if (changes.empty()) return old_root;
    std::ranges::sort(changes, {}, &trie::Change::key);
    auto update = trie::update(node_reader(before, &account), changes);
    if (!update) return schema::damaged("storage trie", update.error());
    const Digest root = update->root;
    append_nodes(std::move(*update), &account, rows);
    return root;
}

}  // namespace

Result<std::optional<Account>> read_account(const RowReader& rows, const Digest& account) {
    SENNIT_TRY(const auto row, rows.row(Column::accounts, account.view()));
    if (!row) return std::optional<Account>{};
    auto decoded = decode_account(*row);
    if (!decoded) return schema::damaged("account", decoded.error());
    return std::optional<Account>{*decoded};
}

Result<Word> read_slot(const RowReader& rows, const Digest& account, const Digest& slot) {
    SENNIT_TRY(const auto row, rows.row(Column::slots, schema::slot_key(account, slot)));
    if (!row) return Word{};
    auto decoded = schema::decode_slot(*row);
    if (!decoded) return schema::damaged("slot", decoded.error());
    return *decoded;
}

Result<std::optional<Account>> RowState::account(const Address& address) const {
    return read_account(rows_, schema::account_key(address));
}

Result<Word> RowState::slot(const Address& address, const Word& key) const {
    return read_slot(rows_, schema::account_key(address), schema::slot_hash(key));
}

std::size_t BaseRows::weight(const Map::value_type& entry) {
    return kEntryOverhead + entry.first.size() +
           (entry.second.value ? entry.second.value->size() : 0);
}

BaseRows::Map::value_type* BaseRows::find(std::string_view key) const {
    if (const auto at = young_.rows.find(key); at != young_.rows.end()) return &*at;
    const auto at = old_.rows.find(key);
    if (at == old_.rows.end()) return nullptr;
    const std::size_t bytes = weight(*at);
    old_.bytes -= bytes;
    young_.bytes += bytes;
    return &*young_.rows.insert(old_.rows.extract(at)).position;
}

/// Starts a new generation when the young one is full. Pointers into it hold while changes pend.
void BaseRows::rotate() const {
    if (!pending_.empty() || young_.bytes <= cache_bytes_ / 2) return;
    old_ = std::move(young_);
    young_ = {};
}

Result<std::optional<Bytes>> BaseRows::row(Column column, BytesView key) const {
    const JoinedKey joined{column, key};
    if (const auto* known = find(joined.view())) return known->second.value;
    SENNIT_TRY(auto value, db_.get(column, key));
    const auto at = young_.rows.emplace(joined.view(), Entry{value}).first;
    young_.bytes += weight(*at);
    rotate();
    return value;
}

void BaseRows::set(Column column, BytesView key, std::optional<Bytes> value) {
    const JoinedKey joined{column, key};
    auto* entry = find(joined.view());
    if (entry == nullptr) {
        entry = &*young_.rows.emplace(joined.view(), Entry{}).first;
    } else if (!entry->second.pending) {
        young_.bytes -= weight(*entry);
    }
    if (!entry->second.pending) pending_.push_back(entry);
    entry->second = {std::move(value), true};
}

void BaseRows::write_to(Batch& batch) const {
    auto sorted = pending_;
    std::ranges::sort(sorted, {}, [](const auto* entry) { return std::string_view{entry->first}; });
    for (const auto* entry : sorted) {
        const auto column = static_cast<Column>(static_cast<std::uint8_t>(entry->first[0]));
        const auto key = as_bytes(entry->first).subspan(1);
        if (const auto& value = entry->second.value) {
            batch.put(column, key, *value);
        } else {
            batch.erase(column, key);
        }
    }
}

void BaseRows::commit() {
    for (auto* entry : pending_) {
        entry->second.pending = false;
        young_.bytes += weight(*entry);
    }
    pending_.clear();
    rotate();
}

void BaseRows::discard() {
    for (const auto* entry : pending_) young_.rows.erase(young_.rows.find(entry->first));
    pending_.clear();
}

Result<Settled> settle(const RowReader& before, const Overlay& overlay) {
    Settled settled;
    std::vector<trie::Change> changes;
    for (const auto& [address, change] : overlay.changes()) {
        const Digest key = schema::account_key(address);
        SENNIT_TRY(const auto old, read_account(before, key));
        Account account = change.account ? *change.account : old.value_or(Account{});
        const Digest old_root = old ? old->storage_root : kEmptyTrieRoot;
        SENNIT_TRY(account.storage_root,
                   settle_slots(before, key, change.slots, old_root, settled.rows));
        if (account == old.value_or(Account{})) continue;
        settled.touched.push_back({address, account.nonce, account.balance});
        Bytes leaf;
        std::optional<Bytes> row;
        if (account.empty()) {
            // Only reserved accounts have storage, and their nonce is 1.
            SENNIT_ASSERT(account.storage_root == kEmptyTrieRoot);
        } else {
            leaf = encode(account);
            row = leaf;
        }
        changes.push_back({key, std::move(leaf)});
        settled.rows.push_back({Column::accounts, to_bytes(key.view()), std::move(row)});
    }
    std::ranges::sort(changes, {}, &trie::Change::key);
    auto update = trie::update(node_reader(before, nullptr), changes);
    if (!update) return schema::damaged("state trie", update.error());
    settled.state_root = update->root;
    append_nodes(std::move(*update), nullptr, settled.rows);
    return settled;
}

}  // namespace sennit::chain
