// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/secret.hpp"

namespace sennit::crypto {

/// HMAC with SHA-256 (RFC 2104), by libsodium. The key may have any size.
Digest hmac_sha256(BytesView key, BytesView message);

/// Noise's HKDF with two or three outputs (its specification, section 4.3): HKDF of RFC 5869 with
/// the chaining key as salt and no info, so one key is the beginning of the longer one.
std::array<Secret, 2> hkdf2(const Secret& chaining_key, BytesView input);
std::array<Secret, 3> hkdf3(const Secret& chaining_key, BytesView input);

}  // namespace sennit::crypto
