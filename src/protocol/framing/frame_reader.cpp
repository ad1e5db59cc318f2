// SPDX-License-Identifier: MIT
#include "protocol/framing/frame_reader.hpp"

#include <algorithm>

namespace sennit::protocol {
namespace {

std::size_t size_of(const FrameHead& head) {
    return head.head_size + head.payload_size;
}

Error no_room(std::size_t at) {
    return {Errc::busy, "no room for another large frame", at, {}};
}

}  // namespace

Result<std::optional<Frame>> FrameReader::feed(BytesView& input, Instant now) {
    if (failed_) return *failed_;
    if (handed_out_) drop();
    if (partial_.evicted()) return fail(no_room(0));

    if (!head_ && partial_.empty()) {
        auto head = checked_head(input.first(std::min(input.size(), FrameLayout::kHeadSizeMax)));
        if (!head) return fail(std::move(head).error());
        if (*head && input.size() - (*head)->head_size >= (*head)->payload_size) {
            const auto payload = input.subspan((*head)->head_size, (*head)->payload_size);
            input = input.subspan(size_of(**head));
            return std::optional{frame(**head, payload, layout_->is_wanted((*head)->type))};
        }
    }
    if (auto read = read_head(input, now); !read) return fail(std::move(read).error());
    if (!head_) return std::optional<Frame>{};

    if (unwanted_left_) {
        const auto passed = std::min(input.size(), *unwanted_left_);
        input = input.subspan(passed);
        *unwanted_left_ -= passed;
        if (*unwanted_left_ > 0) return std::optional<Frame>{};
        const auto unwanted = frame(*head_, {}, false);
        drop();
        return std::optional{unwanted};
    }
    const auto taken = std::min(input.size(), size_of(*head_) - partial_.size());
    if (!partial_.append(input.first(taken))) return fail(no_room(partial_.size()));
    input = input.subspan(taken);
    if (partial_.size() < size_of(*head_)) return std::optional<Frame>{};
    handed_out_ = true;
    deadline_.reset();
    return std::optional{frame(*head_, partial_.bytes().subspan(head_->head_size), true)};
}

/// Byte by byte, because the head's own size is known only when it parses.
Result<void> FrameReader::read_head(BytesView& input, Instant now) {
    while (!head_ && !input.empty()) {
        SENNIT_ASSERT(partial_.size() < FrameLayout::kHeadSizeMax);
        const bool kept = partial_.append(input.first(1));
        SENNIT_ASSERT(kept);
        input = input.subspan(1);
        SENNIT_TRY(head_, checked_head(partial_.bytes()));
        if (!head_) continue;
        if (!layout_->is_wanted(head_->type)) {
            unwanted_left_ = head_->payload_size;
        } else if (size_of(*head_) > FrameBudget::kFree) {
            deadline_ = now + frame_time();
        }
    }
    return {};
}

Frame FrameReader::frame(const FrameHead& head, BytesView payload, bool wanted) const {
    return {head.type, wanted ? payload : BytesView{}, size_of(head), !wanted};
}

Result<std::optional<FrameHead>> FrameReader::checked_head(BytesView prefix) const {
    SENNIT_TRY(auto head, layout_->parse(prefix));
    if (!head) return head;
    SENNIT_ASSERT(head->head_size <= prefix.size());
    SENNIT_TRY(const auto limit, layout_->payload_size_max(head->type));
    if (head->payload_size > limit) {
        return Error{Errc::oversized, "frame above the limit of its type", 0,
                     std::to_string(head->payload_size) + " bytes of type " +
                         std::to_string(head->type) + ", at most " + std::to_string(limit)};
    }
    return head;
}

Duration FrameReader::frame_time() const {
    const auto ms = size_of(*head_) * 1000 / kFrameRateMin;
    return kFrameTime + std::chrono::milliseconds{ms};
}

void FrameReader::restart_clock(Instant now) {
    if (deadline_) deadline_ = now + frame_time();
}

void FrameReader::drop() {
    partial_.clear();
    head_.reset();
    unwanted_left_.reset();
    deadline_.reset();
    handed_out_ = false;
}

Error FrameReader::fail(Error error) {
    drop();
    failed_ = error;
    return error;
}

}  // namespace sennit::protocol
