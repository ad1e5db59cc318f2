// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <functional>
#include <map>

#include "base/peer_id.hpp"
#include "base/rng.hpp"
#include "protocol/protocol.hpp"

namespace sennit::sync {

/// What rates are measured of: a header is a hundredth of a full body.
enum class Work : std::uint8_t { headers, bodies };

/// A peer that sync may ask, and how it has served so far.
struct Source {
    PeerRef peer;
    protocol::PeerTraits traits;
    std::optional<protocol::Status> status;
    std::size_t in_flight{0};
    std::array<double, 2> rate{};  ///< items a second by Work; 0: not measured yet
    std::uint32_t failures{0};     ///< since it last served well
    std::optional<Instant> busy_until;
    std::optional<Instant> shunned_until;
    std::optional<Instant>
        ahead_since;  ///< since when its head has been better than ours and unknown

    bool rests(Instant now) const {
        return (busy_until && now < *busy_until) || (shunned_until && now < *shunned_until);
    }
    bool shunned(Instant now) const { return shunned_until && now < *shunned_until; }
    bool answers(protocol::Form form) const { return traits.answers.has(form); }
    bool serves_headers() const;
    bool serves_bodies() const;
};

/// Requests in flight to one peer: enough to keep its link busy, few enough that a slow one holds
/// up little.
constexpr std::size_t kRequestsPerPeer = 3;

/// The peers of sync. Which of them are good company is for `peers` to decide; what is kept here is
/// only whom not to ask again at once.
class Sources {
  public:
    explicit Sources(Rng rng) : rng_{std::move(rng)} {}

    void on_peer(PeerRef peer, const protocol::PeerTraits& traits);
    void on_gone(PeerRef peer) { sources_.erase(peer); }
    void on_status(PeerRef peer, const protocol::Status& status);

    Source* find(PeerRef peer);
    const std::map<PeerRef, Source>& all() const { return sources_; }
    std::map<PeerRef, Source>& all() { return sources_; }

    /// The one that is likely to answer soonest, of those with room for a request that pass `fits`;
    /// who was never measured comes first. Null: nobody.
    Source* choose(Work work, Instant now, const std::function<bool(const Source&)>& fits);
    /// Any of the upper half by claimed finality, so that neither a liar nor somebody who is
    /// catching up himself is the one whom everybody asks.
    Source* choose_ahead(Instant now, const std::function<bool(const Source&)>& fits);

    void served(Source& source, Work work, std::size_t items, Duration took);
    /// Not asked for a while, longer each time.
    void shun(Source& source, Instant now);
    void busy(Source& source, Instant now);

    /// When somebody who rests may be asked again.
    std::optional<Instant> next_wake(Instant now) const;

  private:
    Rng rng_;
    std::map<PeerRef, Source> sources_;
};

}  // namespace sennit::sync
