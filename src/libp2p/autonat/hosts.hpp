// SPDX-License-Identifier: MIT
#pragma once

#include "base/net_address.hpp"
#include "libp2p/multiaddr.hpp"

namespace sennit::libp2p::autonat {

/// One spelling for each host: an IPv4-mapped one is its IPv4, IPv6 is in its shortest form and
/// without a zone. So a requester cannot have an address taken for another's, or another's for its
/// own, by how it is written.
std::string plain_host(std::string_view host);

bool is_public(std::string_view host);
/// Loopback, or of a private network.
bool is_private(std::string_view host);

/// An IP address and a TCP port, the host as `plain_host` has it, and maybe whose it is said to be.
/// No names: who may have us look up a name chooses where it leads. nullopt for everything else.
struct Target {
    NetAddress address{};
    std::optional<PeerId> peer{};
};
std::optional<Target> target_of(const Multiaddr& address);

}  // namespace sennit::libp2p::autonat
