// SPDX-License-Identifier: MIT
#include "relay/inventory.hpp"

namespace sennit::relay {

bool Inventory::mark(PeerRef peer, const Digest& item) {
    auto& items = peers_[peer];
    if (!items.known.insert(item).second) return false;
    items.order.push_back(item);
    if (items.order.size() > items_max_) {
        items.known.erase(items.order.front());
        items.order.pop_front();
    }
    return true;
}

bool Inventory::knows(PeerRef peer, const Digest& item) const {
    const auto at = peers_.find(peer);
    return at != peers_.end() && at->second.known.contains(item);
}

void Inventory::check_invariants() const {
    for (const auto& [peer, items] : peers_) {
        SENNIT_ASSERT(items.known.size() == items.order.size());
        SENNIT_ASSERT(items.order.size() <= items_max_);
    }
}

}  // namespace sennit::relay
