// SPDX-License-Identifier: MIT
#include "protocol/framing/frame_reader.hpp"

#include <algorithm>

namespace sennit::protocol {

Result<std::optional<Frame>> FrameReader::feed(BytesView& input) {
    if (failed_) return *failed_;
    if (handed_out_) drop();

    if (buffer_.empty()) {
        auto head = checked_head(input.first(std::min(input.size(), FrameLayout::kHeadSizeMax)));
        if (!head) return fail(std::move(head).error());
        if (*head && input.size() - (*head)->head_size >= (*head)->payload_size) {
            const auto size = (*head)->head_size + (*head)->payload_size;
            const Frame frame{(*head)->type,
                              input.subspan((*head)->head_size, (*head)->payload_size), size};
            input = input.subspan(size);
            return std::optional{frame};
        }
    }
    // Byte by byte, because the head's own size is known only when it parses.
    while (!head_ && !input.empty()) {
        SENNIT_ASSERT(buffer_.size() < FrameLayout::kHeadSizeMax);
        buffer_.push_back(input.front());
        input = input.subspan(1);
        auto head = checked_head(buffer_);
        if (!head) return fail(std::move(head).error());
        head_ = *head;
    }
    if (!head_) return std::optional<Frame>{};

    const auto size = head_->head_size + head_->payload_size;
    if (auto kept = append(input, size - buffer_.size()); !kept) {
        return fail(std::move(kept).error());
    }
    if (buffer_.size() < size) return std::optional<Frame>{};
    handed_out_ = true;
    return std::optional{Frame{head_->type, BytesView{buffer_}.subspan(head_->head_size), size}};
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

Result<void> FrameReader::append(BytesView& input, std::size_t wanted) {
    const auto taken = std::min(input.size(), wanted);
    const auto size = buffer_.size() + taken;
    const auto charged = size > FrameBudget::kFree ? size - FrameBudget::kFree : 0;
    if (charged > reserved_) {
        if (!budget_->reserve(charged - reserved_)) {
            return Error{Errc::busy, "no room for another large frame", buffer_.size(), {}};
        }
        reserved_ = charged;
    }
    buffer_.insert(buffer_.end(), input.begin(),
                   input.begin() + static_cast<std::ptrdiff_t>(taken));
    input = input.subspan(taken);
    return {};
}

void FrameReader::drop() {
    // An idle link keeps no more than a small frame's memory.
    constexpr std::size_t kCapacityKept = 4096;
    buffer_.clear();
    if (buffer_.capacity() > kCapacityKept) Bytes{}.swap(buffer_);
    budget_->release(reserved_);
    reserved_ = 0;
    head_.reset();
    handed_out_ = false;
}

Error FrameReader::fail(Error error) {
    drop();
    failed_ = error;
    return error;
}

}  // namespace sennit::protocol
