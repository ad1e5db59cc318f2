// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/framing/frame_reader.hpp"
#include "protocol/requests.hpp"

/// ModernTensor's frames: u32 big-endian length, u8 type, payload; the length counts the type.
/// No magic, no checksum.
namespace sennit::protocol::moderntensor {

/// Types of the wire below 0x80; above it the kinds of type 0x50, which only peers that both named
/// `sennit/1` exchange: 0x80 | kind (docs/protocols/moderntensor.md).
enum class Type : std::uint8_t {
    hello = 0x00,
    ping = 0x01,
    pong = 0x02,
    disconnect = 0x03,
    get_blocks = 0x10,
    blocks = 0x11,
    get_headers = 0x12,
    headers = 0x13,
    get_block_bodies = 0x14,
    block_bodies = 0x15,
    new_transaction = 0x20,
    new_block = 0x21,
    new_block_hashes = 0x22,
    get_transactions = 0x23,
    transactions = 0x24,
    get_state = 0x30,
    state = 0x31,
    get_state_nodes = 0x32,
    state_nodes = 0x33,
    get_peers = 0x40,
    peers = 0x41,

    sennit_proof = 0x80,
    sennit_status = 0x81,
    sennit_votes = 0x82,
    sennit_new_block = 0x83,
    sennit_evidences = 0x84,
    sennit_get_headers = 0x90,
    sennit_get_blocks = 0x91,
    sennit_get_bodies = 0x92,
    sennit_get_transactions = 0x93,
    sennit_get_certificates = 0x94,
    sennit_headers = 0xa0,
    sennit_blocks = 0xa1,
    sennit_bodies = 0xa2,
    sennit_transactions = 0xa3,
    sennit_certificates = 0xa4,
    sennit_refused = 0xaf,
};

constexpr std::uint8_t kExtensionType = 0x50;
constexpr std::uint8_t kExtensionBit = 0x80;
constexpr std::string_view kCapability = "sennit/1";

/// What the length field may say. The original checks it after buffering the frame, and never when
/// it writes one.
constexpr std::size_t kLengthMax = 10 * 1024 * 1024;
constexpr std::size_t kHeadSize = 5;
/// The largest frame before the handshake is done, and so all that a stranger can make us keep.
constexpr std::size_t kHelloSizeMax = 4 * 1024;

constexpr bool is_extension(Type type) {
    return (static_cast<std::uint8_t>(type) & kExtensionBit) != 0;
}

/// The name in the document, in upper case: "GET_BLOCKS"; of the extension's, that of the kind.
std::string_view to_string(Type type);
std::optional<Type> type_named(std::string_view name, bool extension);
/// Errc::unknown_type for a number that nobody defined.
Result<Type> type_of(std::uint8_t number);
/// The largest payload that is read, by type: what its largest honest message needs.
std::size_t payload_size_max(Type type);

/// What an answer of the extension's holds; nullopt for types that answer nothing.
std::optional<Kind> answered_by(Type type);

/// Appends one frame, so that a buffer can be used again. The caller keeps to `kLengthMax`.
void append_frame(Bytes& out, Type type, BytesView payload);
SharedBytes make_frame(Type type, BytesView payload = {});
/// The same without copying: `bytes` begins with `head_size(type)` spare bytes. nullptr if it is
/// too long for a frame.
SharedBytes seal_frame(Type type, Bytes bytes);
constexpr std::size_t head_size(Type type) {
    return kHeadSize + (is_extension(type) ? 1 : 0);
}
inline SharedBytes make_frame(Type type, std::string_view payload) {
    return make_frame(type, as_bytes(payload));
}

/// For FrameReader: refuses by the head alone, before anything is kept. `Frame::type` is a `Type`.
class Layout final : public FrameLayout {
  public:
    Result<std::optional<FrameHead>> parse(BytesView prefix) const override;
    Result<std::size_t> payload_size_max(std::uint8_t type) const override;
    bool is_wanted(std::uint8_t type) const override;

    bool handshaking{true};  ///< 4 KiB for any frame
    bool extended{false};    ///< 0x50 was negotiated
    bool own_limits{true};   ///< false: only `kLengthMax`, to describe what others have written
    /// What the peer owes us; large answers to nothing are then passed over. nullptr: all is
    /// wanted.
    const Requests* asked{nullptr};
};

}  // namespace sennit::protocol::moderntensor
