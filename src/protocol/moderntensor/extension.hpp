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

/// The request that an answer names in its first bytes, so that one which nobody asked for is
/// dropped unread. 0: none is named, or `payload` is too short to.
std::uint32_t peek_request(BytesView payload);

/// nullptr: there is no kind for this message, or it is too large for a frame.
SharedBytes encode_extension(const Message& message, std::uint32_t request);

/// `type` is one of the extension's, but not the proof. Never more than the lists' bounds in
/// message.hpp, nor a transaction that is too short to be one; transactions keep one copy of
/// `payload` alive. Errors: truncated, trailing,
/// malformed, oversized, at offsets in `payload`.
Result<Extended> decode_extension(Type type, BytesView payload);

}  // namespace sennit::protocol::moderntensor
