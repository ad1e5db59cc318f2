// SPDX-License-Identifier: MIT
#include "protocol/framing/frame_budget.hpp"

namespace sennit::protocol {

bool FrameBudget::reserve(PartialFrame& frame, std::size_t bytes) {
    if (frame.reserved_ + bytes > max_) return false;
    for (auto oldest = holders_.begin(); max_ - used_ < bytes;) {
        // What `frame` itself holds fits, so whoever else is in the way can go.
        SENNIT_ASSERT(oldest != holders_.end());
        auto& victim = *(oldest++)->second;
        if (&victim == &frame) continue;
        victim.drop_bytes();
        victim.evicted_ = true;
    }
    if (frame.reserved_ == 0 && bytes > 0) {
        frame.place_ = ++last_;
        holders_.emplace(frame.place_, &frame);
    }
    frame.reserved_ += bytes;
    used_ += bytes;
    return true;
}

void FrameBudget::release(PartialFrame& frame) {
    if (frame.reserved_ == 0) return;
    used_ -= frame.reserved_;
    frame.reserved_ = 0;
    holders_.erase(frame.place_);
}

void FrameBudget::check_invariants() const {
    std::size_t used = 0;
    for (const auto& [place, frame] : holders_) {
        SENNIT_ASSERT(frame->place_ == place && !frame->evicted_);
        SENNIT_ASSERT(frame->reserved_ > 0);
        SENNIT_ASSERT(frame->bytes_.size() == kFree + frame->reserved_);
        used += frame->reserved_;
    }
    SENNIT_ASSERT(used == used_ && used_ <= max_);
}

bool PartialFrame::append(BytesView bytes) {
    SENNIT_ASSERT(!evicted_);
    const auto size = bytes_.size() + bytes.size();
    const auto charged = size > FrameBudget::kFree ? size - FrameBudget::kFree : 0;
    if (charged > reserved_ && !budget_->reserve(*this, charged - reserved_)) return false;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return true;
}

void PartialFrame::clear() {
    drop_bytes();
    evicted_ = false;
}

void PartialFrame::drop_bytes() {
    // An idle link keeps no more than a small frame's memory.
    constexpr std::size_t kCapacityKept = 4096;
    bytes_.clear();
    if (bytes_.capacity() > kCapacityKept) Bytes{}.swap(bytes_);
    budget_->release(*this);
}

}  // namespace sennit::protocol
