// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/gossipsub/router.hpp"
#include "libp2p/swarm/behaviour.hpp"

namespace sennit::libp2p {

/// Gossipsub on a swarm: the streams of a `gossipsub::Router`.
///
///     Pubsub pubsub{swarm, {.identity = key}, Rng{seed}, now};
///     pubsub.router().join("news", {.ask = false}, now);
///     ... pubsub.on_event(event, now), pubsub.pump(now), while (auto e = pubsub.poll_event()) ...
///
/// On every connection it opens a stream of its own at once, without waiting for identify: peers
/// that have none (LuxTensor) are reached, and js, which waits for identify, opens one back. Each
/// side writes on its own stream only. A peer's stream is read while the router has room for the
/// peer; what is not read stays in its window, and then with the peer. Frames are made as the
/// stream takes them, one at a time, so what is urgent does not stand behind what is not.
///
/// A peer has one inbound stream; a second one takes the first one's place, because the peer has
/// lost it. A stream that breaks is opened again three times, ten seconds apart; until then the
/// peer stays what it was, because what it said came on the other one.
class Pubsub final : public Behaviour {
  public:
    struct Options {
        std::size_t rpc_receive_max{1u << 20};
        /// Signatures are checked by `pump`. Else the caller takes `router().poll_job()` to its
        /// workers.
        bool verify_here{true};
        /// Dials whom well scored peers offer, up to so many connections.
        std::size_t dial_offered_below{0};
    };

    Pubsub(Swarm& swarm, gossipsub::Config config, Rng rng, Now now)
        : Pubsub{swarm, std::move(config), std::move(rng), now, Options{}} {}
    Pubsub(Swarm& swarm, gossipsub::Config config, Rng rng, Now now, Options options);

    /// For `Swarm::Config::protocols`.
    static std::vector<std::string> protocols() { return gossipsub::protocol_ids(); }

    gossipsub::Router& router() { return router_; }
    const gossipsub::Router& router() const { return router_; }
    std::optional<gossipsub::Router::Event> poll_event(Now now);
    /// Everything that was published is written to the peers' streams.
    bool idle() const;

    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now now) override;
    void on_time(Now now) override;
    Instant next_wake() const override;

    void check_invariants() const;

  private:
    struct Link {
        PeerId peer;
        bool outbound;
        std::string address;
        bool active{false};  ///< the connection on which we talk to the peer
        std::optional<StreamRef> ours{};
        bool agreed{false};
        bool large{false};  ///< takes RPCs of 1 MiB
        std::optional<Bytes> record{};
        Bytes frame{};  ///< being written
        std::size_t written{0};
        std::optional<StreamRef> theirs{};
        FrameCutter frames;
        std::size_t failures{0};
        std::optional<Instant> reopen{};
    };
    using Place = std::map<ConnectionId, Link>::iterator;

    void on_connected(const Swarm::Connected& event, Now now);
    void on_disconnected(ConnectionId id, Now now);
    void on_agreed(const Swarm::Agreed& event, Now now);
    void on_opened(StreamRef stream, Now now);
    void on_stream_over(StreamRef stream, Now now);
    void on_identified(const Swarm::Identified& event);
    void tell_router(const Link& link);
    void activate(ConnectionId id, Now now);
    void try_later(Link& link, Now now);
    bool is_mine(StreamRef stream) const;
    bool read(ConnectionId id, Now now);
    bool write(const PeerId& peer, Now now);
    void dial(const gossipsub::Router::Offered& offered, Now now);

    Swarm& swarm_;
    Options options_;
    gossipsub::Router router_;
    std::map<ConnectionId, Link> links_;
    std::map<PeerId, ConnectionId> active_;
    std::set<ConnectionId> unread_;  ///< has more than the router had room for
};

}  // namespace sennit::libp2p
