// SPDX-License-Identifier: MIT
#include "chain/state.hpp"

#include <algorithm>

#include "chain/chain_state.hpp"
#include "chain/schema.hpp"

namespace sennit::chain {

namespace {

/// The state before block 0.
class NoRows : public RowReader {
  public:
    Result<std::optional<Bytes>> row(Column, BytesView) const override {
        return std::optional<Bytes>{};
    }
};

Bytes version_bytes() {
    Writer out{sizeof schema::kVersion};
    out.le(schema::kVersion);
    return std::move(out).take();
}

Result<BlockId> read_meta_id(const Snapshot& db, std::string_view key) {
    SENNIT_TRY(const auto row, db.get(Column::meta, as_bytes(key)));
    if (!row || row->size() != BlockId::kSize) {
        return schema::damaged(key, Error{Errc::not_found, "no block id under this key"});
    }
    return BlockId::from(*row);
}

}  // namespace

Result<std::unique_ptr<State>> State::open(Store& store, const Genesis& genesis, Limits limits) {
    auto state = std::make_unique<ChainState>(store, genesis, limits);
    SENNIT_TRY(state->start());
    return std::unique_ptr<State>{std::move(state)};
}

Result<void> ChainState::start() {
    const NoRows nothing;
    const RowState before{nothing};
    Overlay overlay{before};
    SENNIT_TRY(write_genesis_state(overlay, genesis_));
    SENNIT_TRY(auto settled, settle(nothing, overlay));
    genesis_header_ = chain::genesis_header(genesis_, settled.state_root);
    genesis_id_ = header_id(genesis_header_);

    SENNIT_TRY(const auto version, store_.get(Column::meta, as_bytes(schema::kVersionKey)));
    if (!version) return write_genesis(settled.rows);
    if (*version != version_bytes()) {
        return Error{Errc::unsupported, "the database has another version", Error::kNowhere,
                     "have " + to_hex(*version) + " want " + to_hex(version_bytes())};
    }
    return resume();
}

Result<void> ChainState::write_genesis(const std::vector<Row>& rows) {
    base_ = genesis_facts(genesis_, genesis_header_);
    const Block block{genesis_header_, genesis_id_, encode(genesis_header_), {}};
    Batch batch;
    batch.put(Column::meta, as_bytes(schema::kVersionKey), version_bytes());
    batch.put(Column::meta, as_bytes(schema::kGenesisKey), genesis_id_.view());
    for (const Row& row : rows) rows_.set(row.column, row.key, row.value);
    finalised_.write(batch, *base_, nullptr);
    put_final(batch, *base_, block.header_bytes, {});
    batch.put(Column::meta, as_bytes(schema::kBaseKey), genesis_id_.view());
    rows_.write_to(batch);
    SENNIT_TRY(store_.write(batch, Durability::buffered));
    rows_.commit();
    finalised_.remember(base_);
    return {};
}

Result<void> ChainState::resume() {
    SENNIT_TRY(const auto stored, read_meta_id(store_, schema::kGenesisKey));
    if (stored != genesis_id_) {
        return Error{
            Errc::mismatch, "the database holds another chain", Error::kNowhere,
            "its genesis is " + to_hex(stored) + ", the configured one " + to_hex(genesis_id_)};
    }
    SENNIT_TRY(const auto base, read_meta_id(store_, schema::kBaseKey));
    SENNIT_TRY(base_, finalised_.get(base));
    if (!base_) return schema::damaged("base", Error{Errc::not_found, "no facts of this block"});
    return load_layers();
}

/// Reads the layers back, parents first. Those that do not descend from the base are leftovers of
/// another version of events, and go.
Result<void> ChainState::load_layers() {
    std::vector<std::pair<BlockId, Bytes>> stored;
    SENNIT_TRY(store_.scan(Column::layers, {}, [&](BytesView key, BytesView value) {
        if (key.size() == BlockId::kSize) stored.emplace_back(BlockId::from(key), to_bytes(value));
        return true;
    }));
    std::vector<std::pair<FactsPtr, BytesView>> sorted;
    for (const auto& [id, bytes] : stored) {
        SENNIT_TRY(auto facts, finalised_.read(id));
        if (!facts)
            return schema::damaged("layer " + to_hex(id),
                                   Error{Errc::not_found, "no facts of this block"});
        sorted.emplace_back(std::move(facts), bytes);
    }
    std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first->height; });

    Batch batch;
    for (const auto& [facts, bytes] : sorted) {
        const auto parent = layers_.find(facts->parent);
        if (facts->parent != base_->id && parent == layers_.end()) {
            drop_block(batch, facts->id);
            continue;
        }
        SENNIT_TRY(auto layer,
                   load_layer(facts->id, bytes, parent == layers_.end() ? nullptr : parent->second,
                              facts));
        add_layer(std::move(layer));
    }
    if (batch.empty()) return {};
    return store_.write(batch, Durability::buffered);
}

Result<LayerPtr> ChainState::load_layer(const BlockId& id, BytesView bytes, const LayerPtr& parent,
                                        FactsPtr facts) const {
    auto content = decode_layer(bytes);
    if (!content) return schema::damaged("layer " + to_hex(id), content.error());
    SENNIT_TRY(auto receipts, stored_receipts(store_, id));
    if (receipts) content->receipts = std::move(*receipts);
    content->facts = std::move(facts);
    return std::make_shared<const Layer>(std::make_shared<const LayerContent>(std::move(*content)),
                                         parent);
}

