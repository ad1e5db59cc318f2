// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit {

/// Where to dial or to listen: a scheme that names a transport, a host, a port.
///
/// Text form `scheme://host:port`, IPv6 in brackets, e.g. `tcp://[::1]:30303`. Carriers without
/// ports (serial devices, brokers' topics) leave the port 0 and its colon out, and use `host` as
/// they please. Pure: nothing is resolved here.
struct NetAddress {
    std::string scheme;
    std::string host;
    std::uint16_t port{0};

    auto operator<=>(const NetAddress&) const = default;

    /// Host at most 255 bytes of printable ASCII without spaces and brackets, scheme at most 15 of
    /// a-z, 0-9, +, - and a dot. Errors: malformed, oversized.
    static Result<NetAddress> parse(std::string_view text);
    std::string text() const;
    /// Whether `text` reads as this very address: one that was put together from what a peer says
    /// may not.
    bool well_formed() const;
};

/// What kind of host an address names. Hearsay never sends us to a private or loopback host, and
/// limits per network count public IPv4 only (CONTRACT rules 8 and 11).
enum class HostKind : std::uint8_t {
    name,
    loopback,
    private_network,
    special,
    public_ipv4,
    public_ipv6
};
HostKind host_kind(std::string_view host);

/// The 4 bytes of a dotted IPv4 host; nullopt for anything else. No octal, no leading zeros.
std::optional<std::array<std::uint8_t, 4>> ipv4(std::string_view host);

/// The group that limits count for: "a.b.*" and "a.b.c.*" for public IPv4, the /32 and /48 for
/// public IPv6, else empty: no limit.
struct NetGroups {
    std::string wide;
    std::string narrow;
};
NetGroups net_groups(std::string_view host);

/// Who counts as one where places are shared out: a public IPv6 host is its /64, because one
/// subscriber has all of that, and an IPv4-mapped one its IPv4. Empty, no limit, for loopback and
/// private hosts: there many nodes, or all that come through a proxy, share one address.
std::string host_group(std::string_view host);

}  // namespace sennit
