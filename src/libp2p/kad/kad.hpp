// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <set>
#include <variant>

#include "base/rng.hpp"
#include "libp2p/kad/message.hpp"
#include "libp2p/kad/query.hpp"
#include "libp2p/kad/routing_table.hpp"
#include "libp2p/yamux/window.hpp"

namespace sennit::libp2p::kad {

using RequestId = Strong<struct KadRequestTag, std::uint64_t>;
using QueryId = Strong<struct KadQueryTag, std::uint64_t>;

/// A server answers and is in others' tables; a client only asks. A node that cannot be dialled is
/// a client, else others would waste their dials on it.
enum class Mode : std::uint8_t { client, server };

/// Finds peers (libp2p/specs, kad-dht/README.md): FIND_NODE only. Nothing is stored for anybody.
///
/// Pure. The owner has the connections and the streams; after every input take the events, then arm
/// a timer for `next_wake`:
///
///     kad.on_connected(peer, remote, now);       // first connection; all before its requests
///     kad.on_identified(peer, listens, protocols, now);
///     SendRequest{id, peer, addresses, frame}    // dial if not connected, open a stream of
///                                                // protocol(), write frame, read one frame, then
///     kad.on_response(id, frame, now)            // without its length; or
///     kad.on_failure(id, now)                    // anything else that happened
///     CancelRequest{id}                          // took too long: reset the stream, stop the dial
///     auto answer = kad.on_request(peer, frame, now);   // a frame on a stream the peer opened:
///                                                // write the answer, or reset the stream
///
/// Both directions may reuse a stream: cut it with FrameCutter{kMessageSizeMax}. In client mode
/// offer protocol() to nobody.
///
/// Who comes into the table: a connected peer that lists protocol() in its identify is asked for
/// our own neighbours once; if it answers, and has an address that can be dialled, it is in. So is
/// whoever answers during a lookup. A claim alone is never enough.
///
/// Upkeep: a lookup of our own id when the first peer comes in and every `self_lookup_every`; a
/// lookup for a random id in each bucket without one for `refresh_every`, one at a time; and a
/// question to the peer that has been silent longest where another waits for its place. An empty
/// table tries the bootstrap peers again every `retry_every`. Times vary by a quarter, so that
/// nodes that were started together do not ask together.
///
/// What strangers may do to us, and what it costs:
///
///   they do                              we
///   ---------------------------------    -----------------------------------------------------
///   ask often                            `Errc::busy` above a rate for each and one for all
///   answer late, never, or junk          time out, count a failure; see RoutingTable
///   name junk, themselves, us, crowds    see Query; 24 peers with 8 addresses of 16 KiB are read
///   name hosts in our own network        left out, see AddressPolicy
///   come in crowds from one network      see RoutingTable
///   identify as servers in crowds        `probes_max` wait to be asked, further ones are ignored
///                                        until they identify again
class Kad {
  public:
    struct Config {
        PeerId self{};
        Mode mode{Mode::server};
        std::string protocol{kProtocol};
        RoutingTable::Limits table{};
        Query::Limits query{};
        MessageLimits message{};
        AddressPolicy addresses{};
        Duration request_timeout{std::chrono::seconds{10}};  ///< with dialling
        Duration refresh_every{std::chrono::minutes{10}};
        Duration self_lookup_every{std::chrono::minutes{5}};
        Duration retry_every{std::chrono::seconds{30}};
        std::size_t queries_max{16};
        std::size_t bootstrap_max{32};
        std::size_t probes_max{64};
        std::size_t probes_at_once{3};
        std::size_t connected_max{4096};  ///< further ones can ask nothing and come into no table
        /// A lookup asks us once, a node that starts some ten times.
        yamux::Meter::Rate requests_of_one{32, std::chrono::milliseconds{250}};
        yamux::Meter::Rate requests_of_all{512, std::chrono::milliseconds{2}};
    };

    Kad(Config config, Rng rng);

    // Input.

