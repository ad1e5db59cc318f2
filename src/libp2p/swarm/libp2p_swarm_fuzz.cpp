// SPDX-License-Identifier: MIT
/// Three swarms over a carrier that the input delays, cuts and keeps waiting: every two bytes are
/// one thing that happens. Nobody crashes, invariants hold, no application sees two connections to
/// one peer, and when all is delivered the two sides of each connection agree that it exists.
#include "libp2p/swarm/test_carrier.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;

/// Each handshake costs signatures, so a run costs milliseconds.
constexpr std::size_t kEventsMax = 60;
constexpr std::size_t kNodes = 3;

class World {
  public:
    World() : net_{kNodes, like()} {
        for (std::size_t i = 0; i < kNodes; ++i)
            SENNIT_ASSERT(net_.node(i).swarm.listen(testing::address(where(i))));
        net_.black_holes.insert({"tcp", "10.9.0.1", 1});
        net_.run();
        net_.held = true;
    }

    void happen(std::uint8_t what, std::uint8_t detail) {
        auto& node = net_.node(what / 16 % kNodes);
        switch (what % 16) {
            case 0:
            case 1: dial(node, detail); break;
            case 2: disconnect(node, detail); break;
            case 3: cut(detail); break;
            case 4: wait(std::chrono::milliseconds{50 * detail}); break;
            case 5: wait(std::chrono::seconds{detail}); break;
            case 6: open(node, detail); break;
            case 7: use(node, detail); break;
            case 8:
                node.swarm.set_protocols({"/echo", std::to_string(detail % 4)}, net_.now);
                break;
            case 9: keep(node, detail); break;
            case 10: (void)node.swarm.observed_addresses(); break;
            default:
                if (net_.waiting() > 0) net_.deliver_one(detail);
        }
        net_.run();
    }

    void finish() {
        for (int i = 0; i < 3; ++i) {
            Rng rng{1};
            net_.settle(rng);
            wait(std::chrono::seconds{11});  // upgrades and negotiations have had their time
        }
        Rng rng{2};
        net_.settle(rng);
        for (std::size_t i = 0; i < kNodes; ++i) {
            for (const auto id : net_.node(i).up) agree(i, id);
        }
    }

  private:
    static Swarm::Config like() {
        Swarm::Config config{.identity = testing::identity(1), .protocols = {"/echo"}};
        config.connections_max = 6;
        config.inbound_max = 4;
        config.outbound_max = 4;
        config.handshakes_max = 3;
        config.dial_attempts_max = 2;
        config.idle_timeout = std::chrono::seconds{60};
        return config;
    }
    static std::string where(std::size_t i) {
        return "/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/4001";
    }

    void dial(testing::Node& node, std::uint8_t detail) {
        auto& other = net_.node(detail % kNodes);
        const auto named = detail & 64 ? "/p2p/" + other.swarm.self().text() : "";
        std::vector<Multiaddr> all;
        if (detail & 16) all.push_back(testing::address("/ip4/10.9.0.1/tcp/1" + named));
        if (detail & 32) all.push_back(testing::address("/ip4/10.9.0.2/tcp/1" + named));
        all.push_back(testing::address(where(detail % kNodes) + named));
        (void)node.swarm.dial(all, net_.now);
    }
    std::optional<ConnectionId> one_of(testing::Node& node, std::uint8_t detail) {
        const auto all = node.swarm.connection_ids();
        if (all.empty()) return std::nullopt;
        return all[detail % all.size()];
    }
    void disconnect(testing::Node& node, std::uint8_t detail) {
        if (const auto id = one_of(node, detail)) node.swarm.disconnect(*id);
    }
    void keep(testing::Node& node, std::uint8_t detail) {
        if (const auto id = one_of(node, detail)) node.swarm.keep(*id, detail & 128, net_.now);
    }
    void cut(std::uint8_t detail) {
        const auto links = net_.links();
        if (!links.empty()) net_.cut(links[detail % links.size()]);
    }
    void wait(Duration time) {
        net_.now.at += time;
        net_.tick();
    }
    void open(testing::Node& node, std::uint8_t detail) {
        const auto id = one_of(node, detail);
        if (!id) return;
        const std::string names[]{"/echo", "/none", std::string{ping::kProtocol},
                                  std::string{identify::kProtocol},
                                  std::string{identify::kPushProtocol}};
        const auto stream = node.swarm.open(*id, {names[detail / 8 % 5]}, net_.now);
        if (stream) streams_.push_back(*stream);
    }
    void use(testing::Node& node, std::uint8_t detail) {
        if (streams_.empty()) return;
        const auto stream = streams_[detail % streams_.size()];
        switch (detail / 64) {
            case 0: node.swarm.close_write(stream); break;
            case 1: node.swarm.reset(stream); break;
            default: (void)node.swarm.write(stream, Bytes(detail * 16u, detail));
        }
    }
    void agree(std::size_t i, ConnectionId id) {
        const auto peer = net_.node(i).connected.at(id).peer;
        for (std::size_t j = 0; j < kNodes; ++j) {
            auto& other = net_.node(j).swarm;
            if (other.self() != peer) continue;
            const auto back = other.connection_to(net_.node(i).swarm.self());
            SENNIT_ASSERT(back);
            SENNIT_ASSERT(net_.node(j).connected.at(*back).inbound !=
                          net_.node(i).connected.at(id).inbound);
        }
    }

    testing::Network net_;
    std::vector<StreamRef> streams_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    for (std::size_t i = 0; i + 2 <= std::min(size, 2 * kEventsMax); i += 2)
        world.happen(data[i], data[i + 1]);
    world.finish();
    return 0;
}
