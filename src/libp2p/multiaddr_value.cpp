// SPDX-License-Identifier: MIT
#include "libp2p/multiaddr_value.hpp"

#include <algorithm>
#include <limits>

#include <arpa/inet.h>  // inet_pton and inet_ntop: text and bytes, no network

#include "base/bytes.hpp"
#include "base/net_address.hpp"
#include "libp2p/multibase.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p::multiaddr {

namespace {

using Code = Multiaddr::Code;

constexpr Kind kKinds[]{
    {Code::ip4, "ip4", Form::ip4},
    {Code::tcp, "tcp", Form::port},
    {Code::ip6, "ip6", Form::ip6},
    {Code::ip6zone, "ip6zone", Form::name},
    {Code::ipcidr, "ipcidr", Form::mask},
    {Code::dns, "dns", Form::name},
    {Code::dns4, "dns4", Form::name},
    {Code::dns6, "dns6", Form::name},
    {Code::dnsaddr, "dnsaddr", Form::name},
    {Code::sctp, "sctp", Form::port},
    {Code::udp, "udp", Form::port},
    {Code::webrtc_direct, "webrtc-direct", Form::none},
    {Code::webrtc, "webrtc", Form::none},
    {Code::p2p_circuit, "p2p-circuit", Form::none},
    {Code::unix_path, "unix", Form::path},
    {Code::p2p, "p2p", Form::peer},
    {Code::https, "https", Form::none},
    {Code::tls, "tls", Form::none},
    {Code::sni, "sni", Form::name},
    {Code::noise, "noise", Form::none},
    {Code::quic, "quic", Form::none},
    {Code::quic_v1, "quic-v1", Form::none},
    {Code::webtransport, "webtransport", Form::none},
    {Code::certhash, "certhash", Form::digest},
    {Code::ws, "ws", Form::none},
    {Code::wss, "wss", Form::none},
    {Code::http, "http", Form::none},
    {Code::http_path, "http-path", Form::quoted},
    {Code::memory, "memory", Form::number},
};

/// Of a DNS name (RFC 1035 section 2.3.4), as text without the last dot.
constexpr std::size_t kNameSizeMax = 253;

bool is_name(BytesView value) {
    return !value.empty() && value.size() <= kNameSizeMax &&
           std::ranges::all_of(value, [](auto c) { return c > ' ' && c < 0x7f && c != '/'; });
}

/// Control characters could forge a line of a log.
bool is_path(BytesView value) {
    return value.size() > 1 && value[0] == '/' &&
           std::ranges::all_of(value, [](auto c) { return c >= ' ' && c != 0x7f; });
}

bool is_multihash(BytesView value) {
    Reader in{value};
    if (!read_varint(in)) return false;
    const auto digest = read_prefixed(in);
    return digest && !digest->empty() && in.empty();
}

std::optional<std::uint64_t> decimal(std::string_view text, std::uint64_t max) {
    const auto number = from_decimal(text);
    if (!number || *number > max) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

std::optional<Bytes> ip6_bytes(std::string_view text) {
    Bytes bytes(16);
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    if (inet_pton(AF_INET6, std::string{text}.c_str(), bytes.data()) != 1) return std::nullopt;
    return bytes;
}

std::string ip6_text(BytesView value) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const auto* const done = inet_ntop(AF_INET6, value.data(), text.data(), text.size());
    SENNIT_ASSERT(done != nullptr);
    return text.data();
}

/// As JavaScript's encodeURIComponent, so that js prints the same.
std::string quote(BytesView value) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
    std::string out;
    for (const auto byte : value) {
        const auto letter = static_cast<char>(byte);
        if (kPlain.find(letter) != std::string_view::npos) {
            out.push_back(letter);
        } else {
            constexpr std::string_view kDigits = "0123456789ABCDEF";
            out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
        }
    }
    return out;
}

/// Behind a slash, which text leaves out.
std::optional<Bytes> unquote(std::string_view text) {
    Bytes out{'/'};
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(static_cast<std::uint8_t>(text[i]));
            continue;
        }
        const auto byte = from_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1) return std::nullopt;
        out.push_back(byte->front());
        i += 2;
    }
    return out;
}

std::optional<Bytes> big_endian(std::optional<std::uint64_t> number, std::size_t size) {
    if (!number) return std::nullopt;
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[size - 1 - i] = static_cast<std::uint8_t>(*number >> (8 * i));
    return out;
}

