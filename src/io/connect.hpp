// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/net_address.hpp"
#include "base/time.hpp"
#include "io/task.hpp"

/// From names to connected sockets.
namespace sennit::io {

using Tcp = asio::ip::tcp;

/// Every address of `host`, in the system's order of preference, at most 16; a numeric host is not
/// looked up. Errors: not_found, timeout.
///
/// getaddrinfo(3) cannot be interrupted. A lookup that overruns its time is abandoned: the caller
/// goes on, Asio's resolver thread stays busy with it, and later lookups wait behind it.
Task<Result<std::vector<Tcp::endpoint>>> resolve(std::string host, std::uint16_t port,
                                                 Duration timeout);

/// Resolves, then tries one address after the other, each with its share of the time that is left,
/// so that a dead IPv6 route does not use up the time of a working IPv4 one. TCP_NODELAY is set.
/// Errors: not_found, timeout, io; the text names the last address that was tried.
Task<Result<Tcp::socket>> connect(std::string host, std::uint16_t port, Duration timeout);

/// An IPv4 address in IPv6's clothes (::ffff:1.2.3.4) becomes plain, so that one host has one name.
NetAddress to_net_address(std::string_view scheme, const Tcp::endpoint& endpoint);

}  // namespace sennit::io
