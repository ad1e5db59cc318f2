// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/score.hpp"

#include <algorithm>
#include <cmath>

namespace sennit::libp2p::gossipsub {

namespace {

/// After so many the counters are 0 anyway; a clock that jumped need not be walked through.
constexpr int kDecaysMax = 200;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

double square(double x) {
    return x * x;
}

void add_capped(double& counter, double cap) {
    counter = std::min(counter + 1, cap);
}

}  // namespace

PeerScore::PeerScore(ScoreParams params) : params_{std::move(params)} {
    SENNIT_ASSERT(params_.decay_every > Duration::zero());
    for (const auto& [topic, p] : params_.topics) {
        // A weight of the wrong sign would reward what should be punished.
        SENNIT_ASSERT(p.weight >= 0 && p.time_in_mesh_weight >= 0 &&
                      p.first_deliveries_weight >= 0);
        SENNIT_ASSERT(p.mesh_deliveries_weight <= 0 && p.mesh_failure_weight <= 0 &&
                      p.invalid_weight <= 0);
        SENNIT_ASSERT(p.time_in_mesh_quantum > Duration::zero());
    }
    SENNIT_ASSERT(params_.colocation_weight <= 0 && params_.behaviour_weight <= 0);
}

void PeerScore::on_connected(const PeerId& peer, std::string address, Now now) {
    auto& stats = peers_[peer];
    SENNIT_ASSERT(!stats.connected);
    if (const auto kept = retained_.find({stats.left, peer}); kept != retained_.end())
        retained_.erase(kept);
    if (stats.address != address) {
        if (!stats.address.empty() && --sharers_.at(stats.address) == 0)
            sharers_.erase(stats.address);
        if (!address.empty()) ++sharers_[address];
        stats.address = std::move(address);
    }
    stats.connected = true;
    if (!next_decay_) next_decay_ = now.at + params_.decay_every;
}

void PeerScore::on_disconnected(const PeerId& peer, Now now) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || !found->second.connected) return;
    auto& stats = found->second;
    const bool forgettable = score(peer, now) >= 0;
    stats.connected = false;
    if (forgettable) {
        forget(found);
        return;
    }
    for (auto& [topic, one] : stats.topics) {
        one.first_deliveries = 0;  // what is kept are the sins
        leave_mesh(one, params(topic));
    }
    stats.left = now.at;
    retained_.emplace(now.at, peer);
    make_room();
}

void PeerScore::on_grafted(const PeerId& peer, const std::string& topic, Now now) {
    auto* one = stats(peer, topic);
    if (one == nullptr) return;
    one->in_mesh_since = now.at;
    one->active = false;
    one->mesh_deliveries = 0;
}

void PeerScore::on_pruned(const PeerId& peer, const std::string& topic, Now) {
    auto* one = stats(peer, topic);
    if (one != nullptr) leave_mesh(*one, params(topic));
}

void PeerScore::on_first_delivery(const PeerId& peer, const std::string& topic, Now) {
    auto* one = stats(peer, topic);
    if (one == nullptr) return;
    add_capped(one->first_deliveries, params(topic).first_deliveries_cap);
    if (one->in_mesh_since) add_capped(one->mesh_deliveries, params(topic).mesh_deliveries_cap);
}

void PeerScore::on_duplicate(const PeerId& peer, const std::string& topic, Duration after, Now) {
    auto* one = stats(peer, topic);
    if (one == nullptr || !one->in_mesh_since) return;
    // Else a peer could send back what it got from us and look diligent.
    if (after > params(topic).mesh_deliveries_window) return;
    add_capped(one->mesh_deliveries, params(topic).mesh_deliveries_cap);
}

void PeerScore::on_invalid(const PeerId& peer, const std::string& topic) {
    if (auto* one = stats(peer, topic)) one->invalid += 1;
}

void PeerScore::on_misbehaviour(const PeerId& peer, double count) {
    SENNIT_ASSERT(count >= 0 && std::isfinite(count));
    if (const auto found = peers_.find(peer); found != peers_.end())
        found->second.behaviour += count;
}

void PeerScore::set_application(const PeerId& peer, double value) {
    SENNIT_ASSERT(std::isfinite(value));
    if (const auto found = peers_.find(peer); found != peers_.end())
        found->second.application = value;
}

double PeerScore::score(const PeerId& peer, Now now) const {
    double topics = 0;
    double others = 0;
    for (const auto& one : explain(peer, now)) (one.topic.empty() ? others : topics) += one.score;
    if (params_.topic_cap > 0) topics = std::min(topics, params_.topic_cap);
    return topics + others;
}

