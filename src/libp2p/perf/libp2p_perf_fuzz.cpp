// SPDX-License-Identifier: MIT
/// A server, an honest client beside it on the same connection, and streams that do whatever the
/// input says: every two bytes are one thing that happens. Nobody crashes, limits hold, and the
/// honest client gets all of its bytes.
#include "libp2p/perf/perf.hpp"
#include "libp2p/swarm/test_carrier.hpp"

namespace {

using namespace sennit;
using namespace sennit::libp2p;

constexpr std::size_t kEventsMax = 100;

class World {
  public:
    World() {
        net_.node(0).first = [this](const Swarm::Event& event, Now now) {
            const bool its = server_.on_event(event, now);
            server_.check_invariants();
            while (server_.poll_served()) {
            }
            return its;
        };
        net_.node(1).first = [this](const Swarm::Event& event, Now now) {
            return client_ && client_->on_event(event, now);
        };
        const auto address = *Multiaddr::parse("/ip4/10.0.0.1/tcp/4001");
        SENNIT_ASSERT(net_.node(0).swarm.listen(address).has_value());
        net_.run();
        id_ = *net_.node(1).swarm.dial(address, net_.now);
        net_.run();
    }

    void happen(std::uint8_t what, std::uint8_t detail) {
        auto& swarm = net_.node(1).swarm;
        if (streams_.empty() || what % 8 == 0) {
            const auto opened = swarm.open(id_, {std::string{perf::kProtocol}}, net_.now);
            if (opened) streams_.push_back(*opened);
            return;
        }
        const auto stream = streams_[detail % streams_.size()];
        switch (what % 8) {
            case 1: swarm.write(stream, Bytes(8, detail)); break;
            case 2: swarm.write(stream, Bytes{0, 0, 0, 0, 0, detail, detail, detail}); break;
            case 3: swarm.write(stream, Bytes(std::size_t{detail} * 100, detail)); break;
            case 4: swarm.close_write(stream); break;
            case 5: swarm.reset(stream); break;
            case 6: wait(std::chrono::milliseconds{detail * 20}); break;
            default: net_.run();
        }
    }

    void finish() {
        net_.run();
        wait(std::chrono::seconds{31});
        for (const auto stream : streams_) net_.node(1).swarm.reset(stream);
        net_.run();
        SENNIT_ASSERT(server_.streams() == 0);
        client_.emplace(net_.node(1).swarm);
        SENNIT_ASSERT(client_->start(id_, kJob, net_.now).has_value());
        net_.run();
        SENNIT_ASSERT(client_->outcome() && client_->outcome()->has_value());
        SENNIT_ASSERT(client_->downloaded() == kJob.download);
    }

  private:
    static constexpr perf::Client::Job kJob{70'000, 300'000};

    void wait(Duration by) {
        net_.now.at += by;
        server_.on_time(net_.now);
        server_.check_invariants();
        net_.tick();
    }

    testing::Network net_{2, {.protocols = {std::string{perf::kProtocol}}}};
    perf::Server server_{net_.node(0).swarm,
                         {.upload_max = 100'000, .download_max = 400'000, .streams_max = 3}};
    std::optional<perf::Client> client_;
    ConnectionId id_{};
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
