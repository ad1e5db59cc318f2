// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

/// Bytes as text in the bases that libp2p prints ids, keys and hashes in (multiformats/multibase).
///
/// One byte string has one text and back: a base's other case, padding, and bits behind the last
/// byte are refused. A base whose digit is no whole number of bits keeps leading zero bytes as
/// leading zero digits.
namespace sennit::libp2p {

/// The value is the letter that multibase puts in front.
enum class Base : char {
    base32 = 'b',     ///< RFC 4648, lower case, without padding
    base36 = 'k',     ///< 0-9 a-z
    base64url = 'u',  ///< RFC 4648 section 5, without padding
    base58btc = 'z',  ///< Bitcoin's alphabet
};

/// Digits of base36 and base58btc, letter not counted. Their cost grows with the square of the
/// length, and a peer id needs 64 digits at most.
constexpr std::size_t kQuadraticDigitsMax = 256;
/// Digits of the other two: the bytes of a multiaddr of 1 KiB.
constexpr std::size_t kLinearDigitsMax = 2048;

/// Without the letter. In base36 and base58btc at most 160 bytes, which fit the limit above.
std::string encode_digits(Base base, BytesView bytes);
/// Errors, with the offset of the character: oversized; malformed for a character outside the
/// alphabet, a length that no bytes give, and bits left over that are not zero.
Result<Bytes> decode_digits(Base base, std::string_view digits);

/// The letter, then the digits.
std::string encode_multibase(Base base, BytesView bytes);
/// Errors: those of `decode_digits`, unsupported for a letter that is not in `Base`, truncated for
/// empty text.
Result<Bytes> decode_multibase(std::string_view text);

}  // namespace sennit::libp2p
