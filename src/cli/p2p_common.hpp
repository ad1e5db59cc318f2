// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "libp2p/peer_routing/peer_routing.hpp"
#include "libp2p/request_response/request_response.hpp"
#include "node/p2p/p2p_driver.hpp"

/// What the commands of `sennit p2p` have in common.
namespace sennit::cli {

double milliseconds(Duration duration);

/// One line on standard output, at once: who reads it may be a program that waits.
void print(const json::Value& value);

/// Without a file a new identity, which dies with the program. Errors: those of the file.
Result<libp2p::PrivateKey> identity_of(const std::string& file);
Result<libp2p::Swarm::Config> config_of(const P2pOptions& options);

/// As `--framing` and `--timeout` have it, with the sizes that are usual.
libp2p::request_response::Protocol request_protocol(const P2pOptions& options, std::string name);

/// `near`: where this node listens or whom it was told to dial. Others' private hosts are believed
/// only where that is one, in a test network: elsewhere they would be doors in our own network.
libp2p::kad::Kad::Config kad_config(const libp2p::Swarm& swarm, const P2pOptions& options,
                                    libp2p::kad::Mode mode,
                                    const std::vector<libp2p::Multiaddr>& near);

json::Value identify_json(const libp2p::identify::Identify& says);

/// One peer, dialled and asked, until it answered, refused or let the time pass.
class Asking {
  public:
    Asking(const P2pOptions& options, libp2p::Swarm::Config config);
    virtual ~Asking() = default;

    /// Errors: timeout; those of the dial and of the connection; those of `finish`.
    Result<void> run();

  protected:
    /// Ends the asking because of a stream. Peers that do not speak a protocol often only reset the
    /// stream, so what the peer says of itself, if it comes soon, makes it the better reason.
    void stop_refused(Error why, std::string_view protocol);
    /// What an override does not know goes here: the connection's end ends the asking.
    virtual void on_event(const libp2p::Swarm::Event& event);
    /// Prints what came of it, when the connection is closed.
    virtual Result<void> finish() = 0;

    const P2pOptions& options_;
    node::P2pDriver driver_;
    /// `--timeout` is for all of it; an override that looks after its time itself sets this.
    bool watches_itself_{false};

  private:
    void stop_refused_now();

    std::optional<std::vector<std::string>> speaks_;
    std::optional<Error> refused_;
    std::string protocol_;
};

}  // namespace sennit::cli
