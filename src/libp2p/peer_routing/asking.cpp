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
        auto& link = at->second;
        if (!link.own) continue;
        if (link.leaving) return;  // one at a time
        if (!is_spare(at->first, link)) continue;
        if (longest == links_.end() || link.idle_since < longest->second.idle_since) longest = at;
    }
    if (longest != links_.end()) hang_up(longest->first, longest->second);
}

/// Who came first is dialled first.
bool PeerRouting::continue_dials(Now now) {
    if (dials_.empty()) return false;
    std::vector<PeerId> next;
    for (const auto& [id, request] : requests_) {
        if (request.stream) continue;
        const auto& one = dials_.at(request.peer);
        if (*one.waiting.begin() == id && one.tried < one.addresses.size())
            next.push_back(request.peer);
    }
    bool moved = false;
    for (const auto& peer : next) {
        // A dial that runs takes further addresses into its place.
        if (!has_room() && !swarm_.knows(peer)) {
            make_room();
            if (!has_room()) continue;
        }
        moved = begin_dial(peer, now) || moved;
    }
    return moved;
}

/// Gives the swarm the peer's addresses that it has not had; gives up if none can be dialled.
bool PeerRouting::begin_dial(const PeerId& peer, Now now) {
    auto& dialling = dials_.at(peer);
    std::vector<Multiaddr> usable;
    for (; dialling.tried < dialling.addresses.size(); ++dialling.tried) {
        const auto& address = dialling.addresses[dialling.tried];
        const auto named = address.peer_id();
        if (named && *named != peer) continue;
        if (auto whole = named ? Result{address} : address.encapsulate(Multiaddr::of_peer(peer)))
            usable.push_back(*std::move(whole));
    }
    const bool known = swarm_.knows(peer);
    const auto id = swarm_.dial(usable, now);
    if (!id) {
        if (dialling.on) return false;
        give_up(peer, now);
        return true;
    }
    dialling.on = *id;
    if (!known) {
        attempts_.emplace(*id, Attempt{peer});
    } else if (const auto own = attempts_.find(*id); own != attempts_.end()) {
        ++own->second.asked;
    } else if (const auto up = links_.find(*id); up != links_.end()) {
        ++up->second.asked;
    }
    return true;
}

void PeerRouting::give_up(const PeerId& peer, Now now) {
    const auto waiting = std::move(dials_.at(peer).waiting);
    dials_.erase(peer);
    for (const auto id : waiting) fail(id, now);
}

/// What the requests to `peer` waited for led to nothing. `again`: not for want of an address.
void PeerRouting::on_dial_over(const PeerId& peer, bool again, Now now) {
    auto& dialling = dials_.at(peer);
    dialling.on.reset();
    if (again) dialling.tried = 0;
    if (dialling.tried == dialling.addresses.size()) give_up(peer, now);
}

/// Nobody waits any more.
void PeerRouting::end_dial(const PeerId& peer) {
    const auto on = dials_.at(peer).on;
    dials_.erase(peer);
    const auto at = on ? attempts_.find(*on) : attempts_.end();
    if (at == attempts_.end()) return;
    if (swarm_.times_dialled(*on) > at->second.asked) {  // somebody else does
        attempts_.erase(at);
        return;
    }
    at->second.abandoned = true;
    swarm_.disconnect(*on);
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
