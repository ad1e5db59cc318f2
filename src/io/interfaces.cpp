// SPDX-License-Identifier: MIT
#include "io/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

namespace sennit::io {

std::vector<Interface> ipv4_interfaces() {
    ifaddrs* raw = nullptr;
    if (getifaddrs(&raw) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all{raw, &freeifaddrs};
    std::vector<Interface> out;
    for (const ifaddrs* one = all.get(); one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
        if ((one->ifa_flags & IFF_UP) == 0) continue;
        sockaddr_in address{};
        std::memcpy(&address, one->ifa_addr, sizeof address);
        out.push_back({.name = one->ifa_name,
                       .address = boost::asio::ip::address_v4{ntohl(address.sin_addr.s_addr)},
                       .loopback = (one->ifa_flags & IFF_LOOPBACK) != 0,
                       .multicast = (one->ifa_flags & IFF_MULTICAST) != 0});
    }
    return out;
}

}  // namespace sennit::io
