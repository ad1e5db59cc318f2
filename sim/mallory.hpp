// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/gossipsub/rpc.hpp"
#include "libp2p/swarm/behaviour.hpp"

namespace sennit::sim {

/// A gossipsub peer that means harm: it takes places in meshes, and then does not what they are
/// for.
///
/// - `sink`: passes nothing on. It looks like a peer on whose line nothing happens.
/// - `forger`: sends messages under other peers' names, with signatures that are wrong.
/// - `spammer`: IHAVE for messages that do not exist, IWANT for everything it hears of, IDONTWANT
/// by
///   the hundred, GRAFT and PRUNE as often as it likes.
/// - `mute`: reads nothing, so that whoever queues for it without bound runs full.
class Mallory final : public libp2p::Behaviour {
  public:
    enum class Kind : std::uint8_t { sink, forger, spammer, mute };

    Mallory(Kind kind, libp2p::Swarm& swarm, std::string topic, std::vector<libp2p::PeerId> victims,
            Rng rng, Now now);

    bool on_event(const libp2p::Swarm::Event& event, Now now) override;
    bool pump(Now) override { return false; }
    void on_time(Now now) override;
    Instant next_wake() const override { return next_; }

  private:
    void say(libp2p::StreamRef stream, const libp2p::gossipsub::Rpc& rpc);
    void read(libp2p::StreamRef stream, Now now);
    libp2p::gossipsub::Rpc harm();
    libp2p::gossipsub::Message forgery();

    Kind kind_;
    libp2p::Swarm& swarm_;
    std::string topic_;
    std::vector<libp2p::PeerId> victims_;  ///< in whose name it speaks
    Rng rng_;
    std::set<libp2p::StreamRef> ours_;  ///< agreed on
    std::map<libp2p::StreamRef, libp2p::FrameCutter> theirs_;
    std::vector<libp2p::gossipsub::MessageId> heard_of_;
    Instant next_;
};

}  // namespace sennit::sim
