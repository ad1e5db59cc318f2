// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/protocol.hpp"

namespace sennit::protocol {

/// The requests that one peer has not answered, oldest first (CONTRACT rule 2).
///
/// Which of them a message answers is for the session to say: by content, by a wire id, or the
/// oldest of its kind. A cancelled request stays for a while, so that its late answer is known
/// for what it is, is dropped, blames nobody, and is not taken for the next one's.
class Requests {
  public:
    /// How long a cancelled one is remembered; also what it blocks where answers are told apart by
    /// order alone.
    static constexpr Duration kCancelledKept = std::chrono::seconds{60};

    struct Pending {
        RequestId id;
        MessagePtr request;
        std::uint64_t tag{0};  ///< the session's own: the id on the wire
        std::optional<Instant> cancelled;
        bool claimed{false};
    };

    void add(RequestId id, MessagePtr request, std::uint64_t tag) {
        pending_.push_back({id, std::move(request), tag, std::nullopt, false});
    }
    /// Its answer is here: `oldest` and `find` pass over it from now on.
    void claim(RequestId id);
    bool cancel(RequestId id, Instant now);
    std::optional<Pending> take(RequestId id);
    void expire(Instant now);
    /// When the next cancelled one is forgotten.
    std::optional<Instant> deadline() const;

    const std::vector<Pending>& pending() const { return pending_; }
    std::size_t size() const { return pending_.size(); }

    /// The oldest request that `kind` answers; nullptr: nobody asked.
    const Pending* oldest(Kind answer) const;
    /// The oldest request of type `Ask` for which `matches(ask, pending)` holds.
    template <class Ask, class Predicate>
    const Pending* find(Predicate matches) const {
        for (const auto& pending : pending_) {
            const auto* ask = std::get_if<Ask>(pending.request.get());
            if (ask != nullptr && !pending.claimed && matches(*ask, pending)) return &pending;
        }
        return nullptr;
    }

  private:
    std::vector<Pending> pending_;
};

}  // namespace sennit::protocol
