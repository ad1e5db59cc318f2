// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/pubsub/pubsub.hpp"
#include "sim/mallory.hpp"
#include "sim/network.hpp"

namespace sennit::sim {

/// A network of libp2p nodes in one topic: whole swarms, with noise, yamux and signatures, over
/// lines of virtual time. The same options give the same run, bit for bit.
class GossipWorld {
  public:
    struct Options {
        std::size_t nodes{200};
        std::size_t hostile_percent{0};
        std::size_t dials{10};  ///< of each node, to others drawn by lot: twice as many connections
        Line line{};
        std::uint64_t seed{1};
        libp2p::gossipsub::MeshParams mesh{};
        libp2p::gossipsub::ScoreParams scores{};
    };

    explicit GossipWorld(Options options);
    ~GossipWorld();

    void run_for(Duration time);
    /// By an honest node that is drawn by lot. Data begins with the message's number, the result.
    std::size_t publish(std::size_t size);
    /// An honest node goes down as by its power switch; a second later it is there again.
    void restart_one();

    struct Sent {
        HostId by;
        Instant at;
        std::map<HostId, Instant> arrived{};
        std::set<HostId> expected{};  ///< honest nodes that were up then; not those restarted since
    };
    const std::vector<Sent>& sent() const { return sent_; }
    std::size_t doubled() const { return doubled_; }  ///< deliveries of what was delivered before
    std::size_t forged() const { return forged_; }    ///< deliveries of what nobody published
    /// When each honest node could have had the message by the shortest path over the connections
    /// that are open between honest nodes now, if nobody lost any time.
    std::map<HostId, Duration> shortest(HostId from) const;

    bool is_hostile(HostId host) const;
    /// What honest nodes think of their peers, summed over all connections.
    struct Standing {
        std::size_t hostile_links{0};  ///< to hostile peers of the kind
        std::size_t hostile_in_meshes{0};
        std::size_t hostile_negative{0};
        std::size_t mesh_places{0};  ///< that honest nodes have given to anybody
        std::size_t honest_negative{0};
    };
    Standing standing(Mallory::Kind kind) const;
    /// Over all that was delivered, where and when.
    std::uint64_t digest() const { return digest_; }
    void check_invariants() const;
    Now now() const { return scheduler_.now(); }

  private:
    struct Node;

    void start(HostId host);
    void dial_some(HostId host);
    void handle(HostId host, const CarrierInput& input);
    void turn(Node& node);
    void arm(Node& node);
    void received(Node& node, const libp2p::gossipsub::Router::Received& got);
    libp2p::PrivateKey identity(HostId host) const;
    Mallory::Kind kind_of(HostId host) const;

    Options options_;
    Rng rng_;
    Scheduler scheduler_;
    Network network_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<libp2p::PeerId> peers_;
    std::map<libp2p::PeerId, HostId> hosts_;
    std::vector<Sent> sent_;
    std::size_t doubled_{0}, forged_{0};
    std::uint64_t digest_{0};
    std::uint64_t starts_{0};
};

}  // namespace sennit::sim
