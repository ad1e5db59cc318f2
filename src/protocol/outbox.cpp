// SPDX-License-Identifier: MIT
#include "protocol/outbox.hpp"

namespace sennit::protocol {

bool Outbox::push(Priority priority, std::span<const SharedBytes> frames,
                  std::optional<Instant> expires) {
    const auto index = static_cast<std::size_t>(priority);
    auto& lane = lanes_[index];
    std::size_t cost = 0;
    for (const auto& frame : frames) cost += cost_of(frame);
    if (lane.cost + cost > limits_[index] && !lane.items.empty()) {
        lane.refused = true;
        return false;
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        SENNIT_ASSERT(!frames[i]->empty());
        lane.items.push_back(
            {frames[i], i == 0 ? expires : std::nullopt, i == 0 ? frames.size() - 1 : 0, false});
    }
    lane.cost += cost;
    cost_total_ += cost;
    return true;
}

bool Outbox::push_once(const SharedBytes& frame) {
    if (once_waits_) return true;
    if (!push(Priority::control, {&frame, 1}, std::nullopt)) return false;
    lanes_[static_cast<std::size_t>(Priority::control)].items.back().once = true;
    once_waits_ = true;
    return true;
}

void Outbox::drop_expired(Lane& lane, Instant now) {
    while (!lane.items.empty() && lane.items.front().expires &&
           *lane.items.front().expires <= now) {
        for (auto left = lane.items.front().frames_after + 1; left > 0; --left) {
            lane.cost -= cost_of(lane.items.front().bytes);
            cost_total_ -= cost_of(lane.items.front().bytes);
            lane.items.pop_front();
        }
        ++expired_;
    }
}

SharedBytes Outbox::pop(std::size_t room, std::size_t piece_min, bool may_split, Instant now) {
    auto index = begun_;
    for (std::size_t i = 0; i < kPriorities && !index; ++i) {
        drop_expired(lanes_[i], now);
        if (!lanes_[i].items.empty()) index = i;
    }
    if (!index) return nullptr;

    auto& lane = lanes_[*index];
    const SharedBytes frame = lane.items.front().bytes;
    const auto left = frame->size() - begun_offset_;
    const bool whole = left <= room;
    if (!whole && (!may_split || room < piece_min)) return nullptr;

    const auto size = whole ? left : room;
    const auto from = frame->begin() + static_cast<std::ptrdiff_t>(begun_offset_);
    auto piece = size == frame->size() ? frame
                                       : std::make_shared<const Bytes>(
                                             from, from + static_cast<std::ptrdiff_t>(size));
    const auto cost = size + (whole ? kFrameOverhead : 0);
    lane.cost -= cost;
    cost_total_ -= cost;
    if (whole) {
        if (lane.items.front().once) once_waits_ = false;
        lane.items.pop_front();
        begun_.reset();
        begun_offset_ = 0;
    } else {
        begun_ = index;
        begun_offset_ += size;
    }
    return piece;
}

bool Outbox::take_ready() {
    bool ready = false;
    for (std::size_t i = 0; i < kPriorities; ++i) {
        if (!lanes_[i].refused || lanes_[i].cost > limits_[i] / 2) continue;
        lanes_[i].refused = false;
        ready = true;
    }
    return ready;
}

void Outbox::drop_all_but_control() {
    for (std::size_t i = static_cast<std::size_t>(Priority::control) + 1; i < kPriorities; ++i) {
        auto& lane = lanes_[i];
        const std::size_t kept = begun_ == i ? 1 : 0;
        while (lane.items.size() > kept) {
            lane.cost -= cost_of(lane.items.back().bytes);
            cost_total_ -= cost_of(lane.items.back().bytes);
            lane.items.pop_back();
        }
        if (kept == 1) lane.items.front().frames_after = 0;
    }
}

void Outbox::clear() {
    for (auto& lane : lanes_) lane = Lane{};
    cost_total_ = 0;
    begun_.reset();
    begun_offset_ = 0;
    once_waits_ = false;
}

void Outbox::check_invariants() const {
    std::size_t total = 0;
    std::size_t once = 0;
    for (std::size_t i = 0; i < kPriorities; ++i) {
        std::size_t cost = 0;
        for (const auto& item : lanes_[i].items) {
            cost += cost_of(item.bytes);
            once += item.once ? 1 : 0;
        }
        if (begun_ == i) cost -= begun_offset_;
        SENNIT_ASSERT(cost == lanes_[i].cost);
        SENNIT_ASSERT(cost <= limits_[i] || !lanes_[i].items.empty());
        total += cost;
    }
    SENNIT_ASSERT(total == cost_total_);
    SENNIT_ASSERT(once == (once_waits_ ? 1u : 0u));
    SENNIT_ASSERT(begun_.has_value() == (begun_offset_ != 0));
}

}  // namespace sennit::protocol
