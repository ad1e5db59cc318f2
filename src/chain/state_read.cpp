// SPDX-License-Identifier: MIT
#include <set>

#include "chain/chain_state.hpp"
#include "chain/schema.hpp"
#include "crypto/keccak.hpp"
#include "primitives/rlp.hpp"
#include "trie/trie.hpp"

namespace sennit::chain {

namespace {

Error differs(std::string_view what, std::string detail) {
    return Error{Errc::mismatch, what, Error::kNowhere, std::move(detail)};
}

/// Compares the flat rows with the tries, one account after another.
class StateCheck {
  public:
    explicit StateCheck(const Snapshot& db) : db_{db}, rows_{db} {}

    Result<void> run(const Digest& state_root);

  private:
    Result<void> check_accounts(const trie::NodeReader& read);
    Result<void> check_slots();
    Result<void> check_node_count();
    trie::NodeReader reader(const Digest* owner) const {
        return [this, owner](BytesView path) {
            return rows_.row(Column::trie_nodes, schema::NodeKey{owner, path}.view());
        };
    }

    const Snapshot& db_;
    SnapshotRows rows_;
    std::set<Digest> with_storage_;
    std::uint64_t reachable_{0};
};

Result<void> StateCheck::run(const Digest& state_root) {
    const auto read = reader(nullptr);
    SENNIT_TRY(reachable_, trie::check(read, state_root));
    SENNIT_TRY(check_accounts(read));
    SENNIT_TRY(check_slots());
    return check_node_count();
}

Result<void> StateCheck::check_accounts(const trie::NodeReader& read) {
    std::optional<Error> failed;
    const auto check = [&](BytesView key, BytesView value) -> Result<void> {
        SENNIT_TRY(const auto leaf, trie::get(read, Digest::from(key)));
        if (leaf != to_bytes(value)) return differs("account is not the trie's", to_hex(key));
        SENNIT_TRY(const Account account, decode_account(value));
        if (account.storage_root == kEmptyTrieRoot) return {};
        const Digest owner = Digest::from(key);
        with_storage_.insert(owner);
        SENNIT_TRY(const auto nodes, trie::check(reader(&owner), account.storage_root));
        reachable_ += nodes;
        return {};
    };
    SENNIT_TRY(db_.scan(Column::accounts, {}, [&](BytesView key, BytesView value) {
        auto checked = check(key, value);
        if (!checked) failed = checked.error();
        return !failed;
    }));
    if (failed) return *failed;
    return {};
}

Result<void> StateCheck::check_slots() {
    std::optional<Error> failed;
    const auto check = [&](BytesView key, BytesView value) -> Result<void> {
        const Digest owner = Digest::from(key.first(Digest::kSize));
        SENNIT_TRY(const auto leaf,
                   trie::get(reader(&owner), Digest::from(key.subspan(Digest::kSize))));
        rlp::Encoder wanted;
        wanted.string(value);
        if (!with_storage_.contains(owner) || leaf != std::move(wanted).take()) {
            return differs("slot is not the trie's", to_hex(key));
        }
        return {};
    };
    SENNIT_TRY(db_.scan(Column::slots, {}, [&](BytesView key, BytesView value) {
        auto checked = check(key, value);
        if (!checked) failed = checked.error();
        return !failed;
    }));
    if (failed) return *failed;
    return {};
}

Result<void> StateCheck::check_node_count() {
    std::uint64_t stored = 0;
    SENNIT_TRY(db_.scan(Column::trie_nodes, {}, [&](BytesView, BytesView) {
        ++stored;
        return true;
    }));
    if (stored == reachable_) return {};
    return differs(
        "stored trie nodes are not the reachable ones",
        std::to_string(stored) + " stored, " + std::to_string(reachable_) + " reachable");
}

}  // namespace

Result<StateViewPtr> ChainState::view(const BlockId& id) const {
    if (id == base_->id) return std::make_shared<const StateView>(store_.snapshot(), nullptr);
    const auto layer = layers_.find(id);
    if (layer == layers_.end()) {
        return Error{Errc::not_found, "no state of this block", Error::kNowhere, to_hex(id)};
    }
    return std::make_shared<const StateView>(store_.snapshot(), layer->second);
}

Result<std::optional<Account>> StateView::account(const Address& address) const {
    const SnapshotRows base{*base_};
    return RowState{LayeredRows{top_.get(), base}}.account(address);
}

Result<Word> StateView::slot(const Address& address, const Word& key) const {
    const SnapshotRows base{*base_};
    return RowState{LayeredRows{top_.get(), base}}.slot(address, key);
}

Result<std::optional<Bytes>> StateView::trie_node(const Digest* owner, BytesView path) const {
    const SnapshotRows base{*base_};
    return LayeredRows{top_.get(), base}.row(Column::trie_nodes,
                                             schema::NodeKey{owner, path}.view());
}

namespace {

Result<schema::FinalRow> final_row(Height height, BytesView row) {
    auto decoded = schema::decode_final(row);
    if (!decoded) return schema::damaged("height " + std::to_string(height.value), decoded.error());
    return decoded;
}

}  // namespace

Result<std::optional<BlockId>> stored_id(const Snapshot& db, Height height) {
    SENNIT_TRY(const auto row, db.get(Column::heights, schema::height_key(height)));
    if (!row) return std::optional<BlockId>{};
    SENNIT_TRY(const auto found, final_row(height, *row));
    return std::optional<BlockId>{found.id};
}

Result<std::vector<StoredHeader>> stored_headers(const Snapshot& db, Height low,
                                                 std::uint64_t count) {
    std::vector<StoredHeader> out;
    if (count == 0) return out;
    std::optional<Error> damaged;
    auto height = low;
    auto key = schema::height_key(height);
    SENNIT_TRY(db.scan(Column::heights, key, [&](BytesView found, BytesView row) {
        if (!std::ranges::equal(found, key)) return false;
        auto decoded = final_row(height, row);
        if (!decoded) {
            damaged = decoded.error();
            return false;
        }
        out.push_back({decoded->id, to_bytes(decoded->header)});
        key = schema::height_key(++height);
        return out.size() < count;
    }));
    if (damaged) return *damaged;
    return out;
}

Result<std::optional<Bytes>> stored_header(const Snapshot& db, const BlockId& id) {
    SENNIT_TRY(auto row, db.get(Column::headers, id.view()));
    if (!row) return row;
    const auto height = schema::final_height(*row);
    if (!height) return row;
    SENNIT_TRY(row, db.get(Column::heights, *row));
    if (!row) return schema::damaged("header " + to_hex(id), Error{Errc::not_found, "no row"});
    SENNIT_TRY(const auto found, final_row(*height, *row));
    if (found.id != id) {
        return schema::damaged("header " + to_hex(id), Error{Errc::mismatch, "of another block"});
    }
    return std::optional{to_bytes(found.header)};
}

Result<BlockPtr> stored_block(const Snapshot& db, const BlockId& id) {
    SENNIT_TRY(auto bytes, stored_header(db, id));
    if (!bytes) return BlockPtr{};
    auto header = decode_header(*bytes);
    if (!header) return schema::damaged("header " + to_hex(id), header.error());
    Block block{std::move(*header), id, std::move(*bytes), {}};
    SENNIT_TRY(const auto body, db.get(Column::bodies, id.view()));
    if (body) {
        auto transactions = decode_stored_body(*body);
        if (!transactions) return schema::damaged("body " + to_hex(id), transactions.error());
        block.transactions = std::move(*transactions);
    } else if (block.header.txs_root != transactions_root({})) {
        return BlockPtr{};
    }
    return BlockPtr{std::make_shared<const Block>(std::move(block))};
}

Result<std::optional<std::vector<Receipt>>> stored_receipts(const Snapshot& db, const BlockId& id) {
    SENNIT_TRY(const auto row, db.get(Column::receipts, id.view()));
    if (row) {
        auto receipts = schema::decode_receipts(*row);
        if (!receipts) return schema::damaged("receipts " + to_hex(id), receipts.error());
        return std::optional{std::move(*receipts)};
    }
    // A block without transactions has no row, and no receipts.
    SENNIT_TRY(const auto facts, db.get(Column::facts, id.view()));
    if (!facts) return std::optional<std::vector<Receipt>>{};
    return std::optional{std::vector<Receipt>{}};
}

Result<std::optional<TransactionPlace>> stored_place(const Snapshot& db, const TxId& id) {
    SENNIT_TRY(const auto row, db.get(Column::transactions, id.view()));
    if (!row) return std::optional<TransactionPlace>{};
    auto place = schema::decode_place(*row);
    if (!place) return schema::damaged("place of transaction " + to_hex(id), place.error());
    return std::optional{*place};
}

Result<void> check_state(const Snapshot& db) {
    SENNIT_TRY(const auto base, db.get(Column::meta, as_bytes(schema::kBaseKey)));
    if (!base || base->size() != BlockId::kSize) return differs("no finalised block", {});
    SENNIT_TRY(const auto header_bytes, stored_header(db, BlockId::from(*base)));
    if (!header_bytes) return differs("no header of the finalised block", to_hex(*base));
    auto header = decode_header(*header_bytes);
    if (!header) return schema::damaged("header " + to_hex(*base), header.error());
    return StateCheck{db}.run(header->state_root);
}

}  // namespace sennit::chain
