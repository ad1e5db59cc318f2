// SPDX-License-Identifier: MIT
#pragma once

#include "base/carrier.hpp"
#include "base/rng.hpp"
#include "libp2p/connection/connection.hpp"
#include "libp2p/identify/identify.hpp"
#include "libp2p/ping/ping.hpp"
#include "libp2p/swarm/deadlines.hpp"

namespace sennit::libp2p {

/// Names a connection for as long as the swarm lives; never used twice.
using ConnectionId = Strong<struct ConnectionIdTag, std::uint64_t>;

/// One stream of one connection.
struct StreamRef {
    ConnectionId connection;
    StreamId stream;

    auto operator<=>(const StreamRef&) const = default;
};

/// All connections of one libp2p node over one carrier of byte streams.
///
/// Pure, and the same seam as a protocol's: `CarrierInput`s in, `CarrierOutput`s out, events for
/// the application, a time to wake. A transport of `transport/` carries them in the daemon, the
/// simulator in a test. After every input or call take the events, then the outputs, until there is
/// neither; then arm a timer for `next_wake`.
///
/// Three protocols it speaks by itself, because others expect them of everybody: it answers
/// identify, asks it of each peer once, takes and pushes changes to it, and echoes pings. All other
/// streams are the application's, which names in `Config::protocols` what the peers may open.
///
/// Several addresses. A dial is one connection with many addresses to try: the next one is begun
/// after `dial_stagger` or as soon as one fails, at most `dial_attempts_max` are under way, and the
/// first whose upgrade is complete wins (as in RFC 8305). The others are dropped.
///
/// One connection per peer. Nobody needs two, and two confuse every protocol that counts peers.
/// When a link has proved to lead to a peer that we have already, one of the two goes,
/// `superseded`, and both sides choose the same one without a word:
///
/// - In opposite directions, because both dialled at once: the one that the smaller peer id dialled
///   stays, compared as bytes.
///   A dial that has no link yet when the peer's connection is ready is just dropped.
/// - If the older one is above `kCrossingMax` old, dials did not cross. A peer that dials us though
///   it is connected has lost that connection, by a restart or a cut that we did not notice, so the
///   newer one, which it dialled, stays. So it does for two in the same direction that the peer
///   dialled, at once.
/// - A second one that we dialled, not knowing where it leads, goes: we are told who answers before
///   we say who we are, so the peer never sees it.
///
/// The dialler decides before its last message of the handshake, the listener on receiving that, so
/// two decisions differ only if a message took longer than `kCrossingMax`; then both are closed and
/// one side dials again. Whoever is superseded has been so by the same peer: the handshake has
/// proved its id, so a stranger can neither replace somebody's connection nor have it closed.
///
/// Connections with something to say have their turn one after the other, a full frame each, so
/// that none can starve the rest; those that sleep cost nothing, neither here nor in `next_wake`.
///
/// Attacks: connections over the limits are hung up at once, those that are not upgraded have a
/// limit of their own, so that strangers who never finish a handshake cannot take the places of
/// peers who did, and one host has few; of a peer's identify and of each push 32 KiB are read, a
/// push is taken every ten seconds, four at once; its echo streams are two. It may ask who we are
/// 64 times at once, and once a second from then on, with as many answers unread; what is signed
/// for that is signed once until it changes. Windows grow within one budget for all.
class Swarm {
  public:
    struct Config {
        PrivateKey identity;
        std::string agent{"sennit"};
        std::string protocol_version{"/sennit/p2p/1"};
        std::vector<std::string> protocols{};  ///< beside identify and ping
        /// At least one, best first; others may use any. An address whose peer refuses the first is
        /// dialled again with the next. Only noise is repeatable bit for bit, see tls::Credentials.
        std::vector<Security> security{Security::noise, Security::tls};
        std::size_t connections_max{256};
        /// Links that others opened, those being closed with them. Below `connections_max`, so that
        /// strangers cannot take the places of those whom we dial.
        std::size_t inbound_max{192};
        std::size_t outbound_max{128};  ///< that we dialled, or dial
        /// Inbound ones of one host, IPv6: of one /64, since a subscriber has all of that. Loopback
        /// and private hosts are not counted: all that come through a proxy share one.
        std::size_t inbound_per_host_max{16};
        /// Inbound ones that are not upgraded yet. Each costs a signature and two key agreements,
        /// about 0.2 ms.
        std::size_t handshakes_max{64};
        yamux::Limits yamux{.receive_bytes_max = 16 * 1024 * 1024};
        /// By how much the windows of all connections together may grow beyond what streams begin
        /// with; see yamux::Budget. It bounds what peers may send and the application has not read,
        /// but for the first windows, which are the protocol's.
        std::size_t window_growth_max{256 * 1024 * 1024};
        /// A connection on which no stream of the application has been open for so long is closed,
        /// unless `keep` holds it. Identify, pings and streams whose protocol is not agreed on
        /// are no use of it: a peer cannot keep a place by them. Zero: never.
        Duration idle_timeout{std::chrono::minutes{5}};

