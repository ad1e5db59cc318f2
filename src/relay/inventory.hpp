// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/peer_id.hpp"

namespace sennit::relay {

/// Who already has what: item ids by peer, across all protocols, so that nothing is sent to
/// somebody who sent it to us, and nothing twice (CONTRACT rule 7).
///
/// Bounded: the newest `items_max` ids of each peer. Forgetting costs a copy sent in vain, no more.
class Inventory {
  public:
    /// 4096 ids: some minutes of a busy chain, 200 KB a peer at the worst.
    explicit Inventory(std::size_t items_max = 4096) : items_max_{items_max} {}

    /// False if it was known already.
    bool mark(PeerRef peer, const Digest& item);
    bool knows(PeerRef peer, const Digest& item) const;
    void forget(PeerRef peer) { peers_.erase(peer); }

    void check_invariants() const;

  private:
    struct Items {
        std::set<Digest> known;
        std::deque<Digest> order;
    };

    std::size_t items_max_;
    std::map<PeerRef, Items> peers_;
};

/// Item ids of all kinds, as one.
template <class Tag>
Digest item_of(const Hash<Tag>& id) {
    return Digest::from(id.view());
}

}  // namespace sennit::relay
