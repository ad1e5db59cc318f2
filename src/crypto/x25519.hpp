// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/secret.hpp"

namespace sennit::crypto {

using X25519Public = Hash<struct X25519PublicTag>;  ///< a u-coordinate, little-endian

/// A secret key of the X25519 key agreement (RFC 7748), by libsodium. Every copy wipes itself when
/// it ends. Any 32 bytes are a key: the bits that the RFC fixes are set when it is used.
class X25519Key {
  public:
    explicit X25519Key(const Secret& secret);

    const X25519Public& public_key() const { return public_; }

    /// What both sides get from their own secret and the other's public key. Not uniform: hash it
    /// before use. Error: malformed when it is all zeros, which it is exactly for a `remote` of
    /// small order; such a peer would decide the secret alone (RFC 7748, section 6.1).
    Result<Secret> shared(const X25519Public& remote) const;

  private:
    Secret secret_;
    X25519Public public_;
};

}  // namespace sennit::crypto
