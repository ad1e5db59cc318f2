// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/secret.hpp"

struct evp_cipher_ctx_st;

namespace sennit::crypto {

/// One key of the cipher ChaCha20-Poly1305 (RFC 8439), by OpenSSL: in bulk it is more than twice as
/// fast as libsodium. The key is set up once, so that a message costs its nonce and its bytes.
///
/// A nonce must never serve two messages; that is the caller's duty. Not for two threads at once.
/// Aborts when OpenSSL has no such cipher or no memory.
class ChaCha20Poly1305 {
  public:
    static constexpr std::size_t kTagSize = 16;
    using Nonce = std::array<std::uint8_t, 12>;

    explicit ChaCha20Poly1305(const Secret& key);

    /// `out` has room for exactly `plain` and the tag behind it. It begins where `plain` does, or
    /// shares nothing with it.
    void seal(const Nonce& nonce, BytesView associated, BytesView plain,
              std::span<std::uint8_t> out);

    /// The inverse: `out` has room for exactly `sealed` without its tag. False, and zeros in `out`,
    /// unless `sealed` came from `seal` with the same key, nonce and associated bytes; false also
    /// when it is shorter than a tag, with an empty `out`.
    [[nodiscard]] bool open(const Nonce& nonce, BytesView associated, BytesView sealed,
                            std::span<std::uint8_t> out);

  private:
    struct Free {
        void operator()(evp_cipher_ctx_st* context) const;
    };

    std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace sennit::crypto
