// SPDX-License-Identifier: MIT
#include "libp2p/swarm/swarm.hpp"

#include <algorithm>

namespace sennit::libp2p {

Swarm::Swarm(Config config, Rng rng)
    : config_{std::move(config)}, self_{config_.identity.peer_id()}, rng_{std::move(rng)} {
    SENNIT_ASSERT(!config_.security.empty());
    protocols_ = std::make_shared<std::vector<std::string>>(config_.protocols);
    if (!config_.yamux.budget)
        config_.yamux.budget = std::make_shared<yamux::Budget>(config_.window_growth_max);
    const auto speaks = [names = protocols_](std::string_view name) {
        return is_own_protocol(name) || std::ranges::find(*names, name) != names->end();
    };
    shared_ = std::make_shared<const ConnectionConfig>(
        ConnectionConfig{.identity = config_.identity,
                         .noise_static = fresh_key(),
                         .speaks = speaks,
                         .security = config_.security,
                         .yamux = config_.yamux,
                         .upgrade_timeout = config_.dial_timeout});
}

crypto::X25519Key Swarm::fresh_key() {
    crypto::Secret secret;
    rng_.fill({secret.data(), crypto::Secret::kSize});
    return crypto::X25519Key{secret};
}

Result<void> Swarm::listen(const Multiaddr& address) {
    SENNIT_TRY(auto where, tcp_address(address));
    outputs_.push_back(Listen{std::move(where), false});
    return {};
}

void Swarm::disconnect(ConnectionId id) {
    if (connections_.contains(id)) {
        end(id, Error{Errc::io, "we left", Error::kNowhere, {}}, Cause::we_left);
    }
}

std::vector<ConnectionId> Swarm::connection_ids() const {
    std::vector<ConnectionId> out;
    for (const auto& [id, entry] : connections_) out.push_back(id);
    return out;
}

std::optional<Duration> Swarm::round_trip(ConnectionId id) const {
    const auto* const connection = running(id);
    return connection == nullptr ? std::nullopt : connection->round_trip();
}

void Swarm::check_invariants() const {
    SENNIT_ASSERT(connections_.size() <= config_.connections_max);
    SENNIT_ASSERT(inbound_ <= config_.inbound_max && outbound_ <= config_.outbound_max);
    std::size_t outbound = 0;
    for (const auto& [id, entry] : connections_) outbound += entry.inbound ? 0 : 1;
    SENNIT_ASSERT(outbound == outbound_);
    std::size_t inbound = 0;
    std::map<std::string, std::size_t> groups;
    for (const auto& [link, path] : by_link_) SENNIT_ASSERT(paths_.at(path).link == link);
    for (const auto& [id, entry] : connections_) check_entry(id, entry);
    for (const auto& [peer, id] : by_peer_) SENNIT_ASSERT(connections_.at(id).peer == peer);
    for (const auto& [peer, id] : dialling_) {
        SENNIT_ASSERT(connections_.at(id).expected == peer && connections_.at(id).race);
    }
    std::size_t handshakes = 0;
    for (const auto& [id, path] : paths_) {
        SENNIT_ASSERT(!path.link || by_link_.at(*path.link) == id);
        SENNIT_ASSERT(path.owner ? connections_.contains(*path.owner) : path.link.has_value());
        handshakes += path.upgrading ? 1 : 0;
        inbound += path.inbound ? 1 : 0;
        if (!path.group.empty()) ++groups[path.group];
        if (!path.connection) {
            SENNIT_ASSERT(!due_.contains(id) && !eventful_.contains(id));
            continue;
        }
        path.connection->check_invariants();
        // Nobody is forgotten: whoever is not due has its time.
        const auto wake = path.connection->next_wake();
        SENNIT_ASSERT(due_.contains(id) || wake == Instant::max() || wakes_.contains(id));
    }
    SENNIT_ASSERT(inbound == inbound_ && groups == groups_);
    SENNIT_ASSERT(handshakes == handshakes_ && handshakes <= config_.handshakes_max);
    for (const auto id : due_) SENNIT_ASSERT(paths_.contains(id));
    for (const auto id : eventful_) SENNIT_ASSERT(paths_.contains(id));
    wakes_.check_invariants();
    timers_.check_invariants();
}

void Swarm::check_entry(ConnectionId id, const Entry& entry) const {
    SENNIT_ASSERT(!entry.connected || (entry.peer && entry.path && !entry.race));
    SENNIT_ASSERT(entry.path || entry.race);
    SENNIT_ASSERT(!entry.peer || by_peer_.at(*entry.peer) == id);
    if (entry.path) {
        SENNIT_ASSERT(paths_.at(*entry.path).owner == id && paths_.at(*entry.path).connection);
        SENNIT_ASSERT(entry.connected == paths_.at(*entry.path).ready);
    }
    if (!entry.race) return;
    const auto& race = *entry.race;
    SENNIT_ASSERT(!race.attempts.empty());
    SENNIT_ASSERT(race.attempts.size() <= config_.dial_attempts_max);
    SENNIT_ASSERT(race.tried.size() <= config_.dial_addresses_max);
    SENNIT_ASSERT(race.waiting.size() + race.attempts.size() <= race.tried.size());
    for (const auto attempt : race.attempts) SENNIT_ASSERT(paths_.at(attempt).owner == id);
}

}  // namespace sennit::libp2p
