// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/noise/handshake_xx.hpp"
#include "libp2p/noise/payload.hpp"

namespace sennit::libp2p::noise {

/// Who we are, as far as a handshake needs to know.
struct Identity {
    Bytes public_key_protobuf;
    std::function<Bytes(BytesView message)> sign;
};

/// Whether the signature is that key's for this message. The key may be no key at all.
using VerifyIdentity =
    std::function<bool(BytesView key_protobuf, BytesView message, BytesView signature)>;

/// Whether the owner of that key is who we want to talk to.
using ExpectIdentity = std::function<bool(BytesView key_protobuf)>;

/// A connection after its handshake: text in, frames out, and back. A frame is a length, u16
/// big-endian, and a sealed message of that many bytes.
///
/// Pure, and one direction does not know of the other. Cost of a frame: its bytes are sealed from
/// where they are to where they go; one that the stream was cut in is gathered first.
class Channel {
  public:
    static constexpr std::size_t kPlainMax = kMessageMax - CipherState::kTagSize;
    static constexpr std::size_t kHeaderSize = 2;
    static constexpr std::size_t kFrameMax = kHeaderSize + kMessageMax;

    explicit Channel(HandshakeXx::Ciphers ciphers)
        : send_{std::move(ciphers.send)}, receive_{std::move(ciphers.receive)} {}

    /// Appends frames for all of `plain` to `out`, each as full as can be; none for no text. Error:
    /// oversized after 2^64 - 1 frames; `out` may then hold some frames, and the stream must end.
    Result<void> seal(BytesView plain, Bytes& out);

    /// Takes all of `in` and appends the text of all frames that are whole to `plain`; keeps the
    /// beginning of one that is not. Of text, `plain` gets at most what came in and one frame.
    ///
    /// Errors, all final: truncated, a frame shorter than its tag; mismatch, a frame that is not
    /// what the other side sealed next: changed, repeated, left out, out of order; oversized after
    /// 2^64 - 1 frames. The text before such a frame is good and is in `plain`. Offsets are those
    /// in the stream since the handshake.
    Result<void> open(BytesView& in, Bytes& plain);

    /// No part of a frame is here: where a stream may end without a text being cut.
    bool at_boundary() const { return kept_.empty(); }
    /// Memory held for the frame under way.
    std::size_t kept() const { return kept_.capacity(); }

    void check_invariants() const;

  private:
    Result<void> open_frame(BytesView frame, Bytes& plain);
    void keep(BytesView& in, std::size_t size);

    CipherState send_;
    CipherState receive_;
    Bytes kept_;                     ///< header and message of the frame under way
    std::uint64_t frame_start_{0};   ///< of the frame under way, in the stream
    std::optional<Error> failed_{};  ///< of `open`
};

/// What a handshake was for.
struct Secured {
    Bytes remote_key_protobuf;  ///< the other side holds its secret half
    crypto::X25519Public remote_static;
    std::vector<std::string> remote_stream_muxers;  ///< theirs, best first; empty: not said
    Digest handshake_hash;
    Channel channel;
};

/// libp2p's handshake over a stream of bytes: HandshakeXx, with each side's identity in its payload
/// and vouching for its static key (libp2p/specs, noise/README.md).
///
///     Handshake handshake{options};
///     handshake.start(out);                                // send out
///     while (!in.empty()) {
///         SENNIT_TRY(auto secured, handshake.on_bytes(in, out));   // send out, then look
///         if (secured) ...                                 // rest of in is for its channel
///     }
///
///     initiator:  start -> A;  B -> C and Secured
///     responder:               A -> B;  C -> Secured
///
/// It knows no time: a side that says nothing is for the caller to give up. Whether the other side
/// is ourselves is for the caller, too.
///
/// An initiator that expects somebody finds out before it says who it is. A stranger costs a
/// responder one signature and two key agreements, and at most 4 KiB of memory.
class Handshake {
  public:
    /// An RSA identity of 8192 bit, the longest that others take, needs about 2300 bytes. Checked
    /// before any byte of a message is kept.
    static constexpr std::size_t kHandshakeMessageMax = 4096;

    struct Options {
        Role role;
        Identity identity;
        VerifyIdentity verify;
        ExpectIdentity expected{};  ///< none: anybody
        crypto::X25519Key local_static;
        crypto::X25519Key local_ephemeral;         ///< fresh; see HandshakeXx
        std::vector<std::string> stream_muxers{};  ///< ours, best first
    };

    explicit Handshake(Options options);

    /// Once, before all else. Appends what the initiator says first; nothing for a responder.
    void start(Bytes& out);

    /// Takes from the front of `in` what belongs to the handshake, appends answers to `out`, and
    /// says when it is done; nothing is to be called after that.
    ///
    /// Errors, all final, after which `out` has nothing to send: those of HandshakeXx and of
    /// HandshakePayload; truncated or oversized for a length that no such message has; trailing for
    /// a payload in A; mismatch for a static key that the identity did not sign, and for somebody
    /// else than was expected. Offsets are those in the message, after its length, or
    /// in the payload's text.
    Result<std::optional<Secured>> on_bytes(BytesView& in, Bytes& out);

    void check_invariants() const;

  private:
    enum class State : std::uint8_t { fresh, talking, done };

    Result<std::optional<BytesView>> next_message(BytesView& in);
    Result<void> check_length(std::size_t size) const;
    Result<void> on_message(BytesView message, Bytes& out);
    Result<void> on_payload(BytesView payload);
    Result<void> say(BytesView payload, Bytes& out);
    Bytes our_payload() const;

    Options options_;
    HandshakeXx noise_;
    State state_{State::fresh};
    Bytes kept_;               ///< length and message under way
    HandshakePayload remote_;  ///< once verified
    std::optional<Error> failed_{};
};

}  // namespace sennit::libp2p::noise
