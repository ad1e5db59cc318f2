// SPDX-License-Identifier: MIT
#include "libp2p/pubsub/pubsub.hpp"

#include <algorithm>

#include "libp2p/envelope.hpp"

namespace sennit::libp2p {

namespace {

constexpr std::size_t kReopensMax = 3;
constexpr Duration kReopenAfter = std::chrono::seconds{10};
/// Signatures in one call: some three milliseconds.
constexpr std::size_t kJobsAtOnce = 64;

/// What else takes RPCs of 1 MiB: go says so, and js takes 4.
bool takes_large_rpcs(std::string_view agent) {
    for (const auto* name : {"js-libp2p/", "go-libp2p", "kubo/", "sennit/"}) {
        if (agent.starts_with(name)) return true;
    }
    return false;
}
constexpr std::size_t kLargeRpc = 1u << 20;

}  // namespace

Pubsub::Pubsub(Swarm& swarm, gossipsub::Config config, Rng rng, Now now, Options options)
    : swarm_{swarm}, options_{options}, router_{std::move(config), std::move(rng), now} {}

// Events.

bool Pubsub::on_event(const Swarm::Event& event, Now now) {
    if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
        on_connected(*connected, now);
    } else if (const auto* says = std::get_if<Swarm::Identified>(&event)) {
        on_identified(*says);
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        on_disconnected(gone->id, now);
    } else if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        if (!gossipsub::version_of(opened->protocol)) return false;
        on_opened(opened->stream, now);
        return true;
    } else if (const auto* agreed = std::get_if<Swarm::Agreed>(&event)) {
        if (!is_mine(agreed->stream)) return false;
        on_agreed(*agreed, now);
        return true;
    } else if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
        if (!is_mine(readable->stream)) return false;
        read(readable->stream.connection, now);
        return true;
    } else if (const auto* writable = std::get_if<Swarm::Writable>(&event)) {
        return is_mine(writable->stream);  // `pump` comes next
    } else if (const auto* closed = std::get_if<Swarm::RemoteClosed>(&event)) {
        if (!is_mine(closed->stream)) return false;
        auto& link = links_.at(closed->stream.connection);
        // What it sent before it closed is read still. Ours it closes for want of anything to say.
        if (link.theirs == closed->stream) swarm_.close_write(closed->stream);
        return true;
    } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
        if (!is_mine(failed->stream)) return false;
        on_stream_over(failed->stream, now);
        return true;
    }
    return false;
}

bool Pubsub::is_mine(StreamRef stream) const {
    const auto found = links_.find(stream.connection);
    return found != links_.end() &&
           (found->second.ours == stream || found->second.theirs == stream);
}

void Pubsub::on_connected(const Swarm::Connected& event, Now now) {
    links_.emplace(event.id, Link{.peer = event.peer,
                                  .outbound = !event.inbound,
                                  .address = host_group(event.address.host),
                                  .frames = FrameCutter{options_.rpc_receive_max}});
    if (!active_.contains(event.peer)) activate(event.id, now);
}

/// From now on this connection is the one on which we talk to its peer.
void Pubsub::activate(ConnectionId id, Now now) {
    auto& link = links_.at(id);
    link.active = true;
    active_[link.peer] = id;
    link.reopen.reset();
    const auto stream = swarm_.open(id, protocols(), now);
    if (stream) {
        link.ours = *stream;
    } else {
        try_later(link, now);
    }
}

/// Three times; then the peer is as good as gone until it opens a stream itself.
void Pubsub::try_later(Link& link, Now now) {
    if (++link.failures <= kReopensMax) {
        link.reopen = now.at + kReopenAfter;
    } else if (link.active) {
        router_.on_peer_gone(link.peer, now);
        if (link.theirs) swarm_.reset(*std::exchange(link.theirs, {}));
    }
}

void Pubsub::on_disconnected(ConnectionId id, Now now) {
    const auto found = links_.find(id);
    if (found == links_.end()) return;
    const auto peer = found->second.peer;
    const bool was_active = found->second.active;
    links_.erase(found);
    unread_.erase(id);
    if (!was_active) return;
    active_.erase(peer);
    router_.on_peer_gone(peer, now);
    for (const auto& [other, link] : links_) {
        if (link.peer == peer) return activate(other, now);
    }
}

void Pubsub::on_opened(StreamRef stream, Now now) {
    const auto found = links_.find(stream.connection);
    if (found == links_.end()) return swarm_.reset(stream);
    auto& link = found->second;
    if (link.theirs) swarm_.reset(*link.theirs);
    // It speaks pubsub by now, whatever it said before.
    if (link.active && !link.ours && !link.reopen) {
        link.failures = 0;
        activate(stream.connection, now);
    }
    link.theirs = stream;
    link.frames = FrameCutter{options_.rpc_receive_max};
    read(stream.connection, now);
}

void Pubsub::on_agreed(const Swarm::Agreed& event, Now now) {
    auto& link = links_.at(event.stream.connection);
    link.agreed = true;
    link.failures = 0;
    router_.on_peer(link.peer,
                    {*gossipsub::version_of(event.protocol), link.outbound, link.address}, now);
    tell_router(link);
    read(event.stream.connection, now);  // what had to wait until the router knows the peer
}

void Pubsub::on_stream_over(StreamRef stream, Now now) {
    auto& link = links_.at(stream.connection);
    if (link.theirs == stream) {
        link.theirs.reset();
        unread_.erase(stream.connection);
        return;
    }
    link.ours.reset();
    link.agreed = false;
    link.frame.clear();
    link.written = 0;
    // What the peer told us holds still: it told it on its own stream.
    try_later(link, now);
}

