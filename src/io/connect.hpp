// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/net_address.hpp"
#include "base/time.hpp"
#include "io/task.hpp"

/// From names to connected sockets.
namespace sennit::io {

using Tcp = asio::ip::tcp;

/// Every address of `host`, in the system's order of preference, at most 16. Not looked up: a
/// numeric host, and "localhost", which is loopback whatever a name server says (RFC 6761,
/// section 6.3). Errors: not_found, timeout, busy (64 lookups are under way already).
///
/// getaddrinfo(3) cannot be interrupted, and takes a minute when name servers are silent. Each call
/// has a thread of its own, so that none waits behind another; one that overruns its time is
/// abandoned, and neither its caller nor the end of the program waits for it.
Task<Result<std::vector<Tcp::endpoint>>> resolve(std::string host, std::uint16_t port,
                                                 Duration timeout);

/// Resolves, then tries one address after the other, each with its share of the time that is left,
/// so that a dead IPv6 route does not use up the time of a working IPv4 one. TCP_NODELAY is set.
/// Errors: not_found, timeout, busy, io; the text names the last address that was tried.
Task<Result<Tcp::socket>> connect(std::string host, std::uint16_t port, Duration timeout);

/// An IPv4 address in IPv6's clothes (::ffff:1.2.3.4) becomes plain, so that one host has one name.
NetAddress to_net_address(std::string_view scheme, const Tcp::endpoint& endpoint);

}  // namespace sennit::io
