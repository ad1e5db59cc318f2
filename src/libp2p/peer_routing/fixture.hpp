// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/peer_routing/peer_routing.hpp"
#include "libp2p/swarm/test_carrier.hpp"

/// Swarms that route, for tests. Node i listens at `address(i)`. A node without routing has raw
/// streams, to break the rules with.
namespace sennit::libp2p::peer_routing::testing {

using libp2p::testing::Network;
using libp2p::testing::Node;

constexpr const char* kProtocol = "/test/kad/1.0.0";

inline Multiaddr address(std::size_t i) {
    return *Multiaddr::parse("/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/4001");
}

/// One node's routing, and what it told.
struct Side {
    Side(Network& network, Node& node, kad::Kad::Config config, const PeerRouting::Limits& limits)
        : net{network}, swarm{node.swarm}, routing{node.swarm, std::move(config), Rng{7}, limits} {
        node.first = [this](const Swarm::Event& event, Now) {
            const bool its = routing.on_event(event, net.now);
            routing.check_invariants();
            return its;
        };
        node.pump = [this] { return pump(); };
    }
    Side(const Side&) = delete;

    bool pump() {
        bool moved = routing.pump(net.now);
        routing.check_invariants();
        most_dials = std::max(most_dials, routing.dials());
        most_own = std::max(most_own, routing.own_connections());
        while (auto event = routing.poll_event()) {
            moved = true;
            auto* const found = std::get_if<kad::Kad::QueryDone>(&*event);
            if (found != nullptr && found->purpose == kad::Kad::Purpose::find)
                done = std::move(*found);
        }
        return moved;
    }
    bool knows(const PeerId& peer) const { return routing.kad().table().contains(peer); }

    Network& net;
    Swarm& swarm;
    PeerRouting routing;
    std::optional<kad::Kad::QueryDone> done;
    std::size_t most_dials{0};
    std::size_t most_own{0};
};

class World {
  public:
    explicit World(std::size_t count) : net{count, {.protocols = {kProtocol}}}, sides(count) {
        for (std::size_t i = 0; i < count; ++i)
            SENNIT_ASSERT(net.node(i).swarm.listen(address(i)).has_value());
        net.run();
    }

    Side& route(std::size_t i, const PeerRouting::Limits& limits = {}) {
        return route(i, limits, config(i));
    }
    Side& route(std::size_t i, const PeerRouting::Limits& limits, kad::Kad::Config config) {
        sides[i] = std::make_unique<Side>(net, net.node(i), std::move(config), limits);
        return *sides[i];
    }
    kad::Kad::Config config(std::size_t i) {
        kad::Kad::Config out;
        out.self = id(i);
        out.protocol = kProtocol;
        out.addresses.private_hosts = true;
        return out;
    }

    const PeerId& id(std::size_t i) { return net.node(i).swarm.self(); }
    kad::PeerAddresses where(std::size_t i) { return {id(i), {address(i)}}; }
    ConnectionId dial(std::size_t from, std::size_t to) {
        const auto out = *net.node(from).swarm.dial(address(to), net.now);
        net.run();
        return out;
    }
    StreamRef open(std::size_t from, ConnectionId connection) {
        return *net.node(from).swarm.open(connection, {kProtocol}, net.now);
    }
    void pass(Duration time, Duration step = std::chrono::milliseconds{250}) {
        const auto until = net.now.at + time;
        while (net.now.at < until) {
            net.now.at += step;
            for (auto& side : sides) {
                if (side && side->routing.next_wake() <= net.now.at) side->routing.on_time(net.now);
            }
            net.tick();
            for (auto& side : sides) {
                if (side) side->routing.check_invariants();
            }
        }
    }

    Network net;
    std::vector<std::unique_ptr<Side>> sides;
};

/// A request, as it goes over the stream.
inline Bytes find_node(BytesView key) {
    Writer out;
    write_prefixed(out, kad::encode({kad::MessageType::find_node, to_bytes(key), {}}));
    return std::move(out).take();
}
inline Bytes answer(std::vector<kad::MessagePeer> closer) {
    Writer out;
    write_prefixed(out, kad::encode({kad::MessageType::find_node, {}, std::move(closer)}));
    return std::move(out).take();
}

}  // namespace sennit::libp2p::peer_routing::testing
