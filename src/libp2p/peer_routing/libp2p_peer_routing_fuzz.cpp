// SPDX-License-Identifier: MIT
/// One node that routes, and two that do whatever the input says with its streams and their own:
/// every three bytes are one thing that happens. Nobody crashes, limits hold, every lookup ends,
/// and when all is over nothing is left.
#include "libp2p/peer_routing/fixture.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;
using peer_routing::testing::address;
using peer_routing::testing::answer;
using peer_routing::testing::find_node;

constexpr std::size_t kEventsMax = 80;

class Fuzzing {
  public:
    Fuzzing() {
        side_ = &world_.route(
            0, {.dials_max = 2, .connections_max = 3, .streams_per_peer_max = 2, .streams_max = 3});
        for (std::size_t i = 1; i < kNodes; ++i) {
            world_.net.node(i).first = [this, i](const Swarm::Event& event, Now) {
                if (const auto* opened = std::get_if<Swarm::Opened>(&event))
                    streams_.push_back({i, opened->stream});
                return false;
            };
        }
        world_.net.black_holes.insert(*tcp_address(address(200)));
    }

    void happen(std::uint8_t what, std::uint8_t who, std::uint8_t detail) {
        const std::size_t node = 1 + who % (kNodes - 1);
        auto& kad = side_->routing.kad();
        switch (what % 10) {
            case 0: connections_.push_back({node, world_.dial(node, 0)}); break;
            case 1: kad.bootstrap({named(who), named(detail)}, world_.net.now); break;
            case 2: (void)kad.find(world_.id(detail % kNodes), world_.net.now); break;
            case 3: wait(std::chrono::milliseconds{detail * 50}); break;
            case 4: open(detail); break;
            case 5: world_.net.cut(); break;
            default: on_stream(what, who, detail); break;
        }
        world_.net.run();
        side_->routing.check_invariants();
    }

    void finish() {
        world_.net.cut();
        world_.net.run();
        for (int i = 0; i < 25; ++i) wait(std::chrono::seconds{5});
        const auto& routing = side_->routing;
        SENNIT_ASSERT(routing.inbound() == 0 && routing.kad().queries() <= 3);
        SENNIT_ASSERT(routing.dials() <= 2);
    }

  private:
    static constexpr std::size_t kNodes = 4;

    kad::PeerAddresses named(std::uint8_t n) {
        const auto peer = world_.id(n % kNodes);
        return {peer, {address(n % 16 == 0 ? 200 : n % 5), address(n / 16 % 5)}};
    }
    void open(std::uint8_t detail) {
        if (connections_.empty()) return;
        const auto [node, connection] = connections_[detail % connections_.size()];
        const auto stream = world_.net.node(node).swarm.open(
            connection, {peer_routing::testing::kProtocol}, world_.net.now);
        if (stream) streams_.push_back({node, *stream});
    }
    void on_stream(std::uint8_t what, std::uint8_t who, std::uint8_t detail) {
        if (streams_.empty()) return;
        const auto [node, stream] = streams_[who % streams_.size()];
        auto& swarm = world_.net.node(node).swarm;
        switch (what % 10) {
            case 6: swarm.write(stream, find_node(Bytes(detail, detail))); break;
            case 7:
                swarm.write(stream, answer({{named(detail).id, named(detail).addresses}}));
                break;
            case 8: swarm.write(stream, Bytes(detail % 40, detail)); break;
            default: detail % 2 == 0 ? swarm.close_write(stream) : swarm.reset(stream);
        }
    }
    void wait(Duration by) { world_.pass(by, by / 2 + Duration{1}); }

    peer_routing::testing::World world_{kNodes};
    peer_routing::testing::Side* side_;
    std::vector<std::pair<std::size_t, ConnectionId>> connections_;
    std::vector<std::pair<std::size_t, StreamRef>> streams_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Fuzzing fuzzing;
    for (std::size_t i = 0; i + 3 <= std::min(size, 3 * kEventsMax); i += 3)
        fuzzing.happen(data[i], data[i + 1], data[i + 2]);
    fuzzing.finish();
    return 0;
}
