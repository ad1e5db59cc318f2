// SPDX-License-Identifier: MIT
#include "sync/block_stage.hpp"

#include <algorithm>

#include "protocol/body_size.hpp"

namespace sennit::sync {

namespace {

using protocol::Form;

constexpr std::size_t kLoadBatch = 512;
/// Handed over at once; some hundred blocks keep the memory of one commit small. Of full ones
/// fewer: one worker checks what is handed over at once, and the chain's thread waits for all of
/// it.
constexpr std::size_t kAppendBlocks = 512;
constexpr std::size_t kAppendBytes = 512 << 10;
/// Handed over and not answered: one being executed, one being checked, and two that wait.
constexpr std::size_t kAppendsMax = 4;
/// Fewer are handed over only when nothing else is under way.
constexpr std::size_t kAppendWorthwhile = 64;
/// What a list answer of ours takes at most, taken for an answer that has not come.
constexpr std::size_t kAnswerBytes = 2 << 20;
/// A body that everybody waits for is asked for a second time.
constexpr Duration kSecondAsk = std::chrono::seconds{2};

}  // namespace

void BlockStage::start(const chain::Facts& base, Height target) {
    stop();
    running_ = true;
    target_ = target;
    last_ = base.id;
    window_.start(base.height + 1);
}

void BlockStage::stop() {
    running_ = false;
    loading_.reset();
    window_.start(Height{0});
    appending_.clear();
    exchange_.forget_if(
        [](const Request& r) { return std::holds_alternative<ForBodies>(r.purpose); });
}

void BlockStage::advance(Now now) {
    if (!running_) return;
    load();
    submit();
    while (count_for<ForBodies>(exchange_) < options_.body_requests_max && ask_next(now)) {
    }
    ask_again(now);
}

void BlockStage::load() {
    if (loading_ || window_.next() > target_ ||
        window_.size() + kLoadBatch > options_.window_blocks_max)
        return;
    loading_ = window_.next();
    const auto count = std::min<std::uint64_t>(kLoadBatch, target_ - *loading_ + 1);
    exchange_.out(LoadHeaders{*loading_, static_cast<std::uint32_t>(count)});
}

Result<void> BlockStage::on_loaded(Height from, const std::vector<Bytes>& rows) {
    if (loading_ != from) return {};
    loading_.reset();
    // The base may have moved past it meanwhile.
    if (from != window_.next()) return {};
    const auto expected = std::min<std::uint64_t>(kLoadBatch, target_ - from + 1);
    for (const auto& row : rows) {
        if (window_.next() - from == expected) break;
        auto header = decode_header(row);
        if (!header || header->height != window_.next() || header->previous_hash != last_) break;
        last_ = header_id(row);
        window_.push(protocol::WireHeader{*std::move(header), last_});
    }
    if (window_.next() - from == expected) return {};
    return Error{Errc::mismatch, "headers on disk are not those that were proven"};
}

void BlockStage::submit() {
    while (appending_.size() < kAppendsMax) {
        const auto ready = window_.ready();
        if (ready == 0) return;
        const bool last = window_.next() > target_ && !window_.front();
        if (ready < kAppendWorthwhile && !appending_.empty() && !last) return;
        auto batch = window_.submit(kAppendBlocks, kAppendBytes);
        appending_.push_back(batch.blocks.size());
        exchange_.out(Append{std::move(batch.blocks), std::move(batch.senders)});
    }
}

/// Bodies that are here and answers that may come fit the window. When the lowest block of all
/// lacks its body it must be asked for all the same: nothing leaves before it.
bool BlockStage::room(Height lowest) const {
    const auto asked = count_for<ForBodies>(exchange_);
    return lowest == window_.first() ||
           window_.bytes() + (asked + 1) * kAnswerBytes <= options_.window_bytes_max;
}

bool BlockStage::ask_next(Now now) {
    auto* source = exchange_.sources().choose(Work::bodies, now.at, [&](const Source& s) {
        if (!s.traits.sennit || !s.status || !s.serves_bodies()) return false;
        const auto lowest = window_.missing(1, s.peer);
        return !lowest.empty() && s.status->finalised_height >= lowest.front();
    });
    if (source == nullptr) return false;
    auto most = std::min<std::size_t>(options_.blocks_batch, protocol::kBlocksMax);
    if (source->traits.blocks_max > 0)
        most = std::min<std::size_t>(most, source->traits.blocks_max);
    auto heights = window_.missing(most, source->peer);
    std::erase_if(heights,
                  [&](Height height) { return height > source->status->finalised_height; });
    if (!room(heights.front())) return false;
    send(*source, std::move(heights), now);
    return true;
}

/// End-game: with nothing left to ask for, what everybody waits for is asked of a second peer.
void BlockStage::ask_again(Now now) {
    const auto front = window_.front();
    if (!front || count_for<ForBodies>(exchange_) >= options_.body_requests_max) return;
    const Request* holder = nullptr;
    std::size_t holders = 0;
    for (const auto& [id, request] : exchange_.in_flight()) {
        const auto* bodies = std::get_if<ForBodies>(&request.purpose);
        if (bodies == nullptr ||
            !std::binary_search(bodies->heights.begin(), bodies->heights.end(), *front))
            continue;
        holder = &request;
        ++holders;
    }
    if (holders != 1 || now.at < holder->sent + kSecondAsk) return;
    auto heights = window_.lacking(std::get<ForBodies>(holder->purpose).heights);
    auto* source = exchange_.sources().choose(Work::bodies, now.at, [&](const Source& s) {
        return s.peer != holder->peer && s.in_flight == 0 && s.traits.sennit && s.serves_bodies() &&
               s.status && s.status->finalised_height >= heights.back() &&
               (s.traits.blocks_max == 0 || s.traits.blocks_max >= heights.size());
    });
    if (source != nullptr) send(*source, std::move(heights), now);
}

void BlockStage::send(Source& source, std::vector<Height> heights, Now now) {
    std::vector<BlockId> ids;
    ForBodies purpose{std::move(heights), false};
    if (!source.answers(Form::bodies_by_id) && !source.answers(Form::blocks_by_id)) {
        // By height: what lies between the wanted ones comes along, so take only neighbours.
        auto& wanted = purpose.heights;
        purpose.by_range = true;
        const auto apart = std::adjacent_find(wanted.begin(), wanted.end(), [](Height a, Height b) {
            return b.value != a.value + 1;
        });
        if (apart != wanted.end()) wanted.erase(std::next(apart), wanted.end());
    }
    for (const auto height : purpose.heights) ids.push_back(window_.id(height));
    window_.ask(purpose.heights);
    if (source.answers(Form::bodies_by_id)) {
        exchange_.ask(source, protocol::GetBodies{std::move(ids)}, std::move(purpose), now);
    } else if (source.answers(Form::blocks_by_id)) {
        exchange_.ask(source, protocol::GetBlocks{std::move(ids)}, std::move(purpose), now);
    } else {
        const protocol::BlockRange range{purpose.heights.front(),
                                         static_cast<std::uint32_t>(ids.size())};
        exchange_.ask(source, protocol::GetBlocks{range}, std::move(purpose), now);
    }
}

namespace {

using Body = protocol::Bodies::Body;

std::vector<Body> bodies_of(const protocol::Message& answer) {
    if (const auto* bodies = std::get_if<protocol::Bodies>(&answer)) return bodies->bodies;
    std::vector<Body> out;
    if (const auto* blocks = std::get_if<protocol::Blocks>(&answer)) {
        for (const auto& block : blocks->blocks) {
            auto& body = out.emplace_back();
            if (!block.has_value()) continue;
            body.id = block.id();
            for (std::size_t i = 0; i < block.size(); ++i)
                body.transactions.push_back(block.wire_transaction(i));
        }
    }
    return out;
}

}  // namespace

Result<std::size_t> BlockStage::on_answer(const Request& request, const protocol::Message& answer) {
    const auto& ask = std::get<ForBodies>(request.purpose);
    window_.give_back(ask.heights);
    auto bodies = bodies_of(answer);
    if (bodies.empty()) return Error{Errc::mismatch, "none of the bodies that it claims to have"};
    if (bodies.size() > ask.heights.size())
        return Error{Errc::oversized, "more bodies than were asked for"};
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        if (!window_.contains(ask.heights[i])) continue;  // applied meanwhile, from a faster peer
        if (bodies[i].id != window_.id(ask.heights[i]))
            return Error{Errc::mismatch, "body of another block"};
        const auto size = size_of(bodies[i].transactions);
        if (!size.fits(body_bytes_max_))
            return Error{Errc::oversized, "body larger than the chain allows"};
        // Headers of empty blocks are not asked for.
        if (size.bytes == 0)
            return Error{Errc::mismatch, "empty body for a header that has transactions"};
    }
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        if (!window_.contains(ask.heights[i])) continue;
        window_.hold(ask.heights[i], std::move(bodies[i].transactions), request.peer);
    }
    const auto count = bodies.size();
    forget_useless();
    return count;
}

