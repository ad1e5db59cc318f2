// SPDX-License-Identifier: MIT
/// Dials: many addresses, one connection.
#include <algorithm>

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

/// Of one address's failure in the reason for all.
constexpr std::size_t kReasonSizeMax = 200;

/// Of one failure the error itself; of more, what became of each address.
Error summary(const std::vector<std::pair<std::string, Error>>& failures) {
    if (failures.size() == 1) return failures.front().second;
    auto code = Errc::io;
    if (!failures.empty()) code = failures.front().second.code;
    std::string each;
    for (const auto& [address, why] : failures) {
        if (!each.empty()) each += "; ";
        each += address + ": " + why.text().substr(0, kReasonSizeMax);
        if (why.code != code) code = Errc::io;
    }
    return {code, "no address led to the peer", Error::kNowhere, std::move(each)};
}

Error faster(ConnectionId other) {
    return {Errc::duplicate, "superseded: the peer was faster", Error::kNowhere,
            "connection " + std::to_string(other.value)};
}

}  // namespace

Result<ConnectionId> Swarm::dial(const Multiaddr& address, Now now) {
    return dial(std::vector{address}, now);
}

Result<ConnectionId> Swarm::dial(const std::vector<Multiaddr>& addresses, Now now) {
    std::optional<PeerId> expected;
    Race race;
    for (const auto& address : addresses) {
        if (const auto peer = address.peer_id()) {
            if (expected && *expected != *peer) {
                return Error{Errc::mismatch, "the addresses name two peers", Error::kNowhere,
                             expected->text() + " and " + peer->text()};
            }
            expected = peer;
        }
        auto tcp = tcp_address(address);
        if (tcp) {
            race.waiting.push_back(*std::move(tcp));
        } else if (race.failures.size() < config_.dial_addresses_max) {
            race.failures.emplace_back(address.text(), std::move(tcp).error());
        }
    }
    if (expected == self_) return Error{Errc::invalid, "that is us", Error::kNowhere, {}};
    if (!race.waiting.empty()) return dial(std::move(race), expected, now);
    if (!race.failures.empty()) return std::move(race.failures.front().second);
    return Error{Errc::invalid, "no address to dial", Error::kNowhere, {}};
}

Result<ConnectionId> Swarm::dial(Race race, std::optional<PeerId> expected, Now now) {
    auto addresses = std::exchange(race.waiting, {});
    if (expected) {
        if (const auto id = connection_to(*expected)) {
            ++connections_.at(*id).times_dialled;
            return *id;
        }
        if (const auto found = dialling_.find(*expected); found != dialling_.end()) {
            const auto id = found->second;
            auto& entry = connections_.at(id);
            ++entry.times_dialled;
            add_addresses(*entry.race, std::move(addresses));
            // If the next one has its time already, that stays.
            if (!timers_.contains(id)) start_next(id, entry, now);
            return id;
        }
    }
    if (connections_.size() >= config_.connections_max || outbound_ >= config_.outbound_max)
        return Error{Errc::busy, "too many connections", Error::kNowhere, {}};
    const ConnectionId id{++last_connection_};
    auto& entry = connections_[id];
    ++outbound_;
    entry.expected = expected;
    entry.race = std::move(race);
    entry.times_dialled = 1;
    if (expected) dialling_.emplace(*expected, id);
    add_addresses(*entry.race, std::move(addresses));
    start_next(id, entry, now);
    return id;
}

std::optional<ConnectionId> Swarm::connection_to(const PeerId& peer) const {
    const auto found = by_peer_.find(peer);
    if (found == by_peer_.end() || !connections_.at(found->second).connected) return std::nullopt;
    return found->second;
}

bool Swarm::knows(const PeerId& peer) const {
    return connection_to(peer).has_value() || dialling_.contains(peer);
}

std::size_t Swarm::times_dialled(ConnectionId id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? 0 : found->second.times_dialled;
}

