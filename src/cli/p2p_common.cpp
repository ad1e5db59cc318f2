// SPDX-License-Identifier: MIT
#include "cli/p2p_common.hpp"

#include <algorithm>
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
    SENNIT_TRY(auto read, read_identity(file));
    return std::move(read.key);
}

Result<Swarm::Config> config_of(const P2pOptions& options) {
    SENNIT_TRY(auto identity, identity_of(options.key));
    Swarm::Config out{.identity = std::move(identity), .agent = node::version_text()};
    if (!options.security.empty())
        out.security = {options.security == "tls" ? libp2p::Security::tls
                                                  : libp2p::Security::noise};
    return out;
}

libp2p::request_response::Protocol request_protocol(const P2pOptions& options, std::string name) {
    using libp2p::request_response::Framing;
    return {.name = std::move(name),
            .framing =
                options.framing == to_string(Framing::to_end) ? Framing::to_end : Framing::prefixed,
            .timeout = std::chrono::seconds{options.timeout_seconds}};
}

libp2p::kad::Kad::Config kad_config(const Swarm& swarm, const P2pOptions& options,
                                    libp2p::kad::Mode mode,
                                    const std::vector<libp2p::Multiaddr>& near) {
    libp2p::kad::Kad::Config out;
    out.self = swarm.self();
    out.mode = mode;
    if (!options.kad.empty()) out.protocol = options.kad;
    const libp2p::kad::AddressPolicy everywhere{.private_hosts = true};
    out.addresses.private_hosts = std::ranges::any_of(near, [&](const auto& address) {
        const auto host = libp2p::kad::host_of(address);
        if (host.empty()) return false;
        const auto any_port = libp2p::multiaddr_of({"tcp", host, 1});
        return everywhere.usable(any_port) && !libp2p::kad::AddressPolicy{}.usable(any_port);
    });
    return out;
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
        if (watches_itself_) return;
        driver_.stop(Error{Errc::timeout, "no answer in time", Error::kNowhere, options_.address});
    });
    SENNIT_TRY(driver_.run());
    return finish();
}

void Asking::stop_refused(Error why, std::string_view protocol) {
    if (refused_) return;
    refused_ = std::move(why);
    protocol_ = protocol;
    if (speaks_) return stop_refused_now();
    driver_.after(std::chrono::seconds{1}, [this] { stop_refused_now(); });
}

void Asking::stop_refused_now() {
    const bool lists = !speaks_ || std::ranges::find(*speaks_, protocol_) != speaks_->end();
    if (refused_->code == Errc::unsupported || (refused_->code == Errc::io && !lists)) {
        return driver_.stop(Error{Errc::unsupported, "the peer does not speak this protocol",
                                  Error::kNowhere, protocol_});
    }
    auto why = *refused_;
    why.detail = protocol_ + (why.detail.empty() ? "" : ": " + why.detail);
    driver_.stop(std::move(why));
}

void Asking::on_event(const Swarm::Event& event) {
    if (const auto* identified = std::get_if<Swarm::Identified>(&event)) {
        speaks_ = identified->says.protocols;
        if (refused_) stop_refused_now();
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        driver_.stop(Error{gone->why.code,
                           gone->was_connected ? "the connection ended" : "cannot connect",
                           Error::kNowhere, options_.address + ": " + gone->why.text()});
    }
}

}  // namespace sennit::cli
