// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "libp2p/keys.hpp"

/// How a peer says in TLS who it is: a self-signed X.509 certificate of a key that is used for
/// nothing else, with an extension in which the identity signs that key (libp2p/specs, tls/tls.md).
namespace sennit::libp2p::tls {

/// Those in use have some 450 bytes; an identity of RSA 8192 bit makes them 2.6 KiB.
constexpr std::size_t kCertificateSizeMax = 8 * 1024;
/// Beside ours; each costs a few comparisons.
constexpr std::size_t kExtensionsMax = 32;

/// Content of the extension's OBJECT IDENTIFIER: 1.3.6.1.4.1.53594.1.1.
constexpr std::array<std::uint8_t, 10> kExtensionOid{0x2b, 0x06, 0x01, 0x04, 0x01,
                                                     0x83, 0xa2, 0x5a, 0x01, 0x01};

/// What the identity signs: "libp2p-tls-handshake:", then the certificate's SubjectPublicKeyInfo.
Bytes signed_bytes(BytesView spki);
/// SignedKey: SEQUENCE { OCTET STRING, OCTET STRING }, the extension's value.
Bytes encode_signed_key(BytesView key_protobuf, BytesView signature);

/// Whose certificate this is. That who shows it holds its key is for TLS to find out.
///
/// All of `der` is one certificate, version 3, in DER. It is signed by its own key: ECDSA on P-256,
/// P-384 or P-521 or RSA of 2048 to 8192 bits, each with SHA-256, or Ed25519; go, rust and js make
/// P-256 by default. Issuer and subject count for nothing. The one critical extension that is
/// understood is libp2p's.
///
/// Errors, with the byte where the certificate says it, form before signatures: truncated,
/// malformed, trailing, oversized; duplicate for a second libp2p extension; not_found for none;
/// unsupported for unique ids, a critical extension, and other signatures; timeout when `now` is
/// not in its validity; those of PublicKey; mismatch for either signature. Costs at most two
/// verifications, and takes nothing from any clock.
Result<PublicKey> verify_certificate(BytesView der, UnixTime now);

}  // namespace sennit::libp2p::tls
