// SPDX-License-Identifier: MIT
#include "libp2p/kad/key.hpp"

#include <algorithm>

#include "base/net_address.hpp"

namespace sennit::libp2p::kad {

namespace {

using Code = Multiaddr::Code;

bool dialable_by_tcp(const Multiaddr& address) {
    auto at = address.begin();
    ++at;
    if (at == address.end() || at->code != Code::tcp || at->port() == 0) return false;
    return ++at == address.end();
}

}  // namespace

std::string host_of(const Multiaddr& address) {
    const auto first = *address.begin();
    switch (first.code) {
        case Code::ip4:
        case Code::ip6:
        case Code::dns:
        case Code::dns4:
        case Code::dns6: return first.text();
        default: return {};
    }
}

std::string group_of(const Multiaddr& address) {
    constexpr std::string_view mapped = "::ffff:";
    auto host = host_of(address);
    if (host.starts_with(mapped) && ipv4(std::string_view{host}.substr(mapped.size())))
        host.erase(0, mapped.size());
    return net_groups(host).narrow;
}

bool AddressPolicy::usable(const Multiaddr& address) const {
    if (address.view().size() > address_size_max) return false;
    const auto host = host_of(address);
    if (host.empty()) return false;
    switch (host_kind(host)) {
        case HostKind::loopback:
        case HostKind::private_network:
            if (!private_hosts) return false;
            break;
        case HostKind::special: return false;
        default: break;
    }
    return dialable ? dialable(address) : dialable_by_tcp(address);
}

std::vector<Multiaddr> AddressPolicy::usable(const PeerId& id,
                                             const std::vector<Multiaddr>& addresses) const {
    std::vector<Multiaddr> out;
    for (const auto& address : addresses) {
        if (out.size() == addresses_max) break;
        auto plain = std::optional{address};
        if (const auto whose = address.peer_id()) {
            if (*whose != id) continue;
            plain = address.decapsulate(Code::p2p);
        }
        if (!plain || !usable(*plain) || std::ranges::find(out, *plain) != out.end()) continue;
        out.push_back(*std::move(plain));
    }
    return out;
}

}  // namespace sennit::libp2p::kad