/// Without asking whether the value fits.
std::optional<Bytes> raw_from_text(Form form, std::string_view text) {
    switch (form) {
        case Form::none: return Bytes{};
        case Form::ip4: {
            const auto ip = ipv4(text);
            return ip ? std::optional{Bytes{ip->begin(), ip->end()}} : std::nullopt;
        }
        case Form::ip6: return ip6_bytes(text);
        case Form::port: return big_endian(decimal(text, 0xffff), 2);
        case Form::mask: return big_endian(decimal(text, 0xff), 1);
        case Form::name:
        case Form::number:
        case Form::path: return to_bytes(as_bytes(text));
        case Form::quoted: return unquote(text);
        case Form::peer: {
            const auto id = PeerId::parse(text);
            return id ? std::optional{to_bytes(id->view())} : std::nullopt;
        }
        case Form::digest: {
            auto hash = decode_multibase(text);
            return hash ? std::optional{*std::move(hash)} : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace

const Kind* find_kind(std::uint64_t code) {
    const auto* const found = std::ranges::find_if(
        kKinds, [&](const Kind& kind) { return static_cast<std::uint64_t>(kind.code) == code; });
    return found == std::end(kKinds) ? nullptr : found;
}

const Kind* find_kind(std::string_view name) {
    if (name == "ipfs") name = "p2p";
    const auto* const found = std::ranges::find(kKinds, name, &Kind::name);
    return found == std::end(kKinds) ? nullptr : found;
}

std::optional<std::size_t> fixed_size(Form form) {
    switch (form) {
        case Form::none: return 0;
        case Form::ip4: return 4;
        case Form::ip6: return 16;
        case Form::port: return 2;
        case Form::mask: return 1;
        case Form::name:
        case Form::number:
        case Form::path:
        case Form::quoted:
        case Form::peer:
        case Form::digest: return std::nullopt;
    }
    return std::nullopt;
}

std::string_view expected(Form form) {
    switch (form) {
        case Form::none: return "expected no value";
        case Form::ip4: return "expected an IPv4 address";
        case Form::ip6: return "expected an IPv6 address";
        case Form::port: return "expected a port, 0 to 65535";
        case Form::mask: return "expected a number of bits, 0 to 128";
        case Form::name: return "expected a name of printable ASCII";
        case Form::number: return "expected a decimal number of 64 bits";
        case Form::path: return "expected an absolute path";
        case Form::quoted: return "expected percent-encoded bytes";
        case Form::peer: return "expected a peer id";
        case Form::digest: return "expected a multihash";
    }
    return {};
}

bool fits(Form form, BytesView value) {
    constexpr std::uint8_t kMaskMax = 128;
    switch (form) {
        case Form::none:
        case Form::ip4:
        case Form::ip6:
        case Form::port: return true;
        case Form::mask: return value[0] <= kMaskMax;
        case Form::name: return is_name(value);
        case Form::number:
            return decimal(as_text(value), std::numeric_limits<std::uint64_t>::max()).has_value();
        case Form::path: return is_path(value);
        case Form::quoted: return value.size() > 1 && value[0] == '/';
        case Form::peer: return PeerId::from_bytes(value).has_value();
        case Form::digest: return is_multihash(value);
    }
    return false;
}

std::optional<Bytes> from_text(Form form, std::string_view text) {
    auto value = raw_from_text(form, text);
    if (value && !fits(form, *value)) return std::nullopt;
    return value;
}

std::string to_text(Form form, BytesView value) {
    switch (form) {
        case Form::none: return {};
        case Form::ip4: {
            std::string text;
            for (const auto byte : value) {
                if (!text.empty()) text.push_back('.');
                text += std::to_string(byte);
            }
            return text;
        }
        case Form::ip6: return ip6_text(value);
        case Form::port: return std::to_string(value[0] << 8 | value[1]);
        case Form::mask: return std::to_string(value[0]);
        case Form::name:
        case Form::number:
        case Form::path: return std::string{as_text(value)};
        case Form::quoted: return quote(value.subspan(1));
        case Form::peer: return encode_digits(Base::base58btc, value);
        case Form::digest: return encode_multibase(Base::base64url, value);
    }
    return {};
}

}  // namespace sennit::libp2p::multiaddr
