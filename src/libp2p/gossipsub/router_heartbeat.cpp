// SPDX-License-Identifier: MIT
/// What the router does by itself: the meshes, the fan-out, gossip, and forgetting.
#include <algorithm>
#include <cmath>

#include "libp2p/gossipsub/router.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

/// Heartbeats that we stay away longer than we were told: js waits one, go two.
constexpr int kBackOffSlack = 2;

}  // namespace

void Router::on_time(Now now) {
    while (const auto ticket = intake_.overdue(now)) {
        ++counters_.ignored;
        ignored_.insert(intake_.remove(*ticket).id);
    }
    if (next_heartbeat_ > now.at) return;
    heartbeat(now);
    // A machine that slept does not make up for the beats that it missed.
    next_heartbeat_ = std::max(next_heartbeat_ + config_.heartbeat, now.at + config_.heartbeat / 2);
}

Instant Router::next_wake() const {
    return std::min(next_heartbeat_, intake_.next_deadline().value_or(Instant::max()));
}

void Router::heartbeat(Now now) {
    ++tick_;
    scores_.on_time(now);
    for (const auto& [id, count] : promises_.take_broken(now)) {
        // What it sent may lie unread, because we have no room for it.
        if (!intake_.has_room(id)) continue;
        counters_.broken_promises += count;
        scores_.on_misbehaviour(id, static_cast<double>(count));
    }
    seen_.on_time(now);
    back_offs_.on_time(now, kBackOffSlack * config_.heartbeat);
    ignored_.clear();
    for (auto& [id, peer] : peers_) {
        peer.ihaves = peer.asked = peer.idontwants = 0;
        peer.outbox.on_heartbeat();
    }
    for (auto& [topic, in] : topics_) {
        keep_mesh(topic, in, now);
        gossip(topic, in.mesh, now);
    }
    keep_fanout(now);
    cache_.shift();
    if (config_.redial_ticks == 0 || tick_ % config_.redial_ticks != 1 % config_.redial_ticks)
        return;
    for (const auto& id : config_.explicit_peers) {
        if (!peers_.contains(id)) events_.push_back(Missing{id});
    }
}

// The mesh.

void Router::keep_mesh(const std::string& topic, Topic& in, Now now) {
    std::vector<PeerId> bad;
    for (const auto& id : in.mesh) {
        if (scores_.score(id, now) < 0) bad.push_back(id);
    }
    for (const auto& id : bad) prune(topic, in, id, "its score is negative", false, now);
    if (in.mesh.size() < config_.mesh.d_low) fill(topic, in, config_.mesh.d, "a thin mesh", now);
    if (in.mesh.size() > config_.mesh.d_high) shrink(topic, in, now);
    if (in.mesh.size() >= config_.mesh.d_low) want_outbound(topic, in, now);
    if (config_.opportunistic_ticks > 0 && tick_ % config_.opportunistic_ticks == 0)
        graft_better(topic, in, now);
}

void Router::fill(const std::string& topic, Topic& in, std::size_t up_to, std::string_view why,
                  Now now) {
    for (const auto& id : candidates(topic, in.mesh, 0, now)) {
        if (in.mesh.size() >= up_to) return;
        if (may_graft(topic, id, now)) graft(topic, in, id, why, now);
    }
}

/// To `d`: the best by score, then those by lot, with enough outbound ones among them.
void Router::shrink(const std::string& topic, Topic& in, Now now) {
    std::vector<PeerId> all{in.mesh.begin(), in.mesh.end()};
    rng_.shuffle(std::span{all});  // equal scores are kept by lot
    std::ranges::stable_sort(all, std::greater{},
                             [&](const PeerId& id) { return scores_.score(id, now); });
    const auto& mesh = config_.mesh;
    rng_.shuffle(std::span{all}.subspan(mesh.d_score));
    // Those that we dialled move up as far as `d_out` asks for.
    auto outbound = static_cast<std::size_t>(
        std::count_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(mesh.d),
                      [&](const PeerId& id) { return peers_.at(id).info.outbound; }));
    for (std::size_t i = mesh.d; i < all.size() && outbound < mesh.d_out; ++i) {
        if (!peers_.at(all[i]).info.outbound) continue;
        for (std::size_t place = mesh.d; place-- > 0;) {
            if (peers_.at(all[place]).info.outbound) continue;
            std::swap(all[i], all[place]);
            ++outbound;
            break;
        }
    }
    for (std::size_t i = mesh.d; i < all.size(); ++i)
        prune(topic, in, all[i], "the mesh is too large", true, now);
}

void Router::want_outbound(const std::string& topic, Topic& in, Now now) {
    auto outbound = outbound_in(in.mesh);
    if (outbound >= config_.mesh.d_out) return;
    for (const auto& id : candidates(topic, in.mesh, 0, now)) {
        if (!peers_.at(id).info.outbound || !may_graft(topic, id, now)) continue;
        graft(topic, in, id, "too few that we dialled", now);
        if (++outbound >= config_.mesh.d_out) return;
    }
}

