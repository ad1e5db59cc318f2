// SPDX-License-Identifier: MIT
#include "libp2p/swarm/swarm.hpp"

#include <algorithm>

namespace sennit::libp2p {

namespace {

/// What one Transmit carries at most: a full frame. So the next connection has its turn soon, and
/// the buffer is small enough that malloc has it at hand and need not ask the kernel.
constexpr std::size_t kTransmitMax = noise::Channel::kFrameMax;
constexpr std::string_view kOwnProtocols[]{identify::kProtocol, ping::kProtocol};

bool is_own_protocol(std::string_view name) {
    return std::ranges::find(kOwnProtocols, name) != std::end(kOwnProtocols);
}

crypto::X25519Key fresh_key(Rng& rng) {
    crypto::Secret secret;
    rng.fill({secret.data(), crypto::Secret::kSize});
    return crypto::X25519Key{secret};
}

}  // namespace

Swarm::Swarm(Config config, Rng rng)
    : config_{std::move(config)}, self_{config_.identity.peer_id()}, rng_{std::move(rng)} {
    const auto speaks = [names = config_.protocols](std::string_view name) {
        return is_own_protocol(name) || std::ranges::find(names, name) != names.end();
    };
    shared_ =
        std::make_shared<const ConnectionConfig>(ConnectionConfig{.identity = config_.identity,
                                                                  .noise_static = fresh_key(rng_),
                                                                  .speaks = speaks,
                                                                  .yamux = config_.yamux});
}

// The carrier.

void Swarm::on_input(const CarrierInput& input, Now now) {
    if (const auto* listening = std::get_if<Listening>(&input)) {
        const auto address = multiaddr_of(listening->address);
        listens_.push_back(address);
        const auto whole = address.encapsulate(Multiaddr::of_peer(self_));
        events_.push_back(ListeningOn{whole ? *whole : address});
    } else if (const auto* open = std::get_if<LinkOpen>(&input)) {
        on_link_open(*open, now);
    } else if (const auto* failed = std::get_if<sennit::DialFailed>(&input)) {
        on_dial_failed(*failed);
    } else if (const auto* bytes = std::get_if<LinkBytes>(&input)) {
        const auto found = by_link_.find(bytes->link);
        if (found == by_link_.end()) return;
        connections_.at(found->second).connection->on_bytes(bytes->bytes, now);
        touch(found->second);
    } else if (const auto* room = std::get_if<Room>(&input)) {
        const auto found = by_link_.find(room->link);
        if (found == by_link_.end()) return;
        connections_.at(found->second).room += room->bytes;
        touch(found->second);
    } else if (const auto* closed = std::get_if<LinkClosed>(&input)) {
        on_link_closed(closed->link, closed->why);
    }
}

void Swarm::on_link_open(const LinkOpen& link, Now now) {
    ConnectionId id{};
    if (link.dial) {
        const auto dialled = by_dial_.find(*link.dial);
        if (dialled == by_dial_.end()) {  // disconnected meanwhile
            outputs_.push_back(HangUp{link.id, "not wanted any more"});
            return;
        }
        id = dialled->second;
        by_dial_.erase(dialled);
    } else {
        if (connections_.size() >= config_.connections_max ||
            handshaking() >= config_.handshakes_max) {
            outputs_.push_back(HangUp{link.id, "too many connections"});
            return;
        }
        id = ConnectionId{++last_id_};
        connections_[id].inbound = true;
    }
    auto& peer = connections_.at(id);
    peer.link = link.id;
    peer.address = link.remote;
    peer.since = now.at;
    peer.room = link.room;
    peer.connection.emplace(link.dial ? Connection::Role::dialler : Connection::Role::listener,
                            shared_, fresh_key(rng_), peer.expected, now);
    by_link_.emplace(link.id, id);
    touch(id);
}

void Swarm::on_dial_failed(const sennit::DialFailed& failed) {
    const auto found = by_dial_.find(failed.dial);
    if (found == by_dial_.end()) return;
    const auto id = found->second;
    by_dial_.erase(found);
    connections_.erase(id);
    events_.push_back(
        Disconnected{id, Error{Errc::io, "cannot connect", Error::kNowhere, failed.why}, false});
}

void Swarm::on_link_closed(LinkId link, const std::string& why) {
    const auto found = by_link_.find(link);
    if (found == by_link_.end()) return;
    const auto id = found->second;
    auto& peer = connections_.at(id);
    by_link_.erase(found);
    peer.link.reset();
    if (peer.told) {
        connections_.erase(id);
        return;
    }
    peer.connection->on_link_down(Error{Errc::io, "the link is down", Error::kNowhere, why});
    touch(id);
}

std::optional<CarrierOutput> Swarm::poll_output(Now now) {
    while (outputs_.empty() && !due_.empty()) {
        const auto id = *due_.begin();
        due_.erase(due_.begin());
        const auto found = connections_.find(id);
        if (found == connections_.end() || !found->second.connection) continue;
        auto& peer = found->second;
        if (!peer.link || peer.hung_up) continue;
        Bytes out;
        if (peer.connection->transmit(std::min(peer.room, kTransmitMax), now, out) > 0) {
            peer.room -= out.size();
            touch(id);  // there may be more, and events of what sending made room for
            outputs_.push_back(
                Transmit{*peer.link, std::make_shared<const Bytes>(std::move(out)), {}, 0});
        } else if (peer.connection->closed()) {
            peer.hung_up = true;
            outputs_.push_back(HangUp{*peer.link, "closed"});
        } else {
            // Sending made room for writers, who must hear of it though the connection is due no
            // more; and what they write then has to leave.
            while (auto event = peer.connection->poll_event(now)) {
                take(id, peer, *std::move(event), now);
                touch(id);
            }
        }
    }
    if (outputs_.empty()) return std::nullopt;
    auto out = std::move(outputs_.front());
    outputs_.pop_front();
    return out;
}

void Swarm::on_time(Now now) {
    for (auto& [id, peer] : connections_) {
        if (!peer.connection || peer.connection->next_wake() > now.at) continue;
        peer.connection->on_time(now);
        touch(id);
    }
}

Instant Swarm::next_wake() const {
    auto out = Instant::max();
    for (const auto& [id, peer] : connections_) {
        if (peer.connection) out = std::min(out, peer.connection->next_wake());
    }
    return out;
}

// Events.

std::optional<Swarm::Event> Swarm::poll_event(Now now) {
    // Connections that are due stay so: sending comes after the events.
    for (auto at = due_.begin(); events_.empty() && at != due_.end(); ++at) {
        const auto found = connections_.find(*at);
        if (found == connections_.end() || !found->second.connection) continue;
        while (auto event = found->second.connection->poll_event(now)) {
            const auto id = found->first;
            take(id, found->second, *std::move(event), now);
            if (!events_.empty()) break;
        }
    }
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    // Its last word: the link, if there still is one, is only being closed.
    if (const auto* gone = std::get_if<Disconnected>(&out)) {
        const auto found = connections_.find(gone->id);
        if (found != connections_.end()) {
            found->second.told = true;
            if (!found->second.link) connections_.erase(found);
        }
    }
    return out;
}

void Swarm::take(ConnectionId id, Peer& peer, Connection::Event event, Now now) {
    const auto forward = [&]<class Told>(StreamId stream, Told told) {
        if (!is_own(peer, stream)) events_.push_back(std::move(told));
    };
    if (const auto* ready = std::get_if<Connection::Ready>(&event)) {
        on_ready(id, peer, *ready, now);
    } else if (const auto* opened = std::get_if<Connection::StreamOpened>(&event)) {
        on_stream_opened(id, peer, *opened);
    } else if (auto* agreed = std::get_if<Connection::StreamAgreed>(&event)) {
        forward(agreed->id, Agreed{{id, agreed->id}, std::move(agreed->protocol)});
    } else if (const auto* readable = std::get_if<Connection::StreamReadable>(&event)) {
        if (is_own(peer, readable->id)) return serve(peer, readable->id, now);
        events_.push_back(Readable{{id, readable->id}});
    } else if (const auto* writable = std::get_if<Connection::StreamWritable>(&event)) {
        if (is_own(peer, writable->id)) return serve(peer, writable->id, now);
        events_.push_back(Writable{{id, writable->id}});
    } else if (const auto* closed = std::get_if<Connection::StreamRemoteClosed>(&event)) {
        if (is_own(peer, closed->id)) return heard_all(id, peer, closed->id);
        events_.push_back(RemoteClosed{{id, closed->id}});
    } else if (auto* failed = std::get_if<Connection::StreamFailed>(&event)) {
        forward(failed->id, Failed{{id, failed->id}, std::move(failed->why)});
        drop_own(peer, failed->id);
    } else if (auto* over = std::get_if<Connection::Closed>(&event)) {
        events_.push_back(Disconnected{id, std::move(over->why), peer.connected});
    }
}

void Swarm::on_ready(ConnectionId id, Peer& peer, const Connection::Ready& ready, Now now) {
    peer.connected = true;
    events_.push_back(Connected{id, ready.peer, peer.address, peer.inbound, ready.early_muxer,
                                now.at - peer.since});
    const auto asking = peer.connection->open({std::string{identify::kProtocol}}, now);
    if (!asking) return;
    peer.connection->close_write(*asking);
    peer.own.emplace(*asking, OwnStream{Own::ask});
}

void Swarm::on_stream_opened(ConnectionId id, Peer& peer, const Connection::StreamOpened& event) {
    if (event.protocol == identify::kProtocol) {
        Writer frame;
        write_prefixed(frame, identify_for(peer));
        OwnStream own{Own::tell};
        own.unsent = std::move(frame).take();
        peer.own.emplace(event.id, std::move(own));
        flush(peer, event.id);
    } else if (event.protocol == ping::kProtocol) {
        if (peer.echoes == ping::kStreamsMax) return peer.connection->reset(event.id);
        ++peer.echoes;
        peer.own.emplace(event.id, OwnStream{Own::echo});
    } else {
        events_.push_back(Opened{{id, event.id}, event.protocol});
    }
}

// Streams of our own.

Bytes Swarm::identify_for(const Peer& peer) const {
    identify::Identify out;
    out.key = config_.identity.public_key();
    out.protocol_version = config_.protocol_version;
    out.agent = config_.agent;
    out.listens = listens_;
    out.observed = multiaddr_of(peer.address);
    for (const auto name : kOwnProtocols) out.protocols.emplace_back(name);
    for (const auto& name : config_.protocols) out.protocols.push_back(name);
    return identify::encode(out);
}

void Swarm::serve(Peer& peer, StreamId stream, Now now) {
    switch (peer.own.at(stream).what) {
        case Own::tell: return flush(peer, stream);
        case Own::ask: return hear(peer, stream, now);
        case Own::echo: return echo(peer, stream, now);
    }
}

void Swarm::echo(Peer& peer, StreamId stream, Now now) {
    for (;;) {
        const auto piece = peer.connection->readable(stream);
        if (piece.empty()) return;
        // What cannot be sent back now stays unread: the peer's own window slows it down.
        const Bytes copy = to_bytes(piece);
        const auto taken = peer.connection->write(stream, copy);
        peer.connection->consume(stream, taken, now);
        if (taken < copy.size()) return;
    }
}

void Swarm::hear(Peer& peer, StreamId stream, Now now) {
    auto& own = peer.own.at(stream);
    for (;;) {
        const auto piece = peer.connection->readable(stream);
        if (piece.empty()) return;
        auto in = piece;
        while (!in.empty()) {
            const auto frame = own.frames.next(in);
            auto says = frame && *frame ? identify::decode(**frame)
                                        : Result<identify::Identify>{identify::Identify{}};
            if (!frame || !says) {
                // A peer that cannot say who it is can still speak the rest.
                peer.connection->reset(stream);
                return drop_own(peer, stream);
            }
            if (*frame) identify::merge(own.says, *std::move(says));
        }
        peer.connection->consume(stream, piece.size(), now);
    }
}

void Swarm::heard_all(ConnectionId id, Peer& peer, StreamId stream) {
    auto& own = peer.own.at(stream);
    if (own.what == Own::ask && own.frames.at_boundary())
        events_.push_back(Identified{id, std::move(own.says)});
    // Echoes that still wait are sent all the same: the stream is closed behind them.
    peer.connection->close_write(stream);
    if (own.what != Own::tell) drop_own(peer, stream);
}

void Swarm::flush(Peer& peer, StreamId stream) {
    auto& own = peer.own.at(stream);
    const auto taken = peer.connection->write(stream, own.unsent);
    own.unsent.erase(own.unsent.begin(), own.unsent.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!own.unsent.empty()) return;
    peer.connection->close_write(stream);
    drop_own(peer, stream);
}

void Swarm::drop_own(Peer& peer, StreamId stream) {
    const auto found = peer.own.find(stream);
    if (found == peer.own.end()) return;
    if (found->second.what == Own::echo) --peer.echoes;
    peer.own.erase(found);
}

// The application.

Result<void> Swarm::listen(const Multiaddr& address) {
    SENNIT_TRY(auto where, tcp_address(address));
    outputs_.push_back(Listen{std::move(where), false});
    return {};
}

Result<ConnectionId> Swarm::dial(const Multiaddr& address, Now now) {
    SENNIT_TRY(auto where, tcp_address(address));
    if (connections_.size() >= config_.connections_max)
        return Error{Errc::busy, "too many connections", Error::kNowhere, {}};
    const ConnectionId id{++last_id_};
    const DialId dial{id.value};
    auto& peer = connections_[id];
    peer.dial = dial;
    peer.address = where;
    peer.expected = address.peer_id();
    peer.since = now.at;
    by_dial_.emplace(dial, id);
    outputs_.push_back(Dial{.id = dial, .to = std::move(where), .timeout = config_.dial_timeout});
    return id;
}

void Swarm::disconnect(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if (found->second.connection) {
        found->second.connection->close();
        return touch(id);
    }
    by_dial_.erase(found->second.dial);
    connections_.erase(found);
    events_.push_back(Disconnected{id, Error{Errc::io, "we left", Error::kNowhere, {}}, false});
}

Connection* Swarm::running(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.connection) return nullptr;
    return &*found->second.connection;
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

std::vector<ConnectionId> Swarm::connection_ids() const {
    std::vector<ConnectionId> out;
    for (const auto& [id, peer] : connections_) out.push_back(id);
    return out;
}

std::optional<Duration> Swarm::round_trip(ConnectionId id) const {
    const auto* const connection = running(id);
    return connection == nullptr ? std::nullopt : connection->round_trip();
}

std::size_t Swarm::handshaking() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        connections_, [](const auto& one) { return one.second.inbound && !one.second.connected; }));
}

void Swarm::check_invariants() const {
    SENNIT_ASSERT(connections_.size() <= config_.connections_max);
    for (const auto& [link, id] : by_link_) SENNIT_ASSERT(connections_.at(id).link == link);
    for (const auto& [dial, id] : by_dial_) SENNIT_ASSERT(!connections_.at(id).connection);
    for (const auto& [id, peer] : connections_) {
        SENNIT_ASSERT(!peer.link || by_link_.at(*peer.link) == id);
        SENNIT_ASSERT(peer.echoes <= ping::kStreamsMax);
        if (peer.connection) peer.connection->check_invariants();
    }
}

}  // namespace sennit::libp2p
