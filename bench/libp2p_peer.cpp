// SPDX-License-Identifier: MIT
/// A libp2p peer for bench/p2p.py, which runs two of them over loopback.
///
///     bench_libp2p_peer listen                     prints its address, then serves until a signal
///     bench_libp2p_peer handshakes ADDR SECONDS    connects, leaves, connects; prints how often
///     bench_libp2p_peer streams ADDR SECONDS       opens a stream and pings once, again and again
///     bench_libp2p_peer idle COUNT                 bytes of heap that one idle connection takes
#include <malloc.h>

#include <cstdio>
#include <deque>
#include <string>

#include "io/heap.hpp"
#include "io/random.hpp"
#include "libp2p/pubsub/pubsub.hpp"
#include "node/p2p/p2p_driver.hpp"

namespace sennit {
namespace {

using libp2p::Multiaddr;
using libp2p::Pubsub;
using libp2p::Swarm;

Swarm::Config config() {
    return {.identity =
                libp2p::PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(io::system_seed())),
            .connections_max = 20'000,
            .inbound_max = 20'000,
            .outbound_max = 20'000,
            .handshakes_max = 1000};
}

int listen() {
    node::P2pDriver driver{config(), [&](const Swarm::Event& event) {
                               if (const auto* on = std::get_if<Swarm::ListeningOn>(&event)) {
                                   std::printf("%s\n", on->address.text().c_str());
                                   std::fflush(stdout);
                               }
                           }};
    const auto where = driver.swarm().listen(*Multiaddr::parse("/ip4/127.0.0.1/tcp/0"));
    return where && driver.run() ? 0 : 1;
}

int report(std::size_t count, Duration took) {
    std::printf("%zu %.6f\n", count, std::chrono::duration<double>{took}.count());
    return 0;
}

int handshakes(const Multiaddr& address, std::chrono::seconds time) {
    std::size_t count = 0;
    Duration took{};
    std::optional<node::P2pDriver> driver;
    const auto dial = [&] { (void)driver->swarm().dial(address, driver->now()); };
    driver.emplace(config(), [&](const Swarm::Event& event) {
        if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
            ++count;
            driver->swarm().disconnect(up->id);
        } else if (std::holds_alternative<Swarm::Disconnected>(event) && took == Duration{}) {
            dial();
        }
    });
    dial();
    const auto began = driver->now().at;
    driver->after(time, [&] {
        took = driver->now().at - began;
        driver->stop();
    });
    (void)driver->run();
    return report(count, took);
}

int streams(const Multiaddr& address, std::chrono::seconds time) {
    std::size_t count = 0;
    std::optional<node::P2pDriver> driver;
    libp2p::ConnectionId connection{};
    std::optional<libp2p::StreamRef> stream;
    std::size_t got = 0;
    Instant began{};
    Duration took{};
    const auto ping = [&] {
        auto& swarm = driver->swarm();
        const auto opened =
            swarm.open(connection, {std::string{libp2p::ping::kProtocol}}, driver->now());
        if (!opened) return driver->stop(opened.error());
        stream = *opened;
        got = 0;
        swarm.write(*stream, Bytes(libp2p::ping::kSize, 7));
    };
    driver.emplace(config(), [&](const Swarm::Event& event) {
        auto& swarm = driver->swarm();
        if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
            connection = up->id;
            began = driver->now().at;
            driver->after(time, [&] {
                took = driver->now().at - began;
                driver->stop();
            });
            ping();
        } else if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
            if (readable->stream != stream) return;
            const auto size = swarm.readable(*stream).size();
            swarm.consume(*stream, size, driver->now());
            got += size;
            if (got < libp2p::ping::kSize) return;
            ++count;
            swarm.close_write(*stream);
            if (took == Duration{}) ping();
        } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
            if (failed->stream == stream && took == Duration{}) driver->stop(failed->why);
        }
    });
    (void)driver->swarm().dial(address, driver->now());
    const auto ended = driver->run();
    if (!ended) std::fprintf(stderr, "%s\n", ended.error().text().c_str());
    return report(count, took);
}

/// One swarm in the middle and many at its sides, without sockets. When all is quiet those at the
/// sides end, and what is left of the heap is the one in the middle's.
class Idle {
  public:
    explicit Idle(std::size_t count) {
        middle_.emplace(with_pubsub(), Rng{1});
        const auto before = heap();
        for (std::size_t i = 0; i < count; ++i) sides_.push_back(make(i));
        for (std::size_t i = 0; i < count; ++i) connect(i);
        const auto sides_up = middle_->connections();
        sides_.clear();
        bytes_ = sides_up == 0 ? 0 : (heap() - before) / sides_up;
    }
    std::size_t bytes() const { return bytes_; }

  private:
    static std::size_t heap() { return mallinfo2().uordblks; }
    static Swarm::Config with_pubsub() {
        auto out = config();
        out.protocols = Pubsub::protocols();
        return out;
    }
    std::unique_ptr<Swarm> make(std::size_t i) {
        return std::make_unique<Swarm>(with_pubsub(), Rng{i + 2});
    }

    void connect(std::size_t i) {
        auto& side = *sides_[i];
        (void)side.dial(*Multiaddr::parse("/ip4/10.0.0.1/tcp/1"), now_);
        const LinkId link{i + 1};
        const auto host = "10." + std::to_string(1 + i / 250) + ".0." + std::to_string(1 + i % 250);
        for (bool moved = true; moved;) {
            moved = false;
            while (side.poll_event(now_)) moved = true;
            while (middle_->poll_event(now_)) moved = true;
            while (auto out = side.poll_output(now_)) {
                moved = true;
                if (const auto* dial = std::get_if<Dial>(&*out)) {
                    LinkOpen open{};
                    open.id = link;
                    open.room = 1 << 20;
                    open.dial = dial->id;
                    side.on_input(open, now_);
                    open.dial.reset();
                    open.inbound = true;
                    open.remote = {"tcp", host, 4001};
                    middle_->on_input(open, now_);
                } else if (const auto* some = std::get_if<Transmit>(&*out)) {
                    middle_->on_input(LinkBytes{link, *some->bytes, {}, 0}, now_);
                    side.on_input(Room{link, some->bytes->size()}, now_);
                }
            }
            while (auto out = middle_->poll_output(now_)) {
                moved = true;
                const auto* const some = std::get_if<Transmit>(&*out);
                if (some == nullptr) continue;
                side.on_input(LinkBytes{link, *some->bytes, {}, 0}, now_);
                middle_->on_input(Room{link, some->bytes->size()}, now_);
            }
        }
    }

    Now now_{Instant{std::chrono::hours{1}}, {}};
    std::optional<Swarm> middle_;
    std::deque<std::unique_ptr<Swarm>> sides_;
    std::size_t bytes_{0};
};

int run(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "listen") return listen();
    if (what == "idle" && argc == 3) {
        std::printf("%zu\n", Idle{std::stoul(argv[2])}.bytes());
        return 0;
    }
    const auto address = argc == 4 ? Multiaddr::parse(argv[2]) : Error{};
    if (address && what == "handshakes")
        return handshakes(*address, std::chrono::seconds{std::stoul(argv[3])});
    if (address && what == "streams")
        return streams(*address, std::chrono::seconds{std::stoul(argv[3])});
    std::fprintf(stderr, "usage: see the head of bench/libp2p_peer.cpp\n");
    return 2;
}

}  // namespace
}  // namespace sennit

int main(int argc, char** argv) {
    sennit::io::keep_heap();
    return sennit::run(argc, argv);
}
