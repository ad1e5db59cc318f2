// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"
#include "crypto/x25519.hpp"
#include "libp2p/noise/symmetric_state.hpp"

namespace sennit::libp2p::noise {

enum class Role : std::uint8_t { initiator, responder };

/// The handshake XX of Noise, with any prologue and payloads: each side learns the other's static
/// key and that the other holds it. What such a key is worth is for the caller to know.
///
///     -> e                     read or write A
///     <- e, ee, s, es          B
///     -> s, se                 C
///
/// `write` and `read` take turns, the initiator writes first; after C both sides `split`. A payload
/// of A is sent open, that of B is sealed for whoever sent A, that of C for the responder alone.
class HandshakeXx {
  public:
    struct Options {
        Role role;
        crypto::X25519Key local_static;
        crypto::X25519Key local_ephemeral;  ///< of 32 fresh random bytes; never used twice
        Bytes prologue{};                   ///< the same on both sides, or they will not agree
    };

    explicit HandshakeXx(Options options);

    bool done() const { return message_ == kMessages; }
    /// The next message is A.
    bool first() const { return message_ == 0; }
    bool our_turn() const;

    /// Appends our next message to `out`: at most kMessageMax bytes, for which the payload must
    /// leave room. Error: malformed when the other side's key is of small order; final, and `out`
    /// then holds a part of a message.
    Result<void> write(BytesView payload, Bytes& out);

    /// Takes the other side's next message, whole, and gives its payload. Errors, all final:
    /// truncated; oversized above kMessageMax; mismatch for text that the other side did not seal
    /// in this handshake; malformed for a key of small order. Offsets name the field.
    Result<Bytes> read(BytesView message);

    /// What the next message has besides its payload, in bytes.
    std::size_t overhead() const;

    /// Known once it was read: after B or C.
    const std::optional<crypto::X25519Public>& remote_static() const { return remote_static_; }

    struct Ciphers {
        CipherState send;
        CipherState receive;
    };
    /// When done. Once, as two copies of a cipher would seal two texts under one number.
    Ciphers split() &&;
    const Digest& handshake_hash() const { return symmetric_.handshake_hash(); }

  private:
    enum class Token : std::uint8_t { e, s, ee, es, se };

    static constexpr unsigned kMessages = 3;
    static std::span<const Token> tokens(unsigned message);

    Result<void> write_token(Token token, Bytes& out);
    Result<void> read_token(Token token, Reader& message);
    Result<void> mix_shared(Token token);

    Role role_;
    crypto::X25519Key static_;
    crypto::X25519Key ephemeral_;
    SymmetricState symmetric_;
    std::optional<crypto::X25519Public> remote_static_;
    std::optional<crypto::X25519Public> remote_ephemeral_;
    unsigned message_{0};  ///< the one under way: A, B, C, then none
};

}  // namespace sennit::libp2p::noise
