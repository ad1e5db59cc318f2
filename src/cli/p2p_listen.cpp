// SPDX-License-Identifier: MIT
/// `sennit p2p listen`: a peer for others to look at.
#include <cstdio>

#include "cli/p2p_common.hpp"

namespace sennit::cli {

namespace {

using libp2p::Multiaddr;
using libp2p::Swarm;

constexpr std::string_view kAnyPort = "/ip4/127.0.0.1/tcp/0";

void tell(const P2pOptions& options, const char* what, const json::Value& more,
          const std::string& line) {
    if (options.json) {
        auto out = json::Value::object({{"event", what}});
        for (const auto& [key, value] : *more.as_object()) out.set(key, value);
        print(out);
    } else {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
}

void tell(const P2pOptions& options, const Swarm::Event& event) {
    const auto number = [](libp2p::ConnectionId id) { return std::to_string(id.value); };
    if (const auto* on = std::get_if<Swarm::ListeningOn>(&event)) {
        tell(options, "listening", json::Value::object({{"address", on->address.text()}}),
             "listening on " + on->address.text());
    } else if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        tell(options, "connected",
             json::Value::object({{"connection", up->id.value},
                                  {"peer", up->peer.text()},
                                  {"address", libp2p::multiaddr_of(up->address).text()},
                                  {"inbound", up->inbound}}),
             number(up->id) + " connected: " + up->peer.text() + " at " +
                 libp2p::multiaddr_of(up->address).text());
    } else if (const auto* says = std::get_if<Swarm::Identified>(&event)) {
        tell(options, "identified", identify_json(says->says).set("connection", says->id.value),
             number(says->id) + " is " + says->says.agent + ", speaks " +
                 std::to_string(says->says.protocols.size()) + " protocols");
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        tell(options, "disconnected",
             json::Value::object({{"connection", gone->id.value}, {"why", gone->why.text()}}),
             number(gone->id) + " gone: " + gone->why.text());
    }
}

}  // namespace

Result<void> p2p_listen(const P2pOptions& options) {
    SENNIT_TRY(auto config, config_of(options));
    node::P2pDriver driver{std::move(config),
                           [&](const Swarm::Event& event) { tell(options, event); }};
    const std::string_view where{options.address.empty() ? kAnyPort : options.address};
    SENNIT_TRY(const auto address, Multiaddr::parse(where));
    SENNIT_TRY(driver.swarm().listen(address));
    return driver.run();
}

}  // namespace sennit::cli
