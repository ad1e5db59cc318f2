// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/x25519.hpp"

namespace sennit::libp2p::noise {

/// What libp2p sends inside messages B and C: NoiseHandshakePayload{1 identity_key, 2 identity_sig,
/// 4 extensions{2 stream_muxers*}} (libp2p/specs, noise/README.md). The certificate hashes in the
/// extensions are WebTransport's, and are skipped as unknown fields are.
struct HandshakePayload {
    /// An RSA key of 8192 bit, the longest that others take, has about 1070 bytes, its signature
    /// 1024.
    static constexpr std::size_t kKeySizeMax = 2048;
    static constexpr std::size_t kSignatureSizeMax = 2048;
    /// Two muxers are in use, /yamux/1.0.0 and /mplex/6.7.0.
    static constexpr std::size_t kMuxersMax = 16;
    static constexpr std::size_t kMuxerNameMax = 64;

    Bytes identity_key;                        ///< protobuf of the public key
    Bytes identity_signature;                  ///< of `signed_bytes`
    std::vector<std::string> stream_muxers{};  ///< best first

    /// Errors: those of protobuf; malformed without key or signature; oversized above the limits.
    static Result<HandshakePayload> decode(BytesView bytes);
    /// Without muxers there are no extensions.
    Bytes encode() const;

    /// What an identity signs to vouch for the static key of a connection.
    static Bytes signed_bytes(const crypto::X25519Public& static_key);

    bool operator==(const HandshakePayload&) const = default;
};

}  // namespace sennit::libp2p::noise
