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

/// The private key of an account, on secp256k1. Every copy wipes itself when it ends.
class Secp256k1Key {
  public:
    /// Errors: malformed unless 32 bytes that are neither 0 nor at least the group's order.
    static Result<Secp256k1Key> from_bytes(BytesView secret32);

    Secp256k1Key(const Secp256k1Key&) = default;
    Secp256k1Key& operator=(const Secp256k1Key&) = default;
    ~Secp256k1Key();

    Address address() const { return address_; }
    BytesView secret() const { return secret_; }

    /// With RFC 6979's nonce and a low s, so the same digest gives the same signature.
    EcdsaSignature sign(const Digest& digest) const;

  private:
    Secp256k1Key() = default;

    std::array<std::uint8_t, 32> secret_{};
    Address address_;
};

/// Who signed `digest`: the last 20 bytes of the Keccak-256 of the public key's two coordinates.
///
/// Takes a high s as well; who must not (EIP-2: the twin of a signature has another transaction
/// hash) asks `is_low_s`. Errors: malformed for numbers out of range, invalid when no key fits.
Result<Address> recover_address(const Digest& digest, const EcdsaSignature& signature);

/// Whether s is at most half the group's order.
bool is_low_s(const Word& s);

}  // namespace sennit::crypto
