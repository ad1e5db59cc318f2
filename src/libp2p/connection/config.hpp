// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/keys.hpp"
#include "libp2p/noise/secure_channel.hpp"
#include "libp2p/tls/credentials.hpp"
#include "libp2p/yamux/limits.hpp"

namespace sennit::libp2p {

/// How a connection is secured.
enum class Security : std::uint8_t { noise, tls };
/// As it is proposed: /noise, /tls/1.0.0.
std::string_view protocol_of(Security security);
/// nullopt for what is neither.
std::optional<Security> security_of(std::string_view protocol);

/// What all connections of one node share.
struct ConnectionConfig {
    PrivateKey identity;
    crypto::X25519Key noise_static;
    /// Which protocols a stream that the peer opens may ask for.
    std::function<bool(std::string_view protocol)> speaks;
    /// Best first, at least one. A listener takes any of them; a dialler proposes one of them on
    /// each connection, see Connection. Everybody speaks noise, and it costs less.
    std::vector<Security> security{Security::noise, Security::tls};
    /// Nothing is made of it before the first TLS handshake.
    std::shared_ptr<tls::Credentials> credentials{std::make_shared<tls::Credentials>(identity)};
    yamux::Limits yamux{};
    /// From the first byte to a running muxer: three round trips, and two signatures.
    Duration upgrade_timeout{std::chrono::seconds{10}};
    /// For a stream's protocol to be agreed on.
    Duration negotiation_timeout{std::chrono::seconds{10}};
};

}  // namespace sennit::libp2p
