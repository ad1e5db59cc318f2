// SPDX-License-Identifier: MIT
#include "sync/branch_stage.hpp"

#include <algorithm>

#include "protocol/body_size.hpp"

namespace sennit::sync {

namespace {

using protocol::Form;

/// Half of what the intake keeps of blocks whose parent is still being executed, so that our own
/// offers never push each other out.
constexpr std::size_t kOffersMax = 32;
constexpr std::size_t kRequestsMax = 2;
/// Fetched and not offered: 15 MiB of the default chain's largest blocks.
constexpr std::size_t kBlocksHeld = 256;
/// Whatever the chain allows, and whatever a liar puts in; besides, only the block that is next.
constexpr std::size_t kBytesHeld = 16 << 20;
/// What a list answer of ours takes at most, for one that has not come.
constexpr std::size_t kAnswerBytes = 2 << 20;

std::size_t held_bytes(const protocol::WireBlock& block) {
    const auto& certificate = block.certificate();
    return size_of(block).held() + block.header().extra_data.size() +
           (certificate ? certificate->signatures.size() * Signature::kSize : 0);
}
/// Until all headers are here, however many answers they come in: the longest branch takes some
/// seconds, and whoever invents one could make it last for days.
constexpr Duration kHeadersPatience = std::chrono::seconds{60};
/// Until the first block is taken in; afterwards each adds a slot's time, up to this. Slower than
/// the chain grows it would never arrive. Execution of one block takes a fraction of a slot; checks
/// and orphans of others may come first.
constexpr Duration kIntakePatience = std::chrono::seconds{30};
/// Who has not even shown its headers by then makes room for another peer; who is being followed,
/// later.
constexpr Duration kHeadersTurn = std::chrono::seconds{10};
constexpr Duration kBlocksTurn = std::chrono::seconds{60};

}  // namespace

void BranchStage::start(Source& peer, const chain::Facts& base, Now now) {
    stop();
    peer_ = peer.peer;
    head_ = next_ = peer.status->head;
    base_height_ = base.height;
    patience_ = now.at + kHeadersPatience;
    turn_ends_ = now.at + kHeadersTurn;
}

void BranchStage::stop() {
    exchange_.forget_if([](const Request& r) {
        return std::holds_alternative<ForBranchHeaders>(r.purpose) ||
               std::holds_alternative<ForBranchBlocks>(r.purpose);
    });
    peer_.reset();
    end_ = End::running;
    ids_.clear();
    linked_ = false;
    next_height_ = bottom_ = Height{0};
    last_timestamp_ = 0;
    blocks_.clear();
    bytes_ = 0;
    asked_to_ = offered_ = accepted_ = 0;
    offers_.clear();
}

void BranchStage::advance(const Known& known, Now now) {
    if (!peer_ || end_ != End::running) return;
    if (linked_) offer(known, now);
    if (linked_ && offered_ == ids_.size() && offers_.empty()) {
        end_ = End::done;
        return;
    }
    if (patience_ <= now.at) {
        end_ = End::failed;
        return;
    }
    auto* source = exchange_.sources().find(*peer_);
    if (source == nullptr) {
        end_ = End::failed;
        return;
    }
    if (source->rests(now.at)) return;
    if (!linked_) {
        ask_headers(*source, now);
    } else {
        ask_blocks(*source, now);
    }
}

void BranchStage::ask_headers(Source& source, Now now) {
    if (count_for<ForBranchHeaders>(exchange_) > 0) return;
    const auto most = source.traits.headers_max > 0
                          ? std::min(options_.headers_batch, source.traits.headers_max)
                          : options_.headers_batch;
    exchange_.ask(source, protocol::GetHeaders{next_, most, true}, ForBranchHeaders{}, now);
}

void BranchStage::ask_blocks(Source& source, Now now) {
    auto most = std::min<std::size_t>(options_.blocks_batch, protocol::kBlocksMax);
    if (source.traits.blocks_max > 0) most = std::min<std::size_t>(most, source.traits.blocks_max);
    while (asked_to_ < ids_.size() && asked_to_ - offered_ < kBlocksHeld) {
        const auto asked = count_for<ForBranchBlocks>(exchange_);
        if (asked == kRequestsMax) return;
        // Without the block that is next nothing ever leaves.
        if (asked_to_ != offered_ && bytes_ + (asked + 1) * kAnswerBytes > kBytesHeld) return;
        const auto count = std::min(most, ids_.size() - asked_to_);
        const auto first = ids_.begin() + static_cast<std::ptrdiff_t>(asked_to_);
        std::vector<BlockId> ids(first, first + static_cast<std::ptrdiff_t>(count));
        exchange_.ask(source, protocol::GetBlocks{std::move(ids)},
                      ForBranchBlocks{asked_to_, count}, now);
        asked_to_ += count;
    }
}

void BranchStage::offer(const Known& known, Now now) {
    while (offered_ < ids_.size() && offers_.size() < kOffersMax) {
        if (known(ids_[offered_])) {
            // It came by the ordinary way meanwhile.
            drop(offered_);
            asked_to_ = std::max(asked_to_, ++offered_);
            take_in(now);
            continue;
        }
        const auto held = blocks_.find(offered_);
        if (held == blocks_.end()) return;
        auto block = held->second;
        drop(offered_);
        offers_.insert(ids_[offered_]);
        // A short answer may have set it back below what came with a later one.
        asked_to_ = std::max(asked_to_, ++offered_);
        exchange_.out(Offer{*peer_, std::move(block)});
    }
}

void BranchStage::drop(std::size_t index) {
    const auto found = blocks_.find(index);
    if (found == blocks_.end()) return;
    bytes_ -= held_bytes(found->second);
    blocks_.erase(found);
}

Result<std::size_t> BranchStage::on_answer(const Request& request, const protocol::Message& answer,
                                           const Known& known, Now now) {
    SENNIT_ASSERT(peer_ == request.peer);
    auto done = [&] {
        if (const auto* ask = std::get_if<ForBranchBlocks>(&request.purpose))
            return on_blocks(*ask, answer);
        return on_headers(answer, known, now);
    }();
    if (!done) end_ = End::failed;
    return done;
}

Result<std::size_t> BranchStage::on_headers(const protocol::Message& answer, const Known& known,
                                            Now now) {
    const auto* list = std::get_if<protocol::Headers>(&answer);
    if (list == nullptr) return Error{Errc::unknown_type, "not an answer to a request for headers"};
    if (list->headers.size() > protocol::kHeadersMax)
        return Error{Errc::oversized, "more headers than were asked for"};
    if (list->headers.empty()) {
        // The rest of its branch is final there, or its head has changed since it told us.
        if (!ids_.empty()) {
            end_ = End::detached;
            return std::size_t{0};
        }
        return Error{Errc::not_found, "does not know the head that it told"};
    }
    for (const auto& one : list->headers) {
        const auto& header = one.header;
        if (one.id != next_) return Error{Errc::mismatch, "branch headers that do not link"};
        if (next_height_.value > 0 && header.height != next_height_) {
            return Error{Errc::mismatch, "branch header of another height"};
        }
        const bool later = last_timestamp_ == 0 || header.timestamp < last_timestamp_;
        if (!later || !schedule_.slot_of(header.timestamp))
            return Error{Errc::invalid, "branch header outside its slot"};
        if (header.height <= base_height_)
            return Error{Errc::not_found, "branch that leaves our finalised chain"};
        if (ids_.size() == options_.branch_max)
            return Error{Errc::not_found, "branch longer than is followed"};
        ids_.push_back(one.id);
        bottom_ = header.height;
        next_ = header.previous_hash;
        next_height_ = header.height - 1;
        last_timestamp_ = header.timestamp;
        if (!known(next_)) continue;
        linked_ = true;
        patience_ = now.at + kIntakePatience;
        turn_ends_ = now.at + kBlocksTurn;
        std::reverse(ids_.begin(), ids_.end());
        break;
    }
    return list->headers.size();
}

Result<std::size_t> BranchStage::on_blocks(const ForBranchBlocks& ask,
                                           const protocol::Message& answer) {
    const auto* list = std::get_if<protocol::Blocks>(&answer);
    if (list == nullptr) return Error{Errc::unknown_type, "not an answer to a request for blocks"};
    // Final and pruned meanwhile, or it never had them: ask for its new head.
    if (list->blocks.empty()) return Error{Errc::not_found, "none of the blocks of its branch"};
    if (list->blocks.size() > ask.count)
        return Error{Errc::oversized, "more blocks than were asked for"};
    for (std::size_t i = 0; i < list->blocks.size(); ++i) {
        const auto& block = list->blocks[i];
        if (!block.has_value() || block.id() != ids_[ask.first + i]) {
            return Error{Errc::mismatch, "another block than was asked for"};
        }
        if (!size_of(block).fits(body_bytes_max_))
            return Error{Errc::oversized, "body larger than the chain allows"};
    }
    const auto kept = hold(ask.first, list->blocks);
    // Answers come in order of the requests, so asking again from here keeps them so.
    if (kept < ask.count) asked_to_ = std::max(offered_, std::min(asked_to_, ask.first + kept));
    return list->blocks.size();
}

/// How many from the first on need not be asked for again.
std::size_t BranchStage::hold(std::size_t first, std::span<const protocol::WireBlock> blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto index = first + i;
        if (index < offered_) continue;
        drop(index);
        const auto bytes = held_bytes(blocks[i]);
        if (index != offered_ && bytes_ + bytes > kBytesHeld) return i;
        bytes_ += bytes;
        blocks_.emplace(index, blocks[i]);
    }
    return blocks.size();
}

