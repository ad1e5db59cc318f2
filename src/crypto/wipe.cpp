// SPDX-License-Identifier: MIT
#include "crypto/wipe.hpp"

#include <sodium.h>

namespace sennit::crypto {

void wipe(std::span<std::uint8_t> secret) {
    sodium_memzero(secret.data(), secret.size());
}

}  // namespace sennit::crypto
