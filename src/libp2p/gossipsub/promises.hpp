// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "base/time.hpp"
#include "libp2p/gossipsub/rpc.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p::gossipsub {

/// Who said IHAVE, was asked for it with IWANT, and has to send it now: since the IWANT left, not
/// since it was queued.
///
/// Of the ids that one IWANT asks for a single one, drawn by lot, is watched: who withholds many is
/// found out all the same, and a peer can make us remember no more than one id an IHAVE.
class Promises {
  public:
    void add(const MessageId& id, const PeerId& peer, Instant until) {
        if (!until_.emplace(std::pair{id, peer}, until).second) return;
        order_.emplace(until, std::pair{id, peer});
    }
    /// It is here, from whomever: nobody owes it any more.
    void kept(const MessageId& id) {
        for (auto at = until_.lower_bound({id, PeerId{}});
             at != until_.end() && at->first.first == id;) {
            order_.erase({at->second, at->first});
            at = until_.erase(at);
        }
    }
    /// The peer is gone, and its promises with it.
    void forget(const PeerId& peer) {
        std::erase_if(order_, [&](const auto& one) { return one.second.second == peer; });
        std::erase_if(until_, [&](const auto& one) { return one.first.second == peer; });
    }
    /// How many each peer has broken until now. They are forgotten.
    std::map<PeerId, std::size_t> take_broken(Now now) {
        std::map<PeerId, std::size_t> out;
        while (!order_.empty() && order_.begin()->first <= now.at) {
            ++out[order_.begin()->second.second];
            until_.erase(order_.begin()->second);
            order_.erase(order_.begin());
        }
        return out;
    }
    std::size_t size() const { return until_.size(); }
    void check_invariants() const { SENNIT_ASSERT(until_.size() == order_.size()); }

  private:
    using Key = std::pair<MessageId, PeerId>;

    std::map<Key, Instant> until_;
    std::set<std::pair<Instant, Key>> order_;
};

}  // namespace sennit::libp2p::gossipsub
