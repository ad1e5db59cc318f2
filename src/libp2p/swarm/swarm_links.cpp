// SPDX-License-Identifier: MIT
/// The carrier's side: links, what they carry, whose turn it is, and time.
#include <algorithm>

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

/// What one Transmit carries at most: a full frame. So the next connection has its turn soon, and
/// the buffer is small enough that malloc has it at hand and need not ask the kernel.
constexpr std::size_t kTransmitMax = noise::Channel::kFrameMax;

/// The one behind `turn`, round and round.
template <class Id>
std::optional<Id> next_in_turn(const std::set<Id>& ids, Id turn) {
    if (ids.empty()) return std::nullopt;
    const auto next = ids.upper_bound(turn);
    return next == ids.end() ? *ids.begin() : *next;
}

}  // namespace

void Swarm::on_input(const CarrierInput& input, Now now) {
    if (const auto* listening = std::get_if<Listening>(&input)) {
        const auto address = multiaddr_of(listening->address);
        listens_.push_back(address);
        changed(now);
        const auto whole = address.encapsulate(Multiaddr::of_peer(self_));
        events_.push_back(ListeningOn{whole ? *whole : address});
    } else if (const auto* open = std::get_if<LinkOpen>(&input)) {
        on_link_open(*open, now);
    } else if (const auto* failed = std::get_if<sennit::DialFailed>(&input)) {
        on_dial_failed(*failed, now);
    } else if (const auto* bytes = std::get_if<LinkBytes>(&input)) {
        const auto found = by_link_.find(bytes->link);
        if (found == by_link_.end()) return;
        paths_.at(found->second).connection->on_bytes(bytes->bytes, now);
        touch(found->second);
    } else if (const auto* room = std::get_if<Room>(&input)) {
        const auto found = by_link_.find(room->link);
        if (found == by_link_.end()) return;
        paths_.at(found->second).room += room->bytes;
        touch(found->second);
    } else if (const auto* closed = std::get_if<LinkClosed>(&input)) {
        on_link_closed(closed->link, closed->why, now);
    }
}

void Swarm::on_link_open(const LinkOpen& link, Now now) {
    PathId id{};
    if (link.dial) {
        id = PathId{link.dial->value};
        const auto dialled = paths_.find(id);
        if (dialled == paths_.end() || dialled->second.connection) {  // disconnected meanwhile
            outputs_.push_back(HangUp{link.id, "not wanted any more"});
            return;
        }
        // A name leads where its owner wants, so the gate is asked again for the host.
        if (link.remote != dialled->second.address && config_.admits_address &&
            !config_.admits_address(link.remote, /*inbound=*/false)) {
            outputs_.push_back(HangUp{link.id, std::string{kRefused}});
            return on_attempt_over(
                id, Error{Errc::unsupported, kRefused, Error::kNowhere, link.remote.text()}, now);
        }
    } else {
        if (const auto why = refusal(link.remote)) {
            outputs_.push_back(HangUp{link.id, *why});
            return;
        }
        const ConnectionId owner{++last_connection_};
        id = new_path(owner, link.remote, /*inbound=*/true, now);
        auto& entry = connections_[owner];
        entry.inbound = true;
        entry.path = id;
        paths_.at(id).upgrading = true;
        ++handshakes_;
    }
    auto& path = paths_.at(id);
    path.link = link.id;
    path.address = link.remote;
    path.local_host = link.local.host;
    path.since = now.at;
    path.room = link.room;
    path.connection.emplace(link.dial ? Connection::Role::dialler : Connection::Role::listener,
                            shared_, fresh_key(), connections_.at(*path.owner).expected, now,
                            path.proposal);
    by_link_.emplace(link.id, id);
    touch(id);
}

/// Why a link that somebody opened is hung up at once; nullopt: it is not.
std::optional<std::string> Swarm::refusal(const NetAddress& from) const {
    if (config_.admits_address && !config_.admits_address(from, /*inbound=*/true))
        return std::string{kRefused};
    if (connections_.size() >= config_.connections_max || inbound_ >= config_.inbound_max)
        return "too many connections";
    if (handshakes_ >= config_.handshakes_max) return "too many handshakes";
    const auto group = groups_.find(host_group(from.host));
    if (group != groups_.end() && group->second >= config_.inbound_per_host_max)
        return "too many connections of one host";
    return std::nullopt;
}

void Swarm::on_dial_failed(const sennit::DialFailed& failed, Now now) {
    const PathId id{failed.dial.value};
    const auto found = paths_.find(id);
    if (found == paths_.end() || found->second.connection) return;
    on_attempt_over(id, Error{Errc::io, "cannot connect", Error::kNowhere, failed.why}, now);
}

void Swarm::on_link_closed(LinkId link, const std::string& why, Now now) {
    const auto found = by_link_.find(link);
    if (found == by_link_.end()) return;
    const auto id = found->second;
    // What the peer said before counts: that it leaves, above all.
    while (pull_event(id, now)) {
    }
    by_link_.erase(link);
    auto& path = paths_.at(id);
    path.link.reset();
    if (!path.owner) return erase(id);
    path.connection->on_link_down(Error{Errc::io, "the link is down", Error::kNowhere, why});
    touch(id);  // Closed is its last event
}

// Paths.