void BlockStage::forget_useless() {
    exchange_.forget_if([&](const Request& request) {
        const auto* ask = std::get_if<ForBodies>(&request.purpose);
        if (ask == nullptr || !window_.lacking(ask->heights).empty()) return false;
        window_.give_back(ask->heights);
        return true;
    });
}

void BlockStage::on_failed(const ForBodies& ask) {
    window_.give_back(ask.heights);
}

Result<void> BlockStage::on_appended(const chain::State::Appended& result, Now now) {
    if (!running_ || appending_.empty()) return {};
    const auto submitted = appending_.front();
    appending_.pop_front();
    const auto applied = std::min(result.applied, submitted);
    window_.applied(std::min(applied, window_.size()));
    if (applied == submitted && !result.error) return {};
    // What was handed over after a block that failed cannot be applied either: once more from here.
    appending_.clear();
    window_.withdraw();
    if (result.base && window_.first() <= result.base->height) {
        // Ordinary finality was faster.
        on_base(*result.base);
        return {};
    }
    if (!result.error || window_.size() == 0) return {};
    if (result.error->code == Errc::mismatch) {
        const auto liar = window_.reject_front();
        if (!liar) return Error{Errc::invalid, "certified block does not fit its own header"};
        exchange_.blame(*liar, Blame::What::wrong_answer, "wrong body: " + result.error->text(),
                        now);
        return {};
    }
    if (result.error->code == Errc::invalid) return *result.error;
    return {};
}

