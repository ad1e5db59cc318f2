// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/ed25519.hpp"
#include "crypto/secp256k1.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p {

/// As numbered in the protobuf of keys (libp2p/specs, peer-ids.md).
enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };
std::string_view to_string(KeyType type);

/// The public half of an identity.
///
/// `data` is what the type calls for: Ed25519 32 bytes; secp256k1 the compressed point, 33 bytes;
/// RSA and ECDSA a DER SubjectPublicKeyInfo. A secp256k1 point is checked when it is decoded; of
/// the others only the size is, and under what is no key no signature is right.
class PublicKey {
  public:
    /// PublicKey{1 Type, 2 Data}. Errors: those of protobuf; unknown_type; malformed for a key
    /// that is none, and for every encoding but that of `encode`; oversized above 4 KiB, which is
    /// an RSA key of 16 kbit.
    static Result<PublicKey> decode(BytesView protobuf);
    static PublicKey from_ed25519(const NodeId& key);

    KeyType type() const { return type_; }
    BytesView data() const { return data_; }
    /// Fields in number order, nothing else: what peer ids are made of.
    Bytes encode() const;
    PeerId peer_id() const;

    /// Over the message itself: ECDSA (secp256k1 and P-256 and up, DER signatures) and RSA
    /// (PKCS#1 v1.5) hash it with SHA-256. False for every signature that is not right. A high s
    /// is right, as in go and rust; js takes none of secp256k1, and ours are low.
    bool verify(BytesView message, BytesView signature) const;

    bool operator==(const PublicKey&) const = default;

  private:
    PublicKey(KeyType type, Bytes data) : type_{type}, data_{std::move(data)} {}

    KeyType type_;
    Bytes data_;
};

/// A secret identity of ours: Ed25519 or secp256k1. Every copy wipes itself when it ends.
class PrivateKey {
  public:
    static PrivateKey from_ed25519(const crypto::Ed25519Key& key);
    /// Errors: malformed unless a number from 1 to the group's order, exclusive.
    static Result<PrivateKey> from_secp256k1(BytesView secret32);
    /// PrivateKey{1 Type, 2 Data}, as libp2p tools write key files: Ed25519 seed and public half
    /// (64 bytes) or seed alone, secp256k1 32 bytes. Errors: unsupported for RSA and ECDSA;
    /// malformed; mismatch when the public half is another key's.
    static Result<PrivateKey> decode(BytesView protobuf);

    KeyType type() const { return public_.type(); }
    const PublicKey& public_key() const { return public_; }
    PeerId peer_id() const { return public_.peer_id(); }
    Bytes encode() const;

    Bytes sign(BytesView message) const;

  private:
    using Secret = std::variant<crypto::Ed25519Key, crypto::Secp256k1Key>;

    PrivateKey(PublicKey public_key, Secret secret)
        : public_{std::move(public_key)}, secret_{std::move(secret)} {}

    PublicKey public_;
    Secret secret_;
};

}  // namespace sennit::libp2p
