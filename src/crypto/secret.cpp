// SPDX-License-Identifier: MIT
#include "crypto/secret.hpp"

#include <algorithm>

#include <sodium.h>

namespace sennit::crypto {

Secret Secret::from(BytesView raw) {
    SENNIT_ASSERT(raw.size() == kSize);
    Secret secret;
    std::copy(raw.begin(), raw.end(), secret.bytes_.begin());
    return secret;
}

Secret::~Secret() {
    // A plain memset of memory that ends its life may be left out by the compiler.
    sodium_memzero(bytes_.data(), bytes_.size());
}

}  // namespace sennit::crypto
