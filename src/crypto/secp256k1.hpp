// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// An ECDSA signature from which the signer can be recovered: r and s big-endian, and which of up
/// to four points R was (0 to 3; Ethereum's v is built from it elsewhere).
struct EcdsaSignature {
    Word r;
    Word s;
    std::uint8_t recovery{0};

    auto operator<=>(const EcdsaSignature&) const = default;
};

/// A public key as a compressed point: 02 or 03 for the parity of y, then x big-endian.
using Secp256k1Point = std::array<std::uint8_t, 33>;

/// The private key of an account, or of a libp2p identity, on secp256k1. Every copy wipes itself
/// when it ends.
class Secp256k1Key {
  public:
    /// Errors: malformed unless 32 bytes that are neither 0 nor at least the group's order.
    static Result<Secp256k1Key> from_bytes(BytesView secret32);

    Secp256k1Key(const Secp256k1Key&) = default;
    Secp256k1Key& operator=(const Secp256k1Key&) = default;
    ~Secp256k1Key();

    Address address() const { return address_; }
    BytesView secret() const { return secret_; }
    const Secp256k1Point& public_key() const { return point_; }

    /// With RFC 6979's nonce and a low s, so the same digest gives the same signature.
    EcdsaSignature sign(const Digest& digest) const;
    /// The same r and s as DER, without what recovery needs.
    Bytes sign_der(const Digest& digest) const;

  private:
    Secp256k1Key() = default;

    std::array<std::uint8_t, 32> secret_{};
    Address address_;
    Secp256k1Point point_{};
};

/// Who signed `digest`: the last 20 bytes of the Keccak-256 of the public key's two coordinates.
///
/// Takes a high s as well; who must not (EIP-2: the twin of a signature has another transaction
/// hash) asks `is_low_s`. Errors: malformed for numbers out of range, invalid when no key fits.
Result<Address> recover_address(const Digest& digest, const EcdsaSignature& signature);

/// Whether 33 bytes are a point of the curve, compressed.
bool secp256k1_key_valid(BytesView key33);

/// Whether a DER signature is the key's. Takes a high s, as libp2p in go and rust does (js does
/// not); false on wrong sizes, and on any encoding but DER's.
bool secp256k1_verify(BytesView key33, const Digest& digest, BytesView der);

/// Whether s is at most half the group's order.
bool is_low_s(const Word& s);

}  // namespace sennit::crypto