    /// `remote`: the other end of the connection, from which its network is told.
    void on_connected(const PeerId& peer, const Multiaddr& remote, Now now);
    void on_identified(const PeerId& peer, const std::vector<Multiaddr>& listens,
                       const std::vector<std::string>& protocols, Now now);
    /// The last connection is over. Requests that ran on it fail by on_failure.
    void on_disconnected(const PeerId& peer, Now now);
    /// The answer with its length in front, to be written as it is. Errors: unsupported in client
    /// mode and for records and providers; not_found: not connected; busy; those of `decode`.
    Result<Bytes> on_request(const PeerId& peer, BytesView frame, Now now);
    /// Ids that are over are ignored: an answer may cross a CancelRequest.
    void on_response(RequestId id, BytesView frame, Now now);
    void on_failure(RequestId id, Now now);
    void on_time(Now now);

    // Application.

    /// QueryDone follows. Errors: busy with `queries_max` of them.
    Result<QueryId> find(const PeerId& target, Now now);
    /// Peers to begin with, now and whenever the table is empty. At most `bootstrap_max` are kept.
    void bootstrap(const std::vector<PeerAddresses>& peers, Now now);
    void set_mode(Mode mode) { config_.mode = mode; }

    // Output.

    struct SendRequest {
        RequestId id{};
        PeerId peer{};
        std::vector<Multiaddr> addresses{};  ///< may be empty for a connected peer
        Bytes frame{};                       ///< length included
    };
    struct CancelRequest {
        RequestId id{};
    };
    enum class Purpose : std::uint8_t { find, self, refresh };
    struct QueryDone {
        QueryId id{};
        Purpose purpose{Purpose::find};
        std::vector<PeerAddresses> closest{};  ///< all answered; closest first
        /// Who was looked for, if anybody named it. Hearsay unless it is in `closest`.
        std::optional<PeerAddresses> target{};
        std::size_t requests{0};
        bool timed_out{false};
    };
    struct RoutingUpdated {
        PeerId peer{};
        bool present{false};
    };
    using Event = std::variant<SendRequest, CancelRequest, QueryDone, RoutingUpdated>;
    std::optional<Event> poll_event();
    Instant next_wake() const;

    // What an observer may ask.

    const std::string& protocol() const { return config_.protocol; }
    Mode mode() const { return config_.mode; }
    const RoutingTable& table() const { return table_; }
    std::size_t queries() const { return queries_.size(); }
    std::size_t requests() const { return requests_.size(); }
    void check_invariants() const;

  private:
    struct Link {
        Multiaddr remote;
        std::vector<Multiaddr> listens{};
        bool identified{false};
        bool serves{false};
        yamux::Meter meter{};
    };
    struct Request {
        PeerId peer{};
        std::vector<Multiaddr> addresses{};
        std::optional<QueryId> query{};  ///< nullopt: is it there, and does it serve
        Instant deadline{};
    };
    struct Running {
        Query query;
        Purpose purpose;
        Bytes frame;  ///< the same for all who are asked
    };
    using Requests = std::map<RequestId, Request>;

    QueryId begin(BytesView preimage, Purpose purpose, Now now);
    void begin_self_lookup(Now now);
    void begin_refresh(Now now);
    bool running(Purpose purpose) const;
    Bytes id_in_bucket(std::size_t bucket);
    void advance(Now now);
    bool advance_query(QueryId id, Now now);
    void finish(std::map<QueryId, Running>::iterator at, Now now);
    void send(const PeerAddresses& peer, const Bytes& frame, std::optional<QueryId> query, Now now);
    void send_probes(Now now);
    bool asking(const PeerId& peer) const;
    void fail(Requests::iterator at, Now now);
    void learn(const Request& request, Now now);
    void tell(const std::optional<RoutingTable::Replaced>& change);
    std::vector<PeerAddresses> believable(const std::vector<MessagePeer>& named) const;
    std::vector<MessagePeer> closest_for(BytesView key, const PeerId& asker) const;
    void upkeep(Now now);
    Duration about(Duration time);

    Config config_;
    Key self_;
    Rng rng_;
    RoutingTable table_;
    Bytes probe_frame_;
    std::map<PeerId, Link> connected_;
    std::vector<PeerAddresses> bootstrap_;
    std::map<QueryId, Running> queries_;
    Requests requests_;  ///< all have the same time, so the first is due first
    std::size_t probing_{0};
    std::deque<PeerAddresses> probes_;  ///< to be asked
    std::deque<Event> events_;
    yamux::Meter meter_;
    Instant next_upkeep_{};
    Instant next_self_lookup_{};
    bool looked_up_self_{false};
    std::uint64_t last_request_{0};
    std::uint64_t last_query_{0};
};

}  // namespace sennit::libp2p::kad
