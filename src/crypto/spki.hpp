// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

/// Signatures under keys that come as a DER SubjectPublicKeyInfo (RFC 5280), by OpenSSL.
///
/// Both hash the message with SHA-256. Both are false, never an error, for whatever is not right:
/// a key that is none or of the other kind, bytes behind it, any encoding of it but DER's, and a
/// signature that does not fit. Each call parses its key anew, some ten microseconds.
namespace sennit::crypto {

/// PKCS#1 v1.5. The modulus has 2048 to 8192 bits: go, rust and js take no others, and the
/// cost grows with the square.
bool rsa_verify(BytesView spki, BytesView message, BytesView signature);

/// DER signature on the named curves P-256, P-384 and P-521, with any s: unlike with accounts,
/// nothing here is identified by its signature.
bool ecdsa_verify(BytesView spki, BytesView message, BytesView signature);

}  // namespace sennit::crypto
