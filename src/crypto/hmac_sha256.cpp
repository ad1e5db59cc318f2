// SPDX-License-Identifier: MIT
#include "crypto/hmac_sha256.hpp"

#include <initializer_list>

#include <sodium.h>

namespace sennit::crypto {

namespace {

static_assert(Secret::kSize == crypto_auth_hmacsha256_BYTES);

/// Of all pieces, one after another.
Secret hmac(BytesView key, std::initializer_list<BytesView> pieces) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.data(), key.size());
    for (const auto piece : pieces)
        crypto_auth_hmacsha256_update(&state, piece.data(), piece.size());
    Secret out;
    crypto_auth_hmacsha256_final(&state, out.data());
    sodium_memzero(&state, sizeof state);
    return out;
}

template <std::size_t N>
std::array<Secret, N> hkdf(const Secret& chaining_key, BytesView input) {
    const Secret key = hmac(chaining_key.view(), {input});
    std::array<Secret, N> out;
    BytesView last;
    for (std::size_t i = 0; i < N; ++i) {
        const auto count = static_cast<std::uint8_t>(i + 1);
        out[i] = hmac(key.view(), {last, BytesView{&count, 1}});
        last = out[i].view();
    }
    return out;
}

}  // namespace

Digest hmac_sha256(BytesView key, BytesView message) {
    return Digest::from(hmac(key, {message}).view());
}

std::array<Secret, 2> hkdf2(const Secret& chaining_key, BytesView input) {
    return hkdf<2>(chaining_key, input);
}

std::array<Secret, 3> hkdf3(const Secret& chaining_key, BytesView input) {
    return hkdf<3>(chaining_key, input);
}

}  // namespace sennit::crypto
