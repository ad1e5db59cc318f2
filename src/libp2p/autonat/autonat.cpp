// SPDX-License-Identifier: MIT
#include "libp2p/autonat/autonat.hpp"

#include <algorithm>

namespace sennit::libp2p {

namespace {

using autonat::AskId;
using autonat::Client;
using autonat::ServeId;
using autonat::Server;

PrivateKey fresh_identity(Rng& rng) {
    crypto::Ed25519Key::Seed seed{};
    rng.fill({seed.data(), seed.size()});
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

/// Whom it dials may open streams too, and has no business with us beyond identify.
Swarm::Config dialler_config(const Autonat::Config& config, Rng& rng) {
    Swarm::Config out{.identity = fresh_identity(rng)};
    // Beside those under way, those that are being closed.
    out.connections_max = 4 * config.server.dials_max;
    out.outbound_max = out.connections_max;
    out.inbound_max = 0;
    out.yamux.streams_in_max = 8;
    out.yamux.streams_out_max = 8;
    out.yamux.window_max = out.yamux.window_initial;
    out.dial_timeout = config.dial_timeout;
    return out;
}

}  // namespace

Autonat::Autonat(Swarm& swarm, Config config, Rng rng)
    : swarm_{swarm},
      config_{config},
      rng_{std::move(rng)},
      client_{config.client, rng_.fork("client")},
      server_{config.server, rng_.fork("server")},
      dialler_{dialler_config(config, rng_), rng_.fork("dialler")} {}

std::vector<std::string> Autonat::protocols(bool serve) {
    std::vector<std::string> out{std::string{autonat::kBackProtocol}};
    if (serve) out.emplace_back(autonat::kRequestProtocol);
    return out;
}

void Autonat::set_candidates(const std::vector<Multiaddr>& addresses, Now now) {
    client_.set_candidates(addresses, now);
}

std::optional<Autonat::Event> Autonat::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

// Events.

bool Autonat::on_event(const Swarm::Event& event, Now now) {
    const auto mine = [&](StreamRef stream) { return streams_.contains(stream); };
    if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
        on_connected(*connected, now);
    } else if (const auto* says = std::get_if<Swarm::Identified>(&event)) {
        on_identified(*says, now);
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        on_disconnected(gone->id, now);
    } else if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        return on_opened(*opened, now);
    } else if (const auto* agreed = std::get_if<Swarm::Agreed>(&event)) {
        return mine(agreed->stream);
    } else if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
        if (!mine(readable->stream)) return false;
        read(readable->stream, now);
        return true;
    } else if (const auto* writable = std::get_if<Swarm::Writable>(&event)) {
        return mine(writable->stream);  // `pump` comes next
    } else if (const auto* closed = std::get_if<Swarm::RemoteClosed>(&event)) {
        if (!mine(closed->stream)) return false;
        read(closed->stream, now);
        const auto at = streams_.find(closed->stream);
        if (at != streams_.end()) on_remote_closed(at, now);
        return true;
    } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
        if (!mine(failed->stream)) return false;
        on_failed(streams_.find(failed->stream), now);
        return true;
    }
    return false;
}

void Autonat::on_connected(const Swarm::Connected& event, Now now) {
    links_.insert_or_assign(event.id, Link{.peer = event.peer,
                                           .host = event.address.host,
                                           .inbound = event.inbound,
                                           .began = now.at - event.took});
}

/// What a peer speaks may change.
void Autonat::on_identified(const Swarm::Identified& event, Now now) {
    const auto found = links_.find(event.id);
    if (found == links_.end()) return;
    auto& link = found->second;
    const bool serves = std::ranges::find(event.says.protocols, autonat::kRequestProtocol) !=
                        event.says.protocols.end();
    if (serves == std::exchange(link.serves, serves)) return;
    auto& ways = servers_[link.peer];
    if (serves) {
        ways.insert(event.id);
        client_.on_server(link.peer, link.host, now);
        return;
    }
    ways.erase(event.id);
    if (!ways.empty()) return;
    servers_.erase(link.peer);
    client_.on_server_gone(link.peer, now);
}

void Autonat::on_disconnected(ConnectionId id, Now now) {
    const auto found = links_.find(id);
    if (found == links_.end()) return;
    const auto link = found->second;
    links_.erase(found);
    const StreamRef first{id, StreamId{}};
    std::vector<StreamRef> over;
    for (auto at = streams_.lower_bound(first); at != streams_.end() && at->first.connection == id;
         ++at) {
        over.push_back(at->first);
    }
    for (const auto stream : over) {
        if (const auto at = streams_.find(stream); at != streams_.end()) on_failed(at, now);
    }
    if (!link.serves) return;
    auto& ways = servers_.at(link.peer);
    ways.erase(id);
    if (!ways.empty()) return;
    servers_.erase(link.peer);
    client_.on_server_gone(link.peer, now);
}

