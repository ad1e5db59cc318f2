// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/time.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p::gossipsub {

/// Until when which peer must not be grafted in which topic, and must not graft us.
///
/// Lives on when the peer leaves, else reconnecting would clear it. Never more than `count_max`:
/// then those that end soonest go, because they matter least.
class BackOffs {
  public:
    explicit BackOffs(std::size_t count_max) : count_max_{count_max} {}

    /// The later of what was and what is asked for.
    void add(const std::string& topic, const PeerId& peer, Instant until) {
        const auto [at, fresh] = until_.try_emplace({topic, peer}, until);
        if (!fresh) {
            if (at->second >= until) return;
            order_.erase({at->second, at->first});
            at->second = until;
        }
        order_.emplace(until, at->first);
        while (until_.size() > count_max_) drop_first();
    }
    /// `slack`: so much longer. Who asks before it grafts waits a little longer than it was told,
    /// because its GRAFT may travel faster than the PRUNE did; who judges a GRAFT asks without.
    bool holds(const std::string& topic, const PeerId& peer, Now now,
               Duration slack = Duration::zero()) const {
        const auto found = until_.find({topic, peer});
        return found != until_.end() && found->second + slack > now.at;
    }
    void on_time(Now now, Duration slack) {
        while (!order_.empty() && order_.begin()->first + slack <= now.at) drop_first();
    }
    std::size_t size() const { return until_.size(); }
    void check_invariants() const {
        SENNIT_ASSERT(until_.size() == order_.size() && until_.size() <= count_max_);
    }

  private:
    using Key = std::pair<std::string, PeerId>;

    void drop_first() {
        until_.erase(order_.begin()->second);
        order_.erase(order_.begin());
    }

    std::size_t count_max_;
    std::map<Key, Instant> until_;
    std::set<std::pair<Instant, Key>> order_;
};

}  // namespace sennit::libp2p::gossipsub
