// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/ip/udp.hpp>

#include "base/time.hpp"
#include "io/interfaces.hpp"
#include "sennit/types.hpp"

namespace sennit::transport::udp {

using Udp = boost::asio::ip::udp;

/// A multicast group as an address names it: `224.0.0.251`, `224.0.0.251%eth0`.
struct GroupName {
    boost::asio::ip::address_v4 group;
    std::string zone;  ///< an interface's name or address; empty: all that are suitable
};
/// nullopt: not a multicast host. Errors: unsupported for IPv6; malformed for an empty zone.
Result<std::optional<GroupName>> group_name(std::string_view host);

/// Where to join: each interface once, by its first address. Errors: not_found.
Result<std::vector<io::Interface>> suitable(const std::vector<io::Interface>& all,
                                            std::string_view zone);

/// A group that a socket has joined, on one or several interfaces.
class Group {
  public:
    explicit Group(GroupName name) : name_{std::move(name)} {}

    /// Joins on every suitable interface that it has not joined yet, and forgets those that are
    /// gone. Errors: not_found; io if none could be joined, with the system's words.
    Result<void> join(Udp::socket& socket, Instant now);
    /// Whether `join` was so long ago that interfaces may have changed.
    bool stale(Instant now) const;

    boost::asio::ip::address_v4 address() const { return name_.group; }
    const std::vector<io::Interface>& interfaces() const { return joined_; }

  private:
    GroupName name_;
    std::vector<io::Interface> joined_;
    Instant joined_at_{};
};

}  // namespace sennit::transport::udp
