// SPDX-License-Identifier: MIT
#include "cli/p2p_common.hpp"

#include <cstdio>

#include "cli/keys.hpp"
#include "io/random.hpp"
#include "node/config.hpp"

namespace sennit::cli {

using libp2p::PrivateKey;
using libp2p::Swarm;

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

void print(const json::Value& value) {
    std::printf("%s\n", json::write(value, json::Style::compact).c_str());
    std::fflush(stdout);
}

Result<PrivateKey> identity_of(const std::string& file) {
    if (file.empty())
        return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(io::system_seed()));
    SENNIT_TRY(const auto key, read_ed25519(file));
    return PrivateKey::from_ed25519(key);
}

Result<Swarm::Config> config_of(const P2pOptions& options) {
    SENNIT_TRY(auto identity, identity_of(options.key));
    return Swarm::Config{.identity = std::move(identity), .agent = node::version_text()};
}

json::Value identify_json(const libp2p::identify::Identify& says) {
    auto listens = json::Value::array();
    for (const auto& address : says.listens) listens.push(address.text());
    auto protocols = json::Value::array();
    for (const auto& protocol : says.protocols) protocols.push(protocol);
    return json::Value::object(
        {{"agent", says.agent},
         {"protocolVersion", says.protocol_version},
         {"listenAddrs", std::move(listens)},
         {"observedAddr", says.observed ? json::Value{says.observed->text()} : json::Value{}},
         {"protocols", std::move(protocols)}});
}

Asking::Asking(const P2pOptions& options, Swarm::Config config)
    : options_{options}, driver_{std::move(config), [this](const Swarm::Event& event) {
                                     on_event(event);
                                 }} {}

Result<void> Asking::run() {
    SENNIT_TRY(const auto address, libp2p::Multiaddr::parse(options_.address));
    SENNIT_TRY(driver_.swarm().dial(address, driver_.now()));
    driver_.after(std::chrono::seconds{options_.timeout_seconds}, [this] {
        driver_.stop(Error{Errc::timeout, "no answer in time", Error::kNowhere, options_.address});
    });
    SENNIT_TRY(driver_.run());
    return finish();
}

void Asking::on_event(const Swarm::Event& event) {
    if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        driver_.stop(Error{gone->why.code,
                           gone->was_connected ? "the connection ended" : "cannot connect",
                           Error::kNowhere, options_.address + ": " + gone->why.text()});
    }
}

}  // namespace sennit::cli
