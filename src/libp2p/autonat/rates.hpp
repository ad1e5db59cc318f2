// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "libp2p/yamux/window.hpp"

namespace sennit::libp2p::autonat {

/// One `Meter` for each of many. A meter that would be full again is forgotten, so there are never
/// more than were counted within `burst * interval`; that number is for the caller to bound, by a
/// meter for all.
template <class Key>
class Rates {
  public:
    explicit Rates(yamux::Meter::Rate rate) : rate_{rate} {}

    bool has_room(const Key& key, Instant now) const {
        const auto found = meters_.find(key);
        auto meter = found == meters_.end() ? yamux::Meter{} : found->second.meter;
        return meter.count(now, rate_);
    }
    void count(const Key& key, Instant now) {
        forget(now);
        auto& one = meters_[key];
        (void)one.meter.count(now, rate_);
        forgetting_.erase({one.forget_at, key});
        one.forget_at = now + rate_.interval * std::int64_t{rate_.burst};
        forgetting_.emplace(one.forget_at, key);
    }

    std::size_t size() const { return meters_.size(); }
    void check_invariants() const { SENNIT_ASSERT(meters_.size() == forgetting_.size()); }

  private:
    struct One {
        yamux::Meter meter{};
        Instant forget_at{};
    };
    void forget(Instant now) {
        while (!forgetting_.empty() && forgetting_.begin()->first <= now) {
            meters_.erase(forgetting_.begin()->second);
            forgetting_.erase(forgetting_.begin());
        }
    }

    yamux::Meter::Rate rate_;
    std::map<Key, One> meters_;
    std::set<std::pair<Instant, Key>> forgetting_;
};

}  // namespace sennit::libp2p::autonat
