// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "libp2p/peer_id.hpp"

/// Peers and times for gossipsub's tests.
namespace sennit::libp2p::gossipsub::fixture {

/// Different numbers, different peers; the same in every run.
inline PeerId peer(int number) {
    Bytes protobuf{0x08, 0x01, 0x12, 0x20};
    protobuf.resize(36);
    for (int i = 0; i < 4; ++i)
        protobuf[static_cast<std::size_t>(4 + i)] = static_cast<std::uint8_t>(number >> (8 * i));
    return PeerId::of_key(protobuf);
}

inline Now at(double seconds) {
    const auto since = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    return {Instant{std::chrono::hours{1}} + since, {}};
}

}  // namespace sennit::libp2p::gossipsub::fixture
