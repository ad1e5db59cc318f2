// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "base/bytes.hpp"

/// Many streams over one ordered, reliable connection: /yamux/1.0.0 (libp2p/specs,
/// yamux/README.md, and hashicorp's spec.md below it).
namespace sennit::libp2p::yamux {

/// Odd for streams that the dialler opened, even for the listener's, 0 for the session itself.
using StreamId = Strong<struct StreamIdTag, std::uint32_t>;
constexpr StreamId kSessionId{0};

enum class FrameType : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

/// Bits of `Header::flags`. Others are kept by `decode` and mean nothing, as everywhere else.
constexpr std::uint16_t kSyn = 1;
constexpr std::uint16_t kAck = 2;
constexpr std::uint16_t kFin = 4;
constexpr std::uint16_t kRst = 8;

/// `Header::length` of a go away.
enum class GoAway : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

/// What stands before every frame, and is all there is of any frame but data: version 0, type u8,
/// flags u16, stream u32, length u32; 12 bytes, big-endian.
struct Header {
    static constexpr std::size_t kSize = 12;
    /// Where the fields begin, for errors.
    static constexpr std::size_t kTypeAt = 1, kFlagsAt = 2, kStreamAt = 4, kLengthAt = 8;

    FrameType type{FrameType::data};
    std::uint16_t flags{0};
    StreamId stream{kSessionId};
    /// Bytes of payload behind a data header; credit of a window update; value of a ping; reason
    /// of a go away.
    std::uint32_t length{0};

    /// Errors: truncated; unknown_type for another version or type; malformed for data or credit
    /// on stream 0, and for pings and go aways on any other.
    static Result<Header> decode(BytesView bytes);
    void append_to(Bytes& out) const;

    bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
    bool operator==(const Header&) const = default;
};

}  // namespace sennit::libp2p::yamux
