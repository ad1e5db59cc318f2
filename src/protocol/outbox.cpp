// SPDX-License-Identifier: MIT
#include "protocol/outbox.hpp"

namespace sennit::protocol {

bool Outbox::push(Priority priority, std::span<const SharedBytes> frames,
                  std::optional<Instant> expires) {
    const auto index = static_cast<std::size_t>(priority);
    auto& lane = lanes_[index];
    std::size_t bytes = 0;
    for (const auto& frame : frames) bytes += frame->size();
    if (lane.bytes + bytes > limits_[index] && !lane.items.empty()) {
        lane.refused = true;
        return false;
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        SENNIT_ASSERT(!frames[i]->empty());
        lane.items.push_back(
            {frames[i], i == 0 ? expires : std::nullopt, i == 0 ? frames.size() - 1 : 0});
    }
    lane.bytes += bytes;
    bytes_total_ += bytes;
    return true;
}

void Outbox::drop_expired(Lane& lane, Instant now) {
    while (!lane.items.empty() && lane.items.front().expires &&
           *lane.items.front().expires <= now) {
        for (auto left = lane.items.front().frames_after + 1; left > 0; --left) {
            lane.bytes -= lane.items.front().bytes->size();
            bytes_total_ -= lane.items.front().bytes->size();
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
    lane.bytes -= size;
    bytes_total_ -= size;
    if (whole) {
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
        if (!lanes_[i].refused || lanes_[i].bytes > limits_[i] / 2) continue;
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
            lane.bytes -= lane.items.back().bytes->size();
            bytes_total_ -= lane.items.back().bytes->size();
            lane.items.pop_back();
        }
        if (kept == 1) lane.items.front().frames_after = 0;
    }
}

void Outbox::clear() {
    for (auto& lane : lanes_) lane = Lane{};
    bytes_total_ = 0;
    begun_.reset();
    begun_offset_ = 0;
}

void Outbox::check_invariants() const {
    std::size_t total = 0;
    for (std::size_t i = 0; i < kPriorities; ++i) {
        std::size_t bytes = 0;
        for (const auto& item : lanes_[i].items) bytes += item.bytes->size();
        if (begun_ == i) bytes -= begun_offset_;
        SENNIT_ASSERT(bytes == lanes_[i].bytes);
        SENNIT_ASSERT(bytes <= limits_[i] || !lanes_[i].items.empty());
        total += bytes;
    }
    SENNIT_ASSERT(total == bytes_total_);
    SENNIT_ASSERT(begun_.has_value() == (begun_offset_ != 0));
}

}  // namespace sennit::protocol