void BranchStage::on_failed(const Purpose& purpose, bool busy) {
    if (const auto* ask = std::get_if<ForBranchBlocks>(&purpose))
        asked_to_ = std::min(asked_to_, ask->first);
    asked_to_ = std::max(asked_to_, offered_);
    if (!busy) end_ = End::failed;
}

void BranchStage::on_offer_done(const BlockId& id, bool accepted, Now now) {
    if (offers_.erase(id) == 0) return;
    if (!accepted) {
        // Whoever is to blame has been blamed where it was decided.
        end_ = End::failed;
        return;
    }
    take_in(now);
}

void BranchStage::take_in(Now now) {
    ++accepted_;
    const std::chrono::seconds slot{schedule_.slot_seconds()};
    patience_ = std::min<Instant>(patience_ + slot, now.at + kIntakePatience);
}

std::optional<Instant> BranchStage::deadline() const {
    if (!peer_ || end_ != End::running) return std::nullopt;
    return patience_;
}

void BranchStage::check_invariants() const {
    SENNIT_ASSERT(ids_.size() <= options_.branch_max);
    SENNIT_ASSERT(offers_.size() <= kOffersMax);
    SENNIT_ASSERT(offered_ <= asked_to_ && asked_to_ <= ids_.size());
    SENNIT_ASSERT(blocks_.size() <= kBlocksHeld + 2 * protocol::kBlocksMax);
    std::size_t bytes = 0;
    for (const auto& [index, block] : blocks_) {
        SENNIT_ASSERT(offered_ <= index && index < ids_.size());
        bytes += held_bytes(block);
    }
    const auto next = blocks_.find(offered_);
    SENNIT_ASSERT(bytes == bytes_);
    SENNIT_ASSERT(bytes_ <= kBytesHeld + (next == blocks_.end() ? 0 : held_bytes(next->second)));
}

}  // namespace sennit::sync
