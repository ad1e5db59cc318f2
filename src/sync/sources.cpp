// SPDX-License-Identifier: MIT
#include "sync/sources.hpp"

#include <algorithm>

namespace sennit::sync {

namespace {

using protocol::Form;

constexpr Duration kShunnedFirst = std::chrono::seconds{5};
/// 5 s doubled six times: more than five minutes is for `peers` to decide.
constexpr std::uint32_t kDoublingsMax = 6;
constexpr Duration kBusy = std::chrono::seconds{1};
/// Weight of the newest measurement: four answers forget half of what was before.
constexpr double kNewest = 0.16;

}  // namespace

bool Source::serves_headers() const {
    return answers(Form::headers_by_height) || answers(Form::blocks_by_height);
}

bool Source::serves_bodies() const {
    return answers(Form::bodies_by_id) || answers(Form::blocks_by_id) ||
           answers(Form::blocks_by_height);
}

void Sources::on_peer(PeerRef peer, const protocol::PeerTraits& traits) {
    auto& source = sources_[peer];
    source.peer = peer;
    source.traits = traits;
}

void Sources::on_status(PeerRef peer, const protocol::Status& status) {
    if (auto* source = find(peer)) source->status = status;
}

Source* Sources::find(PeerRef peer) {
    const auto found = sources_.find(peer);
    return found == sources_.end() ? nullptr : &found->second;
}

Source* Sources::choose(Work work, Instant now, const std::function<bool(const Source&)>& fits) {
    std::vector<Source*> best;
    double best_wait = 0;
    for (auto& [peer, source] : sources_) {
        if (source.rests(now) || source.in_flight >= kRequestsPerPeer || !fits(source)) continue;
        const auto rate = source.rate[static_cast<std::size_t>(work)];
        // Who was never measured gets one request, and waits with more until that is answered.
        const auto queued = static_cast<double>(source.in_flight);
        const double wait = rate > 0 ? (queued + 1) / rate : queued;
        if (best.empty() || wait < best_wait) {
            best.clear();
            best_wait = wait;
        }
        if (wait == best_wait) best.push_back(&source);
    }
    return best.empty() ? nullptr : best[rng_.below(best.size())];
}

Source* Sources::choose_ahead(Instant now, const std::function<bool(const Source&)>& fits) {
    std::vector<Source*> candidates;
    for (auto& [peer, source] : sources_) {
        if (source.status && !source.rests(now) && fits(source)) candidates.push_back(&source);
    }
    if (candidates.empty()) return nullptr;
    std::stable_sort(candidates.begin(), candidates.end(), [](const Source* a, const Source* b) {
        return a->status->finalised_height > b->status->finalised_height;
    });
    return candidates[rng_.below((candidates.size() + 1) / 2)];
}

void Sources::served(Source& source, Work work, std::size_t items, Duration took) {
    source.failures = 0;
    const auto seconds = std::max(std::chrono::duration<double>(took).count(), 0.001);
    const auto measured = static_cast<double>(items) / seconds;
    auto& rate = source.rate[static_cast<std::size_t>(work)];
    rate = rate > 0 ? rate + kNewest * (measured - rate) : measured;
}

void Sources::shun(Source& source, Instant now) {
    source.shunned_until = now + kShunnedFirst * (1u << std::min(source.failures, kDoublingsMax));
    ++source.failures;
}

void Sources::busy(Source& source, Instant now) {
    source.busy_until = now + kBusy;
}

std::optional<Instant> Sources::next_wake(Instant now) const {
    std::optional<Instant> first;
    const auto take = [&](const std::optional<Instant>& at) {
        if (at && now < *at) first = first ? std::min(*first, *at) : *at;
    };
    for (const auto& [peer, source] : sources_) {
        take(source.busy_until);
        take(source.shunned_until);
    }
    return first;
}

}  // namespace sennit::sync
