// SPDX-License-Identifier: MIT
/// Streams: the application's, and those on which the swarm itself answers.
#include <algorithm>

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

constexpr std::string_view kOwnProtocols[]{identify::kProtocol, ping::kProtocol};
/// Of one peer that asks who we are: once, and once more because it forgot.
constexpr std::size_t kTellsMax = 2;

}  // namespace

bool Swarm::is_own_protocol(std::string_view name) {
    return std::ranges::find(kOwnProtocols, name) != std::end(kOwnProtocols);
}

void Swarm::on_stream_event(ConnectionId id, Entry& entry, Connection::Event event, Now now) {
    const auto is_own = [&](StreamId stream) { return entry.own.contains(stream); };
    if (const auto* opened = std::get_if<Connection::StreamOpened>(&event)) {
        on_stream_opened(id, entry, *opened);
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

void Swarm::on_stream_opened(ConnectionId id, Entry& entry, const Connection::StreamOpened& event) {
    const auto full = [&](Own what, std::size_t max) {
        const auto same = std::ranges::count_if(
            entry.own, [&](const auto& one) { return one.second.what == what; });
        if (static_cast<std::size_t>(same) < max) return false;
        connection_of(entry).reset(event.id);
        return true;
    };
    if (event.protocol == identify::kProtocol) {
        if (full(Own::tell, kTellsMax)) return;
        Writer frame;
        write_prefixed(frame, identify_for(entry));
        OwnStream own{Own::tell};
        own.unsent = std::move(frame).take();
        entry.own.emplace(event.id, std::move(own));
        flush(entry, event.id);
    } else if (event.protocol == ping::kProtocol) {
        if (full(Own::echo, ping::kStreamsMax)) return;
        entry.own.emplace(event.id, OwnStream{Own::echo});
    } else {
        events_.push_back(Opened{{id, event.id}, event.protocol});
    }
}

// Streams of our own.

void Swarm::ask(Entry& entry, Now now) {
    auto& connection = connection_of(entry);
    const auto asking = connection.open({std::string{identify::kProtocol}}, now);
    if (!asking) return;
    connection.close_write(*asking);
    entry.own.emplace(*asking, OwnStream{Own::ask});
}

Bytes Swarm::identify_for(const Entry& entry) const {
    identify::Identify out;
    out.key = config_.identity.public_key();
    out.protocol_version = config_.protocol_version;
    out.agent = config_.agent;
    out.listens = listens_;
    out.observed = multiaddr_of(paths_.at(*entry.path).address);
    for (const auto name : kOwnProtocols) out.protocols.emplace_back(name);
    for (const auto& name : config_.protocols) out.protocols.push_back(name);
    return identify::encode(out);
}

void Swarm::serve(Entry& entry, StreamId stream, Now now) {
    switch (entry.own.at(stream).what) {
        case Own::tell: return flush(entry, stream);
        case Own::ask: return hear(entry, stream, now);
        case Own::echo: return echo(entry, stream, now);
    }
}

void Swarm::echo(Entry& entry, StreamId stream, Now now) {
    auto& connection = connection_of(entry);
    for (;;) {
        const auto piece = connection.readable(stream);
        if (piece.empty()) break;
        // What cannot be sent back now stays unread: the peer's own window slows it down.
        const Bytes copy = to_bytes(piece);
        const auto taken = connection.write(stream, copy);
        connection.consume(stream, taken, now);
        if (taken < copy.size()) return;
    }
    if (!entry.own.at(stream).remote_closed) return;
    connection.close_write(stream);
    drop_own(entry, stream);
}

void Swarm::hear(Entry& entry, StreamId stream, Now now) {
    auto& own = entry.own.at(stream);
    auto& connection = connection_of(entry);
    for (;;) {
        const auto piece = connection.readable(stream);
        if (piece.empty()) return;
        auto in = piece;
        while (!in.empty()) {
            const auto frame = own.frames.next(in);
            auto says = frame && *frame ? identify::decode(**frame)
                                        : Result<identify::Identify>{identify::Identify{}};
            if (!frame || !says) {
                // A peer that cannot say who it is can still speak the rest.
                connection.reset(stream);
                return drop_own(entry, stream);
            }
            if (*frame) identify::merge(own.says, *std::move(says));
        }
        connection.consume(stream, piece.size(), now);
    }
}

void Swarm::heard_all(ConnectionId id, Entry& entry, StreamId stream, Now now) {
    auto& own = entry.own.at(stream);
    own.remote_closed = true;
    switch (own.what) {
        case Own::tell: return flush(entry, stream);
        case Own::echo: return echo(entry, stream, now);
        case Own::ask: break;
    }
    if (own.frames.at_boundary()) events_.push_back(Identified{id, std::move(own.says)});
    drop_own(entry, stream);
}

/// What was said stays ours until the peer has closed too, so that it counts against the limit.
void Swarm::flush(Entry& entry, StreamId stream) {
    auto& own = entry.own.at(stream);
    auto& connection = connection_of(entry);
    const auto taken = connection.write(stream, own.unsent);
    own.unsent.erase(own.unsent.begin(), own.unsent.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!own.unsent.empty()) return;
    connection.close_write(stream);
    if (own.remote_closed) drop_own(entry, stream);
}

void Swarm::drop_own(Entry& entry, StreamId stream) {
    entry.own.erase(stream);
}

// The application's.

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
