// SPDX-License-Identifier: MIT
#include "libp2p/autonat/hosts.hpp"

#include <algorithm>

namespace sennit::libp2p::autonat {

std::string plain_host(std::string_view host) {
    host = host.substr(0, host.find('%'));
    if (host.find(':') == std::string_view::npos) return std::string{host};
    const auto address = Multiaddr::parse("/ip6/" + std::string{host});
    if (!address) return std::string{host};
    const auto ip = *address->begin();
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!std::ranges::equal(ip.value.first(kMapped.size()), kMapped)) return ip.text();
    std::string out;
    for (const auto byte : ip.value.subspan(kMapped.size()))
        out += (out.empty() ? "" : ".") + std::to_string(byte);
    return out;
}

bool is_public(std::string_view host) {
    const auto kind = host_kind(host);
    return kind == HostKind::public_ipv4 || kind == HostKind::public_ipv6;
}

bool is_private(std::string_view host) {
    const auto kind = host_kind(host);
    return kind == HostKind::loopback || kind == HostKind::private_network;
}

std::optional<Target> target_of(const Multiaddr& address) {
    using Code = Multiaddr::Code;
    auto at = address.begin();
    if (at->code != Code::ip4 && at->code != Code::ip6) return std::nullopt;
    Target out;
    out.address = {"tcp", plain_host(at->text()), 0};
    if (++at == address.end() || at->code != Code::tcp || at->port() == 0) return std::nullopt;
    out.address.port = at->port();
    if (++at == address.end()) return out;
    out.peer = address.peer_id();
    if (!out.peer || ++at != address.end()) return std::nullopt;
    return out;
}

}  // namespace sennit::libp2p::autonat
