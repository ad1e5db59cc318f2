// SPDX-License-Identifier: MIT
/// What the peer sends: headers are gathered, payloads go straight to their streams.
#include <algorithm>

#include "libp2p/yamux/session.hpp"

namespace sennit::libp2p::yamux {

Error Session::wrong(Errc code, std::string_view what, std::size_t field) const {
    return {code, what, frame_at_ + field, {}};
}

Result<void> Session::on_bytes(BytesView in, Now now) {
    if (!in.empty()) heard_at_ = now.at;
    while (!in.empty() && !gone_) {
        if (body_left_ > 0) {
            take_body(in, now);
            continue;
        }
        if (header_filled_ == 0) frame_at_ = received_;
        const auto piece =
            in.first(std::min<std::size_t>(in.size(), Header::kSize - header_filled_));
        std::copy(piece.begin(), piece.end(), header_.begin() + header_filled_);
        header_filled_ = static_cast<std::uint8_t>(header_filled_ + piece.size());
        received_ += piece.size();
        in = in.subspan(piece.size());
        if (header_filled_ < Header::kSize) break;
        header_filled_ = 0;
        const auto header = Header::decode(header_);
        const auto taken = header ? on_frame(*header, now)
                                  : wrong(header.error().code, header.error().what,
                                          static_cast<std::size_t>(header.error().at));
        if (!taken) end(End::protocol_error, taken.error(), GoAway::protocol_error);
        if (!taken) return taken.error();
    }
    return {};
}

/// Payload of the frame under way, which its header has been let in for.
void Session::take_body(BytesView& in, Now now) {
    const auto piece = in.first(std::min<std::size_t>(in.size(), body_left_));
    const auto n = static_cast<std::uint32_t>(piece.size());
    in = in.subspan(n);
    body_left_ -= n;
    received_ += n;
    if (!body_wanted_) return;
    const auto place = streams_.find(body_stream_);
    SENNIT_ASSERT(place != streams_.end());
    auto& stream = place->second;
    stream.in.append(piece);
    stream.window.on_received(n, now.at);
    unread_bytes_ += n;
    stream.readable_event = true;
    if (body_left_ == 0) {
        body_wanted_ = false;
        stream.fin_received = stream.remote_closed_event = body_fin_;
    }
    settle(place);
}

Result<void> Session::on_frame(const Header& header, Now now) {
    switch (header.type) {
        case FrameType::ping: return on_ping(header, now);
        case FrameType::go_away: on_go_away(header); return {};
        case FrameType::data:
        case FrameType::window_update: break;
    }
    return on_stream_frame(header, now);
}

Result<void> Session::count_idle(Now now) {
    if (idle_frames_.count(now.at, limits_.idle_frames)) return {};
    return wrong(Errc::invalid, "too many frames that bring nothing", 0);
}

Result<void> Session::on_ping(const Header& header, Now now) {
    const bool answer = header.has(kAck) && ping_sent_ && header.length == ping_value_;
    if (!answer) SENNIT_TRY(count_idle(now));
    if (header.has(kSyn)) {
        if (pings_to_answer_.size() >= limits_.ping_answers_max) {
            return wrong(Errc::invalid, "more pings than their answers are read", 0);
        }
        pings_to_answer_.push_back(header.length);
    } else if (answer) {
        const auto took = now.at - *ping_sent_;
        round_trip_ = std::min(round_trip_.value_or(took), took);
        ping_due_ = now.at + limits_.keep_alive;
        ping_sent_.reset();
        ping_began_.reset();
    }
    return {};
}

void Session::on_go_away(const Header& header) {
    if (header.length == static_cast<std::uint32_t>(GoAway::normal)) {
        leaving_event_ = leaving_event_ || !peer_leaving_;
        peer_leaving_ = true;
        return end_if_done();
    }
    const bool rule = header.length == static_cast<std::uint32_t>(GoAway::protocol_error);
    end(End::peer_error,
        wrong(Errc::invalid, rule ? "the peer says that we broke a rule" : "the peer broke down",
              Header::kLengthAt),
        {});
}

Result<void> Session::on_stream_frame(const Header& header, Now now) {
    body_left_ = header.type == FrameType::data ? header.length : 0;
    body_stream_ = header.stream;
    body_wanted_ = false;
    if (header.has(kSyn)) SENNIT_TRY(on_syn(header, now));
    const auto place = streams_.find(header.stream);
    if (place == streams_.end() || place->second.reset_event) return on_unknown(header, now);
    auto& stream = place->second;
    if (header.has(kRst)) return on_peer_reset(place, now);
    const bool ends = header.has(kFin) && !stream.fin_received;
    const bool news = header.has(kSyn) || ends || !stream.acknowledged || header.length > 0;
    if (!news) SENNIT_TRY(count_idle(now));
    acknowledge(stream);
    if (header.type == FrameType::data && header.length > 0) return on_data(place, header);
    if (header.type == FrameType::window_update) SENNIT_TRY(on_credit(stream, header));
    if (ends) stream.fin_received = stream.remote_closed_event = true;
    settle(place);
    return {};
}

Result<void> Session::on_syn(const Header& header, Now now) {
    if (ours(header.stream)) {
        return wrong(Errc::malformed, "SYN with an id of our side", Header::kStreamAt);
    }
    SENNIT_TRY(note_peer_id(header.stream));
    if (streams_in_ >= limits_.streams_in_max || stopping_) {
        SENNIT_TRY(count_idle(now));
        return owe_reset(header.stream, limits_.window_initial);
    }
    const auto place =
        streams_.try_emplace(header.stream, limits_.window_initial, limits_.window_initial, now.at)
            .first;
    place->second.acknowledged = place->second.ack_owed = place->second.opened_event = true;
    ++streams_in_;
    windows_bytes_ += limits_.window_initial;
    settle(place);
    return {};
}

/// Errors: duplicate for an id that was used, or skipped too long ago to know.
Result<void> Session::note_peer_id(StreamId id) {
    if (id <= peer_newest_) {
        const auto skipped = std::lower_bound(skipped_.begin(), skipped_.end(), id);
        if (skipped == skipped_.end() || *skipped != id) {
            return wrong(Errc::duplicate, "SYN with an id that was used", Header::kStreamAt);
        }
        skipped_.erase(skipped);
        return {};
    }
    const std::uint32_t first = side_ == Side::dialler ? 2 : 1;
    std::uint64_t next = peer_newest_ == kSessionId ? first : std::uint64_t{peer_newest_.value} + 2;
    if (id.value > next + 2 * kSkippedMax) next = id.value - 2 * kSkippedMax;
    for (; next < id.value; next += 2) skipped_.emplace_back(static_cast<std::uint32_t>(next));
    if (skipped_.size() > kSkippedMax) {
        skipped_.erase(skipped_.begin(), skipped_.end() - kSkippedMax);
    }
    peer_newest_ = id;
    return {};
}

/// A frame for a stream that is not here, or no longer. Its payload is dropped.
Result<void> Session::on_unknown(const Header& header, Now now) {
    const auto late = std::find_if(late_.begin(), late_.end(),
                                   [&](const Late& entry) { return entry.id == header.stream; });
    if (header.has(kRst) || header.has(kFin)) {
        if (late != late_.end()) late_.erase(late);
        return {};
    }
    if (header.type != FrameType::data) return {};
    if (late != late_.end()) {
        if (header.length > late->allowed) {
            return wrong(Errc::oversized, "data beyond the window", Header::kLengthAt);
        }
        late->allowed -= header.length;
        return header.length > 0 ? Result<void>{} : count_idle(now);
    }
    SENNIT_TRY(count_idle(now));
    // It may be one that we reset and forgot since; then as much as any window can be on its way.
    return owe_reset(header.stream, std::max(limits_.window_max, limits_.window_initial));
}

Result<void> Session::on_data(Place place, const Header& header) {
    auto& stream = place->second;
    if (stream.fin_received) {
        return wrong(Errc::malformed, "data behind its stream's end", Header::kLengthAt);
    }
    if (header.length > stream.window.credit()) {
        return wrong(Errc::oversized, "data beyond the window", Header::kLengthAt);
    }
    if (unread_bytes_ + header.length > limits_.receive_bytes_max) {
        SENNIT_TRY(owe_reset(header.stream, stream.window.credit() - header.length));
        if (stream.opened_event) {  // nobody heard of it yet
            forget(place);
            return {};
        }
        drop_unsent(stream);
        drop_unread(stream);
        stream.reset_event = ResetReason::no_room;
        settle(place);
        return {};
    }
    body_wanted_ = true;
    body_fin_ = header.has(kFin);
    settle(place);
    return {};
}

Result<void> Session::on_credit(Stream& stream, const Header& header) {
    if (std::uint64_t{stream.credit} + header.length > 0xffff'ffff) {
        return wrong(Errc::oversized, "credit over 32 bits", Header::kLengthAt);
    }
    stream.credit += header.length;
    return {};
}

Result<void> Session::on_peer_reset(Place place, Now now) {
    auto& stream = place->second;
    const bool fresh = !ours(place->first) && now.at - stream.began <= limits_.fresh;
    if (fresh && !fresh_resets_.count(now.at, limits_.fresh_resets)) {
        return wrong(Errc::invalid, "streams reset as soon as they were opened", 0);
    }
    // Behind its FIN a reset means that the peer reads no more. What it sent is all here, and
    // stays; if we have no more to say either, nothing changes.
    if (stream.fin_sent && stream.fin_received) return {};
    if (stream.opened_event && !stream.fin_received) {  // nobody heard of it yet
        forget(place);
        return {};
    }
    const auto reason = stream.acknowledged ? ResetReason::by_peer : ResetReason::refused;
    acknowledge(stream);
    if (!stream.fin_received) drop_unread(stream);
    drop_unsent(stream);
    stream.reset_event = reason;
    settle(place);
    return {};
}

}  // namespace sennit::libp2p::yamux
