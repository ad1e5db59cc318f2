// SPDX-License-Identifier: MIT
#include "transport/tcp/send_queue.hpp"

namespace sennit::transport::tcp {

namespace {

/// Places of `waiting_` that may lie unused before the rest moves up; moving is then rare.
constexpr std::size_t kUnusedMax = 256;
/// A queue that once was longer than this gives its memory back when it is empty.
constexpr std::size_t kCapacityKept = 16;

}  // namespace

void SendQueue::push(SharedBytes bytes, bool apart) {
    SENNIT_ASSERT(bytes && !bytes->empty());
    // One that is alone leaves at once, as a rule, and is not worth a copy.
    const bool gathered = !apart && !empty() && bytes->size() <= kSmallMax;
    size_ += bytes->size();
    if (!gathered) {
        buffer_.reset();
        waiting_.push_back(std::move(bytes));
        return;
    }
    if (!buffer_ || buffer_->size() + bytes->size() > kBufferSizeMax) {
        buffer_ = std::make_shared<Bytes>();
        waiting_.push_back(buffer_);
    }
    buffer_->insert(buffer_->end(), bytes->begin(), bytes->end());
}

std::span<const boost::asio::const_buffer> SendQueue::front(Pieces& storage,
                                                            std::size_t pieces_max) const {
    const auto count = std::min({waiting_.size() - head_, pieces_max, kPiecesMax});
    for (std::size_t i = 0; i < count; ++i) {
        storage[i] = boost::asio::buffer(*waiting_[head_ + i]);
    }
    if (count > 0) storage[0] += head_offset_;
    return {storage.data(), count};
}

void SendQueue::consume(std::size_t n) {
    SENNIT_ASSERT(n <= size_);
    size_ -= n;
    head_offset_ += n;
    while (head_ < waiting_.size() && head_offset_ >= waiting_[head_]->size()) {
        head_offset_ -= waiting_[head_]->size();
        if (waiting_[head_] == buffer_) buffer_.reset();
        waiting_[head_].reset();
        ++head_;
    }
    if (size_ == 0) {
        clear();
    } else if (head_ > kUnusedMax && head_ > waiting_.size() / 2) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(head_));
        head_ = 0;
    }
}

void SendQueue::clear() {
    waiting_.clear();
    buffer_.reset();
    if (waiting_.capacity() > kCapacityKept) waiting_.shrink_to_fit();
    head_ = 0;
    head_offset_ = 0;
    size_ = 0;
}

}  // namespace sennit::transport::tcp
