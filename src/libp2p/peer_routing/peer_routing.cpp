// SPDX-License-Identifier: MIT
#include "libp2p/peer_routing/peer_routing.hpp"

#include <algorithm>

namespace sennit::libp2p {

PeerRouting::PeerRouting(Swarm& swarm, kad::Kad::Config config, Rng rng, const Limits& limits)
    : swarm_{swarm}, limits_{limits}, kad_{std::move(config), std::move(rng)} {}

std::optional<PeerRouting::Event> PeerRouting::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

bool PeerRouting::on_event(const Swarm::Event& event, Now now) {
    if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        on_connected(*up, now);
        return false;
    }
    if (const auto* says = std::get_if<Swarm::Identified>(&event)) {
        const auto link = links_.find(says->id);
        if (link != links_.end())
            kad_.on_identified(link->second.peer, says->says.listens, says->says.protocols, now);
        return false;
    }
    if (const auto* gone = std::get_if<Swarm::Disconnected>(&event))
        return on_disconnected(*gone, now);
    if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        if (opened->protocol != kad_.protocol()) return false;
        on_opened(opened->stream, now);
        return true;
    }
    const auto with = [&]<class Told>(const Told* told, auto out, auto in) {
        if (told == nullptr) return false;
        if (const auto ours = outbound_.find(told->stream); ours != outbound_.end()) {
            out(ours);
        } else if (const auto theirs = inbound_.find(told->stream); theirs != inbound_.end()) {
            in(theirs);
        } else {
            return false;
        }
        return true;
    };
    return with(
               std::get_if<Swarm::Readable>(&event), [&](Out at) { read(at, now); },
               [&](In at) { serve(at, now); }) ||
           with(
               std::get_if<Swarm::Writable>(&event), [&](Out at) { write(at); },
               [&](In at) { serve(at, now); }) ||
           with(
               std::get_if<Swarm::RemoteClosed>(&event), [&](Out at) { on_remote_closed(at, now); },
               [&](In at) {
                   at->second.remote_closed = true;
                   serve(at, now);
               }) ||
           with(
               std::get_if<Swarm::Failed>(&event), [&](Out at) { drop(at, now); },
               [&](In at) { forget(at, now); }) ||
           with(
               std::get_if<Swarm::Agreed>(&event), [](Out) {}, [](In) {});
}

void PeerRouting::on_connected(const Swarm::Connected& event, Now now) {
    Link link{.peer = event.peer, .idle_since = now.at};
    if (const auto at = attempts_.find(event.id); at != attempts_.end()) {
        // It may be abandoned, but was up before the swarm heard of that.
        link.leaving = at->second.abandoned;
        link.own = true;
        link.asked = at->second.asked;
        attempts_.erase(at);
        ++own_;
    }
    const bool leaving = link.leaving;
    links_.emplace(event.id, std::move(link));
    auto& peer = peers_[event.peer];
    peer.connections.insert(event.id);
    if (peer.connections.size() == 1)
        kad_.on_connected(event.peer, multiaddr_of(event.address), now);
    const auto dialling = dials_.find(event.peer);
    if (dialling == dials_.end() || leaving) return;
    const auto waiting = std::move(dialling->second.waiting);
    end_dial(event.peer);
    for (const auto id : waiting) ask(id, event.id, now);
}

bool PeerRouting::on_disconnected(const Swarm::Disconnected& event, Now now) {
    if (const auto at = attempts_.find(event.id); at != attempts_.end()) {
        const auto attempt = at->second;
        attempts_.erase(at);
        if (!attempt.abandoned) on_dial_over(attempt.peer, /*again=*/false, now);
        return event.times_dialled <= attempt.asked;
    }
    if (const auto at = std::ranges::find_if(
            dials_, [&](const auto& one) { return one.second.on == event.id; });
        at != dials_.end()) {
        // Who hung up somebody else's dial knew nothing of those who wait here.
        const auto peer = at->first;
        on_dial_over(peer, event.cause == Swarm::Cause::we_left, now);
    }
    const auto at = links_.find(event.id);
    if (at == links_.end()) return false;  // was never up
    const StreamRef first{event.id, StreamId{}};
    const auto is_its = [&](const auto& map, auto stream) {
        return stream != map.end() && stream->first.connection == event.id;
    };
    for (auto out = outbound_.lower_bound(first); is_its(outbound_, out);) drop(out++, now);
    for (auto in = inbound_.lower_bound(first); is_its(inbound_, in);) forget(in++, now);
    const auto link = at->second;
    links_.erase(at);
    if (link.own) --own_;
    const auto peer = peers_.find(link.peer);
    peer->second.connections.erase(event.id);
    if (!peer->second.connections.empty()) return false;
    peers_.erase(peer);
    kad_.on_disconnected(link.peer, now);
    return false;
}

void PeerRouting::take(StreamRef stream) {
    ++links_.at(stream.connection).streams;
}

