// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/time.hpp"
#include "sennit/types.hpp"

namespace sennit::libp2p {

/// Who wants to be woken when, at most one time for each. O(log n) a change, O(1) to ask for the
/// first: ten thousand that sleep cost nothing.
template <class Id>
class Deadlines {
  public:
    /// Replaces what was set; Instant::max() is never.
    void set(Id id, Instant at) {
        const auto found = times_.find(id);
        if (found != times_.end()) {
            if (found->second == at) return;
            order_.erase({found->second, id});
            times_.erase(found);
        }
        if (at == Instant::max()) return;
        times_.emplace(id, at);
        order_.emplace(at, id);
    }
    void forget(Id id) { set(id, Instant::max()); }

    Instant next() const { return order_.empty() ? Instant::max() : order_.begin()->first; }
    /// Takes the first one whose time has come.
    std::optional<Id> take_due(Instant now) {
        if (next() > now || order_.empty()) return std::nullopt;
        const auto id = order_.begin()->second;
        forget(id);
        return id;
    }

    bool contains(Id id) const { return times_.contains(id); }
    void check_invariants() const {
        SENNIT_ASSERT(times_.size() == order_.size());
        for (const auto& [id, at] : times_) SENNIT_ASSERT(order_.contains({at, id}));
    }

  private:
    std::map<Id, Instant> times_;
    std::set<std::pair<Instant, Id>> order_;
};

}  // namespace sennit::libp2p
