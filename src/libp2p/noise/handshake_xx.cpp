// SPDX-License-Identifier: MIT
#include "libp2p/noise/handshake_xx.hpp"

namespace sennit::libp2p::noise {

namespace {

constexpr std::string_view kProtocolName = "Noise_XX_25519_ChaChaPoly_SHA256";
constexpr std::size_t kKeySize = crypto::X25519Public::kSize;

/// `at` shifted from a field into its message.
Error inside(Error error, std::size_t at) {
    error.at = at;
    return error;
}

}  // namespace

HandshakeXx::HandshakeXx(Options options)
    : role_{options.role},
      static_{options.local_static},
      ephemeral_{options.local_ephemeral},
      symmetric_{kProtocolName, options.prologue} {}

std::span<const HandshakeXx::Token> HandshakeXx::tokens(unsigned message) {
    static constexpr std::array kA{Token::e};
    static constexpr std::array kB{Token::e, Token::ee, Token::s, Token::es};
    static constexpr std::array kC{Token::s, Token::se};
    switch (message) {
        case 0: return kA;
        case 1: return kB;
        default: return kC;
    }
}

bool HandshakeXx::our_turn() const {
    return !done() && (message_ % 2 == 0) == (role_ == Role::initiator);
}

std::size_t HandshakeXx::overhead() const {
    constexpr auto kTag = CipherState::kTagSize;
    switch (message_) {
        case 0: return kKeySize;
        case 1: return kKeySize + kKeySize + kTag + kTag;
        default: return kKeySize + kTag + kTag;
    }
}

Result<void> HandshakeXx::mix_shared(Token token) {
    // "es" is the initiator's ephemeral key with the responder's static one, "se" the other way
    // round; so whose half of ours is meant depends on our side.
    const bool ours_static =
        token != Token::ee && (token == Token::se) == (role_ == Role::initiator);
    const bool theirs_static = token != Token::ee && !ours_static;
    const auto& theirs = theirs_static ? remote_static_ : remote_ephemeral_;
    SENNIT_ASSERT(theirs.has_value());
    SENNIT_TRY(const auto shared, (ours_static ? static_ : ephemeral_).shared(*theirs));
    symmetric_.mix_key(shared);
    return {};
}

Result<void> HandshakeXx::write_token(Token token, Bytes& out) {
    switch (token) {
        case Token::e: {
            const auto key = ephemeral_.public_key().view();
            out.insert(out.end(), key.begin(), key.end());
            symmetric_.mix_hash(key);
            return {};
        }
        case Token::s: return symmetric_.encrypt_and_hash(static_.public_key().view(), out);
        default: return mix_shared(token);
    }
}

Result<void> HandshakeXx::write(BytesView payload, Bytes& out) {
    SENNIT_ASSERT(our_turn());
    SENNIT_ASSERT(payload.size() <= kMessageMax - overhead());
    for (const auto token : tokens(message_)) SENNIT_TRY(write_token(token, out));
    SENNIT_TRY(symmetric_.encrypt_and_hash(payload, out));
    ++message_;
    return {};
}

Result<void> HandshakeXx::read_token(Token token, Reader& message) {
    switch (token) {
        case Token::e: {
            SENNIT_TRY(remote_ephemeral_, message.hash<crypto::X25519Public>());
            symmetric_.mix_hash(remote_ephemeral_->view());
            return {};
        }
        case Token::s: {
            SENNIT_TRY(const auto sealed, message.take(kKeySize + symmetric_.overhead()));
            SENNIT_TRY(const auto key, symmetric_.decrypt_and_hash(sealed));
            remote_static_ = crypto::X25519Public::from(key);
            return {};
        }
        default: return mix_shared(token);
    }
}

Result<Bytes> HandshakeXx::read(BytesView message) {
    SENNIT_ASSERT(!done() && !our_turn());
    if (message.size() > kMessageMax)
        return Error{Errc::oversized, "longer than Noise's longest message", 0, {}};
    Reader in{message};
    std::size_t field = 0;
    for (const auto token : tokens(message_)) {
        // What is wrong with a shared secret is wrong with the key before it.
        if (token == Token::e || token == Token::s) field = in.offset();
        const auto taken = read_token(token, in);
        if (!taken) return inside(taken.error(), field);
    }
    auto payload = symmetric_.decrypt_and_hash(in.rest());
    if (!payload) return inside(payload.error(), in.offset());
    ++message_;
    return payload;
}

HandshakeXx::Ciphers HandshakeXx::split() && {
    SENNIT_ASSERT(done());
    auto [initiator, responder] = symmetric_.split();
    if (role_ == Role::initiator) return {std::move(initiator), std::move(responder)};
    return {std::move(responder), std::move(initiator)};
}

}  // namespace sennit::libp2p::noise
