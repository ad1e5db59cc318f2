// SPDX-License-Identifier: MIT
#include <algorithm>

#include "libp2p/perf/filler.hpp"
#include "libp2p/perf/perf.hpp"

namespace sennit::libp2p::perf {

namespace {

constexpr std::array<std::uint8_t, std::size_t{64} * 1024> kZeros{};

Error refusal(Errc code, std::string_view what, std::uint64_t at = Error::kNowhere) {
    return {code, what, at, {}};
}

}  // namespace

std::uint64_t write_filler(Swarm& swarm, StreamRef stream, std::uint64_t bytes_max) {
    std::uint64_t written{0};
    while (written < bytes_max) {
        const auto size = std::min<std::uint64_t>(bytes_max - written, kZeros.size());
        const auto taken = swarm.write(stream, BytesView{kZeros}.first(size));
        written += taken;
        if (taken < size) break;
    }
    return written;
}

bool Server::on_event(const Swarm::Event& event, Now now) {
    if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        peers_.emplace(up->id, up->peer);
        return false;
    }
    if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        on_disconnected(*gone, now);
        return false;
    }
    if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        if (opened->protocol != kProtocol) return false;
        on_opened(opened->stream, now);
        return true;
    }
    const auto with = [&]<class Told>(const Told* told, auto what) {
        if (told == nullptr) return false;
        const auto found = streams_.find(told->stream);
        if (found == streams_.end()) return false;
        what(found);
        return true;
    };
    return with(std::get_if<Swarm::Readable>(&event), [&](Place at) { read(at, now); }) ||
           with(std::get_if<Swarm::Writable>(&event), [&](Place at) { answer(at, now); }) ||
           with(std::get_if<Swarm::RemoteClosed>(&event),
                [&](Place at) { on_remote_closed(at, now); }) ||
           with(std::get_if<Swarm::Failed>(&event),
                [&](Place at) { end(at, now, std::get<Swarm::Failed>(event).why); });
}

void Server::on_opened(StreamRef stream, Now now) {
    const auto peer = peers_.find(stream.connection);
    SENNIT_ASSERT(peer != peers_.end());
    const auto its = std::ranges::count_if(
        streams_, [&](const auto& one) { return one.second.peer == peer->second; });
    if (streams_.size() >= limits_.streams_max ||
        static_cast<std::size_t>(its) >= limits_.streams_per_peer_max)
        return swarm_->reset(stream);
    streams_.emplace(stream, Stream{.peer = peer->second, .began = now.at, .moved = now.at});
}

void Server::on_disconnected(const Swarm::Disconnected& gone, Now now) {
    peers_.erase(gone.id);
    const StreamRef first{gone.id, StreamId{}};
    for (auto at = streams_.lower_bound(first);
         at != streams_.end() && at->first.connection == gone.id;) {
        end(at++, now, gone.why);
    }
}

void Server::read(Place place, Now now) {
    auto& [ref, stream] = *place;
    for (;;) {
        const auto piece = swarm_->readable(ref);
        if (piece.empty()) return;
        const auto header =
            piece.first(std::min(piece.size(), stream.header.size() - stream.header_filled));
        std::ranges::copy(
            header, stream.header.begin() + static_cast<std::ptrdiff_t>(stream.header_filled));
        stream.header_filled += header.size();
        stream.received += piece.size() - header.size();
        stream.moved = now.at;
        swarm_->consume(ref, piece.size(), now);
        if (stream.received > limits_.upload_max)
            return break_off(place, now,
                             refusal(Errc::oversized, "upload too long", limits_.upload_max));
    }
}

void Server::on_remote_closed(Place place, Now now) {
    // What came before the end is read: the event for it came first.
    auto& stream = place->second;
    if (stream.header_filled < stream.header.size())
        return break_off(place, now,
                         refusal(Errc::truncated, "closed before it said how much it wants",
                                 stream.header_filled));
    stream.wanted = *Reader{stream.header}.be<std::uint64_t>();
    stream.answering = true;
    answer(place, now);
}

void Server::answer(Place place, Now now) {
    auto& [ref, stream] = *place;
    if (!stream.answering) return;
    const auto wanted = std::min(stream.wanted, limits_.download_max);
    stream.sent += write_filler(*swarm_, ref, wanted - stream.sent);
    stream.moved = now.at;
    if (stream.sent < wanted) return;
    if (wanted < stream.wanted)
        return break_off(place, now, refusal(Errc::oversized, "download too long", wanted));
    swarm_->close_write(ref);
    end(place, now, {});
}

Instant Server::deadline(const Stream& stream) const {
    return std::min(stream.moved + limits_.idle_max, stream.began + limits_.lasts_max);
}

void Server::on_time(Now now) {
    for (auto at = streams_.begin(); at != streams_.end();) {
        const auto place = at++;
        if (deadline(place->second) <= now.at)
            break_off(place, now, refusal(Errc::timeout, "too slow, or too long"));
    }
}

Instant Server::next_wake() const {
    auto out = Instant::max();
    for (const auto& [ref, stream] : streams_) out = std::min(out, deadline(stream));
    return out;
}

std::optional<Server::Served> Server::poll_served() {
    if (served_.empty()) return std::nullopt;
    auto out = std::move(served_.front());
    served_.pop_front();
    return out;
}

void Server::break_off(Place place, Now now, Error why) {
    swarm_->reset(place->first);
    end(place, now, std::move(why));
}

void Server::end(Place place, Now now, std::optional<Error> why) {
    const auto& [ref, stream] = *place;
    served_.push_back({ref.connection, stream.peer, stream.received, stream.sent,
                       now.at - stream.began, std::move(why)});
    streams_.erase(place);
}

void Server::check_invariants() const {
    SENNIT_ASSERT(streams_.size() <= limits_.streams_max);
    std::map<PeerId, std::size_t> of_peer;
    for (const auto& [ref, stream] : streams_) {
        SENNIT_ASSERT(peers_.at(ref.connection) == stream.peer);
        SENNIT_ASSERT(++of_peer[stream.peer] <= limits_.streams_per_peer_max);
        SENNIT_ASSERT(stream.received <= limits_.upload_max);
        SENNIT_ASSERT(stream.sent <= std::min(stream.wanted, limits_.download_max));
        SENNIT_ASSERT(stream.answering || stream.sent == 0);
    }
}

}  // namespace sennit::libp2p::perf
