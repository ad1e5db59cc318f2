// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "base/bytes.hpp"
#include "libp2p/kad/kad.hpp"

/// Peers, addresses and times for tests.
namespace sennit::libp2p::kad::testing {

inline Now at(Duration since_start) {
    return {Instant{since_start}, UnixTime{}};
}

/// A peer id with nothing behind it, as any hash of a key looks.
inline PeerId peer(std::uint64_t n) {
    Writer out;
    out.raw(Bytes{0x12, 0x20}).be(n).raw(Bytes(24));
    return *PeerId::from_bytes(out.bytes());
}

inline Multiaddr address(const std::string& text) {
    return *Multiaddr::parse(text);
}
/// Each n in a /24 of its own.
inline Multiaddr address(std::uint64_t n) {
    const auto part = [n](std::uint64_t by, std::uint64_t modulus) {
        return std::to_string(n / by % modulus);
    };
    return address("/ip4/" + std::to_string(20 + n / 65536 % 80) + "." + part(256, 256) + "." +
                   part(1, 256) + ".7/tcp/4001");
}

inline PeerAddresses reachable(std::uint64_t n) {
    return {peer(n), {address(n)}};
}

inline std::vector<PeerId> ids(const std::vector<PeerAddresses>& peers) {
    std::vector<PeerId> out;
    for (const auto& one : peers) out.push_back(one.id);
    return out;
}

/// Ids with their keys, so that a simulation does not hash them again for each question.
using Keyed = std::vector<std::pair<Key, PeerId>>;
inline Keyed keyed(const std::vector<PeerId>& all) {
    Keyed out;
    for (const auto& id : all) out.emplace_back(key_of(id), id);
    return out;
}

/// The `n` of `all` whose keys are closest to `key`, found the slow and obvious way.
inline std::vector<PeerId> closest_of(const Keyed& all, const Key& key, std::size_t n) {
    std::vector<std::pair<Distance, PeerId>> found;
    for (const auto& [its, id] : all) found.emplace_back(distance(key, its), id);
    std::ranges::sort(found);
    std::vector<PeerId> out;
    for (std::size_t i = 0; i < std::min(n, found.size()); ++i) out.push_back(found[i].second);
    return out;
}
inline std::vector<PeerId> closest_of(const std::vector<PeerId>& all, const Key& key,
                                      std::size_t n) {
    return closest_of(keyed(all), key, n);
}

/// Numbers of peers whose keys share exactly `prefix` bits with `self`.
inline std::vector<std::uint64_t> in_bucket(const Key& self, std::size_t prefix,
                                            std::size_t count) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t n = 1000; out.size() < count; ++n) {
        if (common_prefix(self, key_of(peer(n))) == prefix) out.push_back(n);
    }
    return out;
}

}  // namespace sennit::libp2p::kad::testing
