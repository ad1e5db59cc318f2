// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/message.hpp"
#include "protocol/moderntensor/codec.hpp"

/// What Sennit nodes say to each other inside type 0x50: fixed layouts, integers little-endian,
/// lists behind a u16 count (docs/protocols/moderntensor.md).
namespace sennit::protocol::moderntensor {

/// One message and the request that it is, or answers: a number that the asker chose; 0 where
/// nobody asked.
struct Extended {
    MessagePtr message;
    std::uint32_t request{0};
};

/// nullptr: there is no kind for this message, or it is too large for a frame.
SharedBytes encode_extension(const Message& message, std::uint32_t request);

/// `type` is one of the extension's, but not the proof. Never more than the lists' bounds in
/// message.hpp; transactions keep one copy of `payload` alive. Errors: truncated, trailing,
/// malformed, oversized, at offsets in `payload`.
Result<Extended> decode_extension(Type type, BytesView payload);

}  // namespace sennit::protocol::moderntensor