Swarm::PathId Swarm::new_path(ConnectionId owner, NetAddress address, bool inbound, Now now) {
    const PathId id{++last_path_};
    auto& path = paths_[id];
    path.owner = owner;
    path.address = std::move(address);
    path.inbound = inbound;
    path.since = now.at;
    if (inbound) {
        ++inbound_;
        path.group = host_group(path.address.host);
        if (!path.group.empty()) ++groups_[path.group];
    }
    return id;
}

/// Nobody wants what it carries: it is closed in order, if there is a link.
void Swarm::abandon(PathId id) {
    auto& path = paths_.at(id);
    path.owner.reset();
    upgraded(path);
    if (!path.link) return erase(id);
    if (!path.connection->closed()) path.connection->refuse();
    touch(id);
}

void Swarm::erase(PathId id) {
    const auto& path = paths_.at(id);
    upgraded(paths_.at(id));
    if (path.inbound) --inbound_;
    if (!path.group.empty() && --groups_.at(path.group) == 0) groups_.erase(path.group);
    eventful_.erase(id);
    due_.erase(id);
    wakes_.forget(id);
    paths_.erase(id);
}

/// Its handshake is over, one way or the other.
void Swarm::upgraded(Path& path) {
    if (std::exchange(path.upgrading, false)) --handshakes_;
}

// Turns.

void Swarm::touch(PathId id) {
    eventful_.insert(id);
    due_.insert(id);
}

/// Takes one event of the path's connection; false: it has none, or the path is gone.
bool Swarm::pull_event(PathId id, Now now) {
    const auto found = paths_.find(id);
    if (found == paths_.end()) return false;
    auto event = found->second.connection->poll_event(now);
    if (!event) {
        eventful_.erase(id);
        return false;
    }
    due_.insert(id);  // what the event leads to may be sent
    take(id, *std::move(event), now);
    return true;
}

std::optional<Swarm::Event> Swarm::poll_event(Now now) {
    while (events_.empty()) {
        const auto next = next_in_turn(eventful_, event_turn_);
        if (!next) return std::nullopt;
        event_turn_ = *next;
        pull_event(*next, now);
    }
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

std::optional<CarrierOutput> Swarm::poll_output(Now now) {
    while (outputs_.empty()) {
        const auto next = next_in_turn(due_, turn_);
        if (!next) return std::nullopt;
        turn_ = *next;
        send(*next, now);
    }
    auto out = std::move(outputs_.front());
    outputs_.pop_front();
    return out;
}

/// One path's turn: a frame, or its hanging up, or it has nothing to say for now.
void Swarm::send(PathId id, Now now) {
    const auto owner = paths_.at(id).owner;
    // Until it is connected: who is there is decided on before we say more.
    while (owner && paths_.contains(id) && !paths_.at(id).ready && pull_event(id, now)) {
    }
    if (!paths_.contains(id)) return;
    auto& path = paths_.at(id);
    if (path.link && !path.hung_up) {
        Bytes out;
        if (path.connection->transmit(std::min(path.room, kTransmitMax), now, out) > 0) {
            path.room -= out.size();
            touch(id);  // there may be more, and events of what sending made room for
            outputs_.push_back(
                Transmit{*path.link, std::make_shared<const Bytes>(std::move(out)), {}, 0});
            return;
        }
        if (path.connection->closed()) {
            path.hung_up = true;
            outputs_.push_back(HangUp{*path.link, "closed"});
        }
    }
    due_.erase(id);
    arm(id, now);
}

// Time.

void Swarm::arm(PathId id, Now now) {
    const auto& path = paths_.at(id);
    wakes_.set(id, path.connection->next_wake());
    if (path.owner && path.ready) watch_use(*path.owner, connections_.at(*path.owner), now);
}

/// Sets or stops the idle timer. Whatever changes the number of streams makes the path due, so this
/// is asked after it.
void Swarm::watch_use(ConnectionId id, Entry& entry, Now now) {
    const bool idle = !in_use(id) && config_.idle_timeout > Duration::zero();
    if (!idle) {
        entry.idle_since.reset();
        return timers_.forget(id);
    }
    if (!entry.idle_since) entry.idle_since = now.at;
    timers_.set(id, *entry.idle_since + config_.idle_timeout);
}

bool Swarm::in_use(ConnectionId id) const {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return false;
    const auto& entry = found->second;
    if (entry.kept || !entry.connected) return entry.kept;
    // Streams of ours are all known to the connection but those that have just failed.
    return paths_.at(*entry.path).connection->streams_size() > entry.own.size();
}

void Swarm::keep(ConnectionId id, bool kept, Now now) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    found->second.kept = kept;
    if (found->second.connected) watch_use(id, found->second, now);
}

void Swarm::on_timer(ConnectionId id, Now now) {
    auto& entry = connections_.at(id);
    if (entry.race) return start_next(id, entry, now);
    end(id, Error{Errc::timeout, "idle: no stream was open", Error::kNowhere, {}}, Cause::idle);
}

void Swarm::on_time(Now now) {
    if (now.at >= push_at_) push_all(now);
    while (const auto id = timers_.take_due(now.at)) on_timer(*id, now);
    while (const auto id = wakes_.take_due(now.at)) {
        paths_.at(*id).connection->on_time(now);
        touch(*id);
    }
}

Instant Swarm::next_wake() const {
    auto out = std::min({wakes_.next(), timers_.next(), push_at_});
    // Those that are due are armed when they have had their turn; the caller should not ask before.
    for (const auto id : due_) out = std::min(out, paths_.at(id).connection->next_wake());
    return out;
}

}  // namespace sennit::libp2p
