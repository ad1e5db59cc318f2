// SPDX-License-Identifier: MIT
#pragma once

#include "chain/state.hpp"

namespace sennit::chain {

/// One changed row of the base state's columns: accounts, slots, trie nodes.
using Row = Batch::Change;
bool before(const Row& row, Column column, BytesView key);
bool before(const Row& a, const Row& b);
std::vector<Row> sorted(std::vector<Row> rows);

/// All that one executed block changed and answered.
struct LayerContent {
    FactsPtr facts;
    std::vector<Row> rows;  ///< sorted by column and key, each key once
    std::vector<Receipt> receipts;
    std::vector<TouchedAccount> touched;
    std::vector<TxId> transactions;

    /// Memory, about: what `Limits::layers_bytes_max` counts.
    std::size_t bytes() const;
};
using LayerContentPtr = std::shared_ptr<const LayerContent>;

/// Rows, touched accounts and transaction ids; facts and receipts have columns of their own.
Bytes encode_layer(const LayerContent& content);
Result<LayerContent> decode_layer(BytesView bytes);

/// A block's content on top of its parent's layer: where a read at some tip begins.
///
/// Immutable, so any thread may read down from a tip while the chain thread goes on. When finality
/// stalls, thousands of layers lie above the base; so a layer whose height divides by 16, 256 or
/// 4096 carries a *run*: one sorted index over as many layers, ending with itself. A read then
/// visits at most 15 places for each of these spans. A run costs a pointer for each row, and is
/// shared by the layers that are made anew when the base moves up.
///
/// Rows of layers below the base may still be in a run. They are right there: the newest change in
/// the run's span is the base's value too unless something in the span above the base changed it.
class Layer {
  public:
    /// `parent` null: it stands on the base.
    Layer(LayerContentPtr content, LayerPtr parent);
    /// The same layer on a parent that was itself made anew, or on the base.
    Layer(const Layer& old, LayerPtr parent);
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    const LayerContent& content() const { return *content_; }
    std::size_t bytes() const { return bytes_; }
    const Facts& facts() const { return *content_->facts; }
    const LayerPtr& parent() const { return parent_; }

    /// The newest change of a row in this layer or one below; null: ask the base. Lives as long
    /// as this layer. `visited`, for tests: how many places were searched.
    const Row* find(Column column, BytesView key, std::size_t* visited = nullptr) const;

  private:
    struct Run {
        std::vector<const Row*> rows;
        std::vector<LayerContentPtr> contents;  ///< keeps the rows alive; newest first
        std::uint64_t span{0};  ///< in heights, though the base may have cut it short
    };
    static std::shared_ptr<const Run> make_run(const LayerContentPtr& content, const Layer* parent);
    static std::vector<const Row*> merge(std::span<const LayerContentPtr> contents);
    void set_below();

    LayerContentPtr content_;
    std::size_t bytes_;
    LayerPtr parent_;
    std::shared_ptr<const Run> run_;  ///< null: only the own content
    const Layer* below_{nullptr};     ///< the first ancestor that `run_` does not cover
};

}  // namespace sennit::chain
