// SPDX-License-Identifier: MIT
#include "libp2p/yamux/frame.hpp"

namespace sennit::libp2p::yamux {

Result<Header> Header::decode(BytesView bytes) {
    Reader in{bytes};
    Header out;
    SENNIT_TRY(const auto version, in.be<std::uint8_t>());
    if (version != 0) return Error{Errc::unknown_type, "version that is not 0", 0, {}};
    SENNIT_TRY(const auto type, in.be<std::uint8_t>());
    if (type > static_cast<std::uint8_t>(FrameType::go_away)) {
        return Error{Errc::unknown_type, "frame type that nobody defined", kTypeAt, {}};
    }
    out.type = static_cast<FrameType>(type);
    SENNIT_TRY(out.flags, in.be<std::uint16_t>());
    SENNIT_TRY(out.stream.value, in.be<std::uint32_t>());
    SENNIT_TRY(out.length, in.be<std::uint32_t>());
    const bool of_stream = out.type == FrameType::data || out.type == FrameType::window_update;
    if (of_stream && out.stream == kSessionId) {
        return Error{Errc::malformed, "frame of a stream on stream 0", kStreamAt, {}};
    }
    if (!of_stream && out.stream != kSessionId) {
        return Error{Errc::malformed, "frame of the session on a stream", kStreamAt, {}};
    }
    return out;
}

void Header::append_to(Bytes& out) const {
    const std::uint32_t id = stream.value;
    const auto byte = [](std::uint32_t value, unsigned shift) {
        return static_cast<std::uint8_t>(value >> shift);
    };
    const std::array<std::uint8_t, kSize> bytes{0,
                                                static_cast<std::uint8_t>(type),
                                                byte(flags, 8),
                                                byte(flags, 0),
                                                byte(id, 24),
                                                byte(id, 16),
                                                byte(id, 8),
                                                byte(id, 0),
                                                byte(length, 24),
                                                byte(length, 16),
                                                byte(length, 8),
                                                byte(length, 0)};
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace sennit::libp2p::yamux
