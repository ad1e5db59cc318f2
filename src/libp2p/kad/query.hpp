// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/time.hpp"
#include "libp2p/kad/key.hpp"

namespace sennit::libp2p::kad {

/// One lookup: asks ever closer peers for the peers closest to a key, until the k closest that can
/// be reached have all answered (libp2p/specs, kad-dht/README.md, "Peer routing").
///
/// A list of candidates and what is known of each; whoever owns it sends and receives:
///
///     query.seed(...);                                   // whom our table knows
///     while (auto peer = query.next()) ask(*peer);
///     query.answered(peer, named) or query.failed(peer); // then `next` again, until done()
///
/// Whom it believes. An answer names peers; each candidate remembers who named it. Made-up ids
/// close to the key cost a liar nothing, and each costs us a dial that fails, so a source whose
/// names failed `source_failures_max` times, and more often than they answered, is not believed any
/// more: candidates whom nobody else named are passed over, and are what makes room first. An
/// honest source with a few dead neighbours has more that answer, whether before it named them or
/// after; a liar who names as many honest ones as made-up ones helps more than it hurts. Where a
/// fifth of all peers has just died, the dead may all be asked first: so before the lookup ends, a
/// source may fail twice as often.
///
/// Addresses are hearsay too. One source gives at most half of what a candidate may have, and a
/// candidate whose addresses failed gets another try, `retries_max` times, when somebody names new
/// ones: else the first liar could hide a peer behind an address that leads nowhere. Who answers is
/// who the connection says, so a foreign address under a thousand ids wins nothing but failures.
///
/// Memory: those asked, at most `requests_max`, and at most `waiting_max` that are not. Repeatable:
/// nothing is left to chance, order is by distance.
class Query {
  public:
    struct Limits {
        std::size_t k{20};
        std::size_t alpha{3};  ///< requests at once
        std::size_t requests_max{160};
        std::size_t waiting_max{200};
        std::size_t addresses_max{8};
        std::uint32_t retries_max{2};
        std::uint32_t source_failures_max{3};
        Duration timeout{std::chrono::seconds{90}};  ///< of the whole; then done with what is there
    };

    Query(const Key& target, const PeerId& self, Limits limits, Now now);

    /// One from our own table, or from the configuration.
    void seed(const PeerAddresses& peer);
    /// Whom to ask now, with addresses that were not tried. nullopt: nobody before more is known.
    std::optional<PeerAddresses> next();
    /// `named` had better be closest first. Ours, the source's and what the limits forbid is left
    /// out. Ignored unless `peer` was asked.
    void answered(const PeerId& peer, const std::vector<PeerAddresses>& named);
    void failed(const PeerId& peer);

    /// Nobody needs to be asked any more, or the time is over.
    bool done(Now now) const;
    bool timed_out(Now now) const { return now.at >= deadline_; }
    Instant deadline() const { return deadline_; }
    /// The k closest of those that answered, closest first.
    std::vector<PeerAddresses> closest() const;
    /// The peer whose key is the target, if anybody named it: whether it answers or not.
    std::optional<PeerAddresses> target_peer() const;

    const Key& target() const { return target_; }
    std::size_t requests() const { return requests_; }
    std::size_t in_flight() const { return in_flight_; }
    void check_invariants() const;

  private:
    ///   waiting --next--> asked --answered--> answered
    ///      ^                 |
    ///      +--new addresses--+--failed--> failed --new addresses--> waiting
    enum class State : std::uint8_t { waiting, asked, answered, failed };
    struct Candidate {
        PeerId id{};
        State state{State::waiting};
        bool seeded{false};
        std::uint32_t retries{0};
        std::size_t tried{0};       ///< of the addresses, from the front
        std::size_t asked_from{0};  ///< the first of those it was asked with
        std::vector<Multiaddr> addresses{};
        std::vector<PeerId> sources{};
    };
    struct Source {
        std::uint32_t failures{0};
        std::uint32_t answers{0};
    };
    using Candidates = std::map<Distance, Candidate>;

    Distance distance_of(const PeerId& peer) const { return distance(target_, key_of(peer)); }
    std::uint32_t patience_max() const { return 2 * limits_.source_failures_max; }
    bool believed(const PeerId& source, std::uint32_t patience) const;
    bool believed(const Candidate& candidate, std::uint32_t patience) const;
    void hear(const PeerAddresses& named, const PeerId* source);
    void add_source(Candidate& candidate, const PeerId& source) const;
    void add_addresses(Candidate& candidate, const std::vector<Multiaddr>& more,
                       std::size_t most) const;
    void retry(Candidate& candidate);
    void make_room();
    /// The closest who is to be asked; end if all of the k closest have answered or are asked.
    Candidates::const_iterator first_waiting(std::uint32_t patience) const;

    Key target_;
    PeerId self_;
    Limits limits_;
    Instant deadline_;
    Candidates candidates_;
    std::map<PeerId, Source> sources_;  ///< of those that answered
    std::size_t requests_{0};
    std::size_t in_flight_{0};
    std::size_t waiting_{0};
    std::uint32_t patience_;  ///< failures after which a source is not believed
};

}  // namespace sennit::libp2p::kad
