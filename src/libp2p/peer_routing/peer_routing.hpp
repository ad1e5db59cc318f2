// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/kad/kad.hpp"
#include "libp2p/swarm/behaviour.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p {

/// Kademlia on a swarm: the dials and streams of a `kad::Kad`.
///
///     PeerRouting routing{swarm, {.self = swarm.self()}, Rng{seed}};
///     routing.kad().bootstrap({{id, {address}}}, now);
///     routing.kad().find(target, now);
///     ... until poll_event() tells of QueryDone
///
/// A server names `kad().protocol()` in `Swarm::Config::protocols`, a client does not: peers would
/// take it for a server.
///
/// Asking. Each request has a stream of its own, on a connection that is there or on one that is
/// dialled for it; further requests to the same peer wait for the same dial. The swarm tries a
/// peer's addresses one after the other without waiting for those before: most of what others name
/// leads nowhere, and silence takes longer than a request has. Who answers the dial has to be the
/// peer. `dials_max` run at once.
///
/// Several may use a swarm, and a dial to a peer that it knows already gives out the connection of
/// whoever came first. Own is what the swarm began for us alone: a dial of somebody else is only
/// waited for, and what somebody else dials too is given up to him, before it is connected and
/// after.
///
/// Own connections are hung up once they were idle for `idle_max`, or sooner when further ones need
/// their place: a lookup talks to dozens of peers whom nobody needs afterwards. Those that the
/// application keeps, or has a stream on, stay for as long, and count for as long: peers that
/// open streams on all of them can stop the lookups, but not take more than `connections_max`
/// places. An application that wants to stay with a peer dials it for itself.
///
/// Our side of a stream stays open until the answer is here: js-libp2p's Kademlia 16.4 looks
/// whether the stream is open still before it reads, and leaves a request unanswered behind which
/// it ends.
///
/// Answering. A peer's stream may carry any number of requests, one after the other: the next is
/// read when the answer before it has left, so what a peer does not read costs one answer of 16
/// KiB, and further requests stay in its window. A stream without a whole request for
/// `stream_idle_max`, counted from the answer before and not from the last byte, is reset: else a
/// byte now and then keeps a place (slow loris). A peer has `streams_per_peer_max`, over all of its
/// connections, and all peers `streams_max`; how often they may ask is Kad's to say.
class PeerRouting final : public Behaviour {
  public:
    struct Limits {
        std::size_t dials_max{16};      ///< at once
        std::size_t addresses_max{16};  ///< of one dial
        /// Of those that were dialled here, those under way included.
        std::size_t connections_max{64};
        Duration idle_max{std::chrono::seconds{10}};
        std::size_t streams_per_peer_max{8};  ///< that peers opened
        std::size_t streams_max{256};
        Duration stream_idle_max{std::chrono::seconds{30}};
        /// How long a stream that is done with waits for the peer to close its side.
        Duration linger{std::chrono::seconds{2}};
    };

    /// `swarm` outlives this.
    PeerRouting(Swarm& swarm, kad::Kad::Config config, Rng rng, const Limits& limits);
    PeerRouting(Swarm& swarm, kad::Kad::Config config, Rng rng)
        : PeerRouting{swarm, std::move(config), std::move(rng), Limits{}} {}

    /// To begin lookups and to look at the table. What it has to say is taken here: see poll_event.
    kad::Kad& kad() { return kad_; }
    const kad::Kad& kad() const { return kad_; }

    using Event = std::variant<kad::Kad::QueryDone, kad::Kad::RoutingUpdated>;
    std::optional<Event> poll_event();

    /// Answers true also to the end of a dial that was its own and led to nothing.
    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now now) override;
    void on_time(Now now) override;
    Instant next_wake() const override;

    /// Dials that run; connections that were dialled here; streams that peers opened.
    std::size_t dials() const { return attempts_.size(); }
    std::size_t own_connections() const { return own_; }
    std::size_t inbound() const { return inbound_.size(); }
    void check_invariants() const;

  private:
    using RequestId = kad::RequestId;

    struct Link {
        PeerId peer{};
        bool own{false};       ///< was dialled here, and by nobody else
        bool leaving{false};   ///< is being hung up
        std::size_t asked{0};  ///< our part of Swarm::times_dialled
        std::size_t streams{0};
        Instant idle_since{};
    };
    struct Peer {
        std::set<ConnectionId> connections{};
        std::size_t inbound{0};
    };
    /// Waits for a dial to its peer as long as it has no stream.
    struct Request {
        PeerId peer{};
        Bytes frame{};
        std::optional<StreamRef> stream{};
    };
    struct Dialling {
        std::vector<Multiaddr> addresses{};
        std::size_t tried{0};              ///< from the front: the swarm has them
        std::optional<ConnectionId> on{};  ///< what is waited for; own if it is in `attempts_`
        std::set<RequestId> waiting{};
    };
    /// A dial of our own.
    struct Attempt {
        PeerId peer{};
        std::size_t asked{1};   ///< our part of Swarm::times_dialled
        bool abandoned{false};  ///< nobody waits for it; until the swarm says that it is over
    };
    struct Outbound {
        std::optional<RequestId> request{};  ///< nullopt once it is answered
        std::size_t written{0};
        FrameCutter frames{kad::kMessageSizeMax};
        Instant until{};  ///< once it is answered
    };
    struct Inbound {
        FrameCutter frames{kad::kMessageSizeMax};
        Bytes answer{};
        std::size_t written{0};
        bool remote_closed{false};
        Instant until{};
    };
    using Out = std::map<StreamRef, Outbound>::iterator;
    using In = std::map<StreamRef, Inbound>::iterator;

    // peer_routing.cpp
    void on_connected(const Swarm::Connected& event, Now now);
    bool on_disconnected(const Swarm::Disconnected& event, Now now);
    void take(StreamRef stream);
    void release(StreamRef stream, Now now);
    void hang_up(ConnectionId id, Link& link);
    bool is_spare(ConnectionId id, Link& link);
    bool poll_kad(Now now);

    // asking.cpp
    void send(kad::Kad::SendRequest&& request, Now now);
    void cancel(RequestId id, Now now);
    std::optional<ConnectionId> connection_of(const PeerId& peer) const;
    void ask(RequestId id, ConnectionId connection, Now now);
    void fail(RequestId id, Now now);
    void dial(const PeerId& peer, std::vector<Multiaddr> addresses, RequestId id, Now now);
    bool continue_dials(Now now);
    bool begin_dial(const PeerId& peer, Now now);
    bool has_room() const;
    void make_room();
    void on_dial_over(const PeerId& peer, bool again, Now now);
    void give_up(const PeerId& peer, Now now);
    void end_dial(const PeerId& peer);
    void write(Out at);
    void read(Out at, Now now);
    void answered(Out at, BytesView frame, Now now);
    void on_remote_closed(Out at, Now now);
    void drop(Out at, Now now);

    // serving.cpp
    void on_opened(StreamRef stream, Now now);
    void serve(In at, Now now);
    void refuse(In at, Now now);
    void forget(In at, Now now);

    Swarm& swarm_;
    Limits limits_;
    kad::Kad kad_;
    std::map<ConnectionId, Link> links_;
    std::map<PeerId, Peer> peers_;  ///< connected ones
    std::map<RequestId, Request> requests_;
    std::map<PeerId, Dialling> dials_;
    std::map<ConnectionId, Attempt> attempts_;
    std::map<StreamRef, Outbound> outbound_;
    std::map<StreamRef, Inbound> inbound_;
    std::deque<Event> events_;
    std::size_t own_{0};
};

}  // namespace sennit::libp2p