void BlockStage::on_base(const chain::Facts& base) {
    if (!running_ || !appending_.empty() || base.height < window_.first()) return;
    if (window_.contains(base.height) && window_.id(base.height) == base.id) {
        window_.applied(base.height - window_.first() + 1);
        return forget_useless();
    }
    exchange_.forget_if(
        [](const Request& r) { return std::holds_alternative<ForBodies>(r.purpose); });
    last_ = base.id;
    loading_.reset();
    window_.start(base.height + 1);
}

bool BlockStage::stalled() const {
    return running_ && window_.front() && appending_.empty() &&
           count_for<ForBodies>(exchange_) == 0;
}

std::optional<Instant> BlockStage::deadline() const {
    if (!running_) return std::nullopt;
    const auto front = window_.front();
    if (!front) return std::nullopt;
    for (const auto& [id, request] : exchange_.in_flight()) {
        const auto* bodies = std::get_if<ForBodies>(&request.purpose);
        if (bodies == nullptr ||
            !std::binary_search(bodies->heights.begin(), bodies->heights.end(), *front))
            continue;
        return request.sent + kSecondAsk;
    }
    return std::nullopt;
}

void BlockStage::check_invariants() const {
    window_.check_invariants();
    if (!running_) return;
    SENNIT_ASSERT(appending_.size() <= kAppendsMax);
    SENNIT_ASSERT(window_.size() <= options_.window_blocks_max);
    SENNIT_ASSERT(count_for<ForBodies>(exchange_) <= options_.body_requests_max);
}

}  // namespace sennit::sync
