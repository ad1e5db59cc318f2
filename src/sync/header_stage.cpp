// SPDX-License-Identifier: MIT
#include "sync/header_stage.hpp"

#include <algorithm>

namespace sennit::sync {

namespace {

using protocol::Form;
using protocol::WireHeader;

/// How long the prover's own status may lag behind its proof.
constexpr Duration kProverPatience = std::chrono::seconds{10};
/// Headers that are read back at once.
constexpr std::uint32_t kStride = 2048;
/// Reading back ends after eight million heights: beyond that fetching again is as quick.
constexpr std::size_t kScanStepsMax = 4096;

bool claims(const Source& source, Height height) {
    return source.traits.sennit && source.status && source.status->finalised_height >= height &&
           source.serves_headers();
}

}  // namespace

Result<std::vector<WireHeader>> headers_of(const ForHeaders& ask, const protocol::Message& answer) {
    std::vector<WireHeader> headers;
    if (const auto* list = std::get_if<protocol::Headers>(&answer)) {
        headers = list->headers;
        if (ask.downwards) std::reverse(headers.begin(), headers.end());
    } else if (const auto* blocks = std::get_if<protocol::Blocks>(&answer)) {
        for (const auto& block : blocks->blocks) {
            if (!block.has_value()) return Error{Errc::malformed, "empty block"};
            headers.emplace_back(block.header(), block.id());
        }
    } else {
        return Error{Errc::unknown_type, "not an answer to a request for headers"};
    }
    if (headers.empty()) return Error{Errc::mismatch, "none of the headers that it claims to have"};
    if (headers.size() > ask.range.count())
        return Error{Errc::oversized, "more headers than were asked for"};
    const auto low =
        ask.downwards ? Height{ask.range.high.value - (headers.size() - 1)} : ask.range.low;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers[i].header.height != low + i)
            return Error{Errc::mismatch, "header of another height"};
        if (i > 0 && headers[i].header.previous_hash != headers[i - 1].id) {
            return Error{Errc::mismatch, "headers that do not link"};
        }
    }
    return headers;
}

void HeaderStage::start(const chain::Facts& base, const Anchor& anchor, Now now) {
    stop();
    anchor_ = anchor;
    base_id_ = base.id;
    base_slot_ = base.slot;
    base_height_ = base.height;
    chain_.emplace(base.height, anchor.height, anchor.id);
    prover_until_ = now.at + kProverPatience;
}

void HeaderStage::stop() {
    chain_.reset();
    trusted_at_.reset();
    confirmed_ = asked_prover_ = scanned_ = false;
    scanning_.reset();
    scan_next_ = Height{0};
    scan_steps_ = 0;
    exchange_.forget_if(
        [](const Request& r) { return std::holds_alternative<ForHeaders>(r.purpose); });
}

std::uint64_t HeaderStage::batch(const Source& source) const {
    const std::uint64_t wanted = source.traits.sennit && source.traits.headers_max > 0
                                     ? options_.headers_batch_sennit
                                     : options_.headers_batch;
    const std::uint64_t most = source.answers(Form::headers_by_height) ? source.traits.headers_max
                                                                       : source.traits.blocks_max;
    return std::max<std::uint64_t>(1, most > 0 ? std::min(wanted, most) : wanted);
}

void HeaderStage::ask(Source& source, const Range& range, bool anchor, Now now) {
    const auto count = static_cast<std::uint32_t>(range.count());
    if (!source.answers(Form::headers_by_height)) {
        exchange_.ask(source, protocol::GetBlocks{protocol::BlockRange{range.low, count}},
                      ForHeaders{range, false, anchor}, now);
    } else if (source.answers(Form::headers_newest_first)) {
        exchange_.ask(source, protocol::GetHeaders{range.high, count, true},
                      ForHeaders{range, true, anchor}, now);
    } else {
        exchange_.ask(source, protocol::GetHeaders{range.low, count, false},
                      ForHeaders{range, false, anchor}, now);
    }
}

Result<void> HeaderStage::advance(Now now) {
    // Peers may be faster than the disk: what it has not taken is in memory.
    if (!chain_ || chain_->complete() || !disk_keeps_up()) return {};
    if (!confirmed_) return ask_prover(now);
    scan();
    if (!scanned_) return {};
    while (count_for<ForHeaders>(exchange_) < options_.header_ranges_max && ask_range(now)) {
    }
    return {};
}

Result<void> HeaderStage::ask_prover(Now now) {
    if (asked_prover_) return {};
    auto* prover = exchange_.sources().find(anchor_.prover);
    if (prover == nullptr) return Error{Errc::not_found, "who proved finality is gone"};
    if (prover->busy_until && now.at < *prover->busy_until) return {};
    if (!claims(*prover, anchor_.height)) {
        // Its proof may be a moment younger than its status.
        if (prover_until_ <= now.at)
            return Error{Errc::timeout, "proves finality that it does not hold"};
        return {};
    }
    // A prefix from below might end before the one that matters.
    const auto max = prover->answers(Form::headers_newest_first) ? batch(*prover) : 1;
    const auto range = chain_->take(anchor_.height, max);
    SENNIT_ASSERT(range && range->high == anchor_.height);
    asked_prover_ = true;
    ask(*prover, *range, true, now);
    return {};
}

