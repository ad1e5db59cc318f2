// SPDX-License-Identifier: MIT
#include "libp2p/kad/query.hpp"

#include <algorithm>

namespace sennit::libp2p::kad {

namespace {

/// Who named a candidate; more would only cost memory.
constexpr std::size_t kSourcesMax = 4;

}  // namespace

Query::Query(const Key& target, const PeerId& self, Limits limits, Now now)
    : target_{target},
      self_{self},
      limits_{limits},
      deadline_{now.at + limits.timeout},
      patience_{limits.source_failures_max} {
    SENNIT_ASSERT(limits_.k > 0 && limits_.alpha > 0 && limits_.waiting_max > 0);
}

bool Query::believed(const PeerId& source, std::uint32_t patience) const {
    const auto at = sources_.find(source);
    if (at == sources_.end()) return true;
    const auto& [failures, answers] = at->second;
    return failures < patience || failures <= answers;
}

bool Query::believed(const Candidate& candidate, std::uint32_t patience) const {
    return candidate.seeded || std::ranges::any_of(candidate.sources, [&](const auto& source) {
               return believed(source, patience);
           });
}

void Query::add_source(Candidate& candidate, const PeerId& source) const {
    auto& sources = candidate.sources;
    if (std::ranges::find(sources, source) != sources.end()) return;
    if (sources.size() < kSourcesMax) {
        sources.push_back(source);
        return;
    }
    // One who is believed counts more than one who is not.
    const auto liar =
        std::ranges::find_if(sources, [this](const auto& s) { return !believed(s, patience_); });
    if (liar != sources.end()) *liar = source;
}

void Query::add_addresses(Candidate& candidate, const std::vector<Multiaddr>& more,
                          std::size_t most) const {
    auto& known = candidate.addresses;
    for (const auto& address : more) {
        if (most == 0 || known.size() - candidate.tried >= limits_.addresses_max) return;
        if (std::ranges::find(known, address) != known.end()) continue;
        known.push_back(address);
        --most;
    }
}

void Query::retry(Candidate& candidate) {
    if (candidate.state != State::failed || candidate.retries >= limits_.retries_max) return;
    if (candidate.tried >= candidate.addresses.size()) return;
    ++candidate.retries;
    candidate.state = State::waiting;
    ++waiting_;
}

void Query::make_room() {
    if (waiting_ <= limits_.waiting_max) return;
    auto victim = candidates_.end();
    for (auto at = candidates_.begin(); at != candidates_.end(); ++at) {
        // A retried one stays: who was asked is not forgotten.
        if (at->second.state != State::waiting || at->second.retries > 0) continue;
        const bool passed_over = !believed(at->second, patience_);
        victim = at;
        if (passed_over) break;
    }
    if (victim == candidates_.end()) return;
    candidates_.erase(victim);
    --waiting_;
}

void Query::hear(const PeerAddresses& named, const PeerId* source) {
    if (named.id == self_ || (source && named.id == *source)) return;
    const auto [at, fresh] = candidates_.try_emplace(distance_of(named.id));
    auto& candidate = at->second;
    if (fresh) {
        candidate.id = named.id;
        ++waiting_;
    }
    if (candidate.state == State::answered) {
        if (source) ++sources_[*source].answers;
        return;
    }
    if (source) {
        add_source(candidate, *source);
    } else {
        candidate.seeded = true;
    }
    const auto half = std::max<std::size_t>(limits_.addresses_max / 2, 1);
    add_addresses(candidate, named.addresses, source ? half : limits_.addresses_max);
    retry(candidate);
    make_room();
}

void Query::seed(const PeerAddresses& peer) {
    hear(peer, nullptr);
}

Query::Candidates::const_iterator Query::first_waiting(std::uint32_t patience) const {
    std::size_t seen = 0;
    for (auto at = candidates_.begin(); at != candidates_.end() && seen < limits_.k; ++at) {
        const auto& candidate = at->second;
        if (candidate.state == State::failed) continue;
        if (candidate.state != State::answered && !believed(candidate, patience)) continue;
        if (candidate.state == State::waiting) return at;
        ++seen;
    }
    return candidates_.end();
}

std::optional<PeerAddresses> Query::next() {
    if (in_flight_ >= limits_.alpha || requests_ >= limits_.requests_max) return std::nullopt;
    auto found = first_waiting(patience_);
    if (found == candidates_.end() && in_flight_ == 0) {
        patience_ = patience_max();
        found = first_waiting(patience_);
    }
    if (found == candidates_.end()) return std::nullopt;
    auto& candidate = candidates_.find(found->first)->second;
    candidate.state = State::asked;
    --waiting_;
    ++in_flight_;
    ++requests_;
    PeerAddresses out{candidate.id, {}};
    const auto untried = candidate.addresses.begin() + static_cast<std::ptrdiff_t>(candidate.tried);
    out.addresses.assign(untried, candidate.addresses.end());
    candidate.asked_from = candidate.tried;
    candidate.tried = candidate.addresses.size();
    return out;
}

void Query::answered(const PeerId& peer, const std::vector<PeerAddresses>& named) {
    const auto at = candidates_.find(distance_of(peer));
    if (at == candidates_.end() || at->second.state != State::asked) return;
    auto& candidate = at->second;
    candidate.state = State::answered;
    --in_flight_;
    // What it answered at is worth telling; what failed before, or was named meanwhile, is not.
    const auto from = candidate.addresses.begin();
    candidate.addresses = {from + static_cast<std::ptrdiff_t>(candidate.asked_from),
                           from + static_cast<std::ptrdiff_t>(candidate.tried)};
    candidate.asked_from = 0;
    candidate.tried = candidate.addresses.size();
    for (const auto& source : candidate.sources) ++sources_[source].answers;
    sources_.try_emplace(peer);
    // k is what was asked for, and go's one more.
    const auto most = std::min(named.size(), limits_.k + 1);
    for (std::size_t i = 0; i < most; ++i) hear(named[i], &peer);
}

void Query::failed(const PeerId& peer) {
    const auto at = candidates_.find(distance_of(peer));
    if (at == candidates_.end() || at->second.state != State::asked) return;
    at->second.state = State::failed;
    --in_flight_;
    for (const auto& source : at->second.sources) ++sources_[source].failures;
    retry(at->second);
}

bool Query::done(Now now) const {
    if (timed_out(now)) return true;
    if (requests_ < limits_.requests_max && first_waiting(patience_max()) != candidates_.end())
        return false;
    if (in_flight_ == 0) return true;
    // One that is asked and is further away than k that answered would change nothing.
    std::size_t seen = 0;
    for (const auto& [away, candidate] : candidates_) {
        if (candidate.state == State::asked) return false;
        if (candidate.state == State::answered && ++seen == limits_.k) return true;
    }
    return false;
}

std::vector<PeerAddresses> Query::closest() const {
    std::vector<PeerAddresses> out;
    for (const auto& [away, candidate] : candidates_) {
        if (out.size() == limits_.k) break;
        if (candidate.state == State::answered) out.push_back({candidate.id, candidate.addresses});
    }
    return out;
}

std::optional<PeerAddresses> Query::target_peer() const {
    const auto at = candidates_.find(Distance{});
    if (at == candidates_.end()) return std::nullopt;
    return PeerAddresses{at->second.id, at->second.addresses};
}

void Query::check_invariants() const {
    std::size_t waiting = 0;
    std::size_t asked = 0;
    std::size_t settled = 0;
    for (const auto& [away, candidate] : candidates_) {
        SENNIT_ASSERT(away == distance_of(candidate.id) && candidate.id != self_);
        SENNIT_ASSERT(candidate.tried <= candidate.addresses.size());
        SENNIT_ASSERT(candidate.addresses.size() - candidate.tried <= limits_.addresses_max);
        SENNIT_ASSERT(candidate.addresses.size() <=
                      limits_.addresses_max * (limits_.retries_max + 2));
        SENNIT_ASSERT(candidate.sources.size() <= kSourcesMax);
        SENNIT_ASSERT(candidate.retries <= limits_.retries_max);
        SENNIT_ASSERT(candidate.seeded || !candidate.sources.empty());
        waiting += candidate.state == State::waiting;
        asked += candidate.state == State::asked;
        settled += candidate.state == State::answered || candidate.state == State::failed;
    }
    SENNIT_ASSERT(waiting == waiting_ && asked == in_flight_);
    SENNIT_ASSERT(in_flight_ <= limits_.alpha && requests_ <= limits_.requests_max);
    SENNIT_ASSERT(asked + settled <= requests_);
    // Those who wait for another try were asked before, and so are bounded already.
    SENNIT_ASSERT(waiting <= limits_.waiting_max + limits_.requests_max);
    SENNIT_ASSERT(sources_.size() <= requests_);
}

}  // namespace sennit::libp2p::kad
