// SPDX-License-Identifier: MIT
#include "libp2p/yamux/byte_queue.hpp"

#include <algorithm>

namespace sennit::libp2p::yamux {

void ByteQueue::append(BytesView bytes) {
    while (!bytes.empty()) {
        if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) {
            // As large as all before it, so that small pieces need few chunks.
            const auto wanted = std::max({bytes.size(), size_, kChunkMin});
            chunks_.emplace_back().reserve(std::min(wanted, kChunkMax));
        }
        auto& chunk = chunks_.back();
        const auto fits = bytes.first(std::min(bytes.size(), chunk.capacity() - chunk.size()));
        chunk.insert(chunk.end(), fits.begin(), fits.end());
        size_ += fits.size();
        bytes = bytes.subspan(fits.size());
    }
}

BytesView ByteQueue::front() const {
    if (chunks_.empty()) return {};
    return BytesView{chunks_.front()}.subspan(head_);
}

void ByteQueue::consume(std::size_t n) {
    SENNIT_ASSERT(n <= size_);
    size_ -= n;
    if (size_ == 0) return clear();
    while (n > 0) {
        const auto taken = std::min(n, chunks_.front().size() - head_);
        head_ += taken;
        n -= taken;
        if (head_ < chunks_.front().size()) continue;
        chunks_.pop_front();
        head_ = 0;
    }
}

void ByteQueue::move_to(Bytes& out, std::size_t n) {
    SENNIT_ASSERT(n <= size_);
    while (n > 0) {
        const auto piece = front().first(std::min(n, front().size()));
        out.insert(out.end(), piece.begin(), piece.end());
        n -= piece.size();
        consume(piece.size());
    }
}

void ByteQueue::clear() {
    chunks_.clear();
    head_ = 0;
    size_ = 0;
}

}  // namespace sennit::libp2p::yamux