bool Autonat::on_opened(const Swarm::Opened& event, Now now) {
    const bool back = event.protocol == autonat::kBackProtocol;
    const bool asked = event.protocol == autonat::kRequestProtocol;
    if (!back && !asked) return false;
    const auto link = links_.find(event.stream.connection);
    if (link == links_.end() || (asked && !config_.serve)) {
        swarm_.reset(event.stream);
        return true;
    }
    Stream stream;
    if (asked) {
        const auto id = server_.on_request(link->second.peer, link->second.host, now);
        if (!id) {
            swarm_.reset(event.stream);
            return true;
        }
        stream.role = Role::serving;
        stream.id = id->value;
        serves_.emplace(*id, event.stream);
    } else {
        if (!expects_back(event.stream.connection)) {
            swarm_.reset(event.stream);
            return true;
        }
        ++backs_;
        stream.role = Role::back;
        stream.frames = FrameCutter{autonat::kBackSizeMax};
        stream.until = now.at + config_.linger;
    }
    streams_.emplace(event.stream, std::move(stream));
    read(event.stream, now);
    return true;
}

/// Strangers who only hold such streams open must not keep out those who have something to say.
bool Autonat::expects_back(ConnectionId id) const {
    if (client_.asks() == 0 || backs_ >= config_.backs_max || !links_.at(id).inbound) return false;
    for (auto at = streams_.lower_bound(StreamRef{id, StreamId{}});
         at != streams_.end() && at->first.connection == id; ++at) {
        if (at->second.role == Role::back) return false;
    }
    return true;
}

void Autonat::on_remote_closed(Place at, Now now) {
    const auto stream = at->first;
    at->second.remote_closed = true;
    switch (at->second.role) {
        case Role::asking:
            // Its answer was read before, and has made this stream a closing one.
            client_.on_failure(AskId{at->second.id}, now);
            break;
        case Role::serving: server_.on_remote_closed(ServeId{at->second.id}, now); break;
        case Role::back:
            // It may close when it has sent its nonce; without one it has come for nothing.
            if (!at->second.last) close(stream, true, now);
            break;
        case Role::closing: streams_.erase(at); break;
    }
}

/// The stream is over, and with it what it was for.
void Autonat::end_role(Role role, std::uint64_t id, Now now) {
    switch (role) {
        case Role::asking:
            asks_.erase(AskId{id});
            client_.on_failure(AskId{id}, now);
            break;
        case Role::serving:
            serves_.erase(ServeId{id});
            server_.on_gone(ServeId{id}, now);
            break;
        case Role::back: --backs_; break;
        case Role::closing: break;
    }
}

/// Failed, or its connection is gone.
void Autonat::on_failed(Place at, Now now) {
    const auto role = at->second.role;
    const auto id = at->second.id;
    streams_.erase(at);
    end_role(role, id, now);
}

// Streams.

void Autonat::read(StreamRef stream, Now now) {
    for (;;) {
        // A frame may end its stream, or another one.
        const auto at = streams_.find(stream);
        if (at == streams_.end()) return;
        const auto piece = swarm_.readable(stream);
        if (piece.empty()) return;
        if (at->second.role == Role::closing) {
            swarm_.consume(stream, piece.size(), now);
            continue;
        }
        auto in = piece;
        const auto frame = at->second.frames.next(in);
        const auto taken = piece.size() - in.size();
        bool good = frame.has_value();
        if (good && *frame) good = on_frame(at, **frame, now);
        if (!good) return close(stream, true, now);
        if (streams_.contains(stream)) swarm_.consume(stream, taken, now);
    }
}

/// False: the stream is to be reset, if nobody has yet.
bool Autonat::on_frame(Place at, BytesView frame, Now now) {
    auto& stream = at->second;
    switch (stream.role) {
        case Role::asking:
            // The cores say by an event what becomes of the stream.
            (void)client_.on_message(AskId{stream.id}, frame, now);
            return true;
        case Role::serving: (void)server_.on_message(ServeId{stream.id}, frame, now); return true;
        case Role::back: {
            const auto nonce = autonat::decode_dial_back(frame);
            if (!nonce || stream.last) return false;
            const auto& link = links_.at(at->first.connection);
            if (!client_.on_dial_back(*nonce, {link.inbound, link.host, link.began}, now))
                return false;
            stream.out = autonat::framed(autonat::encode_dial_back_response());
            stream.last = true;
            return true;
        }
        case Role::closing: break;
    }
    return true;
}

/// True if anything moved. May end the stream.
bool Autonat::write(Place at, Now now) {
    auto& stream = at->second;
    bool moved = false;
    for (;;) {
        if (stream.written == stream.out.size()) {
            stream.written = 0;
            stream.out.clear();
            if (stream.last) {
                close(at->first, false, now);
                return true;
            }
            if (stream.role != Role::asking) return moved;
            auto frame = client_.next_frame(AskId{stream.id});
            if (!frame) return moved;
            stream.out = *std::move(frame);
        }
        const auto taken = swarm_.write(at->first, BytesView{stream.out}.subspan(stream.written));
        stream.written += taken;
        moved = moved || taken > 0;
        if (stream.written < stream.out.size()) return moved;
    }
}

