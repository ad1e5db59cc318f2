// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

/// A protocol that lives on a swarm: it opens streams, takes what comes on them, and has its own
/// times. Pure like the swarm.
///
/// Who owns the swarm takes its events and offers each to its behaviours until one says that it was
/// its own; then calls `pump` of each; then takes the swarm's outputs; and all of that again while
/// anything moves. The names of a behaviour's protocols belong in `Swarm::Config::protocols`.
class Behaviour {
  public:
    Behaviour() = default;
    Behaviour(const Behaviour&) = delete;
    Behaviour& operator=(const Behaviour&) = delete;
    virtual ~Behaviour() = default;

    /// True: of a stream of its own, and nobody else's. What concerns a whole connection
    /// (Connected, Identified, Disconnected) goes to all, and is answered with false; only a dial
    /// of its own that led to nothing is nobody else's either.
    virtual bool on_event(const Swarm::Event& event, Now now) = 0;
    /// Moves what waits into its streams, a bounded piece of work; true if something moved.
    virtual bool pump(Now now) = 0;
    virtual void on_time(Now now) = 0;
    virtual Instant next_wake() const = 0;

    /// Connections that are not the swarm's need a carrier of their own, so that neither dials nor
    /// links meet by their ids. Who owns the swarm asks once, and then takes these outputs too.
    virtual bool has_carrier() const { return false; }
    virtual void on_input(const CarrierInput&, Now) {}
    virtual std::optional<CarrierOutput> poll_output(Now) { return std::nullopt; }
};

}  // namespace sennit::libp2p
