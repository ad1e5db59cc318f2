// SPDX-License-Identifier: MIT
/// Streams: the application's, and those on which the swarm itself answers.
#include <algorithm>

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

constexpr std::string_view kOwnProtocols[]{identify::kProtocol, identify::kPushProtocol,
                                           ping::kProtocol};
/// Of one peer that asks who we are. Each holds our statement, some hundred bytes, until it is
/// read.
constexpr std::size_t kTellsMax = 64;
/// Each answer is some hundred bytes, and a few microseconds.
constexpr yamux::Meter::Rate kTells{64, std::chrono::seconds{1}};
/// An honest peer pushes when it changes; js and go push all that happens within a second at once.
constexpr yamux::Meter::Rate kPushes{4, std::chrono::seconds{10}};

}  // namespace

std::span<const std::string_view> Swarm::own_protocols() {
    return kOwnProtocols;
}

bool Swarm::is_own_protocol(std::string_view name) {
    return std::ranges::find(kOwnProtocols, name) != std::end(kOwnProtocols);
}

void Swarm::on_stream_event(ConnectionId id, Entry& entry, Connection::Event event, Now now) {
    const auto is_own = [&](StreamId stream) { return entry.own.contains(stream); };
    if (const auto* opened = std::get_if<Connection::StreamOpened>(&event)) {
        on_stream_opened(id, entry, *opened, now);
    } else if (auto* agreed = std::get_if<Connection::StreamAgreed>(&event)) {
        if (!is_own(agreed->id))
            events_.push_back(Agreed{{id, agreed->id}, std::move(agreed->protocol)});
    } else if (const auto* readable = std::get_if<Connection::StreamReadable>(&event)) {
        if (is_own(readable->id)) return serve(entry, readable->id, now);
        events_.push_back(Readable{{id, readable->id}});
    } else if (const auto* writable = std::get_if<Connection::StreamWritable>(&event)) {
        if (is_own(writable->id)) return serve(entry, writable->id, now);
        events_.push_back(Writable{{id, writable->id}});
    } else if (const auto* closed = std::get_if<Connection::StreamRemoteClosed>(&event)) {
        if (is_own(closed->id)) return heard_all(id, entry, closed->id, now);
        events_.push_back(RemoteClosed{{id, closed->id}});
    } else if (auto* failed = std::get_if<Connection::StreamFailed>(&event)) {
        if (!is_own(failed->id)) {
            events_.push_back(Failed{{id, failed->id}, std::move(failed->why)});
        }
        drop_own(entry, failed->id);
    }
}

void Swarm::on_stream_opened(ConnectionId id, Entry& entry, const Connection::StreamOpened& event,
                             Now now) {
    const auto full = [&](Own what, std::size_t max) {
        const auto same = std::ranges::count_if(
            entry.own, [&](const auto& one) { return one.second.what == what; });
        if (static_cast<std::size_t>(same) < max) return false;
        connection_of(entry).reset(event.id);
        return true;
    };
    if (event.protocol == identify::kProtocol) {
        if (full(Own::tell, kTellsMax)) return;
        if (!entry.tells.count(now.at, kTells)) return connection_of(entry).reset(event.id);
        tell(entry, event.id, Own::tell);
    } else if (event.protocol == identify::kPushProtocol) {
        if (full(Own::pushed, 1)) return;
        if (!entry.pushes.count(now.at, kPushes)) return connection_of(entry).reset(event.id);
        entry.own.emplace(event.id, OwnStream{Own::pushed});
    } else if (event.protocol == ping::kProtocol) {
        if (full(Own::echo, ping::kStreamsMax)) return;
        entry.own.emplace(event.id, OwnStream{Own::echo});
    } else {
        used(id, entry);
        events_.push_back(Opened{{id, event.id}, event.protocol});
    }
}

// The application's.

/// Idle time begins anew, also for a stream that is over before `watch_use` can see it.
void Swarm::used(ConnectionId id, Entry& entry) {
    entry.idle_since.reset();
    timers_.forget(id);
}

Connection* Swarm::running(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.connected) return nullptr;
    return &connection_of(found->second);
}
const Connection* Swarm::running(ConnectionId id) const {
    return const_cast<Swarm*>(this)->running(id);
}

Result<StreamRef> Swarm::open(ConnectionId id, std::vector<std::string> proposals, Now now) {
    auto* const connection = running(id);
    if (connection == nullptr)
        return Error{Errc::not_found, "no such connection", Error::kNowhere, {}};
    SENNIT_TRY(const auto stream, connection->open(std::move(proposals), now));
    used(id, connections_.at(id));
    touch(id);
    return StreamRef{id, stream};
}

std::size_t Swarm::write(StreamRef stream, BytesView bytes) {
    auto* const connection = running(stream.connection);
    if (connection == nullptr) return 0;
    touch(stream.connection);
    return connection->write(stream.stream, bytes);
}

BytesView Swarm::readable(StreamRef stream) const {
    const auto* const connection = running(stream.connection);
    return connection == nullptr ? BytesView{} : connection->readable(stream.stream);
}

void Swarm::consume(StreamRef stream, std::size_t n, Now now) {
    auto* const connection = running(stream.connection);
    if (connection == nullptr) return;
    connection->consume(stream.stream, n, now);
    touch(stream.connection);
}

void Swarm::close_write(StreamRef stream) {
    auto* const connection = running(stream.connection);
    if (connection == nullptr) return;
    connection->close_write(stream.stream);
    touch(stream.connection);
}

void Swarm::reset(StreamRef stream) {
    auto* const connection = running(stream.connection);
    if (connection == nullptr) return;
    connection->reset(stream.stream);
    touch(stream.connection);
}

}  // namespace sennit::libp2p
