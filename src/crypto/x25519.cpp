// SPDX-License-Identifier: MIT
#include "crypto/x25519.hpp"

#include "crypto/sodium.hpp"

namespace sennit::crypto {

static_assert(Secret::kSize == crypto_scalarmult_SCALARBYTES);
static_assert(Secret::kSize == crypto_scalarmult_BYTES);

X25519Key::X25519Key(const Secret& secret) : secret_{secret} {
    sodium_ready();
    crypto_scalarmult_base(public_.data(), secret_.data());
}

Result<Secret> X25519Key::shared(const X25519Public& remote) const {
    Secret out;
    if (crypto_scalarmult(out.data(), secret_.data(), remote.data()) != 0)
        return Error{Errc::malformed, "X25519 key of small order", Error::kNowhere, {}};
    return out;
}

}  // namespace sennit::crypto