void ChainState::add_layer(LayerPtr layer) {
    layers_bytes_ += layer->bytes();
    const BlockId id = layer->facts().id;
    layers_.insert_or_assign(id, std::move(layer));
}

std::vector<FactsPtr> ChainState::layers() const {
    std::vector<FactsPtr> all;
    all.reserve(layers_.size());
    for (const auto& [id, layer] : layers_) all.push_back(layer->content().facts);
    std::ranges::stable_sort(all, {}, [](const FactsPtr& facts) { return facts->height; });
    return all;
}

Result<FactsPtr> ChainState::find_facts(const BlockId& id) const {
    if (const auto layer = layers_.find(id); layer != layers_.end())
        return layer->second->content().facts;
    return finalised_.get(id);
}

FactsPtr ChainState::facts(const BlockId& id) const {
    auto found = find_facts(id);
    return found ? *found : nullptr;
}

FactsLookup ChainState::Ancestors::lookup() {
    return [this](const BlockId& id) -> FactsPtr {
        if (const auto found = fresh_.find(id); found != fresh_.end()) return found->second;
        auto facts = state_.find_facts(id);
        if (facts) return *facts;
        failed_ = facts.error();
        return nullptr;
    };
}

Result<ChainState::Place> ChainState::place(const BlockId& id) const {
    if (id == base_->id) return Place{base_, nullptr};
    const auto found = layers_.find(id);
    if (found != layers_.end()) return Place{found->second->content().facts, found->second.get()};
    return Error{Errc::not_found, "block is neither the finalised one nor executed above it",
                 Error::kNowhere, to_hex(id)};
}

void ChainState::put_body(Batch& batch, const Block& block,
                          std::span<const Receipt> receipts) const {
    if (block.transactions.empty()) return;
    batch.put(Column::bodies, block.id.view(), encode_body(block));
    batch.put(Column::receipts, block.id.view(), schema::encode_receipts(receipts));
}

/// What makes a block part of the finalised chain.
void ChainState::put_final(Batch& batch, const Facts& facts, BytesView header,
                           std::span<const TxId> transactions) const {
    const auto height = schema::height_key(facts.height);
    batch.put(Column::heights, height, schema::encode_final(facts.id, header));
    batch.put(Column::headers, facts.id.view(), BytesView{height});
    for (std::uint32_t i = 0; i < transactions.size(); ++i) {
        batch.put(Column::transactions, transactions[i].view(),
                  schema::encode_place({facts.id, i}));
    }
}

void ChainState::drop_block(Batch& batch, const BlockId& id) const {
    for (const Column column :
         {Column::layers, Column::headers, Column::bodies, Column::receipts, Column::facts}) {
        batch.erase(column, id.view());
    }
}

Result<void> ChainState::finalise(const BlockId& id) {
    if (id == base_->id) return {};
    const auto target = layers_.find(id);
    if (target == layers_.end()) {
        return Error{Errc::not_found, "block to finalise was not executed", Error::kNowhere,
                     to_hex(id)};
    }
    std::vector<LayerPtr> path;
    for (LayerPtr layer = target->second; layer != nullptr; layer = layer->parent())
        path.push_back(layer);
    std::ranges::reverse(path);

    Batch batch;
    std::map<BlockId, LayerPtr> kept;
    for (const LayerPtr& layer : path) {
        for (const Row& row : layer->content().rows) rows_.set(row.column, row.key, row.value);
        const auto& on_path = layer->facts().id;
        SENNIT_TRY(const auto header, stored_header(store_, on_path));
        if (!header)
            return schema::damaged("block " + to_hex(on_path), Error{Errc::not_found, "no header"});
        put_final(batch, layer->facts(), *header, layer->content().transactions);
        batch.erase(Column::layers, layer->facts().id.view());
    }
    for (const FactsPtr& facts : layers()) {
        const bool on_path =
            facts->height <= path.back()->facts().height &&
            path[facts->height - path.front()->facts().height]->facts().id == facts->id;
        if (on_path) continue;
        const auto parent = kept.find(facts->parent);
        if (facts->parent != id && parent == kept.end()) {
            drop_block(batch, facts->id);
            continue;
        }
        kept.emplace(facts->id,
                     std::make_shared<const Layer>(
                         *layers_.at(facts->id), parent == kept.end() ? nullptr : parent->second));
    }
    batch.put(Column::meta, as_bytes(schema::kBaseKey), id.view());
    rows_.write_to(batch);
    if (auto written = store_.write(batch, Durability::buffered); !written) {
        rows_.discard();
        return written;
    }
    move_base(path, std::move(kept));
    return {};
}

void ChainState::move_base(std::span<const LayerPtr> path, std::map<BlockId, LayerPtr> kept) {
    rows_.commit();
    for (const LayerPtr& layer : path) finalised_.remember(layer->content().facts);
    base_ = path.back()->content().facts;
    layers_.clear();
    layers_bytes_ = 0;
    for (auto& [id, layer] : kept) add_layer(std::move(layer));
}

}  // namespace sennit::chain
