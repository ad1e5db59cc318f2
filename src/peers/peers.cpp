// SPDX-License-Identifier: MIT
#include "peers/peers.hpp"

#include <algorithm>
#include <cmath>

namespace sennit::peers {

namespace {

constexpr double kScoreStart = 50;
/// Half of the distance to the middle is forgotten in an hour: long enough to remember a bad
/// evening, short enough to forgive a bad disk.
constexpr double kHalfLifeSeconds = 3600;
constexpr std::size_t kHistoryMax = 32;
constexpr std::size_t kRecordsMax = 4096;
constexpr Duration kDepartedKept = std::chrono::minutes{10};
constexpr Duration kRetryFirst = std::chrono::seconds{5};
constexpr Duration kRetryMax = std::chrono::minutes{10};
constexpr Duration kWakeEvery = std::chrono::seconds{1};

/// What each deed is worth. One that cannot be honest ends at zero at once.
int price(Deed deed) {
    switch (deed) {
        case Deed::valid_block: return 2;
        case Deed::valid_transaction: return 1;
        case Deed::useful_answer: return 1;
        case Deed::invalid_block: return -100;
        case Deed::invalid_transaction: return -10;
        case Deed::invalid_vote: return -20;
        case Deed::malformed: return -25;
        case Deed::wrong_answer: return -20;
        case Deed::overdue: return -5;
        case Deed::spam: return -10;
        case Deed::equivocation: return -100;
    }
    return 0;
}

bool local(HostKind kind) {
    return kind == HostKind::loopback || kind == HostKind::private_network;
}

}  // namespace

std::string Identity::key() const {
    if (proven) {
        static constexpr char kDigits[] = "0123456789abcdef";
        std::string out = "id:";
        for (const auto byte : proven->bytes) out += {kDigits[byte >> 4], kDigits[byte & 15u]};
        return out;
    }
    // The port of somebody who dialled us says nothing; but all of one loopback machine are apart.
    const bool apart = host_kind(address.host) == HostKind::loopback;
    return "host:" + address.host + (apart ? ":" + std::to_string(address.port) : "");
}

std::string_view to_string(Tier tier) {
    switch (tier) {
        case Tier::failed: return "FAILED";
        case Tier::poor: return "POOR";
        case Tier::fair: return "FAIR";
        case Tier::good: return "GOOD";
        case Tier::excellent: return "EXCELLENT";
    }
    return "unknown";
}

std::string_view to_string(Deed deed) {
    switch (deed) {
        case Deed::valid_block: return "valid block";
        case Deed::valid_transaction: return "valid transaction";
        case Deed::useful_answer: return "useful answer";
        case Deed::invalid_block: return "invalid block";
        case Deed::invalid_transaction: return "invalid transaction";
        case Deed::invalid_vote: return "invalid vote";
        case Deed::malformed: return "malformed message";
        case Deed::wrong_answer: return "wrong answer";
        case Deed::overdue: return "overdue answer";
        case Deed::spam: return "spam";
        case Deed::equivocation: return "equivocation";
    }
    return "unknown";
}

Peers::Peers(Limits limits, Rng rng) : limits_{limits}, rng_{std::move(rng)} {}

// Addresses.

void Peers::add_bootstrap(InstanceId instance, const NetAddress& address) {
    known_[{instance, address}].bootstrap = true;
}

bool Peers::on_found(InstanceId instance, const NetAddress& address, std::optional<PeerRef> from,
                     Now now) {
    const auto kind = host_kind(address.host);
    if (address.port == 0 || kind == HostKind::special) return false;
    if (!address.well_formed()) return false;  // else it would spoil the saved book
    if (local(kind) && from) {
        const auto* source = find(*from);
        // Else one message sends a thousand nodes to dial into their own networks.
        if (source == nullptr || !local(host_kind(source->address.host))) return false;
    }
    const Place place{instance, address};
    if (const auto found = known_.find(place); found != known_.end()) {
        found->second.seen = now.wall;
        return true;
    }
    if (known_.size() >= limits_.addresses_max) make_room_for_address();
    if (known_.size() >= limits_.addresses_max) return false;
    known_[place].seen = now.wall;
    return true;
}

void Peers::make_room_for_address() {
    auto worst = known_.end();
    for (auto at = known_.begin(); at != known_.end(); ++at) {
        if (at->second.bootstrap || at->second.dialling) continue;
        const auto worse = [](const Known& a, const Known& b) {
            return a.failures != b.failures ? a.failures > b.failures : a.seen < b.seen;
        };
        if (worst == known_.end() || worse(at->second, worst->second)) worst = at;
    }
    // One that never failed is not given up for hearsay.
    if (worst != known_.end() && worst->second.failures > 0) known_.erase(worst);
}

std::vector<NetAddress> Peers::share(InstanceId instance, const NetAddress& asker,
                                     std::size_t max) {
    const bool local_asker = local(host_kind(asker.host));
    std::vector<NetAddress> out;
    for (const auto& [ref, peer] : connected_) {
        if (ref.instance != instance || !peer.listens || peer.listens->port == 0) continue;
        if (*peer.listens == asker) continue;
        if (local(host_kind(peer.listens->host)) && !local_asker) continue;
        out.push_back(*peer.listens);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    rng_.shuffle(std::span{out});
    if (out.size() > max) out.resize(max);
    return out;
}

// Connections.

std::optional<std::string> Peers::ban_text(const Identity& identity, Now now) const {
    const auto found = records_.find(identity.key());
    if (found == records_.end()) return {};
    const auto& until = found->second.banned_until;
    if (!until || *until <= now.wall) return {};
    const auto left =
        std::chrono::duration_cast<std::chrono::minutes>(*until - now.wall).count() + 1;
    return "banned for " + std::to_string(left) + " more minutes: " + found->second.banned_for;
}

Result<void> Peers::check_room(const Connected& peer) const {
    const auto inbound = std::count_if(connected_.begin(), connected_.end(),
                                       [](const auto& one) { return one.second.inbound; });
    if (connected_.size() >= limits_.connected_max ||
        (peer.inbound && static_cast<std::size_t>(inbound) >= limits_.inbound_max)) {
        return Error{Errc::busy, "too many peers", Error::kNowhere, {}};
    }
    const auto groups = net_groups(peer.address.host);
    if (groups.wide.empty()) return {};
    std::size_t wide = 0;
    std::size_t narrow = 0;
    for (const auto& [ref, other] : connected_) {
        const auto theirs = net_groups(other.address.host);
        wide += theirs.wide == groups.wide ? 1 : 0;
        narrow += theirs.narrow == groups.narrow ? 1 : 0;
    }
    if (wide >= limits_.wide_group_max || narrow >= limits_.narrow_group_max) {
        return Error{Errc::busy, "too many peers of one network", Error::kNowhere,
                     wide >= limits_.wide_group_max ? groups.wide : groups.narrow};
    }
    return {};
}

Result<void> Peers::on_up(const Connected& peer, Now now) {
    if (const auto banned = ban_text(peer.identity, now))
        return Error{Errc::invalid, "refused", Error::kNowhere, *banned};
    SENNIT_TRY(check_room(peer));
    const auto added = connected_.emplace(peer.ref, peer).second;
    SENNIT_ASSERT(added);
    if (peer.listens) {
        if (peer.inbound) on_found(peer.ref.instance, *peer.listens, peer.ref, now);
        if (const auto found = known_.find({peer.ref.instance, *peer.listens});
            found != known_.end()) {
            found->second.dialling = false;
            found->second.failures = 0;
            found->second.seen = now.wall;
        }
    }
    next_wake_ = std::min(next_wake_, now.at + kWakeEvery);
    return {};
}

void Peers::on_down(PeerRef ref, std::string_view, Now now) {
    const auto found = connected_.find(ref);
    if (found == connected_.end()) return;
    departed_[ref] = {found->second.identity.key(), now.at + kDepartedKept};
    if (found->second.listens) {
        const auto place = known_.find({ref.instance, *found->second.listens});
        // Not at once: whoever hangs up on us would be dialled in a tight loop.
        if (place != known_.end()) place->second.retry_at = now.at + kRetryFirst;
    }
    connected_.erase(found);
}

Result<void> Peers::on_proven(PeerRef ref, const NodeId& id, Now now) {
    const auto found = connected_.find(ref);
    if (found == connected_.end()) return {};
    found->second.identity.proven = id;
    if (const auto banned = ban_text(found->second.identity, now)) {
        return Error{Errc::invalid, "refused", Error::kNowhere, *banned};
    }
    return {};
}

void Peers::on_status(PeerRef ref, std::uint64_t height) {
    if (const auto found = connected_.find(ref); found != connected_.end())
        found->second.height = height;
}

void Peers::on_latency(PeerRef ref, Duration latency) {
    const auto found = connected_.find(ref);
    if (found == connected_.end()) return;
    auto& known = found->second.latency;
    known = known ? (*known * 7 + latency) / 8 : latency;
}

void Peers::on_dial_failed(InstanceId instance, const NetAddress& address, Now now) {
    const auto found = known_.find({instance, address});
    if (found == known_.end()) return;
    auto& known = found->second;
    known.dialling = false;
    known.failures = std::min<std::uint32_t>(known.failures + 1, 16);
    const auto wait = std::min<Duration>(
        kRetryFirst * (1 << std::min<std::uint32_t>(known.failures, 10)), kRetryMax);
    // A quarter of jitter, so that a network that restarts does not dial in step.
    const auto jitter = Duration{
        static_cast<Duration::rep>(rng_.below(static_cast<std::uint64_t>(wait.count()) / 4 + 1))};
    known.retry_at = now.at + wait + jitter;
}

const Peers::Connected* Peers::find(PeerRef ref) const {
    const auto found = connected_.find(ref);
    return found == connected_.end() ? nullptr : &found->second;
}

std::vector<PeerRef> Peers::connected() const {
    std::vector<PeerRef> out;
    for (const auto& [ref, peer] : connected_) out.push_back(ref);
    return out;
}

// Judgement.

Peers::Record& Peers::record(const std::string& key, Now now) {
    auto found = records_.find(key);
    if (found == records_.end()) {
        if (records_.size() >= kRecordsMax) {
            // The one nearest to a stranger's says least; a ban is never forgotten for a newcomer.
            const auto least = std::min_element(
                records_.begin(), records_.end(), [](const auto& a, const auto& b) {
                    const auto weight = [](const Record& r) {
                        return std::abs(r.score - kScoreStart) + (r.banned_until ? 1000 : 0);
                    };
                    return weight(a.second) < weight(b.second);
                });
            records_.erase(least);
        }
        found = records_.emplace(key, Record{}).first;
        found->second.updated = now.at;
    }
    auto& record = found->second;
    const auto seconds = std::chrono::duration<double>(now.at - record.updated).count();
    record.score = kScoreStart + (record.score - kScoreStart) *
                                     std::exp2(-std::max(0.0, seconds) / kHalfLifeSeconds);
    record.updated = now.at;
    return record;
}

Peers::Verdict Peers::on_deed(PeerRef ref, Deed deed, std::string_view what, Now now) {
    std::string key;
    if (const auto* peer = find(ref)) {
        key = peer->identity.key();
    } else if (const auto left = departed_.find(ref); left != departed_.end()) {
        key = left->second.first;
    } else {
        return {};
    }
    auto& known = record(key, now);
    // What it did besides, and is heard of only now, must not make of one ban the longest there is.
    if (known.banned_until && now.wall < *known.banned_until) {
        return {static_cast<int>(std::lround(known.score)), false, known.banned_for};
    }
    const int delta = price(deed);
    known.score = std::clamp(known.score + delta, 0.0, 100.0);
    // Praise comes by the thousand and explains nothing that the last one does not.
    const bool repeated = !known.history.empty() && known.history.front().deed == deed && delta > 0;
    if (repeated) known.history.pop_front();
    known.history.push_front({deed, delta, std::string{what}, now.at});
    if (known.history.size() > kHistoryMax) known.history.pop_back();
    Verdict verdict{static_cast<int>(std::lround(known.score)), false, std::string{what}};
    if (verdict.score > 0) return verdict;
    const auto ban = std::min<Duration>(
        limits_.ban_first * (1 << std::min<std::uint32_t>(known.bans, 10)), limits_.ban_max);
    ++known.bans;
    known.banned_until = now.wall + std::chrono::duration_cast<WallTimeline::duration>(ban);
    known.banned_for = std::string{to_string(deed)} + ": " + std::string{what};
    known.score = kScoreStart / 2;  // where it starts again when the ban is over
    verdict.banned = true;
    verdict.why = known.banned_for;
    return verdict;
}

const Peers::Record* Peers::find_record(PeerRef ref) const {
    const auto* peer = find(ref);
    if (peer == nullptr) return nullptr;
    const auto found = records_.find(peer->identity.key());
    return found == records_.end() ? nullptr : &found->second;
}

int Peers::score(PeerRef ref) const {
    const auto* known = find_record(ref);
    return known == nullptr ? static_cast<int>(kScoreStart)
                            : static_cast<int>(std::lround(known->score));
}

Tier Peers::tier(PeerRef ref) const {
    const int points = score(ref);
    for (const auto tier : {Tier::excellent, Tier::good, Tier::fair, Tier::poor}) {
        // Half a step below its name is enough: EXCELLENT from 88, not only at 100.
        if (points * 2 >= static_cast<int>(tier) * 2 - 25) return tier;
    }
    return Tier::failed;
}

std::vector<Peers::Change> Peers::explain(PeerRef ref) const {
    const auto* known = find_record(ref);
    if (known == nullptr) return {};
    return {known->history.begin(), known->history.end()};
}

std::vector<Peers::Ban> Peers::bans(Now now) const {
    std::vector<Ban> out;
    for (const auto& [key, known] : records_) {
        if (known.banned_until && *known.banned_until > now.wall)
            out.push_back({key, *known.banned_until, known.banned_for});
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Ban& a, const Ban& b) { return a.until > b.until; });
    return out;
}

// Choice.

double Peers::weight(const Connected& peer, std::uint64_t height_max, Duration latency_max,
                     Duration latency_mean) const {
    const double height =
        height_max == 0 ? 0.5 : static_cast<double>(peer.height) / static_cast<double>(height_max);
    const auto latency = peer.latency.value_or(latency_mean);
    const double slow = latency_max.count() == 0 ? 0.5
                                                 : static_cast<double>(latency.count()) /
                                                       static_cast<double>(latency_max.count());
    return 0.5 * score(peer.ref) / 100.0 + 0.3 * height + 0.2 * (1.0 - slow);
}

std::optional<PeerRef> Peers::choose(std::span<const PeerRef> among) {
    std::vector<const Connected*> fair;
    for (const auto ref : among) {
        const auto* peer = find(ref);
        if (peer != nullptr && tier(ref) >= Tier::fair) fair.push_back(peer);
    }
    if (fair.empty()) return {};
    std::uint64_t height_max = 0;
    Duration latency_max{0};
    Duration latency_sum{0};
    Duration::rep measured = 0;
    for (const auto* peer : fair) {
        height_max = std::max(height_max, peer->height);
        if (!peer->latency) continue;
        latency_max = std::max(latency_max, *peer->latency);
        latency_sum += *peer->latency;
        ++measured;
    }
    const auto mean = measured == 0 ? Duration{0} : latency_sum / measured;
    std::vector<std::uint64_t> sums;
    std::uint64_t total = 0;
    for (const auto* peer : fair) {
        total += 1 + static_cast<std::uint64_t>(weight(*peer, height_max, latency_max, mean) * 1e6);
        sums.push_back(total);
    }
    const auto at = std::upper_bound(sums.begin(), sums.end(), rng_.below(total));
    return fair[static_cast<std::size_t>(at - sums.begin())]->ref;
}

std::optional<PeerRef> Peers::best() const {
    const Connected* best = nullptr;
    for (const auto& [ref, peer] : connected_) {
        const auto rank = [&](const Connected& one) {
            return std::pair{one.height, score(one.ref)};
        };
        if (best == nullptr || rank(peer) > rank(*best)) best = &peer;
    }
    if (best == nullptr) return {};
    return best->ref;
}

std::optional<PeerRef> Peers::random() {
    if (connected_.empty()) return {};
    return std::next(connected_.begin(), static_cast<std::ptrdiff_t>(rng_.below(connected_.size())))
        ->first;
}

// Time.

bool Peers::worth_dialling(const Place& place, const Known& known, Now now) const {
    if (known.dialling || known.retry_at > now.at) return false;
    for (const auto& [ref, peer] : connected_) {
        if (ref.instance == place.first &&
            (peer.listens == place.second || peer.address == place.second))
            return false;
    }
    return !ban_text({{}, place.second}, now);
}

Peers::Todo Peers::on_time(Now now) {
    Todo todo;
    if (now.at < next_wake_) return todo;
    next_wake_ = now.at + kWakeEvery;
    std::erase_if(departed_, [&](const auto& one) { return one.second.second <= now.at; });
    auto outbound = static_cast<std::size_t>(std::count_if(
        connected_.begin(), connected_.end(), [](const auto& one) { return !one.second.inbound; }));
    std::vector<std::pair<const Place, Known>*> candidates;
    for (auto& one : known_) {
        if (one.second.dialling) ++outbound;
        if (worth_dialling(one.first, one.second, now)) candidates.push_back(&one);
    }
    rng_.shuffle(std::span{candidates});
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto* a, const auto* b) {
        return std::pair{!a->second.bootstrap, a->second.failures} <
               std::pair{!b->second.bootstrap, b->second.failures};
    });
    for (auto* one : candidates) {
        if (outbound >= limits_.outbound_wanted ||
            connected_.size() + todo.connect.size() >= limits_.connected_max)
            break;
        one->second.dialling = true;
        todo.connect.push_back(one->first);
        ++outbound;
    }
    if (now.at >= next_discovery_) {
        next_discovery_ = now.at + limits_.discovery_every;
        if (const auto peer = random()) todo.ask_for_peers.push_back(*peer);
    }
    return todo;
}

Instant Peers::next_wake() const {
    return next_wake_;
}

void Peers::check_invariants() const {
    SENNIT_ASSERT(connected_.size() <= limits_.connected_max);
    SENNIT_ASSERT(records_.size() <= kRecordsMax);
    for (const auto& [key, record] : records_) {
        SENNIT_ASSERT(record.score >= 0 && record.score <= 100);
        SENNIT_ASSERT(record.history.size() <= kHistoryMax);
    }
    for (const auto& [ref, peer] : connected_) SENNIT_ASSERT(peer.ref == ref);
}

}  // namespace sennit::peers
