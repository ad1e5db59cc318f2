// SPDX-License-Identifier: MIT
#include "sync/header_chain.hpp"

#include <algorithm>

namespace sennit::sync {

HeaderChain::HeaderChain(Height base, Height anchor, const BlockId& anchor_id)
    : base_{base}, anchor_{anchor}, front_{anchor}, expected_{anchor_id} {
    SENNIT_ASSERT(base < anchor);
    gaps_.emplace(anchor, base + 1);
}

std::optional<Range> HeaderChain::take(Height reach, std::uint64_t max) {
    SENNIT_ASSERT(max > 0);
    for (auto gap = gaps_.rbegin(); gap != gaps_.rend(); ++gap) {
        const auto [high, low] = *gap;
        if (pieces_.size() >= kPiecesMax && high != front_) return std::nullopt;
        if (reach < low) continue;
        const auto top = std::min(high, reach);
        const auto count = std::min(max, top.value - low.value + 1);
        const Range range{Height{top.value - count + 1}, top};
        SENNIT_ASSERT(claim(range));
        return range;
    }
    return std::nullopt;
}

std::optional<Height> HeaderChain::highest_open() const {
    if (gaps_.empty() || (pieces_.size() >= kPiecesMax && gaps_.rbegin()->first != front_))
        return std::nullopt;
    return gaps_.rbegin()->first;
}

std::optional<Height> HeaderChain::lowest_open() const {
    if (!highest_open()) return std::nullopt;
    return pieces_.size() >= kPiecesMax ? gaps_.rbegin()->second : gaps_.begin()->second;
}

bool HeaderChain::claim(const Range& range) {
    const auto gap = gaps_.lower_bound(range.high);
    if (gap == gaps_.end() || range.low < gap->second) return false;
    const auto [high, low] = *gap;
    gaps_.erase(gap);
    if (range.high < high) gaps_.emplace(high, range.high + 1);
    if (low < range.low) gaps_.emplace(range.low - 1, low);
    return true;
}

void HeaderChain::give_back(const Range& range) {
    auto low = range.low;
    auto high = range.high;
    if (const auto below = gaps_.find(Height{low.value - 1}); below != gaps_.end()) {
        low = below->second;
        gaps_.erase(below);
    }
    const auto above = gaps_.upper_bound(high);
    if (above != gaps_.end() && above->second.value == high.value + 1) {
        high = above->first;
        gaps_.erase(above);
    }
    gaps_.emplace(high, low);
}

bool HeaderChain::fits(const Piece& piece) const {
    return piece.range.high != front_ || piece.top == expected_;
}

std::vector<HeaderChain::Piece> HeaderChain::add(Piece piece) {
    SENNIT_ASSERT(base_ < piece.range.low && piece.range.low <= piece.range.high);
    SENNIT_ASSERT(piece.range.high <= front_);
    merge(piece);
    const auto high = piece.range.high;
    SENNIT_ASSERT(pieces_.emplace(high, std::move(piece)).second);
    return link();
}

/// Joins what one sender sent, so that a long run is one piece.
void HeaderChain::merge(Piece& piece) {
    const auto below = pieces_.find(Height{piece.range.low.value - 1});
    if (below != pieces_.end() && below->second.sender == piece.sender &&
        below->second.top == piece.below) {
        piece.range.low = below->second.range.low;
        piece.below = below->second.below;
        pieces_.erase(below);
    }
    const auto above = pieces_.upper_bound(piece.range.high);
    if (above == pieces_.end() || above->second.range.low.value != piece.range.high.value + 1)
        return;
    if (above->second.sender != piece.sender || above->second.below != piece.top) return;
    piece.range.high = above->second.range.high;
    piece.top = above->second.top;
    pieces_.erase(above);
}

std::vector<HeaderChain::Piece> HeaderChain::link() {
    std::vector<Piece> refused;
    for (auto next = pieces_.find(front_); next != pieces_.end(); next = pieces_.find(front_)) {
        if (next->second.top != expected_) {
            refused.push_back(next->second);
            pieces_.erase(next);
            give_back(refused.back().range);
            break;
        }
        front_ = Height{next->second.range.low.value - 1};
        expected_ = next->second.below;
        pieces_.erase(next);
    }
    return refused;
}

std::uint64_t HeaderChain::held() const {
    std::uint64_t count = anchor_.value - front_.value;
    for (const auto& [high, piece] : pieces_) count += piece.range.count();
    return count;
}

void HeaderChain::check_invariants() const {
    SENNIT_ASSERT(base_ <= front_ && front_ <= anchor_);
    // Gaps and pieces lie apart from each other, above the base and below what is proven.
    std::map<Height, Height> all;
    for (const auto& [high, low] : gaps_) SENNIT_ASSERT(all.emplace(high, low).second);
    for (const auto& [high, piece] : pieces_) {
        SENNIT_ASSERT(high == piece.range.high);
        SENNIT_ASSERT(all.emplace(high, piece.range.low).second);
    }
    auto above = base_;
    for (const auto& [high, low] : all) {
        SENNIT_ASSERT(above < low && low <= high && high <= front_);
        above = high;
    }
    for (auto gap = gaps_.begin(); gap != gaps_.end() && std::next(gap) != gaps_.end(); ++gap) {
        SENNIT_ASSERT(gap->first.value + 1 < std::next(gap)->second.value);
    }
}

}  // namespace sennit::sync
