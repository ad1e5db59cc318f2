// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "base/bytes.hpp"

/// Numbers and length prefixes as all of libp2p writes them (multiformats/unsigned-varint).
namespace sennit::libp2p {

/// ULEB128 of a number below 2^63: at most 9 bytes, and never one more than needed, so that one
/// value has one encoding. `write_varint` asserts the bound; our lengths never come near.
constexpr std::size_t kVarintSizeMax = 9;
Result<std::uint64_t> read_varint(Reader& in);
void write_varint(Writer& out, std::uint64_t value);
std::size_t varint_size(std::uint64_t value);

/// The next `varint length || bytes`. Errors: truncated, malformed, oversized.
Result<BytesView> read_prefixed(Reader& in);
void write_prefixed(Writer& out, BytesView bytes);

/// Cuts a stream into its length-prefixed frames, wherever the stream was cut in transit.
///
///     while (!in.empty()) {
///         SENNIT_TRY(const auto frame, cutter.next(in));
///         if (!frame) break;                      // needs more bytes
///         SENNIT_TRY(decode(*frame));
///     }
///
/// Holds at most one frame that is not whole. A length above the limit is refused when its prefix
/// has been read, before anything is kept for it.
class FrameCutter {
  public:
    explicit FrameCutter(std::size_t frame_size_max) : frame_size_max_{frame_size_max} {}

    /// Takes from the front of `in` what belongs to the frame under way. The frame lives until the
    /// next call, and lies in `in` itself when it came in one piece. Errors end the stream:
    /// malformed (length not minimal), oversized.
    Result<std::optional<BytesView>> next(BytesView& in);

    /// Nothing of a frame is here: where a stream may end.
    bool at_boundary() const { return kept_.empty() || handed_out_; }
    std::size_t kept() const { return kept_.capacity(); }

  private:
    std::size_t frame_size_max_;
    Bytes kept_;  ///< prefix and payload of the frame under way
    bool handed_out_{false};
};

}  // namespace sennit::libp2p
