// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/ed25519.hpp"
#include "libp2p/autonat/client.hpp"
#include "libp2p/autonat/server.hpp"
#include "libp2p/keys.hpp"
#include "libp2p/varint.hpp"

/// For tests of the client and the server.
namespace sennit::libp2p::autonat::testing {

inline PeerId peer(std::uint64_t number) {
    // No key is needed, only an id: the identity hash of what looks like an Ed25519 key.
    Writer out{38};
    out.raw(Bytes{0x00, 0x24, 0x08, 0x01, 0x12, 0x20});
    for (int i = 0; i < 4; ++i) out.be(number);
    return *PeerId::from_bytes(std::move(out).take());
}

inline Multiaddr address(std::string_view text) {
    return *Multiaddr::parse(text);
}

/// What is behind the length.
inline Bytes unframed(BytesView frame) {
    Reader in{frame};
    const auto body = read_prefixed(in);
    SENNIT_ASSERT(body && in.empty());
    return to_bytes(*body);
}
inline Message message_of(BytesView frame) {
    auto out = decode_message(unframed(frame));
    SENNIT_ASSERT(out);
    return *std::move(out);
}

}  // namespace sennit::libp2p::autonat::testing
