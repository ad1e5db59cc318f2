// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "libp2p/autonat/message.hpp"

namespace sennit::libp2p::autonat {

/// A request of ours.
using AskId = Strong<struct AskIdTag, std::uint64_t>;

enum class Reachability : std::uint8_t { unknown, reachable, unreachable };
std::string_view to_string(Reachability what);

/// Whether strangers can reach us, and where: asks servers to dial our addresses, and draws
/// conclusions (libp2p/specs, autonat/autonat-v2.md). Pure; the owner has connections and streams:
///
///     on Ask:    open a stream to the server and write what `next_frame` gives, while it gives
///     on a message, a failure, a dial-back:   on_message, on_failure, on_dial_back
///     on Close:  close the stream, or reset it
///
/// Each address is asked about in rounds. A round asks servers of one network after the other until
/// `agree_min` more of them say one thing than the other; the next begins after a while, which
/// doubles as long as the answer stays the same.
///
/// Rules, and the lie that each is against:
/// - A request names one address and has a nonce of its own. So a dial-back says which address it
///   came to, and whoever answers for another one has lied.
/// - Reachable is what a nonce proved, and never what a response says: a server that did not dial
///   cannot know the nonce's way. It counts only on a connection that the other side opened, and
///   that began after the nonce was given out: else a server could send it on the connection that
///   is there already, which proves nothing. Its IP version must be the address's.
/// - Unreachable is only a server's word, and only if no nonce came: then the word is a lie.
/// - A network (/16, IPv6 /32) has one voice in a round, however many servers it has, and three
///   attempts. Servers in private networks have none: they see us from within. Servers that lie or
///   do not answer are asked less and less.
/// - Data is sent for a dial up to `dial_data_max`, and once a request: others than we could be
///   made to pay by many demands.
///
/// Not covered: a server in front of us that forwards our packets can make us seem reachable.
/// Costs O(addresses * servers) an input, of which both are limited.
class Client {
  public:
    struct Config {
        /// Private and loopback addresses are asked about, private servers asked, each of them a
        /// network of its own: for networks within one network, and for tests.
        bool private_hosts{false};
        std::size_t agree_min{3};
        std::size_t candidates_max{16};
        std::size_t servers_max{256};  ///< connected; as many again are remembered
        std::size_t asks_max{4};       ///< at once
        std::size_t networks_max{12};  ///< asked in a round, after which nothing is clear
        std::uint64_t dial_data_max{100'000};
        /// The server's time for 100 kB of data, a dial and a dial-back.
        Duration ask_timeout{std::chrono::seconds{60}};
        /// For a nonce that is overtaken by the response.
        Duration grace{std::chrono::seconds{5}};
        /// Between two requests to a server: go takes 12 a minute of a peer.
        Duration server_interval{std::chrono::seconds{15}};
        Duration back_off_min{std::chrono::minutes{1}};  ///< doubled with every failure
        Duration back_off_max{std::chrono::hours{1}};    ///< and at once after a lie
        Duration round_interval_min{std::chrono::minutes{5}};
        Duration round_interval_max{std::chrono::hours{3}};
    };

    Client(Config config, Rng rng);

    /// Where we may be reachable, most likely first; replaces what was given before. What cannot be
    /// asked about (names, no TCP, private hosts, more than `candidates_max`) is left out, and what
    /// was known of addresses that stay, stays.
    void set_candidates(const std::vector<Multiaddr>& addresses, Now now);
    /// A connected peer that speaks `kRequestProtocol`; `host` is its end of the connection.
    void on_server(const PeerId& peer, std::string_view host, Now now);
    void on_server_gone(const PeerId& peer, Now now);

    /// What is to be written on the request's stream next, its length in front. nullopt: nothing
    /// now. Of data one message at a time, so that none lies here.
    std::optional<Bytes> next_frame(AskId id);
    /// Errors, after which Close follows: those of `decode_message`; oversized for a demand of too
    /// much data; mismatch for an index that we did not send; invalid for a message out of turn.
    Result<void> on_message(AskId id, BytesView protobuf, Now now);
    /// The stream is over, or could not be opened.
    void on_failure(AskId id, Now now);

    /// The connection on which a nonce came.
    struct Back {
        bool inbound{false};
        std::string_view remote_host;
        Instant began{};  ///< the link's first moment
    };
    /// Errors: not_found for a nonce that we have not given out, or whose time is over; mismatch
    /// for a connection that proves nothing; duplicate for a nonce that came before.
    Result<void> on_dial_back(std::uint64_t nonce, const Back& back, Now now);

    void on_time(Now now);
    Instant next_wake() const;

    struct Ask {
        AskId id;
        PeerId server;
    };
    struct Close {
        AskId id;
        bool reset{false};
    };
    /// Only when it changes; at first every address is unknown.
    struct Changed {
        Multiaddr address;
        Reachability to{Reachability::unknown};
    };
    using Event = std::variant<Ask, Close, Changed>;
    std::optional<Event> poll_event();

    std::optional<Reachability> reachability(const Multiaddr& address) const;
    std::size_t asks() const { return asks_.size(); }
    std::size_t servers() const { return servers_.size(); }
    void check_invariants() const;

  private:
    struct Server {
        std::string network{};
        bool connected{true};
        bool asked{false};  ///< a request is under way
        Instant free_at{};
        Duration back_off{};
    };
    struct Network {
        std::size_t attempts{0};
        bool asking{false};
        std::optional<bool> vote{};
    };
    struct Candidate {
        std::size_t rank{0};
        bool ipv6{false};
        Reachability known{Reachability::unknown};
        std::uint64_t round{0};
        Instant round_at{};
        std::optional<Instant> round_began{};
        Duration interval{};
        std::map<std::string, Network> networks{};  ///< of this round
        std::size_t asking{0};
    };
    struct Request {
        Multiaddr address;
        std::uint64_t round{0};
        PeerId server;
        std::uint64_t nonce{0};
        Instant began{};
        Instant until{};
        bool sent{false};
        bool paid{false};  ///< data was asked for
        std::uint64_t owed{0};
        bool proved{false};  ///< its nonce came
        bool answered{false};
    };
    using Requests = std::map<AskId, Request>::iterator;
    enum class Fault : std::uint8_t { none, failure, lie };

    Result<void> take(Requests at, const DialResponse& response, Now now);
    Result<void> take(Requests at, const DialDataRequest& demand, Now now);
    void finish(Requests at, std::optional<bool> vote, Fault fault, bool reset, Now now);
    void settle(const Multiaddr& address, Candidate& candidate, Now now);
    void end_round(const Multiaddr& address, Candidate& candidate, Reachability known, Now now);
    void schedule(Now now);
    void ask(const Multiaddr& address, Candidate& candidate, const PeerId& server, Now now);
    bool may_ask(const Candidate& candidate, const Server& server) const;
    std::string network_of(const PeerId& peer, std::string_view host) const;
    void forget_servers(Now now);

    Config config_;
    Rng rng_;
    std::map<Multiaddr, Candidate> candidates_;
    std::map<PeerId, Server> servers_;
    std::map<AskId, Request> asks_;
    std::map<std::uint64_t, AskId> by_nonce_;
    std::deque<Event> events_;
    Instant wake_{Instant::max()};
    std::uint64_t last_ask_{0};
};

}  // namespace sennit::libp2p::autonat
