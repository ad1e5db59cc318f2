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

std::size_t weight(const std::string& key, const std::optional<Bytes>& value) {
    return kEntryOverhead + key.size() + (value ? value->size() : 0);
}

std::string joined(Column column, BytesView key) {
    std::string out;
    out.reserve(1 + key.size());
    out.push_back(static_cast<char>(column));
    out.append(as_text(key));
    return out;
}

/// The same as `joined`, on the stack.
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
    return [&rows, owner](BytesView path) { return rows.row(Column::trie_nodes, schema::node_key(owner, path)); };
}

void append_nodes(trie::Update&& update, const Digest* owner, std::vector<Row>& rows) {
    for (auto& [path, node] : update.nodes) {
        rows.push_back({Column::trie_nodes, schema::node_key(owner, path), std::move(node)});
    }
}

/// Changed slots of one account go into its storage trie; the new root, or the old one if nothing
/// changed.
Result<Digest> settle_slots(const RowReader& before, const Digest& account, const std::map<Word, Word>& slots,
                            const Digest& old_root, std::vector<Row>& rows) {
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

Result<std::optional<Bytes>> BaseRows::row(Column column, BytesView key) const {
    const JoinedKey joined_key{column, key};
    if (const auto at = pending_.find(joined_key.view()); at != pending_.end()) return at->second;
    if (const auto at = young_.rows.find(joined_key.view()); at != young_.rows.end()) return at->second;
    std::optional<Bytes> value;
    if (const auto at = old_.rows.find(joined_key.view()); at != old_.rows.end()) {
        value = at->second;
    } else {
        SENNIT_TRY(value, db_.get(column, key));
    }
    remember(std::string{joined_key.view()}, value);
    return value;
}

void BaseRows::remember(std::string key, std::optional<Bytes> value) const {
    const std::size_t size = weight(key, value);
    const auto [at, fresh] = young_.rows.try_emplace(std::move(key));
    if (!fresh) young_.bytes -= weight(at->first, at->second);
    at->second = std::move(value);
    young_.bytes += size;
    if (young_.bytes > cache_bytes_ / 2) {
        old_ = std::move(young_);
        young_ = {};
    }
}

void BaseRows::set(Column column, BytesView key, std::optional<Bytes> value) {
    pending_.insert_or_assign(joined(column, key), std::move(value));
}

void BaseRows::write_to(Batch& batch) const {
    std::vector<const Map::value_type*> sorted;
    sorted.reserve(pending_.size());
    for (const auto& entry : pending_) sorted.push_back(&entry);
    std::ranges::sort(sorted, {}, [](const auto* entry) { return std::string_view{entry->first}; });
    for (const auto* entry : sorted) {
        const auto column = static_cast<Column>(static_cast<std::uint8_t>(entry->first[0]));
        const auto key = as_bytes(entry->first).subspan(1);
        if (entry->second) {
            batch.put(column, key, *entry->second);
        } else {
            batch.erase(column, key);
        }
    }
}

void BaseRows::commit() {
    while (!pending_.empty()) {
        auto node = pending_.extract(pending_.begin());
        remember(std::move(node.key()), std::move(node.mapped()));
    }
}

Result<Settled> settle(const RowReader& before, const Overlay& overlay) {
    Settled settled;
    std::vector<trie::Change> changes;
    for (const auto& [address, change] : overlay.changes()) {
        const Digest key = schema::account_key(address);
        SENNIT_TRY(const auto old, read_account(before, key));
        Account account = change.account ? *change.account : old.value_or(Account{});
        const Digest old_root = old ? old->storage_root : kEmptyTrieRoot;
        SENNIT_TRY(account.storage_root, settle_slots(before, key, change.slots, old_root, settled.rows));
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
