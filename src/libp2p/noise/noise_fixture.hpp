// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"
#include "crypto/ed25519.hpp"
#include "libp2p/noise/secure_channel.hpp"

/// Identities and options for tests and fuzzers.
namespace sennit::libp2p::noise::fixture {

inline crypto::Ed25519Key identity_key(BytesView seed) {
    crypto::Ed25519Key::Seed bytes{};
    SENNIT_ASSERT(seed.size() == bytes.size());
    std::copy(seed.begin(), seed.end(), bytes.begin());
    return crypto::Ed25519Key::from_seed(bytes);
}

inline crypto::X25519Key x25519_key(BytesView secret) {
    return crypto::X25519Key{crypto::Secret::from(secret)};
}

constexpr std::array<std::uint8_t, 4> kEd25519Prefix{0x08, 0x01, 0x12, 0x20};

inline Bytes protobuf_of(const crypto::Ed25519Key& key) {
    return Writer{}.raw(kEd25519Prefix).hash(key.public_key()).bytes();
}

inline Identity identity_of(const crypto::Ed25519Key& key) {
    return {protobuf_of(key),
            [key](BytesView message) { return to_bytes(key.sign(message).view()); }};
}

inline bool verify(BytesView key_protobuf, BytesView message, BytesView signature) {
    const BytesView prefix{kEd25519Prefix};
    return key_protobuf.size() == 36 &&
           std::equal(prefix.begin(), prefix.end(), key_protobuf.begin()) &&
           crypto::ed25519_verify(key_protobuf.subspan(4), message, signature);
}

/// Keys made of one byte a role, so that two sides differ and every run is the same.
inline Handshake::Options options(Role role) {
    const auto at = static_cast<std::uint8_t>(role);
    return {.role = role,
            .identity = identity_of(identity_key(Bytes(32, static_cast<std::uint8_t>(0x10 + at)))),
            .verify = verify,
            .local_static = x25519_key(Bytes(32, static_cast<std::uint8_t>(0x20 + at))),
            .local_ephemeral = x25519_key(Bytes(32, static_cast<std::uint8_t>(0x30 + at))),
            .stream_muxers = {"/yamux/1.0.0", "/mplex/6.7.0"}};
}

}  // namespace sennit::libp2p::noise::fixture
