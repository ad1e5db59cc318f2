// SPDX-License-Identifier: MIT
#include "chain/layer.hpp"

#include <algorithm>

#include "chain/schema.hpp"

namespace sennit::chain {

namespace {

constexpr std::uint64_t kFanOut = 16;
constexpr std::uint64_t kSpanMax = kFanOut * kFanOut * kFanOut;

/// What one row takes besides its bytes: the row itself and two allocations.
constexpr std::size_t kRowOverhead = sizeof(Row) + 2 * 16;

std::strong_ordering order(const Row& row, Column column, BytesView key) {
    if (row.column != column) return row.column <=> column;
    return std::lexicographical_compare_three_way(row.key.begin(), row.key.end(), key.begin(),
                                                  key.end());
}

/// The largest power of the fan-out that divides the height, 1 if none.
std::uint64_t span_at(Height height) {
    std::uint64_t span = 1;
    while (span < kSpanMax && height.value % (span * kFanOut) == 0) span *= kFanOut;
    return span;
}

void encode_row(const Row& row, Writer& out) {
    out.le(static_cast<std::uint8_t>(row.column)).uleb128(row.key.size()).raw(row.key);
    out.uleb128(row.value ? row.value->size() + 1 : 0);
    if (row.value) out.raw(*row.value);
}

Result<Row> decode_row(Reader& in) {
    SENNIT_TRY(const auto column, in.le<std::uint8_t>());
    if (column >= kColumns) return in.fail(Errc::malformed, "no such column");
    SENNIT_TRY(const auto key_size, in.uleb128());
    SENNIT_TRY(const auto key, in.take(key_size));
    Row row{static_cast<Column>(column), to_bytes(key), std::nullopt};
    SENNIT_TRY(const auto value_size, in.uleb128());
    if (value_size > 0) {
        SENNIT_TRY(const auto value, in.take(value_size - 1));
        row.value = to_bytes(value);
    }
    return row;
}

Result<TouchedAccount> decode_touched(Reader& in) {
    TouchedAccount account;
    SENNIT_TRY(account.address, in.hash<Address>());
    SENNIT_TRY(account.nonce, in.le<std::uint64_t>());
    SENNIT_TRY(account.balance, in.le128());
    return account;
}

/// Reads a count that the bytes left can hold, at one byte an item or more.
Result<std::size_t> decode_count(Reader& in) {
    SENNIT_TRY(const auto count, in.uleb128());
    if (count > in.remaining()) return in.fail(Errc::truncated, "promises more than it holds");
    return static_cast<std::size_t>(count);
}

}  // namespace

bool before(const Row& row, Column column, BytesView key) {
    return order(row, column, key) < 0;
}

bool before(const Row& a, const Row& b) {
    return before(a, b.column, b.key);
}

std::vector<Row> sorted(std::vector<Row> rows) {
    std::vector<Row*> order;
    order.reserve(rows.size());
    for (Row& row : rows) order.push_back(&row);
    std::ranges::sort(order, [](const Row* a, const Row* b) { return before(*a, *b); });
    std::vector<Row> out;
    out.reserve(rows.size());
    for (Row* row : order) out.push_back(std::move(*row));
    return out;
}

std::size_t LayerContent::bytes() const {
    std::size_t total = sizeof *this + receipts.size() * sizeof(Receipt) +
                        touched.size() * sizeof(TouchedAccount) +
                        transactions.size() * sizeof(TxId);
    for (const Row& row : rows) {
        total += kRowOverhead + row.key.size() + (row.value ? row.value->size() : 0);
    }
    return total;
}

Bytes encode_layer(const LayerContent& content) {
    Writer out{content.bytes()};
    out.uleb128(content.rows.size());
    for (const Row& row : content.rows) encode_row(row, out);
    out.uleb128(content.touched.size());
    for (const TouchedAccount& account : content.touched) {
        out.hash(account.address).le(account.nonce).le128(account.balance);
    }
    out.uleb128(content.transactions.size());
    for (const TxId& id : content.transactions) out.hash(id);
    return std::move(out).take();
}

Result<LayerContent> decode_layer(BytesView bytes) {
    Reader in{bytes};
    LayerContent content;
    SENNIT_TRY(const auto rows, decode_count(in));
    content.rows.reserve(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        SENNIT_TRY(auto row, decode_row(in));
        if (i > 0 && !before(content.rows.back(), row)) {
            return in.fail(Errc::malformed, "rows out of order");
        }
        content.rows.push_back(std::move(row));
    }
    SENNIT_TRY(const auto touched, decode_count(in));
    content.touched.reserve(touched);
    for (std::size_t i = 0; i < touched; ++i) {
        SENNIT_TRY(auto account, decode_touched(in));
        content.touched.push_back(account);
    }
    SENNIT_TRY(const auto transactions, decode_count(in));
    content.transactions.reserve(transactions);
    for (std::size_t i = 0; i < transactions; ++i) {
        SENNIT_TRY(auto id, in.hash<TxId>());
        content.transactions.push_back(id);
    }
    SENNIT_TRY(in.finish());
    return content;
}

Layer::Layer(LayerContentPtr content, LayerPtr parent)
    : content_{std::move(content)},
      bytes_{content_->bytes()},
      parent_{std::move(parent)},
      run_{make_run(content_, parent_.get())} {
    SENNIT_ASSERT(parent_ == nullptr || parent_->facts().height + 1 == facts().height);
    set_below();
}

Layer::Layer(const Layer& old, LayerPtr parent)
    : content_{old.content_}, bytes_{old.bytes_}, parent_{std::move(parent)}, run_{old.run_} {
    set_below();
}

const Row* Layer::find(Column column, BytesView key, std::size_t* visited) const {
    for (const Layer* layer = this; layer != nullptr; layer = layer->below_) {
        if (visited != nullptr) ++*visited;
        if (layer->run_ != nullptr) {
            const auto& rows = layer->run_->rows;
            const auto at = std::lower_bound(
                rows.begin(), rows.end(), key,
                [&](const Row* row, BytesView wanted) { return before(*row, column, wanted); });
            if (at != rows.end() && order(**at, column, key) == 0) return *at;
            continue;
        }
        const auto& rows = layer->content_->rows;
        const auto at = std::lower_bound(
            rows.begin(), rows.end(), key,
            [&](const Row& row, BytesView wanted) { return before(row, column, wanted); });
        if (at != rows.end() && order(*at, column, key) == 0) return &*at;
    }
    return nullptr;
}

/// Merges sorted lists pairwise, so that each row is moved once for each doubling of the span.
/// Of one key the newest change wins; `contents` are newest first.
std::vector<const Row*> Layer::merge(std::span<const LayerContentPtr> contents) {
    if (contents.size() == 1) {
        std::vector<const Row*> rows;
        rows.reserve(contents[0]->rows.size());
        for (const Row& row : contents[0]->rows) rows.push_back(&row);
        return rows;
    }
    const auto newer = merge(contents.first(contents.size() / 2));
    const auto older = merge(contents.subspan(contents.size() / 2));
    std::vector<const Row*> rows;
    rows.reserve(newer.size() + older.size());
    // set_union keeps the first list's element where both have one.
    std::set_union(newer.begin(), newer.end(), older.begin(), older.end(), std::back_inserter(rows),
                   [](const Row* a, const Row* b) { return before(*a, *b); });
    return rows;
}

std::shared_ptr<const Layer::Run> Layer::make_run(const LayerContentPtr& content,
                                                  const Layer* parent) {
    const std::uint64_t span = span_at(content->facts->height);
    if (span == 1 || parent == nullptr) return nullptr;
    auto run = std::make_shared<Run>();
    run->span = span;
    run->contents.push_back(content);
    for (const Layer* layer = parent; layer != nullptr && run->contents.size() < span;
         layer = layer->parent_.get()) {
        run->contents.push_back(layer->content_);
    }
    run->rows = merge(run->contents);
    return run;
}

void Layer::set_below() {
    below_ = parent_.get();
    if (run_ == nullptr) return;
    const std::uint64_t height = facts().height.value;
    // A lower layer's run lies within this one's span or ends below it, never across its edge.
    while (below_ != nullptr && height - below_->facts().height.value < run_->span)
        below_ = below_->below_;
}

}  // namespace sennit::chain
