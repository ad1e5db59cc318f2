// SPDX-License-Identifier: MIT
/// Three nodes: one answers, one asks by the rules, one does whatever the input says. Every two
/// bytes are one thing that happens. Nobody crashes, invariants hold, what is answered is what was
/// asked, and when the time has passed nothing is left.
#include "libp2p/request_response/fixture.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;
using namespace sennit::libp2p::request_response;

constexpr std::size_t kEventsMax = 100;
constexpr const char* kNames[]{"/p/1", "/e/1"};

class Play {
  public:
    Play() {
        world_.server->answer = nullptr;
        honest_ = world_.dial(1);
        hostile_ = world_.dial(2);
    }

    void happen(std::uint8_t what, std::uint8_t detail) {
        switch (what % 12) {
            case 0: return ask(detail);
            case 1: return answer(detail);
            case 2: return open(detail);
            case 3: return world_.wait(std::chrono::milliseconds{detail * 30});
            case 4: return world_.net.run();
            default: break;
        }
        if (streams_.empty()) return open(detail);
        const auto stream = streams_[what / 12 % streams_.size()];
        auto& swarm = world_.net.node(2).swarm;
        switch (what % 12) {
            case 5: swarm.write(stream, Bytes{detail}); break;
            case 6: swarm.write(stream, Bytes{detail, static_cast<std::uint8_t>(what)}); break;
            case 7: swarm.write(stream, Bytes(std::size_t{detail} * 8, detail)); break;
            case 8: swarm.write(stream, frame(Framing::prefixed, Bytes(detail, detail))); break;
            case 9: swarm.close_write(stream); break;
            case 10: swarm.reset(stream); break;
            default:
                if (detail % 16 == 0) reconnect();
        }
    }

    void finish() {
        world_.net.run();
        for (int i = 0; i < 4; ++i) world_.wait(std::chrono::seconds{11});
        for (const auto* side : {&*world_.server, &*world_.client}) {
            SENNIT_ASSERT(side->machine.inbound() == 0 && side->machine.outbound() == 0);
            SENNIT_ASSERT(side->machine.inbound_bytes() == 0);
            SENNIT_ASSERT(side->machine.next_wake() == Instant::max());
        }
        for (const auto& [id, bytes] : world_.client->responses)
            SENNIT_ASSERT(asked_.at(id) == bytes);
        SENNIT_ASSERT(world_.client->responses.size() + world_.client->failures.size() ==
                      asked_.size());
    }

  private:
    void ask(std::uint8_t detail) {
        const Bytes bytes(std::size_t{detail} * 4, detail);
        const auto id =
            world_.client->machine.request(honest_, kNames[detail % 2], bytes, world_.net.now);
        if (id) asked_.emplace(*id, bytes);
        world_.client->take(world_.net.now);
    }
    void answer(std::uint8_t detail) {
        auto& requests = world_.server->requests;
        if (requests.empty()) return;
        const auto at =
            requests.begin() + detail / 2 % static_cast<std::ptrdiff_t>(requests.size());
        if (detail % 16 == 0) {
            world_.server->machine.refuse(at->key);
        } else {
            (void)world_.server->machine.respond(at->key, at->bytes, world_.net.now);
        }
        requests.erase(at);
        world_.server->take(world_.net.now);
    }
    void open(std::uint8_t detail) {
        const auto stream =
            world_.net.node(2).swarm.open(hostile_, {kNames[detail % 2]}, world_.net.now);
        if (stream) streams_.push_back(*stream);
    }
    void reconnect() {
        world_.net.node(2).swarm.disconnect(hostile_);
        streams_.clear();
        world_.net.run();
        hostile_ = world_.dial(2);
    }

    request_response::testing::World world_{{.inbound_per_peer_max = 4,
                                             .inbound_max = 6,
                                             .inbound_bytes_per_peer_max = 4000,
                                             .inbound_bytes_max = 5000,
                                             .outbound_per_peer_max = 5}};
    ConnectionId honest_{};
    ConnectionId hostile_{};
    std::vector<StreamRef> streams_;
    std::map<RequestId, Bytes> asked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Play play;
    for (std::size_t i = 0; i + 2 <= std::min(size, 2 * kEventsMax); i += 2)
        play.happen(data[i], data[i + 1]);
    play.finish();
    return 0;
}
