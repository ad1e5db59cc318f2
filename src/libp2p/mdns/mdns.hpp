// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>

#include "base/carrier.hpp"
#include "base/rng.hpp"
#include "libp2p/mdns/dns.hpp"
#include "libp2p/multiaddr.hpp"

namespace sennit::libp2p::mdns {

/// The group and port of multicast DNS (RFC 6762, section 3).
constexpr std::string_view kGroup = "udp://224.0.0.251:5353";
constexpr std::string_view kService = "_p2p._udp.local";
/// The question that tools ask to see which services there are at all (RFC 6763, section 9).
constexpr std::string_view kMetaService = "_services._dns-sd._udp.local";

/// Finds libp2p peers in the local network, and is found by them (libp2p/specs, discovery/mdns.md).
///
/// Asks the group for PTR of the service; each peer answers with a name that it made up, and under
/// that name TXT records `dnsaddr=/ip4/.../p2p/ID`. Pure, and the seam of every protocol: a
/// datagram link to the group in, outputs, events and a time to wake out; drive it as `Swarm`.
///
/// What others do, and what we make of it:
/// - js puts the TXT records among the answers, rust and go as the spec among the additional
///   records: both are read, the latter is written. go packs all addresses into one TXT record, the
///   others one into each: both are read.
/// - rust asks and answers from a port that is not 5353, and listens on the group alone. So answers
///   are taken from every port, against RFC 6762 section 11, and an asker whose port is not 5353 (a
///   "legacy" one, section 6.7) gets what all others get: the group. Nothing ever leaves by
///   unicast, also not when a question asks for that: sources are forged, and a network of nodes
///   would be a tool for flooding somebody. Our questions do not ask for unicast either.
/// - We answer our own question, as the spec wants: so who only listens learns of us.
/// - No goodbye (TTL 0) is sent on leaving: js takes one for an announcement. Theirs are heeded.
///
/// Which addresses are believed: those that begin with /ip4 or /ip6, because to resolve a name that
/// a stranger chose is to work for him, that end with /p2p of a valid id, and that name a host:
/// unspecified and multicast hosts are none. /ip6 link-local addresses would need the zone and are
/// left out, /ip4 link-local ones are taken. Loopback is taken only from our own machine, else it
/// would send us to ourselves; private and public hosts are taken, being where LANs are. That a
/// peer is who its address says shows only when it is dialled; events are hearsay.
///
/// Attacks, by anybody in the network:
/// - A flood of questions: one answer a second, of at most `answer_size_max` bytes, after a delay
///   of 20 to 120 ms in which more questions share it.
/// - A flood of made-up peers: at most `peers_max`, of them at most `peers_per_source_max` from one
///   source, each with at most `addresses_max` addresses; further ones are not taken, rather than
///   known ones forgotten, and all leave when their time is up, which is at most `ttl_max`.
/// - Time to live of a second, for an event each second: raised to `ttl_min`.
/// - Claims about others: an answer that names us is ignored. A goodbye for another is heeded after
///   a second, unless the peer itself speaks up; that it was lost costs a dial less, no connection.
class Mdns {
  public:
    struct Config {
        PeerId self{};
        std::string service{kService};
        /// Between two questions in the end; the first come 1, 2, 4 ... seconds apart. Shorter than
        /// `ttl`, so that a lost datagram or two are no end.
        Duration query_interval{std::chrono::seconds{40}};
        Duration ttl{std::chrono::seconds{120}};  ///< of our answers; js has 120 s, rust 360 s
        /// One frame of Ethernet, as multicast DNS should (RFC 6762, section 17). Addresses beyond
        /// are left out.
        std::size_t answer_size_max{1400};
        std::size_t peers_max{256};
        std::size_t peers_per_source_max{64};
        std::size_t addresses_max{16};  ///< of one peer
        Duration ttl_min{std::chrono::seconds{15}};
        Duration ttl_max{std::chrono::hours{1}};
    };

    /// The name that we go by is drawn from `rng`. `config.service` has to be a name.
    Mdns(Config config, Rng rng);

    /// Where we are reached, without /p2p or with our own; unspecified hosts have to be replaced by
    /// real ones before (see `expand`). With none, we only ask.
    void set_addresses(std::vector<Multiaddr> addresses);
    /// This machine's own hosts, from which loopback addresses are believed.
    void set_hosts(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }

    /// Joins the group; questions begin as soon as that is done. Once.
    void start();
    /// Leaves it. What is known stays, and expires.
    void stop();

    void on_input(const CarrierInput& input, Now now);
    std::optional<CarrierOutput> poll_output();
    void on_time(Now now);
    Instant next_wake() const;

    /// A peer that was not known, or has addresses that were not known; all that it has. Each ends
    /// with /p2p of it.
    struct Discovered {
        PeerId peer;
        std::vector<Multiaddr> addresses;
    };
    /// Nothing was heard of it for as long as it said, or it said goodbye.
    struct Expired {
        PeerId peer;
    };
    using Event = std::variant<Discovered, Expired>;
    std::optional<Event> poll_event();

    struct Counters {
        std::uint64_t malformed{0};  ///< messages that could not be read
        std::uint64_t foreign{0};    ///< messages about other services
        std::uint64_t unfit{0};      ///< addresses that are not believed
        std::uint64_t overflow{0};   ///< peers and addresses over a limit
    };
    const Counters& counters() const { return counters_; }
    std::size_t peers() const { return peers_.size(); }
    void check_invariants() const;

  private:
    struct Known {
        Multiaddr address;
        Instant until;
    };
    struct Peer {
        std::string source;  ///< host that told us first
        std::vector<Known> known;
    };
    enum class Answer : std::uint8_t { service, meta };

    void on_datagram(const LinkBytes& datagram, Now now);
    void on_query(const Message& query, Now now);
    void on_response(const Message& response, const std::string& source, Now now);
    void ask_for(Answer answer, Now now);
    void learn(const PeerId& peer, std::vector<Multiaddr> addresses, Instant until,
               const std::string& source);
    void leave(const PeerId& peer, const std::vector<Multiaddr>& addresses, Instant until);
    bool own_machine(const std::string& host) const;
    bool believed(const Multiaddr& address, const std::string& source) const;
    std::vector<Multiaddr> addresses_of(const Message& response, const Name& instance,
                                        const std::string& source);
    Message query() const;
    Message answer(Answer answer) const;
    void expire(Now now);
    bool transmit(const Message& message);
    Duration soon();

    Config config_;
    Rng rng_;
    Name service_;
    Name meta_;
    Name ours_;
    std::vector<std::string> texts_;  ///< what our TXT records say
    std::vector<std::string> hosts_;
    std::optional<LinkId> link_;
    std::size_t room_{0};
    bool stopped_{false};
    Instant query_at_{Instant::max()};
    Duration query_gap_{};
    std::map<Answer, Instant> answer_at_;    ///< those that are due
    std::map<Answer, Instant> answered_at_;  ///< when last
    std::map<PeerId, Peer> peers_;
    Counters counters_;
    std::deque<CarrierOutput> outputs_;
    std::deque<Event> events_;
};

/// An address that listens on all interfaces (/ip4/0.0.0.0/..., /ip6/::/...) as one for each of
/// `hosts` that is of its kind; any other as it is. At most 16.
std::vector<Multiaddr> expand(const Multiaddr& listen, std::span<const std::string> hosts);

}  // namespace sennit::libp2p::mdns
