// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// An Ed25519 private key (RFC 8032), by libsodium. Every copy wipes itself when it ends.
///
/// One class serves validators and nodes; which of the two a key is, the type of its public half
/// says: `key.public_key<ValidatorKey>()`. A key must never serve both.
class Ed25519Key {
  public:
    using Seed = std::array<std::uint8_t, 32>;

    static Ed25519Key from_seed(const Seed& seed);

    Ed25519Key(const Ed25519Key&) = default;
    Ed25519Key& operator=(const Ed25519Key&) = default;
    ~Ed25519Key();

    const Seed& seed() const { return seed_; }

    template <class H = NodeId>
    requires(H::kSize == 32) H public_key()
    const { return H::from(BytesView{expanded_}.last(32)); }

    /// Deterministic: one key and message give one signature. Never signs what a caller has not
    /// put a domain in front of; that is the caller's duty.
    Signature sign(BytesView message) const;

  private:
    Ed25519Key() = default;

    Seed seed_{};
    std::array<std::uint8_t, 64> expanded_{};  // seed and public key, as libsodium wants them
};

/// True iff libsodium 1.0.18's `crypto_sign_verify_detached` accepts: S below the group order, R
/// and the key not of small order, the key canonical, and the equation without the cofactor. False
/// on wrong sizes.
///
/// These rules decide what a valid block is, so all nodes need the same ones; ZIP-215 verifiers,
/// for example, accept more.
bool ed25519_verify(BytesView key32, BytesView message, BytesView signature64);

/// Whether 32 bytes are the canonical encoding of a point of the group's full prime order: what
/// a validator's key must be. Keys with a part of small order would let two verifiers disagree.
bool ed25519_key_valid(BytesView key32);

}  // namespace sennit::crypto