void PeerRouting::release(StreamRef stream, Now now) {
    auto& link = links_.at(stream.connection);
    --link.streams;
    link.idle_since = now.at;
}

void PeerRouting::hang_up(ConnectionId id, Link& link) {
    link.leaving = true;
    swarm_.disconnect(id);
}

/// Of an own one: whether it may be hung up.
bool PeerRouting::is_spare(ConnectionId id, Link& link) {
    if (swarm_.times_dialled(id) > link.asked) {
        link.own = false;
        --own_;
    }
    return link.own && link.streams == 0 && !swarm_.in_use(id);
}

// What Kad has to say.

bool PeerRouting::poll_kad(Now now) {
    bool moved = false;
    while (auto event = kad_.poll_event()) {
        moved = true;
        if (auto* const request = std::get_if<kad::Kad::SendRequest>(&*event)) {
            send(std::move(*request), now);
        } else if (const auto* late = std::get_if<kad::Kad::CancelRequest>(&*event)) {
            cancel(late->id, now);
        } else if (auto* const done = std::get_if<kad::Kad::QueryDone>(&*event)) {
            events_.emplace_back(std::move(*done));
        } else if (const auto* updated = std::get_if<kad::Kad::RoutingUpdated>(&*event)) {
            events_.emplace_back(*updated);
        }
    }
    return moved;
}

bool PeerRouting::pump(Now now) {
    bool moved = poll_kad(now);
    moved = continue_dials(now) || moved;
    return moved;
}

// Time.

void PeerRouting::on_time(Now now) {
    if (kad_.next_wake() <= now.at) kad_.on_time(now);
    for (auto at = outbound_.begin(); at != outbound_.end();) {
        const auto out = at++;
        if (out->second.request || out->second.until > now.at) continue;
        swarm_.reset(out->first);
        drop(out, now);
    }
    for (auto at = inbound_.begin(); at != inbound_.end();) {
        const auto in = at++;
        if (in->second.until <= now.at) refuse(in, now);
    }
    for (auto& [id, link] : links_) {
        if (!link.own || link.leaving || link.streams > 0 ||
            link.idle_since + limits_.idle_max > now.at)
            continue;
        if (is_spare(id, link)) {
            hang_up(id, link);
        } else {
            link.idle_since = now.at;  // asked again later
        }
    }
}

Instant PeerRouting::next_wake() const {
    auto out = kad_.next_wake();
    for (const auto& [stream, one] : outbound_) {
        if (!one.request) out = std::min(out, one.until);
    }
    for (const auto& [stream, one] : inbound_) out = std::min(out, one.until);
    for (const auto& [id, link] : links_) {
        if (link.own && !link.leaving && link.streams == 0)
            out = std::min(out, link.idle_since + limits_.idle_max);
    }
    return out;
}

void PeerRouting::check_invariants() const {
    kad_.check_invariants();
    SENNIT_ASSERT(attempts_.size() <= limits_.dials_max);
    SENNIT_ASSERT(own_ + attempts_.size() <= limits_.connections_max);
    SENNIT_ASSERT(inbound_.size() <= limits_.streams_max);
    std::map<ConnectionId, std::size_t> streams;
    std::map<PeerId, std::size_t> inbound;
    for (const auto& [stream, one] : outbound_) {
        ++streams[stream.connection];
        if (one.request) SENNIT_ASSERT(requests_.at(*one.request).stream == stream);
    }
    for (const auto& [stream, one] : inbound_) {
        ++streams[stream.connection];
        ++inbound[links_.at(stream.connection).peer];
        SENNIT_ASSERT(one.written <= one.answer.size());
    }
    std::size_t own = 0;
    for (const auto& [id, link] : links_) {
        own += link.own;
        SENNIT_ASSERT(streams[id] == link.streams);
        SENNIT_ASSERT(peers_.at(link.peer).connections.contains(id));
    }
    SENNIT_ASSERT(own == own_ && streams.size() == links_.size());
    for (const auto& [id, peer] : peers_) {
        SENNIT_ASSERT(!peer.connections.empty() && peer.inbound == inbound[id]);
        SENNIT_ASSERT(peer.inbound <= limits_.streams_per_peer_max);
    }
    for (const auto& [id, attempt] : attempts_) {
        SENNIT_ASSERT(attempt.abandoned || dials_.at(attempt.peer).on == id);
    }
    for (const auto& [peer, one] : dials_) {
        SENNIT_ASSERT(!one.waiting.empty() && one.tried <= one.addresses.size());
        SENNIT_ASSERT(one.on || one.tried < one.addresses.size());
        for (const auto id : one.waiting) SENNIT_ASSERT(!requests_.at(id).stream);
    }
    for (const auto& [id, request] : requests_) {
        SENNIT_ASSERT(request.stream ? outbound_.at(*request.stream).request == id
                                     : dials_.at(request.peer).waiting.contains(id));
    }
}

}  // namespace sennit::libp2p