        /// Who may connect, both ways: asked for an address before anything is sent or computed,
        /// of a name also for the host that it led to, and for a peer when it has proved its id
        /// and, if we dialled, does not know ours yet. Pure functions; null lets everybody in.
        std::function<bool(const NetAddress& address, bool inbound)> admits_address{};
        std::function<bool(const PeerId& peer, const NetAddress& address, bool inbound)>
            admits_peer{};

        /// Different networks (/16, IPv6 /32) whose peers must have seen us at an address until it
        /// counts as ours.
        std::size_t observers_min{3};

        /// Of each address until there is a link; the upgrade has as much again, also that of a
        /// link which somebody else opened.
        Duration dial_timeout{std::chrono::seconds{10}};
        /// Addresses of one dial; more are left out. They are tried in the order given.
        std::size_t dial_addresses_max{16};
        std::size_t dial_attempts_max{3};  ///< at once, of one dial
        /// RFC 8305 recommends 250 ms between attempts.
        Duration dial_stagger{std::chrono::milliseconds{250}};
    };
    /// How long after a connection was secured another may come that was begun before: a round
    /// trip, and what waits in queues.
    static constexpr Duration kCrossingMax{std::chrono::seconds{5}};

    Swarm(Config config, Rng rng);

    // The carrier.

    void on_input(const CarrierInput& input, Now now);
    std::optional<CarrierOutput> poll_output(Now now);
    void on_time(Now now);
    Instant next_wake() const;

    // The application.

    /// Errors: unsupported unless /ip4, /ip6 or a name, then /tcp.
    Result<void> listen(const Multiaddr& address);
    /// The connection that will be; Connected or Disconnected follows. When the addresses name a
    /// peer that we are connected to or dial already: that connection, since whoever dials wants to
    /// talk to the peer, not to have a further link; of one that is connected already no event
    /// follows. A dial under way tries the new addresses too.
    ///
    /// The addresses name one peer, or none. Errors: invalid without an address, or for our own id;
    /// mismatch for two peers; unsupported as for listen, if none can be dialled; busy over
    /// `connections_max`.
    Result<ConnectionId> dial(const std::vector<Multiaddr>& addresses, Now now);
    Result<ConnectionId> dial(const Multiaddr& address, Now now);
    /// The one that is Connected, if there is one.
    std::optional<ConnectionId> connection_to(const PeerId& peer) const;
    /// Connected, or named by a dial under way: then `dial` gives out an id that is somebody's
    /// already.
    bool knows(const PeerId& peer) const;
    /// How often `dial` gave out this id, 0 if it is not known. A user of several that share a
    /// swarm sees in it whether somebody else counts on the connection too.
    std::size_t times_dialled(ConnectionId id) const;
    /// Whether it is kept, or has a stream of the application.
    bool in_use(ConnectionId id) const;
    /// Its streams fail, and Disconnected follows.
    void disconnect(ConnectionId id);
    /// Whether it stays when it is idle. Of an id that is not known nothing is kept.
    void keep(ConnectionId id, bool kept, Now now);
    /// What peers may open from now on, beside our own. Peers that were told otherwise are told.
    void set_protocols(std::vector<std::string> protocols, Now now);
    /// Where peers of at least `observers_min` different networks, connected now, see us; most
    /// often seen first. From a connection that we dialled only the host is taken, with each
    /// of the ports on which we listen: its own port was the system's choice for this once.
    std::vector<Multiaddr> observed_addresses() const;

    /// Errors: not_found for an id that is not Connected; those of Connection::open.
    Result<StreamRef> open(ConnectionId id, std::vector<std::string> proposals, Now now);
    std::size_t write(StreamRef stream, BytesView bytes);
    BytesView readable(StreamRef stream) const;
    void consume(StreamRef stream, std::size_t n, Now now);
    void close_write(StreamRef stream);
    void reset(StreamRef stream);

