// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/request_response/request_response.hpp"
#include "libp2p/swarm/test_carrier.hpp"

/// Nodes that ask and answer, for tests. Node 0 listens; a node without `RequestResponse` of its
/// own has raw streams, to break the rules with.
namespace sennit::libp2p::request_response::testing {

/// One of small limits for each framing.
inline std::vector<Protocol> protocols() {
    return {{.name = "/p/1", .request_size_max = 1000, .response_size_max = 100'000},
            {.name = "/e/1",
             .framing = Framing::to_end,
             .request_size_max = 1000,
             .response_size_max = 100'000}};
}

/// One node's: the machine, and what it told.
struct Side {
    Side(libp2p::testing::Node& node, const Limits& limits)
        : swarm{node.swarm}, machine{node.swarm, protocols(), limits} {
        node.first = [this](const Swarm::Event& event, Now now) {
            const bool its = machine.on_event(event, now);
            take(now);
            return its;
        };
    }
    Side(const Side&) = delete;

    void take(Now now) {
        machine.check_invariants();
        while (auto event = machine.poll_event()) {
            std::visit([&](auto& one) { on(one, now); }, *event);
            machine.check_invariants();
        }
    }

    Swarm& swarm;
    RequestResponse machine;
    /// What becomes of requests: answered with this, or kept if there is none.
    std::function<void(RequestResponse&, const RequestResponse::Request&, Now)> answer{};
    std::vector<RequestResponse::Request> requests;
    std::map<RequestId, Bytes> responses;
    std::map<RequestId, Error> failures;
    std::map<RequestKey, Error> dropped;

  private:
    void on(RequestResponse::Request& e, Now now) {
        requests.push_back(e);
        if (answer) answer(machine, e, now);
    }
    void on(RequestResponse::Dropped& e, Now) { dropped.emplace(e.key, e.why); }
    void on(RequestResponse::Response& e, Now) { responses.emplace(e.id, std::move(e.bytes)); }
    void on(RequestResponse::Failure& e, Now) { failures.emplace(e.id, e.why); }
};

class World {
  public:
    explicit World(const Limits& limits = {}) {
        server.emplace(net.node(0), limits);
        client.emplace(net.node(1), limits);
        server->answer = echo;
        SENNIT_ASSERT(net.node(0).swarm.listen(*Multiaddr::parse(kAddress)).has_value());
        net.run();
    }
    static void echo(RequestResponse& machine, const RequestResponse::Request& request, Now now) {
        SENNIT_ASSERT(machine.respond(request.key, request.bytes, now).has_value());
    }

    ConnectionId dial(std::size_t from) {
        const auto id = *net.node(from).swarm.dial(*Multiaddr::parse(kAddress), net.now);
        net.run();
        return id;
    }
    /// A stream by hand.
    StreamRef open(std::size_t from, ConnectionId id, const std::string& protocol) {
        return *net.node(from).swarm.open(id, {protocol}, net.now);
    }
    std::size_t write(std::size_t from, StreamRef stream, BytesView bytes) {
        return net.node(from).swarm.write(stream, bytes);
    }
    bool failed(std::size_t node, StreamRef stream) {
        return net.node(node).failed.contains(stream);
    }
    void wait(Duration by) {
        net.now.at += by;
        for (auto* side : {&*server, &*client}) {
            side->machine.on_time(net.now);
            side->take(net.now);
        }
        net.tick();
    }

    libp2p::testing::Network net{4, {.protocols = {"/p/1", "/e/1"}}};
    std::optional<Side> server;  ///< node 0
    std::optional<Side> client;  ///< node 1

  private:
    static constexpr const char* kAddress = "/ip4/10.0.0.1/tcp/4001";
};

}  // namespace sennit::libp2p::request_response::testing
