// SPDX-License-Identifier: MIT
#pragma once

#include "cli/p2p_common.hpp"
#include "libp2p/pubsub/pubsub.hpp"

/// What `sennit p2p pub` and `sub` have in common.
namespace sennit::cli {

/// When a message was published, for its receiver to tell its latency: in front of the data of
/// `pub --stamp`, 4 bytes "SNT1" and the Unix time in microseconds, u64 big-endian.
constexpr std::size_t kStampSize = 12;
Bytes stamp(Now now);
/// nullopt: no stamp.
std::optional<Duration> latency(BytesView data, Now now);

/// What js may send.
constexpr std::size_t kReceiveMax = 4u << 20;

/// A node that speaks gossipsub and connects to whom it was told.
class Gossiping {
  public:
    Gossiping(const P2pOptions& options, libp2p::Swarm::Config config);
    virtual ~Gossiping() = default;
    Gossiping(const Gossiping&) = delete;
    Gossiping& operator=(const Gossiping&) = delete;

    /// Errors: those of the addresses, of listening, and of `finish`.
    Result<void> run();

  protected:
    /// Once, before anything else.
    virtual Result<void> start() = 0;
    virtual void on_event(const libp2p::gossipsub::Router::Event& event) = 0;
    virtual Result<void> finish() = 0;
    /// Nobody is connected, nobody can find us, and whom we were told to find is not there any
    /// more.
    virtual void on_alone(const Error& why) {
        driver_.stop(Error{why.code, "no peer is left", Error::kNowhere, why.text()});
    }

    libp2p::gossipsub::Router& router() { return pubsub_->router(); }
    /// An event of `--json`, or the line.
    void tell(const char* what, const json::Value& more, const std::string& line);

    const P2pOptions& options_;
    node::P2pDriver driver_;
    std::optional<libp2p::Pubsub> pubsub_;

  private:
    void on_swarm_event(const libp2p::Swarm::Event& event);
    void on_discovery(const libp2p::mdns::Mdns::Event& event);
    bool poll();
};

}  // namespace sennit::cli
