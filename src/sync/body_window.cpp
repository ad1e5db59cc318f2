// SPDX-License-Identifier: MIT
#include "sync/body_window.hpp"

#include "protocol/body_size.hpp"

namespace sennit::sync {

namespace {

/// Of an empty block; computed once.
const Digest& empty_root() {
    static const Digest root = merkle_root({});
    return root;
}

}  // namespace

void BodyWindow::start(Height first) {
    entries_.clear();
    submitted_ = bytes_ = 0;
    first_ = first;
}

void BodyWindow::push(protocol::WireHeader header) {
    SENNIT_ASSERT(header.header.height == next());
    auto& entry = entries_.emplace_back();
    if (header.header.txs_root == empty_root())
        entry.block = protocol::WireBlock{header, {}, nullptr};
    entry.header = std::move(header);
}

std::vector<Height> BodyWindow::missing(std::size_t max, PeerRef peer) const {
    std::vector<Height> heights;
    for (std::size_t i = submitted_; i < entries_.size() && heights.size() < max; ++i) {
        const auto& entry = entries_[i];
        if (!entry.block && entry.asked == 0 && entry.wrong != peer) heights.push_back(first_ + i);
    }
    return heights;
}

std::vector<Height> BodyWindow::lacking(std::span<const Height> heights) const {
    std::vector<Height> out;
    for (const auto height : heights) {
        if (contains(height) && !at(height).block) out.push_back(height);
    }
    return out;
}

std::optional<Height> BodyWindow::front() const {
    for (std::size_t i = submitted_; i < entries_.size(); ++i) {
        if (!entries_[i].block) return first_ + i;
    }
    return std::nullopt;
}

void BodyWindow::ask(std::span<const Height> heights) {
    for (const auto height : heights) ++at(height).asked;
}

void BodyWindow::give_back(std::span<const Height> heights) {
    for (const auto height : heights) {
        if (!contains(height)) continue;
        SENNIT_ASSERT(at(height).asked > 0);
        --at(height).asked;
    }
}

bool BodyWindow::hold(Height height, std::vector<protocol::WireTransaction> body, PeerRef sender) {
    auto& entry = at(height);
    if (entry.block) return false;
    entry.bytes = size_of(body).held();
    bytes_ += entry.bytes;
    entry.block = protocol::WireBlock{entry.header, std::move(body), nullptr};
    entry.sender = sender;
    return true;
}

std::size_t BodyWindow::ready() const {
    std::size_t count = 0;
    while (submitted_ + count < entries_.size() && entries_[submitted_ + count].block) ++count;
    return count;
}

BodyWindow::Batch BodyWindow::submit(std::size_t max, std::size_t bytes_max) {
    Batch batch;
    std::size_t bytes = 0;
    while (batch.blocks.size() < max && submitted_ < entries_.size()) {
        const auto& entry = entries_[submitted_];
        bytes += entry.bytes;
        if (!entry.block || (bytes > bytes_max && !batch.blocks.empty())) break;
        batch.blocks.push_back(*entry.block);
        batch.senders.push_back(entry.sender.value_or(PeerRef{}));
        ++submitted_;
    }
    return batch;
}

void BodyWindow::withdraw() {
    submitted_ = 0;
}

void BodyWindow::applied(std::size_t count) {
    SENNIT_ASSERT(count <= entries_.size());
    for (std::size_t i = 0; i < count; ++i) {
        bytes_ -= entries_.front().bytes;
        entries_.pop_front();
    }
    first_ = first_ + count;
    submitted_ -= std::min(submitted_, count);
}

std::optional<PeerRef> BodyWindow::reject_front() {
    SENNIT_ASSERT(!entries_.empty() && submitted_ == 0);
    const auto liar = entries_.front().sender;
    if (!liar) return std::nullopt;
    for (auto& entry : entries_) {
        if (entry.sender == liar) drop_body(entry);
    }
    entries_.front().wrong = liar;
    return liar;
}

void BodyWindow::drop_body(Entry& entry) {
    bytes_ -= entry.bytes;
    entry.bytes = 0;
    entry.block.reset();
    entry.sender.reset();
}

void BodyWindow::check_invariants() const {
    SENNIT_ASSERT(submitted_ <= entries_.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto& entry = entries_[i];
        bytes += entry.bytes;
        SENNIT_ASSERT(entry.header.header.height == first_ + i);
        SENNIT_ASSERT(i >= submitted_ || entry.block);
        SENNIT_ASSERT(entry.block || (!entry.sender && entry.bytes == 0));
    }
    SENNIT_ASSERT(bytes == bytes_);
}

}  // namespace sennit::sync
