// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

/// Is the peer there, and how far away (libp2p/specs, ping/ping.md): 32 bytes, echoed, as often as
/// the opener likes. The echoing side sends back whatever comes, in whatever pieces, and keeps
/// nothing; it needs no code here.
namespace sennit::libp2p::ping {

constexpr std::string_view kProtocol = "/ipfs/ping/1.0.0";
constexpr std::size_t kSize = 32;
/// Streams of one peer that we echo on: honest ones need one, and one more when they renew it.
constexpr std::size_t kStreamsMax = 2;

using Payload = std::array<std::uint8_t, kSize>;

/// The side that asks, one ping after the other on one stream.
class Pinger {
  public:
    /// Write `payload` to the stream now. It should be unguessable, else an answer could come
    /// before the question. One at a time.
    void start(const Payload& payload, Now now);
    bool waiting() const { return sent_.has_value(); }

    /// Bytes of the stream. The round trip's time when the answer is whole. Errors: mismatch,
    /// with the byte, for another answer; trailing for bytes that nobody asked for.
    Result<std::optional<Duration>> on_bytes(BytesView in, Now now);

  private:
    Payload payload_{};
    std::size_t came_{0};
    std::optional<Instant> sent_;
};

}  // namespace sennit::libp2p::ping
