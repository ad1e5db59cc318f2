// SPDX-License-Identifier: MIT
#include <algorithm>

#include "libp2p/peer_routing/peer_routing.hpp"

namespace sennit::libp2p {

void PeerRouting::send(kad::Kad::SendRequest&& request, Now now) {
    const auto id = request.id;
    requests_.emplace(id, Request{request.peer, std::move(request.frame), std::nullopt});
    if (const auto connection = connection_of(request.peer)) {
        ask(id, *connection, now);
    } else {
        dial(request.peer, std::move(request.addresses), id, now);
    }
}

void PeerRouting::cancel(RequestId id, Now now) {
    const auto at = requests_.find(id);
    if (at == requests_.end()) return;  // has just ended by itself
    const auto request = std::move(at->second);
    requests_.erase(at);
    if (request.stream) {
        swarm_.reset(*request.stream);
        outbound_.erase(*request.stream);
        return release(*request.stream, now);
    }
    auto& dialling = dials_.at(request.peer);
    dialling.waiting.erase(id);
    if (dialling.waiting.empty()) end_dial(request.peer);
}

std::optional<ConnectionId> PeerRouting::connection_of(const PeerId& peer) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return std::nullopt;
    for (const auto id : found->second.connections) {
        if (!links_.at(id).leaving) return id;
    }
    return std::nullopt;
}

void PeerRouting::ask(RequestId id, ConnectionId connection, Now now) {
    const auto stream = swarm_.open(connection, {kad_.protocol()}, now);
    if (!stream) return fail(id, now);
    requests_.at(id).stream = *stream;
    take(*stream);
    write(outbound_.emplace(*stream, Outbound{.request = id}).first);
}

void PeerRouting::fail(RequestId id, Now now) {
    requests_.erase(id);
    kad_.on_failure(id, now);
}

// Dials.

void PeerRouting::dial(const PeerId& peer, std::vector<Multiaddr> addresses, RequestId id,
                       Now now) {
    auto& dialling = dials_[peer];
    dialling.waiting.insert(id);
    for (auto& address : addresses) {
        if (dialling.addresses.size() == limits_.addresses_max) break;
        if (std::ranges::find(dialling.addresses, address) == dialling.addresses.end())
            dialling.addresses.push_back(std::move(address));
    }
    if (dialling.addresses.empty()) {
        dials_.erase(peer);
        fail(id, now);
    }
}

bool PeerRouting::has_room() const {
    return attempts_.size() < limits_.dials_max &&
           own_ + attempts_.size() < limits_.connections_max;
}

/// Hangs up the connection that has been idle longest. Its place is free when the swarm says so.
void PeerRouting::make_room() {
    if (attempts_.size() >= limits_.dials_max) return;
    auto longest = links_.end();
    for (auto at = links_.begin(); at != links_.end(); ++at) {
        const auto& link = at->second;
        if (!link.own) continue;
        if (link.leaving) return;  // one at a time
        if (link.streams > 0) continue;
        if (longest == links_.end() || link.idle_since < longest->second.idle_since) longest = at;
    }
    if (longest != links_.end()) hang_up(longest->first, longest->second);
}

/// Who came first is dialled first.
bool PeerRouting::continue_dials(Now now) {
    if (dials_.empty()) return false;
    std::vector<PeerId> first, again;
    for (const auto& [id, request] : requests_) {
        if (request.stream) continue;
        const auto& one = dials_.at(request.peer);
        if (*one.waiting.begin() != id || one.tried == one.addresses.size()) continue;
        if (one.tried == 0) {
            first.push_back(request.peer);
        } else if (one.running == 0 || one.next_at <= now.at) {
            again.push_back(request.peer);
        }
    }
    bool moved = false;
    for (const auto* peers : {&first, &again}) {
        for (const auto& peer : *peers) {
            if (!has_room()) {
                make_room();
                return moved;
            }
            moved = dial_next(peer, now) || moved;
        }
    }
    return moved;
}

/// The peer's next address that the swarm can dial; gives up if none is left and none runs.
bool PeerRouting::dial_next(const PeerId& peer, Now now) {
    auto& dialling = dials_.at(peer);
    while (dialling.tried < dialling.addresses.size()) {
        const auto& address = dialling.addresses[dialling.tried++];
        const auto whole =
            address.peer_id() ? address : address.encapsulate(Multiaddr::of_peer(peer));
        if (!whole) continue;
        const auto id = swarm_.dial(*whole, now);
        if (!id) continue;
        attempts_.emplace(*id, Attempt{peer});
        ++dialling.running;
        dialling.next_at = now.at + limits_.dial_step;
        return true;
    }
    if (dialling.running > 0) return false;
    const auto waiting = std::move(dialling.waiting);
    dials_.erase(peer);
    for (const auto id : waiting) fail(id, now);
    return true;
}

void PeerRouting::on_dial_failed(const Attempt& attempt, Now now) {
    if (attempt.abandoned) return;
    auto& dialling = dials_.at(attempt.peer);
    if (--dialling.running == 0 && dialling.tried == dialling.addresses.size())
        dial_next(attempt.peer, now);
}

/// Nobody waits any more.
void PeerRouting::end_dial(const PeerId& peer) {
    dials_.erase(peer);
    for (auto& [id, attempt] : attempts_) {
        if (attempt.peer != peer || attempt.abandoned) continue;
        attempt.abandoned = true;
        swarm_.disconnect(id);
    }
}

// Streams.

void PeerRouting::write(Out at) {
    auto& out = at->second;
    if (!out.request) return;
    const auto& frame = requests_.at(*out.request).frame;
    out.written += swarm_.write(at->first, BytesView{frame}.subspan(out.written));
}

void PeerRouting::read(Out at, Now now) {
    for (;;) {
        const auto piece = swarm_.readable(at->first);
        if (piece.empty()) return;
        auto in = piece;
        const auto frame = at->second.frames.next(in);
        // Nothing was to come after the answer.
        if (!frame || !at->second.request) {
            swarm_.reset(at->first);
            return drop(at, now);
        }
        if (*frame) answered(at, **frame, now);
        swarm_.consume(at->first, piece.size() - in.size(), now);
    }
}

void PeerRouting::answered(Out at, BytesView frame, Now now) {
    const auto id = *at->second.request;
    swarm_.close_write(at->first);
    at->second.request.reset();
    at->second.until = now.at + limits_.linger;
    requests_.erase(id);
    kad_.on_response(id, frame, now);
}

void PeerRouting::on_remote_closed(Out at, Now now) {
    // What came before was read: the event for it came first. Both sides are closed then, unless
    // the peer closes without an answer.
    if (at->second.request) swarm_.reset(at->first);
    drop(at, now);
}

void PeerRouting::drop(Out at, Now now) {
    const auto stream = at->first;
    const auto request = at->second.request;
    outbound_.erase(at);
    release(stream, now);
    if (request) fail(*request, now);
}

}  // namespace sennit::libp2p
