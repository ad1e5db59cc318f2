// SPDX-License-Identifier: MIT
#include "protocol/requests.hpp"

#include <algorithm>

namespace sennit::protocol {

void Requests::claim(RequestId id) {
    const auto it = std::ranges::find(pending_, id, &Pending::id);
    SENNIT_ASSERT(it != pending_.end() && !it->claimed);
    it->claimed = true;
}

bool Requests::cancel(RequestId id, Instant now) {
    for (auto& pending : pending_) {
        if (pending.id != id || pending.cancelled) continue;
        pending.cancelled = now;
        return true;
    }
    return false;
}

std::optional<Requests::Pending> Requests::take(RequestId id) {
    const auto it = std::ranges::find(pending_, id, &Pending::id);
    if (it == pending_.end()) return std::nullopt;
    Pending taken = std::move(*it);
    pending_.erase(it);
    return taken;
}

void Requests::expire(Instant now) {
    std::erase_if(pending_, [&](const Pending& pending) {
        return pending.cancelled && *pending.cancelled + kCancelledKept <= now;
    });
}

std::optional<Instant> Requests::deadline() const {
    std::optional<Instant> at;
    for (const auto& pending : pending_) {
        if (!pending.cancelled) continue;
        const auto forgotten = *pending.cancelled + kCancelledKept;
        if (!at || forgotten < *at) at = forgotten;
    }
    return at;
}

const Requests::Pending* Requests::oldest(Kind answer) const {
    for (const auto& pending : pending_) {
        if (!pending.claimed && answer_kind(kind_of(*pending.request)) == answer) return &pending;
    }
    return nullptr;
}

}  // namespace sennit::protocol