    struct ListeningOn {
        Multiaddr address;  ///< with the port that was bound, and /p2p of us
    };
    struct Connected {
        ConnectionId id;
        PeerId peer;
        NetAddress address;
        bool inbound;
        bool early_muxer;
        Security security;
        Duration took;  ///< from the link's first moment
    };
    /// Also when the peer has pushed changes: `says` is all that is known then, changed fields
    /// replaced. What it says of its key was checked.
    struct Identified {
        ConnectionId id;
        identify::Identify says;
    };
    struct Opened {
        StreamRef stream;
        std::string protocol;
    };
    struct Agreed {
        StreamRef stream;
        std::string protocol;
    };
    struct Readable {
        StreamRef stream;
    };
    struct Writable {
        StreamRef stream;
    };
    struct RemoteClosed {
        StreamRef stream;
    };
    /// Of a connection that we end, each stream fails before Disconnected. When the peer or the
    /// link ends it, Disconnected stands for all of them.
    struct Failed {
        StreamRef stream;
        Error why;
    };
    enum class Cause : std::uint8_t {
        we_left,      ///< `disconnect`
        peer_left,    ///< it said so, in order
        link_down,    ///< without a word
        broken,       ///< a rule of some layer; `why` says which
        timeout,      ///< the upgrade took too long, or the peer is silent
        idle,         ///< not used for `idle_timeout`
        refused,      ///< by `admits_peer`, or no address of a dial is admitted
        superseded,   ///< another connection to the same peer stays instead
        unreachable,  ///< no address led to the peer; `why` says of each why not
    };
    /// Also for a dial that led to nothing, and for an upgrade that failed.
    struct Disconnected {
        ConnectionId id;
        Error why;
        bool was_connected{false};
        Cause cause{Cause::broken};
        std::size_t times_dialled{0};  ///< as the method of that name said last
    };
    using Event = std::variant<ListeningOn, Connected, Identified, Opened, Agreed, Readable,
                               Writable, RemoteClosed, Failed, Disconnected>;
    std::optional<Event> poll_event(Now now);

    const PeerId& self() const { return self_; }
    std::size_t connections() const { return connections_.size(); }
    std::vector<ConnectionId> connection_ids() const;
    std::optional<Duration> round_trip(ConnectionId id) const;
    void check_invariants() const;

  private:
    /// One link, from the dial or the accept to its last byte. It may outlive the connection that
    /// it carried, until the carrier has closed it.
    using PathId = Strong<struct PathIdTag, std::uint64_t>;
    struct Path {
        std::optional<ConnectionId> owner{};  ///< nullopt: is only being closed
        NetAddress address{};
        std::string local_host{};  ///< ours, as this link has it
        bool inbound{false};
        Instant since{};
        std::optional<LinkId> link{};  ///< nullopt: is being dialled, or was closed
        std::optional<Connection> connection{};
        std::size_t proposal{0};  ///< which of `Config::security` a dial proposes
        std::size_t room{0};
        bool ready{false};      ///< Connected was told
        std::string group{};    ///< of an inbound one, what it counts for in `groups_`
        bool upgrading{false};  ///< inbound, and counted in `handshakes_`
        bool hung_up{false};
    };
    /// What the swarm itself does on a stream.
    enum class Own : std::uint8_t { tell, ask, echo, push, pushed };
    struct OwnStream {
        Own what{Own::tell};
        FrameCutter frames{identify::kMessageSizeMax};
        identify::Identify says{};
        Bytes unsent{};
        std::size_t heard{0};  ///< bytes
        bool remote_closed{false};
    };
    /// A dial until it is connected: addresses, and what became of them.
    struct Race {
        std::deque<NetAddress> waiting{};
        std::vector<NetAddress> tried{};
        std::vector<PathId> attempts{};
        std::map<NetAddress, std::size_t> proposals{};  ///< where the first was refused
        std::vector<std::pair<std::string, Error>> failures{};
    };
    /// What the application knows as one connection.
    struct Entry {
        bool inbound{false};
        std::optional<PeerId> expected{};
        std::optional<Race> race{};
        std::optional<PathId> path{};  ///< the inbound one, or the attempt that was secured first
        std::optional<PeerId> peer{};  ///< proved, and in `by_peer_`
        Instant secured_at{};
        bool connected{false};
        std::size_t times_dialled{0};
        std::map<StreamId, OwnStream> own{};
        identify::Identify says{};
        yamux::Meter pushes{};
        yamux::Meter tells{};
        std::uint64_t told{0};  ///< which version of ours the peer knows; 0: none
        bool kept{false};
        std::optional<Instant> idle_since{};
    };
    using Paths = std::map<PathId, Path>;

    /// What the gate's refusals say.
    static constexpr std::string_view kRefused = "refused by the gate";

    // swarm_links.cpp: the carrier's links, and whose turn it is
    void on_link_open(const LinkOpen& link, Now now);
    std::optional<std::string> refusal(const NetAddress& from) const;
    void on_link_closed(LinkId link, const std::string& why, Now now);
    void on_dial_failed(const sennit::DialFailed& failed, Now now);
    PathId new_path(ConnectionId owner, NetAddress address, bool inbound, Now now);
    void abandon(PathId id);
    void erase(PathId id);
    bool pull_event(PathId id, Now now);
    void send(PathId id, Now now);
    void touch(PathId id);
    void arm(PathId id, Now now);
    void watch_use(ConnectionId id, Entry& entry, Now now);
    void on_timer(ConnectionId id, Now now);
    void upgraded(Path& path);