void Pubsub::on_identified(const Swarm::Identified& event) {
    const auto found = links_.find(event.id);
    if (found == links_.end()) return;
    auto& link = found->second;
    link.large = takes_large_rpcs(event.says.agent);
    link.record = event.says.signed_record;
    tell_router(link);
}

/// What identify said, which may come before the router knows the peer.
void Pubsub::tell_router(const Link& link) {
    if (link.large) router_.set_rpc_size_max(link.peer, kLargeRpc);
    if (link.record) router_.set_record(link.peer, *link.record);
}

// Streams.

/// True if anything was taken.
bool Pubsub::read(ConnectionId id, Now now) {
    auto& link = links_.at(id);
    unread_.erase(id);
    if (!link.theirs || !router_.has_peer(link.peer)) return false;
    bool moved = false;
    for (;;) {
        const auto piece = swarm_.readable(*link.theirs);
        if (piece.empty()) return moved;
        auto in = piece;
        while (!in.empty()) {
            if (!router_.has_room(link.peer)) break;
            const auto frame = link.frames.next(in);
            if (frame && !*frame) break;
            if (frame && router_.on_rpc(link.peer, **frame, now)) continue;
            // Whoever cannot write an RPC may try again on another stream; it has cost it.
            swarm_.reset(*link.theirs);
            link.theirs.reset();
            return true;
        }
        const auto taken = piece.size() - in.size();
        if (taken > 0) swarm_.consume(*link.theirs, taken, now);
        moved = moved || taken > 0;
        if (!in.empty()) {
            unread_.insert(id);
            return moved;
        }
    }
}

bool Pubsub::write(const PeerId& peer, Now now) {
    auto& link = links_.at(active_.at(peer));
    if (!link.agreed) return false;
    bool moved = false;
    for (;;) {
        if (link.written == link.frame.size()) {
            link.written = 0;
            auto frame = router_.next_frame(peer, now);
            if (!frame) {
                link.frame.clear();
                return moved;
            }
            link.frame = *std::move(frame);
        }
        const auto taken = swarm_.write(*link.ours, BytesView{link.frame}.subspan(link.written));
        link.written += taken;
        moved = moved || taken > 0;
        if (link.written < link.frame.size()) return moved;
    }
}

bool Pubsub::pump(Now now) {
    bool moved = false;
    if (options_.verify_here) {
        for (std::size_t i = 0; i < kJobsAtOnce; ++i) {
            const auto job = router_.poll_job();
            if (!job) break;
            router_.on_verified(job->ticket, job->run(), now);
            moved = true;
        }
    }
    const auto unread = unread_;
    for (const auto id : unread) moved = read(id, now) || moved;
    const auto senders = router_.senders();
    for (const auto& peer : senders) moved = write(peer, now) || moved;
    for (const auto& [id, link] : links_) {
        if (link.written < link.frame.size()) moved = write(link.peer, now) || moved;
    }
    return moved;
}

std::optional<gossipsub::Router::Event> Pubsub::poll_event(Now now) {
    auto event = router_.poll_event();
    if (!event) return std::nullopt;
    if (const auto* offered = std::get_if<gossipsub::Router::Offered>(&*event)) dial(*offered, now);
    return event;
}

bool Pubsub::idle() const {
    return router_.senders().empty() && std::ranges::all_of(links_, [](const auto& one) {
               return one.second.written == one.second.frame.size();
           });
}

/// Only by the peer's own word, its signed record: else anybody could send us anywhere.
void Pubsub::dial(const gossipsub::Router::Offered& offered, Now now) {
    for (const auto& one : offered.peers) {
        if (swarm_.connections() >= options_.dial_offered_below) return;
        if (!one.signed_record) continue;
        const auto record = open_peer_record(*one.signed_record);
        if (!record || record->addresses.empty() || active_.contains(record->peer)) continue;
        if (!std::ranges::equal(record->peer.view(), one.id)) continue;
        for (const auto& address : record->addresses) {
            const auto whole =
                address.peer_id() ? address : address.encapsulate(Multiaddr::of_peer(record->peer));
            if (whole && swarm_.dial(*whole, now)) break;
        }
    }
}

// Time.

void Pubsub::on_time(Now now) {
    if (router_.next_wake() <= now.at) router_.on_time(now);
    for (auto& [id, link] : links_) {
        if (link.reopen && *link.reopen <= now.at) activate(id, now);
    }
}

Instant Pubsub::next_wake() const {
    auto out = router_.next_wake();
    for (const auto& [id, link] : links_) {
        if (link.reopen) out = std::min(out, *link.reopen);
    }
    return out;
}

void Pubsub::check_invariants() const {
    for (const auto& [peer, id] : active_) {
        const auto& link = links_.at(id);
        SENNIT_ASSERT(link.active && link.peer == peer);
    }
    for (const auto& [id, link] : links_) {
        SENNIT_ASSERT(!link.active || active_.at(link.peer) == id);
        SENNIT_ASSERT(!link.agreed || link.ours);
        SENNIT_ASSERT(link.written <= link.frame.size());
        if (link.agreed) SENNIT_ASSERT(router_.has_peer(link.peer));
    }
    for (const auto id : unread_) SENNIT_ASSERT(links_.contains(id));
    router_.check_invariants();
}

}  // namespace sennit::libp2p
