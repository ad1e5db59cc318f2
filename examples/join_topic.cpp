// SPDX-License-Identifier: MIT
/// Joins a topic of gossipsub and prints what is said there.
///
///     join_topic news /ip4/127.0.0.1/tcp/4001
#include <cstdio>

#include "io/random.hpp"
#include "libp2p/pubsub/pubsub.hpp"
#include "node/p2p/p2p_driver.hpp"

using namespace sennit;
using libp2p::Pubsub;
using libp2p::Swarm;
using libp2p::gossipsub::Router;

int main(int argc, char** argv) {
    const auto address = argc == 3 ? libp2p::Multiaddr::parse(argv[2]) : Error{};
    if (!address) {
        std::fprintf(stderr, "usage: join_topic TOPIC /ip4/HOST/tcp/PORT\n");
        return 2;
    }

    // An identity, a swarm that carries pubsub's streams, and what drives them with real sockets.
    const auto key =
        libp2p::PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(io::system_seed()));
    node::P2pDriver driver{{.identity = key, .protocols = Pubsub::protocols()},
                           [&](const Swarm::Event& event) {
                               if (const auto* gone = std::get_if<Swarm::Disconnected>(&event))
                                   driver.stop(gone->why);
                           }};
    Pubsub pubsub{driver.swarm(), {.identity = key}, Rng{io::system_seed()}, driver.now()};

    // Called whenever pubsub has moved: every message waits for a verdict before it is passed on.
    driver.attach(pubsub, [&] {
        bool moved = false;
        while (const auto event = pubsub.poll_event(driver.now())) {
            moved = true;
            const auto* const got = std::get_if<Router::Received>(&*event);
            if (got == nullptr) continue;
            const bool short_enough = got->message->data && got->message->data->size() < 1000;
            pubsub.router().decide(got->ticket,
                                   short_enough ? Router::Verdict::accept : Router::Verdict::reject,
                                   driver.now());
            if (short_enough)
                std::printf("%s\n", std::string{as_text(*got->message->data)}.c_str());
        }
        return moved;
    });

    const auto joined = pubsub.router().join(argv[1], {}, driver.now());
    const auto dialled = driver.swarm().dial(*address, driver.now());
    const auto ended = joined && dialled ? driver.run() : Result<void>{dialled.error()};
    if (!ended) std::fprintf(stderr, "%s\n", ended.error().text().c_str());
    return ended ? 0 : 1;
}