std::vector<PeerScore::Component> PeerScore::explain(const PeerId& peer, Now now) const {
    std::vector<Component> out;
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return out;
    const auto& stats = found->second;
    for (const auto& [topic, one] : stats.topics) topic_components(topic, one, now, out);
    const auto add = [&](std::string_view name, double value, double weight) {
        if (value * weight != 0) out.push_back({name, {}, value, value * weight});
    };
    add("P5 application", stats.application, params_.application_weight);
    const auto sharers = sharers_.find(stats.address);
    if (sharers != sharers_.end() && sharers->second > params_.colocation_threshold) {
        const auto surplus = static_cast<double>(sharers->second - params_.colocation_threshold);
        add("P6 shared address", square(surplus), params_.colocation_weight);
    }
    if (stats.behaviour > params_.behaviour_threshold) {
        add("P7 misbehaviour", square(stats.behaviour - params_.behaviour_threshold),
            params_.behaviour_weight);
    }
    return out;
}

void PeerScore::topic_components(const std::string& topic, const TopicStats& one, Now now,
                                 std::vector<Component>& out) const {
    const auto& p = params(topic);
    const auto add = [&](std::string_view name, double value, double weight) {
        if (value * weight * p.weight != 0)
            out.push_back({name, topic, value, value * weight * p.weight});
    };
    if (one.in_mesh_since) {
        const auto quanta = seconds(now.at - *one.in_mesh_since) / seconds(p.time_in_mesh_quantum);
        add("P1 time in mesh", std::min(quanta, p.time_in_mesh_cap), p.time_in_mesh_weight);
    }
    add("P2 first deliveries", one.first_deliveries, p.first_deliveries_weight);
    add("P3 missing deliveries", deficit_squared(one, p), p.mesh_deliveries_weight);
    add("P3b left the mesh in deficit", one.mesh_failure, p.mesh_failure_weight);
    add("P4 invalid messages", square(one.invalid), p.invalid_weight);
}

void PeerScore::on_time(Now now) {
    for (auto& [peer, stats] : peers_) {
        for (auto& [topic, one] : stats.topics) {
            if (one.in_mesh_since &&
                now.at - *one.in_mesh_since > params(topic).mesh_deliveries_activation)
                one.active = true;
        }
    }
    for (int i = 0; next_decay_ && *next_decay_ <= now.at && i < kDecaysMax; ++i) {
        decay();
        *next_decay_ += params_.decay_every;
    }
    if (next_decay_ && *next_decay_ <= now.at) next_decay_ = now.at + params_.decay_every;
    while (!retained_.empty() && retained_.begin()->first + params_.retain <= now.at)
        forget(peers_.find(retained_.begin()->second));
}

void PeerScore::decay() {
    const auto less = [&](double& counter, double factor) {
        counter *= factor;
        if (counter < params_.decay_to_zero) counter = 0;
    };
    for (auto& [peer, stats] : peers_) {
        // Time does not heal while nobody looks: else one would wait it out elsewhere.
        if (!stats.connected) continue;
        less(stats.behaviour, params_.behaviour_decay);
        for (auto& [topic, one] : stats.topics) {
            const auto& p = params(topic);
            less(one.first_deliveries, p.first_deliveries_decay);
            less(one.mesh_deliveries, p.mesh_deliveries_decay);
            less(one.mesh_failure, p.mesh_failure_decay);
            less(one.invalid, p.invalid_decay);
        }
    }
}

PeerScore::TopicStats* PeerScore::stats(const PeerId& peer, const std::string& topic) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || !params_.topics.contains(topic)) return nullptr;
    return &found->second.topics[topic];
}

double PeerScore::deficit_squared(const TopicStats& one, const TopicScoreParams& p) const {
    if (!one.in_mesh_since || !one.active || one.mesh_deliveries >= p.mesh_deliveries_threshold)
        return 0;
    return square(p.mesh_deliveries_threshold - one.mesh_deliveries);
}

void PeerScore::leave_mesh(TopicStats& one, const TopicScoreParams& p) {
    one.mesh_failure += deficit_squared(one, p);
    one.in_mesh_since.reset();
    one.active = false;
}

void PeerScore::forget(std::map<PeerId, PeerStats>::iterator at) {
    const auto& [peer, stats] = *at;
    SENNIT_ASSERT(!stats.connected);
    if (!stats.address.empty() && --sharers_.at(stats.address) == 0) sharers_.erase(stats.address);
    retained_.erase({stats.left, peer});
    peers_.erase(at);
}

void PeerScore::make_room() {
    while (retained_.size() > kRetainedMax) forget(peers_.find(retained_.begin()->second));
}

void PeerScore::check_invariants() const {
    std::size_t gone = 0;
    std::map<std::string, std::size_t> sharers;
    for (const auto& [peer, stats] : peers_) {
        gone += !stats.connected;
        SENNIT_ASSERT(stats.connected != retained_.contains({stats.left, peer}));
        if (!stats.address.empty()) ++sharers[stats.address];
        for (const auto& [topic, one] : stats.topics) {
            SENNIT_ASSERT(params_.topics.contains(topic));
            SENNIT_ASSERT(stats.connected || !one.in_mesh_since);
            SENNIT_ASSERT(one.mesh_deliveries >= 0 && one.first_deliveries >= 0);
        }
    }
    SENNIT_ASSERT(gone == retained_.size() && gone <= kRetainedMax);
    SENNIT_ASSERT(sharers == sharers_);
}

}  // namespace sennit::libp2p::gossipsub
