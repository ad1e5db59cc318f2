// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "crypto/sha256.hpp"
#include "libp2p/multiaddr.hpp"

namespace sennit::libp2p::kad {

/// A place in the key space: SHA-256 of a peer id's bytes, or of whatever else is looked for
/// (libp2p/specs, kad-dht/README.md, "Distance").
using Key = Hash<struct KadKeyTag>;
/// XOR of two keys, compared as a big-endian number.
using Distance = Hash<struct KadDistanceTag>;

constexpr std::size_t kKeyBits = 256;

inline Key key_of(BytesView preimage) {
    return Key::from(crypto::sha256(preimage).view());
}
inline Key key_of(const PeerId& id) {
    return key_of(id.view());
}
inline Distance distance(const Key& a, const Key& b) {
    Distance out;
    for (std::size_t i = 0; i < Key::kSize; ++i)
        out.bytes[i] = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
    return out;
}
/// How many leading bits two keys share; 256 for the same key.
inline std::size_t common_prefix(const Key& a, const Key& b) {
    for (std::size_t i = 0; i < Key::kSize; ++i) {
        const auto differ = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
        if (differ != 0) return 8 * i + static_cast<std::size_t>(std::countl_zero(differ));
    }
    return kKeyBits;
}

/// A peer, and where it can be dialled.
struct PeerAddresses {
    PeerId id{};
    std::vector<Multiaddr> addresses{};

    bool operator==(const PeerAddresses&) const = default;
};

/// Which addresses are worth keeping. What others say of a third party must not send us into our
/// own network: a stranger who names 192.168.1.1 would have us knock on its doors.
struct AddressPolicy {
    /// Whether the owner has a transport for it. By default: an IP address or a name, then TCP with
    /// a port.
    bool (*dialable)(const Multiaddr&) = nullptr;
    /// Private and loopback hosts too: for test networks and for chains inside one network.
    bool private_hosts{false};
    std::size_t addresses_max{8};       ///< of one peer
    std::size_t address_size_max{256};  ///< bytes; a WebTransport address with hashes has 150

    bool usable(const Multiaddr& address) const;
    /// The usable ones of `addresses`, each once, without `/p2p/id`; those of somebody else are
    /// left out.
    std::vector<Multiaddr> usable(const PeerId& id, const std::vector<Multiaddr>& addresses) const;
};

/// The host in front, as text; empty if the address does not begin with one.
std::string host_of(const Multiaddr& address);
/// Who counts as one where places are shared out: the /24 of a public IPv4 host, an IPv4-mapped one
/// too, and the /48 of a public IPv6 host. Empty, no limit, for names and for hosts that are not
/// public: in a test network many nodes share one address.
std::string group_of(const Multiaddr& address);

}  // namespace sennit::libp2p::kad
