// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "libp2p/mdns/mdns.hpp"
#include "libp2p/pubsub/pubsub.hpp"

namespace sennit::node {

/// Runs one libp2p swarm over TCP on the calling thread, and mDNS if asked to: sockets, timer,
/// signals, and nothing that decides.
///
///     P2pDriver driver{config, [&](const libp2p::Swarm::Event& event) { ... }};
///     SENNIT_TRY(driver.swarm().dial(address, driver.now()));
///     driver.run();        // until stop(), or SIGINT or SIGTERM
class P2pDriver {
  public:
    /// Called on the thread of `run`; may use the swarm, and call `stop`.
    using OnEvent = std::function<void(const libp2p::Swarm::Event&)>;

    P2pDriver(libp2p::Swarm::Config config, OnEvent on_event);
    P2pDriver(const P2pDriver&) = delete;
    P2pDriver& operator=(const P2pDriver&) = delete;
    ~P2pDriver();

    /// Called as `OnEvent`.
    using OnDiscovery = std::function<void(const libp2p::mdns::Mdns::Event&)>;
    /// Before `run`, once: looks for peers in the local network, and tells those who look where we
    /// listen, on IPv4. Nobody is dialled. That multicast is not possible here makes `run` fail.
    void discover(OnDiscovery on_discovery);

    /// Before `run`: the behaviour gets its events before `OnEvent` gets the rest, and its time.
    /// `poll`, called after it moved, takes what the behaviour itself has to tell, and says whether
    /// there was anything. Must outlive `run`.
    void attach(libp2p::Behaviour& behaviour, std::function<bool()> poll);

    /// Before `run`: checks the signatures of a pubsub without `verify_here` on threads of their
    /// own. With more than one, messages of one peer may overtake each other.
    void verify(libp2p::Pubsub& pubsub, std::size_t threads);

    /// Before `run`, and inside of events and timers.
    libp2p::Swarm& swarm();
    Now now() const;

    /// Calls `what` once, inside of `run`. At most 64 of them at once.
    void after(Duration wait, std::function<void()> what);
    /// Returns when everything is closed. Errors: io, when a listener or the carrier failed; the
    /// error that was given to `stop`.
    Result<void> run();
    /// Leaves every connection in order; at most 2 s.
    void stop(std::optional<Error> why = {});

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sennit::node
