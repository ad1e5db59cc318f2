// SPDX-License-Identifier: MIT
#pragma once

#include "base/net_address.hpp"

namespace sennit::protocol {

/// Whether an address that `source` told of may be dialled (CONTRACT rule 8). A loopback address is
/// believed from loopback, a private one and a name (which may resolve to one) from private or
/// loopback; else strangers could aim us at services behind our own firewall.
inline bool hearsay_allowed(const NetAddress& heard, const NetAddress& source) {
    const auto from = host_kind(source.host);
    const bool local = from == HostKind::loopback || from == HostKind::private_network;
    switch (host_kind(heard.host)) {
        case HostKind::public_ipv4:
        case HostKind::public_ipv6: return heard.port != 0;
        case HostKind::loopback: return heard.port != 0 && from == HostKind::loopback;
        case HostKind::private_network:
        case HostKind::name: return heard.port != 0 && local;
        case HostKind::special: return false;
    }
    return false;
}

}  // namespace sennit::protocol