/// The cores have forgotten it, or are about to.
void Autonat::close(StreamRef stream, bool reset, Now now) {
    const auto at = streams_.find(stream);
    if (at == streams_.end()) return;
    const auto role = at->second.role;
    const auto id = at->second.id;
    if (reset) {
        streams_.erase(at);
        swarm_.reset(stream);
    } else if (at->second.remote_closed) {
        streams_.erase(at);
        swarm_.close_write(stream);
    } else {
        at->second = Stream{.until = now.at + config_.linger};
        swarm_.close_write(stream);
    }
    end_role(role, id, now);
    if (!reset) read(stream, now);
}

// What the cores want.

std::optional<ConnectionId> Autonat::way_to(const PeerId& server) const {
    const auto found = servers_.find(server);
    if (found == servers_.end() || found->second.empty()) return std::nullopt;
    return *found->second.rbegin();  // the newest
}

void Autonat::take(const Client::Event& event, Now now) {
    if (const auto* const ask = std::get_if<Client::Ask>(&event)) {
        const auto way = way_to(ask->server);
        if (!way) return client_.on_failure(ask->id, now);
        const auto stream = swarm_.open(*way, {std::string{autonat::kRequestProtocol}}, now);
        if (!stream) return client_.on_failure(ask->id, now);
        Stream one;
        one.role = Role::asking;
        one.id = ask->id.value;
        asks_.emplace(ask->id, *stream);
        streams_.emplace(*stream, std::move(one));
    } else if (const auto* const over = std::get_if<Client::Close>(&event)) {
        const auto found = asks_.find(over->id);
        if (found != asks_.end()) close(found->second, over->reset, now);
    } else if (const auto* const changed = std::get_if<Client::Changed>(&event)) {
        events_.push_back(*changed);
    }
}

void Autonat::take(const Server::Event& event, Now now) {
    if (const auto* const reply = std::get_if<Server::Reply>(&event)) {
        const auto found = serves_.find(reply->id);
        if (found == serves_.end()) return;
        auto& stream = streams_.at(found->second);
        const auto frame = reply->frame();
        stream.out.insert(stream.out.end(), frame.begin(), frame.end());
        stream.last = reply->last();
        // It is the reader's turn to take it.
        if (stream.last) stream.until = now.at + config_.linger;
    } else if (const auto* const wanted = std::get_if<Server::Dial>(&event)) {
        dial(wanted->id, now);
    } else if (const auto* const not_any_more = std::get_if<Server::CancelDial>(&event)) {
        cancel(not_any_more->id);
    } else if (const auto* const broken = std::get_if<Server::Reset>(&event)) {
        const auto found = serves_.find(broken->id);
        if (found != serves_.end()) close(found->second, true, now);
    }
}

bool Autonat::pump(Now now) {
    bool moved = false;
    while (const auto event = dialler_.poll_event(now)) {
        moved = true;
        on_dialler(*event, now);
    }
    while (const auto event = client_.poll_event()) {
        moved = true;
        take(*event, now);
    }
    while (const auto event = server_.poll_event()) {
        moved = true;
        take(*event, now);
    }
    std::vector<StreamRef> all;
    for (const auto& [ref, stream] : streams_) all.push_back(ref);
    for (const auto ref : all) {
        const auto at = streams_.find(ref);
        if (at != streams_.end() && at->second.role != Role::closing)
            moved = write(at, now) || moved;
    }
    return moved;
}

// Time.

void Autonat::on_time(Now now) {
    dialler_.on_time(now);
    client_.on_time(now);
    server_.on_time(now);
    std::vector<StreamRef> late;
    for (const auto& [ref, stream] : streams_) {
        if (stream.until <= now.at) late.push_back(ref);
    }
    for (const auto ref : late) close(ref, true, now);
}

Instant Autonat::next_wake() const {
    auto out = std::min({dialler_.next_wake(), client_.next_wake(), server_.next_wake()});
    for (const auto& [ref, stream] : streams_) out = std::min(out, stream.until);
    return out;
}

void Autonat::check_invariants() const {
    client_.check_invariants();
    server_.check_invariants();
    dialler_.check_invariants();
    std::size_t backs = 0;
    for (const auto& [ref, stream] : streams_) {
        SENNIT_ASSERT(links_.contains(ref.connection));
        SENNIT_ASSERT(stream.written <= stream.out.size());
        switch (stream.role) {
            case Role::asking: SENNIT_ASSERT(asks_.at(AskId{stream.id}) == ref); break;
            case Role::serving: SENNIT_ASSERT(serves_.at(ServeId{stream.id}) == ref); break;
            case Role::back: ++backs; break;
            case Role::closing: break;
        }
    }
    SENNIT_ASSERT(backs == backs_ && backs_ <= config_.backs_max);
    SENNIT_ASSERT(asks_.size() + serves_.size() + backs_ <= streams_.size());
    SENNIT_ASSERT(dials_.size() <= config_.server.dials_max);
    for (const auto& [peer, ways] : servers_) {
        SENNIT_ASSERT(!ways.empty());
        for (const auto id : ways) SENNIT_ASSERT(links_.at(id).peer == peer);
    }
}

}  // namespace sennit::libp2p