void Swarm::add_addresses(Race& race, std::deque<NetAddress> addresses) const {
    for (auto& one : addresses) {
        if (race.tried.size() >= config_.dial_addresses_max) return;
        if (std::ranges::find(race.tried, one) != race.tried.end()) continue;
        race.tried.push_back(one);
        race.waiting.push_back(std::move(one));
    }
}

/// Begins the next attempt if one may begin, and sets the time for the one after.
void Swarm::start_next(ConnectionId id, Entry& entry, Now now) {
    auto& race = *entry.race;
    const auto may_begin = [&] {
        return !race.waiting.empty() && race.attempts.size() < config_.dial_attempts_max;
    };
    while (may_begin()) {
        auto where = std::move(race.waiting.front());
        race.waiting.pop_front();
        if (config_.admits_address && !config_.admits_address(where, /*inbound=*/false)) {
            race.failures.emplace_back(
                where.text(), Error{Errc::unsupported, kRefused, Error::kNowhere, where.text()});
            continue;
        }
        const auto path = new_path(id, where, /*inbound=*/false, now);
        race.attempts.push_back(path);
        if (const auto found = race.proposals.find(where); found != race.proposals.end())
            paths_.at(path).proposal = found->second;
        outputs_.push_back(Dial{
            .id = DialId{path.value}, .to = std::move(where), .timeout = config_.dial_timeout});
        break;
    }
    timers_.set(id, may_begin() ? now.at + config_.dial_stagger : Instant::max());
    if (race.attempts.empty()) lose(id, entry);
}

/// No attempt is under way, and no address is left.
void Swarm::lose(ConnectionId id, Entry& entry) {
    const auto other = entry.expected ? connection_to(*entry.expected) : std::nullopt;
    if (other) return end(id, faster(*other), Cause::superseded);
    const bool refused = std::ranges::all_of(
        entry.race->failures, [](const auto& one) { return one.second.what == kRefused; });
    auto why = summary(entry.race->failures);
    end(id, std::move(why), refused ? Cause::refused : Cause::unreachable);
}

void Swarm::on_attempt_over(PathId id, Error why, Now now) {
    const auto owner = *paths_.at(id).owner;
    auto& entry = connections_.at(owner);
    auto& race = *entry.race;
    race.failures.emplace_back(paths_.at(id).address.text(), std::move(why));
    std::erase(race.attempts, id);
    propose_next(race, paths_.at(id));
    if (entry.path == id) {  // secured, and broken before it was ready
        unclaim(owner, entry);
        if (entry.expected) dialling_.emplace(*entry.expected, owner);
    }
    abandon(id);
    start_next(owner, entry, now);
}

/// What was sent behind a refused proposal has spoilt the connection, so it takes another.
void Swarm::propose_next(Race& race, const Path& path) const {
    const auto next = path.proposal + 1;
    if (!path.connection || !path.connection->security_refused()) return;
    if (next == config_.security.size()) return;
    race.proposals[path.address] = next;
    race.waiting.push_front(path.address);
}

/// Drops all attempts but the one that was secured.
void Swarm::leave_race(Entry& entry) {
    for (const auto id : entry.race->attempts) {
        if (entry.path != id) abandon(id);
    }
    entry.race.reset();
    if (entry.expected) dialling_.erase(*entry.expected);
}

/// A dial under way to a peer that is connected meanwhile. Attempts that the peer may have secured
/// already, and that would stay by the rule, must be let go on: the other side may count on them.
void Swarm::give_way(const PeerId& peer, ConnectionId to) {
    const auto found = dialling_.find(peer);
    if (found == dialling_.end() || found->second == to) return;
    const auto id = found->second;
    auto& race = *connections_.at(id).race;
    race.waiting.clear();
    timers_.forget(id);
    const bool ours_stays = self_ < peer;
    std::erase_if(race.attempts, [&](PathId path) {
        if (ours_stays && paths_.at(path).link) return false;
        abandon(path);
        return true;
    });
    if (!race.attempts.empty()) return;
    end(id, faster(to), Cause::superseded);
}

}  // namespace sennit::libp2p
