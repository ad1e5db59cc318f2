// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "libp2p/varint.hpp"

/// multistream-select 1.0: which protocol a fresh byte stream will speak (libp2p/specs,
/// connections/README.md).
///
/// Used three times: for security on the raw connection, for the muxer inside it, and on every
/// stream. Both ends say `/multistream/1.0.0`; the dialler proposes one name after the other; the
/// listener echoes the first that it speaks and says `na` to the rest. A message is a varint, that
/// many bytes of text, the last of them a newline.
///
/// Neither side waits where it need not: the listener's header leaves with its first answer, and
/// the dialler's with its first proposal, behind which a caller with one proposal may at once put
/// what the protocol itself says first (a round trip saved on every stream). So both sides take
/// from the front of what came only what is theirs, and leave the rest where it is.
///
/// An attacker can make us neither keep more than one message of 1 KiB nor answer more than 64 of
/// them. `ls` is answered with `na`: what we speak, identify tells to those who finished a
/// handshake.
namespace sennit::libp2p::multistream {

constexpr std::string_view kHeader = "/multistream/1.0.0";
constexpr std::string_view kNotAvailable = "na";
/// Of one message, newline included. Protocol names in use have at most some 60 bytes.
constexpr std::size_t kMessageSizeMax = 1024;
/// Answers of a listener; a dialler of ours makes as many proposals as it was given.
constexpr std::size_t kProposalsMax = 64;

/// One message of a negotiation: `varint || text || newline`. At most 1023 bytes of text.
void write_message(Writer& out, std::string_view text);

/// Cuts messages out of a stream and checks their form.
class MessageCutter {
  public:
    /// The text without its newline, which lives until the next call; nullopt: needs more bytes.
    /// Errors, with the offset in the stream: oversized, malformed.
    Result<std::optional<std::string_view>> next(BytesView& in);

  private:
    FrameCutter frames_{kMessageSizeMax};
    std::uint64_t offset_{0};      ///< in the stream
    std::uint64_t message_at_{0};  ///< where the message under way begins
};

/// The side that opened the stream.
///
///     Dialler dialler{{"/yamux/1.0.0"}};
///     dialler.start(out);                    // may be followed by the protocol's first bytes
///     SENNIT_TRY(const auto chosen, dialler.on_bytes(in, out));
class Dialler {
  public:
    /// In the order of preference, at least one.
    explicit Dialler(std::vector<std::string> proposals);

    /// Appends header and first proposal. Once.
    void start(Bytes& out);
    /// The protocol that was agreed on; what is left of `in` is its. nullopt: not yet. Errors:
    /// unsupported when the other side speaks none; malformed and oversized; mismatch for an answer
    /// that is neither what was asked nor `na`.
    Result<std::optional<std::string>> on_bytes(BytesView& in, Bytes& out);

  private:
    MessageCutter messages_;
    std::vector<std::string> proposals_;
    std::size_t asked_{0};
    bool header_came_{false};
};

/// The side that was dialled.
class Listener {
  public:
    using Speaks = std::function<bool(std::string_view protocol)>;
    explicit Listener(Speaks speaks) : speaks_{std::move(speaks)} {}

    /// As for the dialler. Errors: malformed, oversized; busy after 64 proposals.
    Result<std::optional<std::string>> on_bytes(BytesView& in, Bytes& out);
    /// `na` was said, and nothing else. A dialler that proposed one name may have sent behind it
    /// what only that protocol understands: an error of `on_bytes` is then not the dialler's fault.
    bool refused() const { return refused_; }

  private:
    MessageCutter messages_;
    Speaks speaks_;
    bool refused_{false};
    std::size_t answers_{0};
    bool header_came_{false};
};

}  // namespace sennit::libp2p::multistream
