// SPDX-License-Identifier: MIT
#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

Result<NetAddress> tcp_address(const Multiaddr& address) {
    using Code = Multiaddr::Code;
    const auto unsupported = [&] {
        return Error{Errc::unsupported, "cannot be dialled by TCP", Error::kNowhere,
                     address.text() +
                         "; expected /ip4, /ip6 or a name, then /tcp, as in "
                         "/ip4/127.0.0.1/tcp/4001"};
    };
    auto at = address.begin();
    const auto host = *at;
    switch (host.code) {
        case Code::ip4:
        case Code::ip6:
        case Code::dns:
        case Code::dns4:
        case Code::dns6: break;
        default: return unsupported();
    }
    if (++at == address.end() || at->code != Code::tcp) return unsupported();
    NetAddress out{"tcp", host.text(), at->port()};
    if (++at != address.end() && at->code != Code::p2p) return unsupported();
    if (at != address.end() && ++at != address.end()) return unsupported();
    return out;
}

Multiaddr multiaddr_of(const NetAddress& address) {
    std::string_view kind = "dns";
    if (ipv4(address.host)) kind = "ip4";
    if (address.host.find(':') != std::string::npos) kind = "ip6";
    const auto text = "/" + std::string{kind} + "/" + address.host + "/tcp/";
    if (auto out = Multiaddr::parse(text + std::to_string(address.port))) return *std::move(out);
    // An address that a carrier bound or accepted always has a form; a zone of IPv6 is left out.
    const auto plain = address.host.substr(0, address.host.find('%'));
    auto out = Multiaddr::parse("/ip6/" + plain + "/tcp/" + std::to_string(address.port));
    return out ? *std::move(out) : *Multiaddr::parse("/ip4/0.0.0.0/tcp/0");
}

}  // namespace sennit::libp2p