    // swarm_dial.cpp: addresses that are tried
    Result<ConnectionId> dial(Race race, std::optional<PeerId> expected, Now now);
    void add_addresses(Race& race, std::deque<NetAddress> addresses) const;
    void start_next(ConnectionId id, Entry& entry, Now now);
    void on_attempt_over(PathId id, Error why, Now now);
    void propose_next(Race& race, const Path& path) const;
    void lose(ConnectionId id, Entry& entry);
    void leave_race(Entry& entry);
    void give_way(const PeerId& peer, ConnectionId to);

    // swarm_peers.cpp: what becomes of connections
    void take(PathId id, Connection::Event event, Now now);
    void on_secured(PathId id, const PeerId& peer, Now now);
    void on_ready(PathId id, const Connection::Ready& ready, Now now);
    void on_over(PathId id, Error why, Cause cause, Now now);
    void end(ConnectionId id, Error why, Cause cause);
    void fail_streams(ConnectionId id, const Entry& entry, const Error& why);
    bool newer_stays(const Entry& older, bool newer_inbound, const PeerId& peer, Now now) const;
    void unclaim(ConnectionId id, Entry& entry);

    // swarm_streams.cpp: streams
    void on_stream_event(ConnectionId id, Entry& entry, Connection::Event event, Now now);
    void on_stream_opened(ConnectionId id, Entry& entry, const Connection::StreamOpened& event,
                          Now now);

    void used(ConnectionId id, Entry& entry);

    // swarm_own.cpp: what we do on some
    void ask(Entry& entry, Now now);
    void tell(Entry& entry, StreamId stream, Own what);
    void serve(Entry& entry, StreamId stream, Now now);
    void echo(Entry& entry, StreamId stream, Now now);
    void hear(Entry& entry, StreamId stream, Now now);
    void heard_all(ConnectionId id, Entry& entry, StreamId stream, Now now);
    void flush(Entry& entry, StreamId stream);
    void drop_own(Entry& entry, StreamId stream);
    bool is_theirs(const Entry& entry, const identify::Identify& says) const;
    void changed(Now now);
    void push_all(Now now);
    void push(Entry& entry, Now now);
    Bytes identify_for(const Entry& entry);
    std::vector<Multiaddr> listens_for(const Entry& entry) const;
    Connection& connection_of(const Entry& entry) { return *paths_.at(*entry.path).connection; }

    crypto::X25519Key fresh_key();
    static std::span<const std::string_view> own_protocols();
    static bool is_own_protocol(std::string_view name);
    void touch(ConnectionId id) { touch(*connections_.at(id).path); }
    Connection* running(ConnectionId id);
    const Connection* running(ConnectionId id) const;

    void check_entry(ConnectionId id, const Entry& entry) const;

    Config config_;
    PeerId self_;
    Rng rng_;
    std::shared_ptr<const ConnectionConfig> shared_;
    std::map<ConnectionId, Entry> connections_;
    Paths paths_;
    std::map<LinkId, PathId> by_link_;
    std::map<PeerId, ConnectionId> by_peer_;   ///< secured ones, one a peer
    std::map<PeerId, ConnectionId> dialling_;  ///< not secured yet, of dials that name their peer
    std::size_t handshakes_{0};
    std::size_t inbound_{0};                     ///< paths
    std::size_t outbound_{0};                    ///< connections
    std::map<std::string, std::size_t> groups_;  ///< of inbound paths

    std::set<PathId> eventful_;  ///< may have events
    std::set<PathId> due_;       ///< may have output
    PathId event_turn_{};        ///< who had the last event
    PathId turn_{};              ///< who sent last
    Deadlines<PathId> wakes_;
    Deadlines<ConnectionId> timers_;  ///< of dials: the next address; then: idle

    std::vector<Multiaddr> listens_;
    std::uint64_t record_seq_{0};                          ///< of our signed peer record
    std::map<std::string, Bytes> records_;                 ///< sealed, by our host of a link
    std::shared_ptr<std::vector<std::string>> protocols_;  ///< shared with `shared_`
    std::uint64_t version_{1};                             ///< of what we say in identify
    Instant push_at_{Instant::max()};
    std::optional<Instant> pushed_at_;
    std::deque<CarrierOutput> outputs_;
    std::deque<Event> events_;
    std::uint64_t last_connection_{0};
    std::uint64_t last_path_{0};
};

/// Where TCP would listen or dial for an address: /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp, and
/// maybe /p2p. Errors: unsupported, with what was expected.
Result<NetAddress> tcp_address(const Multiaddr& address);
/// The other way; a name that is no IP address becomes /dns.
Multiaddr multiaddr_of(const NetAddress& address);

}  // namespace sennit::libp2p
