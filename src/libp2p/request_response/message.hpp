// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/varint.hpp"

namespace sennit::libp2p::request_response {

/// How a stream's one message each way is told from what follows it; each protocol has its own.
enum class Framing : std::uint8_t {
    /// A varint with its length, as go, js and Ethereum do it.
    prefixed,
    /// It ends where the writer closes, as rust-libp2p's ready-made cbor and json codecs do it.
    to_end,
};
std::string_view to_string(Framing framing);

/// The message as it goes on a stream, before its writer closes.
Bytes frame(Framing framing, Bytes message);

/// Collects the one message that a stream brings, wherever the stream was cut in transit.
///
/// Memory grows with bytes that came, never with what a prefix promises, and not above the limit.
class MessageReader {
  public:
    MessageReader(Framing framing, std::size_t size_max)
        : framing_{framing}, size_max_{size_max}, cutter_{size_max} {}

    /// The next bytes of the stream; all of them are taken. Errors, after which the stream is of no
    /// use: oversized, with the limit; malformed for a prefix that is none; trailing for bytes
    /// behind a prefixed message.
    Result<void> on_bytes(BytesView in);
    /// The stream ended. Errors: truncated, with how many bytes came.
    Result<void> on_end();

    bool whole() const { return whole_; }
    /// The message, once it is whole.
    Bytes take();
    /// Memory in use, bytes.
    std::size_t held() const { return cutter_.kept() + message_.capacity(); }

  private:
    Framing framing_;
    std::size_t size_max_;
    FrameCutter cutter_;
    Bytes message_;
    std::uint64_t came_{0};
    bool whole_{false};
};

}  // namespace sennit::libp2p::request_response
