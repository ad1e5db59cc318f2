// SPDX-License-Identifier: MIT
/// What becomes of connections: who is there, which of two stays, and how they end.
#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

Error superseded(std::string_view what, ConnectionId by) {
    return {Errc::duplicate, what, Error::kNowhere, "connection " + std::to_string(by.value)};
}

}  // namespace

void Swarm::take(PathId id, Connection::Event event, Now now) {
    const auto& path = paths_.at(id);
    const auto owner = path.owner;
    if (!owner) return;
    if (auto* over = std::get_if<Connection::Closed>(&event)) {
        auto cause = path.link ? Cause::broken : Cause::link_down;
        if (over->why.code == Errc::timeout) cause = Cause::timeout;
        if (over->peer_left) cause = Cause::peer_left;
        on_over(id, std::move(over->why), cause, now);
    } else if (const auto* secured = std::get_if<Connection::Secured>(&event)) {
        on_secured(id, secured->peer, now);
    } else if (const auto* ready = std::get_if<Connection::Ready>(&event)) {
        on_ready(id, *ready, now);
    } else {
        on_stream_event(*owner, connections_.at(*owner), std::move(event), now);
    }
}

/// The rule of the class comment. `older` holds the peer; of the newer one we know the direction.
bool Swarm::newer_stays(const Entry& older, bool newer_inbound, const PeerId& peer, Now now) const {
    const bool crossed =
        older.inbound != newer_inbound && now.at - older.secured_at <= kCrossingMax;
    if (!crossed) return newer_inbound;
    const bool peer_is_smaller = peer < self_;
    return newer_inbound == peer_is_smaller;
}

void Swarm::on_secured(PathId id, const PeerId& peer, Now now) {
    const auto owner = *paths_.at(id).owner;
    auto& entry = connections_.at(owner);
    if (entry.path && *entry.path != id) {  // another address of this dial was faster
        std::erase(entry.race->attempts, id);
        return abandon(id);
    }
    const auto& address = paths_.at(id).address;
    if (config_.admits_peer && !config_.admits_peer(peer, address, entry.inbound)) {
        Error why{Errc::unsupported, kRefused, Error::kNowhere, peer.text()};
        return on_over(id, std::move(why), Cause::refused, now);
    }
    if (const auto holder = by_peer_.find(peer); holder != by_peer_.end()) {
        const auto older = holder->second;
        if (!newer_stays(connections_.at(older), entry.inbound, peer, now)) {
            return end(owner, superseded("superseded: there is one to this peer already", older),
                       Cause::superseded);
        }
        end(older, superseded("superseded by another to the same peer", owner), Cause::superseded);
    }
    entry.path = id;
    entry.peer = peer;
    entry.secured_at = now.at;
    by_peer_.emplace(peer, owner);
}

void Swarm::on_ready(PathId id, const Connection::Ready& ready, Now now) {
    auto& path = paths_.at(id);
    const auto owner = *path.owner;
    auto& entry = connections_.at(owner);
    upgraded(path);
    path.ready = true;
    entry.connected = true;
    if (entry.race) leave_race(entry);
    timers_.forget(owner);
    events_.push_back(Connected{owner, ready.peer, path.address, path.inbound, ready.early_muxer,
                                ready.security, now.at - path.since});
    ask(entry, now);
    give_way(ready.peer, owner);
}

void Swarm::on_over(PathId id, Error why, Cause cause, Now now) {
    const auto owner = *paths_.at(id).owner;
    if (connections_.at(owner).race) return on_attempt_over(id, std::move(why), now);
    end(owner, std::move(why), cause);
}

/// The application's last word of a connection.
void Swarm::end(ConnectionId id, Error why, Cause cause) {
    auto node = connections_.extract(id);
    auto& entry = node.mapped();
    if (!entry.inbound) --outbound_;
    fail_streams(id, entry, why);
    events_.push_back(
        Disconnected{id, std::move(why), entry.connected, cause, entry.times_dialled});
    timers_.forget(id);
    const auto path = entry.path;
    if (entry.race) leave_race(entry);  // but for `path`
    unclaim(id, entry);
    if (path) abandon(*path);
}

void Swarm::fail_streams(ConnectionId id, const Entry& entry, const Error& why) {
    if (!entry.connected) return;
    for (const auto stream : connection_of(entry).streams()) {
        if (!entry.own.contains(stream)) events_.push_back(Failed{{id, stream}, why});
    }
}

void Swarm::unclaim(ConnectionId id, Entry& entry) {
    const auto forget = [id](auto& map, const std::optional<PeerId>& peer) {
        const auto found = peer ? map.find(*peer) : map.end();
        if (found != map.end() && found->second == id) map.erase(found);
    };
    forget(by_peer_, entry.peer);
    forget(dialling_, entry.expected);
    entry.peer.reset();
    entry.path.reset();
}

}  // namespace sennit::libp2p
