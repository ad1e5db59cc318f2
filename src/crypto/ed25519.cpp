// SPDX-License-Identifier: MIT
#include "crypto/ed25519.hpp"

#include <algorithm>
#include <tuple>

#include "crypto/sodium.hpp"

namespace sennit::crypto {

namespace {

/// L - 1, little-endian, where L = 2^252 + 27742317777372353535851937790883648493 is the order.
constexpr std::array<std::uint8_t, 32> kMinusOne{
    0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};

}  // namespace

Ed25519Key Ed25519Key::from_seed(const Seed& seed) {
    static_assert(std::tuple_size_v<decltype(expanded_)> == crypto_sign_SECRETKEYBYTES);
    sodium_ready();
    Ed25519Key key;
    key.seed_ = seed;
    std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_half;
    crypto_sign_seed_keypair(public_half.data(), key.expanded_.data(), seed.data());
    return key;
}

Ed25519Key::~Ed25519Key() {
    sodium_memzero(seed_.data(), seed_.size());
    sodium_memzero(expanded_.data(), expanded_.size());
}

Signature Ed25519Key::sign(BytesView message) const {
    Signature signature;
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                         expanded_.data());
    return signature;
}

bool ed25519_verify(BytesView key32, BytesView message, BytesView signature64) {
    if (key32.size() != crypto_sign_PUBLICKEYBYTES) return false;
    if (signature64.size() != crypto_sign_BYTES) return false;
    sodium_ready();
    return crypto_sign_verify_detached(signature64.data(), message.data(), message.size(),
                                       key32.data()) == 0;
}

bool ed25519_key_valid(BytesView key32) {
    if (key32.size() != crypto_core_ed25519_BYTES) return false;
    sodium_ready();
    if (crypto_core_ed25519_is_valid_point(key32.data()) != 1) return false;
    // libsodium 1.0.18 as published takes a point of order 2L for one of order L, Debian's does
    // not; nodes must not differ. (L-1)P = -P holds exactly for points whose order divides L.
    std::array<std::uint8_t, 32> product;
    if (crypto_scalarmult_ed25519_noclamp(product.data(), kMinusOne.data(), key32.data()) != 0) {
        return false;
    }
    product[31] ^= 0x80;  // the sign of x: negates
    return std::equal(product.begin(), product.end(), key32.begin());
}

}  // namespace sennit::crypto
