// SPDX-License-Identifier: MIT
/// What we send, and what the application hears.
#include <algorithm>

#include "libp2p/yamux/session.hpp"

namespace sennit::libp2p::yamux {

namespace {

/// A frame is not cut smaller than this to fill the end of a transmission.
constexpr std::size_t kPieceMin = 1024;

}  // namespace

std::size_t Session::poll_transmit(std::size_t bytes_max, Now now, Bytes& out) {
    SENNIT_ASSERT(bytes_max > Header::kSize);
    const auto before = out.size();
    for (;;) {
        const auto written = out.size() - before;
        const auto room = bytes_max - written;
        if (room < Header::kSize) break;
        if (!put_control(out, now) && !put_data(out, room, /*alone=*/written == 0)) break;
    }
    return out.size() - before;
}

/// One frame, the most urgent first. False: none is owed.
bool Session::put_control(Bytes& out, Now now) {
    if (!pings_to_answer_.empty()) {
        Header{FrameType::ping, kAck, kSessionId, pings_to_answer_.front()}.append_to(out);
        pings_to_answer_.erase(pings_to_answer_.begin());
        if (pings_to_answer_.empty()) pings_to_answer_ = {};
    } else if (ping_owed_) {
        Header{FrameType::ping, kSyn, kSessionId, ping_value_}.append_to(out);
        ping_owed_ = false;
        ping_sent_ = now.at;
    } else if (!resets_owed_.empty()) {
        Header{FrameType::window_update, kRst, resets_owed_.back(), 0}.append_to(out);
        resets_owed_.pop_back();
        if (resets_owed_.empty()) resets_owed_ = {};
    } else if (!control_.empty()) {
        put_stream_control(out);
    } else if (go_away_owed_) {
        const auto reason = static_cast<std::uint32_t>(*go_away_owed_);
        Header{FrameType::go_away, 0, kSessionId, reason}.append_to(out);
        go_away_owed_.reset();
    } else {
        return false;
    }
    return true;
}

/// All that one stream owes, in one frame.
void Session::put_stream_control(Bytes& out) {
    const auto place = streams_.find(*control_.begin());
    auto& stream = place->second;
    Header header{FrameType::window_update, 0, place->first, 0};
    if (std::exchange(stream.syn_owed, false)) header.flags |= kSyn;
    if (std::exchange(stream.ack_owed, false)) header.flags |= kAck;
    if (stream.update_due()) header.length = stream.window.grant();
    if (stream.fin_due()) {
        header.flags |= kFin;
        stream.fin_sent = true;
    }
    header.append_to(out);
    settle(place);
}

/// One data frame of the stream whose turn it is. False: none can be sent, or what is left of the
/// transmission is not worth cutting one for.
bool Session::put_data(Bytes& out, std::size_t room, bool alone) {
    if (data_.empty() || room <= Header::kSize) return false;
    auto next = data_.upper_bound(turn_);
    if (next == data_.end()) next = data_.begin();
    const auto place = streams_.find(*next);
    auto& stream = place->second;
    const auto whole = std::min<std::size_t>({stream.out.size(), stream.credit, kFrameMax});
    const auto n = std::min(whole, room - Header::kSize);
    if (!alone && n < std::min(whole, kPieceMin)) return false;
    const auto length = static_cast<std::uint32_t>(n);
    Header{FrameType::data, 0, place->first, length}.append_to(out);
    stream.out.move_to(out, n);
    stream.credit -= length;
    unsent_bytes_ -= n;
    room_grew_ = true;
    turn_ = place->first;
    settle(place);
    return true;
}

/// Tells writers that wait when enough is free to be worth a call.
void Session::wake_blocked() {
    room_grew_ = false;
    for (auto next = blocked_.begin(); next != blocked_.end();) {
        const auto place = streams_.find(*next++);  // settle takes it out of the set
        auto& stream = place->second;
        const auto worth = std::max<std::size_t>(1, limits_.send_stream_bytes_min / 2);
        const bool drained = stream.out.size() <= limits_.send_stream_bytes_max / 2;
        const bool free = room(stream) >= std::min(worth, limits_.send_stream_bytes_max);
        if (!drained || !free) continue;
        stream.write_blocked = false;
        stream.writable_event = true;
        settle(place);
    }
}

std::optional<Event> Session::poll_event() {
    if (room_grew_) wake_blocked();
    if (!events_.empty()) return stream_event(streams_.find(*events_.begin()));
    if (std::exchange(leaving_event_, false)) return Leaving{};
    if (std::exchange(gone_event_, false)) return *gone_;
    return std::nullopt;
}

std::optional<Event> Session::stream_event(Place place) {
    const auto id = place->first;
    auto& stream = place->second;
    Event out;
    if (std::exchange(stream.opened_event, false)) {
        out = Opened{id};
    } else if (std::exchange(stream.readable_event, false)) {
        out = Readable{id};
    } else if (std::exchange(stream.writable_event, false)) {
        out = Writable{id};
    } else if (std::exchange(stream.remote_closed_event, false)) {
        out = RemoteClosed{id};
    } else {
        out = Reset{id, *stream.reset_event};
        forget(place);
        return out;
    }
    settle(place);
    return out;
}

}  // namespace sennit::libp2p::yamux
