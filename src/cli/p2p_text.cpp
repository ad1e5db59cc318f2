// SPDX-License-Identifier: MIT
/// `sennit p2p addr` and `id`: what libp2p writes, taken apart. Nobody is connected to.
#include <cstdio>

#include "base/bytes.hpp"
#include "cli/p2p_common.hpp"

namespace sennit::cli {

using libp2p::Multiaddr;

Result<void> p2p_address(const P2pOptions& options) {
    SENNIT_TRY(const auto address, Multiaddr::parse(options.address));
    auto layers = json::Value::array();
    for (const auto& one : address) {
        layers.push(json::Value::object({{"protocol", std::string{to_string(one.code)}},
                                         {"code", static_cast<std::uint32_t>(one.code)},
                                         {"value", one.text()}}));
    }
    const auto bytes = to_hex(address.view());
    if (options.json) {
        print(json::Value::object(
            {{"text", address.text()}, {"bytes", bytes}, {"layers", std::move(layers)}}));
        return {};
    }
    std::printf("text   %s\nbytes  %s\n", address.text().c_str(), bytes.c_str());
    for (const auto& one : address) {
        std::printf("%5u  %s %s\n", static_cast<unsigned>(one.code),
                    std::string{to_string(one.code)}.c_str(), one.text().c_str());
    }
    return {};
}

Result<void> p2p_peer_id(const P2pOptions& options) {
    SENNIT_TRY(const auto id, libp2p::PeerId::parse(options.address));
    const auto key = id.inlined_key();
    if (options.json) {
        print(json::Value::object({{"base58", id.text()},
                                   {"cidBase32", id.cid_base32()},
                                   {"cidBase36", id.cid_base36()},
                                   {"bytes", to_hex(id.view())},
                                   {"key", key ? json::Value{to_hex(*key)} : json::Value{}}}));
        return {};
    }
    std::printf("base58     %s\nCID base32 %s\nCID base36 %s\nbytes      %s\n", id.text().c_str(),
                id.cid_base32().c_str(), id.cid_base36().c_str(), to_hex(id.view()).c_str());
    if (key) std::printf("key        %s\n", to_hex(*key).c_str());
    return {};
}

}  // namespace sennit::cli