/// A mesh of peers who do just enough not to be pruned is left with the help of better ones.
void Router::graft_better(const std::string& topic, Topic& in, Now now) {
    if (in.mesh.size() < 2) return;
    std::vector<double> scores;
    for (const auto& id : in.mesh) scores.push_back(scores_.score(id, now));
    const auto middle = scores.begin() + static_cast<std::ptrdiff_t>(scores.size() / 2);
    std::ranges::nth_element(scores, middle);
    const double median = *middle;
    if (median >= config_.thresholds.opportunistic_graft) return;
    std::size_t grafted = 0;
    for (const auto& id : candidates(topic, in.mesh, median, now)) {
        if (grafted == config_.opportunistic_peers) return;
        if (scores_.score(id, now) <= median || !may_graft(topic, id, now)) continue;
        graft(topic, in, id, "better than the median", now);
        ++grafted;
    }
}

std::size_t Router::outbound_in(const std::set<PeerId>& mesh) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(mesh, [&](const PeerId& id) { return peers_.at(id).info.outbound; }));
}

/// Of a topic, in an order drawn by lot.
std::vector<PeerId> Router::candidates(const std::string& topic, const std::set<PeerId>& without,
                                       double score_min, Now now) {
    std::vector<PeerId> out;
    for (const auto& id : subscribers(topic)) {
        const auto& peer = peers_.at(id);
        if (peer.is_explicit || without.contains(id) || peer.info.version == Version::floodsub)
            continue;
        if (scores_.score(id, now) >= score_min) out.push_back(id);
    }
    rng_.shuffle(std::span{out});
    return out;
}

bool Router::may_graft(const std::string& topic, const PeerId& id, Now now) const {
    const auto& peer = peers_.at(id);
    return !peer.is_explicit && peer.info.version != Version::floodsub &&
           peer.topics.contains(topic) &&
           !back_offs_.holds(topic, id, now, kBackOffSlack * config_.heartbeat) &&
           scores_.score(id, now) >= 0;
}

void Router::graft(const std::string& topic, Topic& in, const PeerId& id, std::string_view why,
                   Now now) {
    in.mesh.insert(id);
    scores_.on_grafted(id, topic, now);
    peers_.at(id).outbox.graft(topic);
    senders_.insert(id);
    events_.push_back(Meshed{id, topic, true, why});
}

void Router::drop_from_mesh(const std::string& topic, Topic& in, const PeerId& id,
                            std::string_view why, Now now) {
    in.mesh.erase(id);
    scores_.on_pruned(id, topic, now);
    events_.push_back(Meshed{id, topic, false, why});
}

void Router::prune(const std::string& topic, Topic& in, const PeerId& id, std::string_view why,
                   bool exchange, Now now) {
    drop_from_mesh(topic, in, id, why, now);
    back_offs_.add(topic, id, now.at + config_.prune_back_off);
    say_prune(topic, id, config_.prune_back_off, exchange, now);
}

void Router::say_prune(const std::string& topic, const PeerId& id, Duration back_off, bool exchange,
                       Now now) {
    auto& peer = peers_.at(id);
    Prune out{topic, {}, {}};
    if (peer.info.version >= Version::v1_1) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(back_off);
        out.back_off = static_cast<std::uint64_t>(seconds.count());
        if (exchange && config_.exchange && scores_.score(id, now) >= 0) {
            for (const auto& other : candidates(topic, {id}, 0, now)) {
                if (out.peers.size() >= config_.limits.exchange_max) break;
                out.peers.push_back({to_bytes(other.view()), peers_.at(other).record});
            }
        }
    }
    peer.outbox.prune(std::move(out));
    senders_.insert(id);
}

// The rest.

void Router::keep_fanout(Now now) {
    std::erase_if(fanout_, [&](const auto& one) { return one.second.until <= now.at; });
    for (auto& [topic, fanout] : fanout_) {
        std::erase_if(fanout.peers, [&](const PeerId& id) {
            return scores_.score(id, now) < config_.thresholds.publish;
        });
        for (const auto& id : candidates(topic, fanout.peers, config_.thresholds.publish, now)) {
            if (fanout.peers.size() >= config_.mesh.d) break;
            fanout.peers.insert(id);
        }
        gossip(topic, fanout.peers, now);
    }
}

/// Tells peers outside of the mesh which messages there were: so many that a crowd of hostile mesh
/// peers cannot keep a message from the topic.
void Router::gossip(const std::string& topic, const std::set<PeerId>& already, Now now) {
    std::vector<std::pair<MessageId, std::size_t>> all;
    for (auto& id : cache_.gossip_ids(topic)) {
        const auto size = cache_.find(id)->encoded->size();
        all.emplace_back(std::move(id), size);
    }
    if (all.empty()) return;
    const auto to = candidates(topic, already, config_.thresholds.gossip, now);
    const auto share = static_cast<std::size_t>(
        std::ceil(config_.mesh.gossip_factor * static_cast<double>(to.size())));
    const auto peers = std::min(to.size(), std::max(config_.mesh.d_lazy, share));
    const auto count = std::min(all.size(), config_.limits.ids_asked_per_heartbeat);
    for (std::size_t i = 0; i < peers; ++i) {
        auto& outbox = peers_.at(to[i]).outbox;
        std::vector<MessageId> some;
        // When there are too many, each peer hears of others, so that all get around.
        const auto first = count < all.size() ? rng_.below(all.size()) : 0;
        for (std::size_t k = 0; k < count; ++k) {
            const auto& [id, size] = all[(first + k) % all.size()];
            // What its frames do not take would be a promise that we cannot keep.
            if (outbox.takes(size)) some.push_back(id);
        }
        if (some.empty()) continue;
        outbox.ihave(topic, std::move(some));
        senders_.insert(to[i]);
    }
}

}  // namespace sennit::libp2p::gossipsub
