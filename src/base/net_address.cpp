// SPDX-License-Identifier: MIT
#include "base/net_address.hpp"

#include <algorithm>
#include <charconv>

#include "base/carrier.hpp"

namespace sennit {

namespace {

constexpr std::size_t kSchemeSizeMax = 15;
constexpr std::size_t kHostSizeMax = 255;

Error malformed(std::string_view what, std::string_view text) {
    return Error{Errc::malformed, what, Error::kNowhere, std::string{text.substr(0, 80)}};
}

/// Eight groups of an IPv6 literal, without zone; nullopt if it is none.
std::optional<std::array<std::uint16_t, 8>> ipv6(std::string_view host) {
    std::array<std::uint16_t, 8> groups{};
    std::size_t count = 0;
    std::optional<std::size_t> gap;
    std::size_t i = 0;
    if (host.starts_with("::")) {
        gap = 0;
        i = 2;
    }
    while (i < host.size()) {
        const auto end = std::min(host.find(':', i), host.size());
        const auto group = host.substr(i, end - i);
        if (group.empty() || group.size() > 4 || count == 8) return std::nullopt;
        const auto [stop, bad] =
            std::from_chars(group.data(), group.data() + group.size(), groups[count], 16);
        if (bad != std::errc{} || stop != group.data() + group.size()) return std::nullopt;
        ++count;
        if (end == host.size()) break;
        i = end + 1;
        if (i == host.size()) return std::nullopt;
        if (host[i] == ':') {
            if (gap) return std::nullopt;
            gap = count;
            ++i;
        }
    }
    if (!gap) return count == 8 ? std::optional{groups} : std::nullopt;
    if (count == 8) return std::nullopt;
    for (std::size_t k = 0; k < count - *gap; ++k) std::swap(groups[7 - k], groups[count - 1 - k]);
    return groups;
}

/// The IPv4 address inside ::ffff:0:0/96: the same host under another spelling.
std::optional<std::array<std::uint8_t, 4>> mapped_ipv4(const std::array<std::uint16_t, 8>& g) {
    if (std::any_of(g.begin(), g.begin() + 5, [](auto v) { return v != 0; }) || g[5] != 0xffff) {
        return std::nullopt;
    }
    return std::array{static_cast<std::uint8_t>(g[6] >> 8), static_cast<std::uint8_t>(g[6]),
                      static_cast<std::uint8_t>(g[7] >> 8), static_cast<std::uint8_t>(g[7])};
}

HostKind ipv4_kind(const std::array<std::uint8_t, 4>& ip) {
    if (ip[0] == 127) return HostKind::loopback;
    if (ip[0] == 10 || (ip[0] == 172 && ip[1] >= 16 && ip[1] < 32) ||
        (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && ip[1] >= 64 && ip[1] < 128)) {
        return HostKind::private_network;
    }
    if (ip[0] == 0 || ip[0] >= 224 || (ip[0] == 169 && ip[1] == 254)) return HostKind::special;
    return HostKind::public_ipv4;
}

/// No spaces, control characters or brackets: what a peer calls a host ends up in logs, on a table
/// and in the peer book, and has to read back as the same.
bool fit_for_host(std::string_view host) {
    return std::ranges::all_of(host,
                               [](char c) { return c > ' ' && c <= '~' && c != '[' && c != ']'; });
}

bool fit_for_scheme(std::string_view scheme) {
    return std::ranges::all_of(scheme, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
}

}  // namespace

std::string_view to_string(Carrier carrier) {
    switch (carrier) {
        case Carrier::stream: return "stream";
        case Carrier::datagram: return "datagram";
        case Carrier::topics: return "topics";
        case Carrier::exchange: return "exchange";
    }
    return "unknown";
}

Result<NetAddress> NetAddress::parse(std::string_view text) {
    const auto separator = text.find("://");
    if (separator == std::string_view::npos || separator == 0) {
        return malformed("address without a scheme, as in tcp://127.0.0.1:30303", text);
    }
    NetAddress out;
    out.scheme = text.substr(0, separator);
    if (out.scheme.size() > kSchemeSizeMax) return malformed("scheme too long", text);
    if (!fit_for_scheme(out.scheme)) return malformed("scheme is not a-z, 0-9, +, - or .", text);
    auto rest = text.substr(separator + 3);
    std::string_view port;
    bool has_port = false;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        if (close == std::string_view::npos) return malformed("[ without ]", text);
        out.host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        if (!rest.empty() && rest[0] != ':') return malformed("text after ]", text);
        has_port = !rest.empty();
        if (has_port) port = rest.substr(1);
    } else {
        const auto colon = rest.rfind(':');
        has_port = colon != std::string_view::npos;
        out.host = rest.substr(0, colon);
        if (has_port) port = rest.substr(colon + 1);
        if (out.host.find(':') != std::string::npos)
            return malformed("IPv6 address without [ ]", text);
    }
    if (out.host.empty()) return malformed("address without a host", text);
    if (out.host.size() > kHostSizeMax)
        return Error{Errc::oversized, "host too long", Error::kNowhere, {}};
    if (!fit_for_host(out.host)) return malformed("host with a space, bracket or control", text);
    if (has_port) {
        const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (bad != std::errc{} || end != port.data() + port.size()) {
            return malformed("port is not a number from 0 to 65535", text);
        }
    }
    return out;
}

std::string NetAddress::text() const {
    const bool brackets = host.find(':') != std::string::npos;
    std::string out = scheme + "://" + (brackets ? "[" + host + "]" : host);
    if (port != 0) out += ":" + std::to_string(port);
    return out;
}

bool NetAddress::well_formed() const {
    const auto again = parse(text());
    return again && *again == *this;
}

std::optional<std::array<std::uint8_t, 4>> ipv4(std::string_view host) {
    std::array<std::uint8_t, 4> out{};
    const char* at = host.data();
    const char* const end = at + host.size();
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) {
            if (at == end || *at != '.') return std::nullopt;
            ++at;
        }
        const char* const start = at;
        const auto [stop, bad] = std::from_chars(start, end, out[i]);
        if (bad != std::errc{} || (stop - start > 1 && *start == '0')) return std::nullopt;
        at = stop;
    }
    return at == end ? std::optional{out} : std::nullopt;
}

