// SPDX-License-Identifier: MIT
#pragma once

#include "base/carrier.hpp"
#include "base/rng.hpp"
#include "libp2p/connection/connection.hpp"
#include "libp2p/identify/identify.hpp"
#include "libp2p/ping/ping.hpp"

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
/// Two protocols it speaks by itself, because others expect them of everybody: it answers identify,
/// asks it of each peer once, and echoes pings. All other streams are the application's, which
/// names in `Config::protocols` what the peers may open.
///
/// Attacks: connections over the limits are hung up at once, those that are not upgraded have a
/// limit of their own, so that strangers who never finish a handshake cannot take the places of
/// peers who did; a peer's identify is read to 8 KiB and its echo streams are two.
class Swarm {
  public:
    struct Config {
        PrivateKey identity;
        std::string agent{"sennit"};
        std::string protocol_version{"sennit/1"};
        std::vector<std::string> protocols{};  ///< beside identify and ping
        std::size_t connections_max{256};
        /// Inbound ones that are not upgraded yet. Each costs a signature and two key agreements,
        /// about 0.2 ms.
        std::size_t handshakes_max{64};
        yamux::Limits yamux{};
        Duration dial_timeout{std::chrono::seconds{10}};
    };

    Swarm(Config config, Rng rng);

    // The carrier.

    void on_input(const CarrierInput& input, Now now);
    std::optional<CarrierOutput> poll_output(Now now);
    void on_time(Now now);
    Instant next_wake() const;

    // The application.

    /// Errors: unsupported unless /ip4, /ip6 or a name, then /tcp.
    Result<void> listen(const Multiaddr& address);
    /// The connection that will be; Connected or Disconnected follows. Errors: unsupported as for
    /// listen; busy over `connections_max`.
    Result<ConnectionId> dial(const Multiaddr& address, Now now);
    void disconnect(ConnectionId id);

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
        Duration took;  ///< from the link's first moment
    };
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
    struct Failed {
        StreamRef stream;
        Error why;
    };
    /// Also for a dial that led to nothing, and for an upgrade that failed.
    struct Disconnected {
        ConnectionId id;
        Error why;
        bool was_connected;
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
    /// What the swarm itself does on a stream.
    enum class Own : std::uint8_t { tell, ask, echo };
    struct OwnStream {
        Own what;
        FrameCutter frames{identify::kMessageSizeMax};
        identify::Identify says{};
        Bytes unsent{};
    };
    struct Peer {
        std::optional<LinkId> link;  ///< nullopt: is being dialled, or the link is closed
        DialId dial{};
        NetAddress address;
        bool inbound{false};
        std::optional<PeerId> expected;
        Instant since;
        std::optional<Connection> connection;
        bool connected{false};
        bool hung_up{false};
        bool told{false};  ///< that it is over
        std::size_t room{0};
        std::map<StreamId, OwnStream> own;
        std::size_t echoes{0};
    };
    using Place = std::map<ConnectionId, Peer>::iterator;

    void on_link_open(const LinkOpen& link, Now now);
    void on_link_closed(LinkId link, const std::string& why);
    void on_dial_failed(const DialFailed& failed);
    void take(ConnectionId id, Peer& peer, Connection::Event event, Now now);
    void on_ready(ConnectionId id, Peer& peer, const Connection::Ready& ready, Now now);
    void on_stream_opened(ConnectionId id, Peer& peer, const Connection::StreamOpened& event);
    bool is_own(const Peer& peer, StreamId stream) const { return peer.own.contains(stream); }
    void serve(Peer& peer, StreamId stream, Now now);
    void echo(Peer& peer, StreamId stream, Now now);
    void hear(Peer& peer, StreamId stream, Now now);
    void heard_all(ConnectionId id, Peer& peer, StreamId stream);
    void drop_own(Peer& peer, StreamId stream);
    void flush(Peer& peer, StreamId stream);
    Bytes identify_for(const Peer& peer) const;
    void touch(ConnectionId id) { due_.insert(id); }
    Connection* running(ConnectionId id);
    const Connection* running(ConnectionId id) const;
    std::size_t handshaking() const;

    Config config_;
    PeerId self_;
    Rng rng_;
    std::shared_ptr<const ConnectionConfig> shared_;
    std::map<ConnectionId, Peer> connections_;
    std::map<LinkId, ConnectionId> by_link_;
    std::map<DialId, ConnectionId> by_dial_;
    std::set<ConnectionId> due_;  ///< may have events or output
    std::vector<Multiaddr> listens_;
    std::deque<CarrierOutput> outputs_;
    std::deque<Event> events_;
    std::uint64_t last_id_{0};
};

/// Where TCP would listen or dial for an address: /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp, and
/// maybe /p2p. Errors: unsupported, with what was expected.
Result<NetAddress> tcp_address(const Multiaddr& address);
/// The other way; a name that is no IP address becomes /dns.
Multiaddr multiaddr_of(const NetAddress& address);

}  // namespace sennit::libp2p
