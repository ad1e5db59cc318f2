// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <string>
#include <vector>

namespace sennit::io {

/// One IPv4 address of this machine.
struct Interface {
    std::string name;  ///< "eth0"
    boost::asio::ip::address_v4 address{};
    bool loopback{false};
    bool multicast{false};  ///< the system says that it carries multicast

    bool operator==(const Interface&) const = default;
};

/// Of interfaces that are up, in the system's order; none if the system does not tell. An interface
/// with several addresses comes several times.
std::vector<Interface> ipv4_interfaces();

}  // namespace sennit::io