HostKind host_kind(std::string_view host) {
    if (const auto ip = ipv4(host)) return ipv4_kind(*ip);
    if (host == "localhost") return HostKind::loopback;
    const auto groups = ipv6(host);
    if (!groups) return HostKind::name;
    const auto& g = *groups;
    if (const auto ip = mapped_ipv4(g)) return ipv4_kind(*ip);
    if (std::all_of(g.begin(), g.begin() + 7, [](auto v) { return v == 0; })) {
        return g[7] == 1 ? HostKind::loopback : HostKind::special;
    }
    if ((g[0] & 0xfe00) == 0xfc00) return HostKind::private_network;
    if ((g[0] & 0xffc0) == 0xfe80 || (g[0] & 0xff00) == 0xff00) return HostKind::special;
    return HostKind::public_ipv6;
}

NetGroups net_groups(std::string_view host) {
    if (const auto ip = ipv4(host); ip && ipv4_kind(*ip) == HostKind::public_ipv4) {
        const auto wide = std::to_string((*ip)[0]) + "." + std::to_string((*ip)[1]);
        return {wide + ".*", wide + "." + std::to_string((*ip)[2]) + ".*"};
    }
    if (const auto g = ipv6(host); g && host_kind(host) == HostKind::public_ipv6) {
        const auto wide = std::to_string((*g)[0]) + ":" + std::to_string((*g)[1]);
        return {wide + "::*", wide + ":" + std::to_string((*g)[2]) + "::*"};
    }
    return {};
}

std::string host_group(std::string_view host) {
    const auto kind = host_kind(host);
    if (kind == HostKind::loopback || kind == HostKind::private_network) return {};
    const auto g = ipv6(host);
    if (!g) return std::string{host};
    std::string out;
    if (const auto ip = mapped_ipv4(*g)) {
        for (const auto byte : *ip) out += (out.empty() ? "" : ".") + std::to_string(byte);
        return out;
    }
    if (kind != HostKind::public_ipv6) return std::string{host};
    for (std::size_t i = 0; i < 4; ++i) out += std::to_string((*g)[i]) + ":";
    return out + ":/64";
}

}  // namespace sennit
