// SPDX-License-Identifier: MIT
#include "libp2p/yamux/session.hpp"

#include <algorithm>

namespace sennit::libp2p::yamux {

namespace {

std::size_t left_of(std::size_t limit, std::size_t used) {
    return limit > used ? limit - used : 0;
}

}  // namespace

Session::Session(Side side, const Limits& limits, Now now)
    : side_{side},
      limits_{limits},
      next_id_{side == Side::dialler ? 1u : 2u},
      growth_{limits.budget},
      ping_due_{now.at},
      heard_at_{now.at} {
    on_time(now);  // the first ping: windows cannot grow before the path is measured
}

bool Session::ours(StreamId id) const {
    return (id.value % 2 == 1) == (side_ == Side::dialler);
}

const Stream* Session::live(StreamId id) const {
    const auto place = streams_.find(id);
    return place == streams_.end() || place->second.reset_event ? nullptr : &place->second;
}

Stream* Session::live(StreamId id) {
    return const_cast<Stream*>(std::as_const(*this).live(id));
}

Result<StreamId> Session::open(Now now) {
    const auto refuse = [](Errc code, std::string_view what) {
        return Error{code, what, Error::kNowhere, {}};
    };
    if (gone_ || stopping_) return refuse(Errc::unsupported, "the session is over");
    if (peer_leaving_) return refuse(Errc::unsupported, "the peer takes no new streams");
    if (next_id_ > 0xffff'ffff) return refuse(Errc::busy, "the stream ids are used up");
    if (streams_out_ >= limits_.streams_out_max) return refuse(Errc::busy, "too many streams");
    if (unacknowledged_ >= limits_.unacknowledged_max) {
        return refuse(Errc::busy, "too many streams that the peer has not acknowledged");
    }
    const StreamId id{static_cast<std::uint32_t>(next_id_)};
    next_id_ += 2;
    const auto place =
        streams_.try_emplace(id, limits_.window_initial, limits_.window_initial, now.at).first;
    place->second.syn_owed = true;
    ++streams_out_;
    ++unacknowledged_;
    windows_bytes_ += limits_.window_initial;
    settle(place);
    return id;
}

std::size_t Session::room(const Stream& stream) const {
    if (stream.write_closed) return 0;
    const auto queued = stream.out.size();
    const auto shared = std::max(left_of(limits_.send_bytes_max, unsent_bytes_),
                                 left_of(limits_.send_stream_bytes_min, queued));
    return std::min(left_of(limits_.send_stream_bytes_max, queued), shared);
}

std::size_t Session::room(StreamId id) const {
    const auto* const stream = live(id);
    return stream ? room(*stream) : 0;
}

std::vector<StreamId> Session::stream_ids() const {
    std::vector<StreamId> out;
    for (const auto& [id, stream] : streams_) out.push_back(id);
    return out;
}

std::uint32_t Session::window(StreamId id) const {
    const auto* const stream = live(id);
    return stream ? stream->window.size() : 0;
}

std::size_t Session::write(StreamId id, BytesView bytes) {
    auto* const stream = live(id);
    // Nothing that is offered takes back no Writable that an earlier write was promised.
    if (!stream || stream->write_closed || bytes.empty()) return 0;
    const auto taken = bytes.first(std::min(bytes.size(), room(*stream)));
    stream->out.append(taken);
    unsent_bytes_ += taken.size();
    stream->write_blocked = taken.size() < bytes.size();
    if (stream->write_blocked) stream->writable_event = false;
    settle(streams_.find(id));
    return taken.size();
}

void Session::close_write(StreamId id) {
    auto* const stream = live(id);
    if (!stream) return;
    stream->write_closed = true;
    stream->write_blocked = false;
    stream->writable_event = false;
    settle(streams_.find(id));
}

void Session::reset(StreamId id) {
    const auto place = streams_.find(id);
    if (place == streams_.end()) return;
    const auto& stream = place->second;
    // What the peer never heard of, ended itself, or was told already, needs no word.
    const bool over = stream.reset_event || (stream.fin_sent && stream.fin_received);
    if (!over && !stream.syn_owed) {
        const bool under_way = body_wanted_ && body_stream_ == id;
        const auto late = stream.window.credit() - (under_way ? body_left_ : 0);
        if (const auto owed = owe_reset(id, stream.fin_received ? 0 : late); !owed) {
            return end(End::protocol_error, owed.error(), GoAway::protocol_error);
        }
    }
    forget(place);
}

BytesView Session::readable(StreamId id) const {
    const auto place = streams_.find(id);
    return place == streams_.end() ? BytesView{} : place->second.in.front();
}

void Session::consume(StreamId id, std::size_t n, Now now) {
    const auto place = streams_.find(id);
    if (place == streams_.end()) return;
    auto& stream = place->second;
    stream.in.consume(n);
    unread_bytes_ -= n;
    if (stream.window.on_read(static_cast<std::uint32_t>(n), now.at, round_trip_)) {
        grow_window(stream);
    }
    settle(place);
}

void Session::grow_window(Stream& stream) {
    if (stream.fin_received) return;
    const auto size = stream.window.size();
    const auto wished =
        left_of(std::min<std::size_t>(2 * std::size_t{size}, limits_.window_max), size);
    const auto by =
        growth_.take(std::min(wished, left_of(limits_.receive_bytes_max, windows_bytes_)));
    stream.window.grow(static_cast<std::uint32_t>(by));
    windows_bytes_ += by;
}

void Session::stop() {
    stopping_ = true;
    end_if_done();
}

void Session::on_time(Now now) {
    if (gone_ || now.at < next_wake()) return;
    if (ping_began_) {
        return end(End::silent, Error{Errc::timeout, "no answer to a ping", received_, {}}, {});
    }
    ping_owed_ = true;
    ping_began_ = now.at;
    ++ping_value_;
}

Instant Session::next_wake() const {
    if (gone_) return Instant::max();
    if (!ping_began_) return ping_due_;
    return std::max(*ping_began_, heard_at_) + limits_.answer_within;
}

/// From here on the peer knows of the stream.
void Session::acknowledge(Stream& stream) {
    if (stream.acknowledged) return;
    stream.acknowledged = true;
    --unacknowledged_;
}

/// Puts the stream into the sets where it belongs, and forgets it when it is over: called last
/// after every change, `place` may be gone then.
void Session::settle(Place place) {
    const auto id = place->first;
    auto& stream = place->second;
    if (stream.finished()) return forget(place);
    const auto keep = [id](std::set<StreamId>& set, bool& in, bool wanted) {
        if (in == wanted) return;
        if (wanted) {
            set.insert(id);
        } else {
            set.erase(id);
        }
        in = wanted;
    };
    keep(control_, stream.in_control, stream.control_due());
    keep(data_, stream.in_data, stream.data_due());
    keep(events_, stream.in_events, stream.event_due());
    keep(blocked_, stream.in_blocked, stream.write_blocked);
}

/// Ends our direction: nothing is sent any more, not even FIN.
void Session::drop_unsent(Stream& stream) {
    unsent_bytes_ -= stream.out.size();
    room_grew_ = true;
    stream.out.clear();
    stream.write_closed = stream.fin_sent = true;
    stream.write_blocked = stream.writable_event = false;
    stream.syn_owed = stream.ack_owed = false;
}

/// Ends the peer's direction.
void Session::drop_unread(Stream& stream) {
    unread_bytes_ -= stream.in.size();
    stream.in.clear();
    stream.window = ReceiveWindow{stream.window.size()};
    stream.fin_received = true;
    stream.readable_event = stream.remote_closed_event = false;
}

void Session::forget(Place place) {
    const auto id = place->first;
    auto& stream = place->second;
    drop_unsent(stream);
    drop_unread(stream);
    acknowledge(stream);
    windows_bytes_ -= stream.window.size();
    growth_.give_back(stream.window.size() - limits_.window_initial);
    if (body_stream_ == id) body_wanted_ = false;
    for (auto* const set : {&control_, &data_, &events_, &blocked_}) set->erase(id);
    --(ours(id) ? streams_out_ : streams_in_);
    streams_.erase(place);
    end_if_done();
}

/// Errors: invalid above `resets_owed_max`.
Result<void> Session::owe_reset(StreamId id, std::uint32_t late_bytes) {
    if (resets_owed_.size() >= limits_.resets_owed_max) {
        return Error{Errc::invalid, "more resets provoked than read", frame_at_, {}};
    }
    resets_owed_.push_back(id);
    std::erase_if(late_, [id](const Late& late) { return late.id == id; });
    if (late_.size() >= limits_.late_streams_max) late_.erase(late_.begin());
    late_.push_back({id, late_bytes});
    return {};
}

void Session::end(End how, std::optional<Error> why, std::optional<GoAway> say) {
    if (gone_) return;
    gone_ = Gone{how, std::move(why)};
    gone_event_ = true;
    go_away_owed_ = say;
    if (how != End::stopped && how != End::left) {
        resets_owed_.clear();
        pings_to_answer_.clear();
    }
    streams_.clear();
    for (auto* const set : {&control_, &data_, &events_, &blocked_}) set->clear();
    streams_in_ = streams_out_ = unacknowledged_ = 0;
    unread_bytes_ = unsent_bytes_ = windows_bytes_ = 0;
    growth_.give_back(growth_.held());
    body_wanted_ = ping_owed_ = false;
    late_ = {};
    skipped_ = {};
}

void Session::end_if_done() {
    if (gone_ || !streams_.empty()) return;
    if (stopping_) return end(End::stopped, {}, GoAway::normal);
    if (peer_leaving_) end(End::left, {}, GoAway::normal);
}

void Session::check_invariants() const {
    std::size_t in = 0, out = 0, unacknowledged = 0, unread = 0, unsent = 0, windows = 0;
    for (const auto& [id, stream] : streams_) {
        ++(ours(id) ? out : in);
        unacknowledged += stream.acknowledged ? 0 : 1;
        unread += stream.in.size();
        unsent += stream.out.size();
        windows += stream.window.size();
        stream.window.check_invariants();
        SENNIT_ASSERT(stream.window.unread() == stream.in.size());
        SENNIT_ASSERT(stream.window.size() <= std::max(limits_.window_max, limits_.window_initial));
        SENNIT_ASSERT(stream.out.size() <= limits_.send_stream_bytes_max);
        SENNIT_ASSERT(!stream.finished());
        SENNIT_ASSERT(control_.contains(id) == stream.control_due());
        SENNIT_ASSERT(data_.contains(id) == stream.data_due());
        SENNIT_ASSERT(events_.contains(id) == stream.event_due());
        SENNIT_ASSERT(blocked_.contains(id) == stream.write_blocked);
    }
    SENNIT_ASSERT(in == streams_in_ && in <= limits_.streams_in_max);
    SENNIT_ASSERT(out == streams_out_ && out <= limits_.streams_out_max);
    SENNIT_ASSERT(unacknowledged == unacknowledged_);
    SENNIT_ASSERT(unread == unread_bytes_ && unread <= limits_.receive_bytes_max);
    SENNIT_ASSERT(unsent == unsent_bytes_ && windows == windows_bytes_);
    SENNIT_ASSERT(growth_.held() == windows - (in + out) * limits_.window_initial);
    SENNIT_ASSERT(unsent <= limits_.send_bytes_max + out * limits_.send_stream_bytes_min +
                                in * limits_.send_stream_bytes_min);
    for (const auto* const set : {&control_, &data_, &events_, &blocked_}) {
        SENNIT_ASSERT(set->size() <= streams_.size());
    }
    SENNIT_ASSERT(late_.size() <= limits_.late_streams_max && skipped_.size() <= kSkippedMax);
    SENNIT_ASSERT(resets_owed_.size() <= limits_.resets_owed_max);
    SENNIT_ASSERT(pings_to_answer_.size() <= limits_.ping_answers_max);
    SENNIT_ASSERT(!gone_ || streams_.empty());
    SENNIT_ASSERT(gone_ || !stopping_ || !streams_.empty());
}

}  // namespace sennit::libp2p::yamux