bool HeaderStage::ask_range(Now now) {
    // Who has all of it first; else whoever has a lower part.
    const auto top = chain_->highest_open();
    if (!top) return false;
    auto& sources = exchange_.sources();
    auto* source =
        sources.choose(Work::headers, now.at, [&](const Source& s) { return claims(s, *top); });
    if (source == nullptr) {
        const auto bottom = chain_->lowest_open();
        source = sources.choose(Work::headers, now.at,
                                [&](const Source& s) { return claims(s, *bottom); });
    }
    if (source == nullptr) return false;
    const auto range = chain_->take(source->status->finalised_height, batch(*source));
    if (!range) return false;
    ask(*source, *range, false, now);
    return true;
}

/// What fills a range last decides: one that did not link is filled again.
void HeaderStage::note_trusted(const Range& range, std::optional<Height> found) {
    if (found) {
        trusted_at_ = found;
    } else if (trusted_at_ && range.low <= *trusted_at_ && *trusted_at_ <= range.high) {
        trusted_at_.reset();
    }
}

/// Upwards, from one run of rows to the next: the disk tells where that begins.
void HeaderStage::scan() {
    if (scanned_ || scanning_) return;
    if (scan_next_ <= base_height_) scan_next_ = base_height_ + 1;
    const auto open = chain_->highest_open();
    if (!open || *open < scan_next_ || scan_steps_ == kScanStepsMax) {
        scanned_ = true;
        return;
    }
    ++scan_steps_;
    const auto count = std::min<std::uint64_t>(kStride, *open - scan_next_ + 1);
    scanning_ = Range{scan_next_, Height{scan_next_.value + count - 1}};
    exchange_.out(LoadHeaders{scan_next_, static_cast<std::uint32_t>(count)});
}

void HeaderStage::on_loaded(Height from, Height first, const std::vector<Bytes>& rows) {
    if (!scanning_ || scanning_->low != from) return;
    const auto asked = *std::exchange(scanning_, std::nullopt);
    if (rows.empty()) {
        scanned_ = true;
        return;
    }
    if (first > asked.high) {
        scan_next_ = first;
        return;
    }
    HeaderChain::Piece piece{{first, first}, {}, {}, std::nullopt};
    std::uint64_t count = 0;
    std::optional<Height> trusted;
    for (const auto& row : rows) {
        if (first + count > asked.high) break;
        const auto header = decode_header(row);
        if (!header || header->height != first + count) break;
        if (count > 0 && header->previous_hash != piece.top) break;
        if (count == 0) piece.below = header->previous_hash;
        piece.top = header_id(row);
        if (is_trusted(piece.top)) trusted = header->height;
        ++count;
    }
    scan_next_ = first + std::max<std::uint64_t>(count, 1);
    if (count == 0) return;
    piece.range.high = Height{first.value + count - 1};
    if (!chain_->fits(piece) || !chain_->claim(piece.range)) return;
    note_trusted(piece.range, trusted);
    // Rows of another chain, or of a liar's: nobody is blamed twice, they are fetched again.
    (void)chain_->add(std::move(piece));
}

void HeaderStage::on_kept() {
    SENNIT_ASSERT(writes_ > 0);
    --writes_;
}

Result<std::size_t> HeaderStage::on_answer(const Request& request, const protocol::Message& answer,
                                           Now now) {
    const auto& ask = std::get<ForHeaders>(request.purpose);
    SENNIT_ASSERT(chain_);
    if (ask.anchor) asked_prover_ = false;
    auto headers = headers_of(ask, answer);
    if (!headers) {
        chain_->give_back(ask.range);
        return std::move(headers).error();
    }
    const Range got{headers->front().header.height, headers->back().header.height};
    HeaderChain::Piece piece{got, headers->back().id, headers->front().header.previous_hash,
                             request.peer};
    if (!chain_->fits(piece) || (ask.anchor && got.high != anchor_.height)) {
        chain_->give_back(ask.range);
        return Error{Errc::mismatch, "headers that do not lead to the certified one"};
    }
    KeepHeaders keep;
    keep.headers.reserve(headers->size());
    std::optional<Height> trusted;
    for (const auto& one : *headers) {
        if (is_trusted(one.id)) trusted = one.header.height;
        keep.headers.emplace_back(one.header.height, encode(one.header));
    }
    exchange_.out(std::move(keep));
    ++writes_;

    if (ask.range.low < got.low) chain_->give_back({ask.range.low, got.low - 1});
    if (got.high < ask.range.high) chain_->give_back({got.high + 1, ask.range.high});
    if (ask.anchor) confirmed_ = true;
    note_trusted(got, trusted);
    for (const auto& refused : chain_->add(std::move(piece))) {
        if (!refused.sender) continue;
        exchange_.blame(*refused.sender, Blame::What::wrong_answer,
                        "headers that do not link to the certified one", now);
    }
    return headers->size();
}

Result<void> HeaderStage::on_failed(const ForHeaders& ask, bool busy) {
    if (!chain_) return {};
    chain_->give_back(ask.range);
    if (!ask.anchor) return {};
    asked_prover_ = false;
    if (busy) return {};
    return Error{Errc::not_found, "who proved finality does not show its header"};
}

std::optional<Instant> HeaderStage::deadline() const {
    if (!chain_ || confirmed_ || asked_prover_) return std::nullopt;
    return prover_until_;
}

void HeaderStage::check_invariants() const {
    if (!chain_) return;
    chain_->check_invariants();
    const auto asked = count_for<ForHeaders>(exchange_);
    SENNIT_ASSERT(asked <= options_.header_ranges_max);
    SENNIT_ASSERT(asked + writes_ <= options_.header_ranges_max + options_.header_writes_max);
    SENNIT_ASSERT(chain_->pieces() <= HeaderChain::kPiecesMax + options_.header_ranges_max);
}

}  // namespace sennit::sync
