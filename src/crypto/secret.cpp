// SPDX-License-Identifier: MIT
#include "crypto/secret.hpp"

#include <algorithm>

#include "crypto/wipe.hpp"

namespace sennit::crypto {

Secret Secret::from(BytesView raw) {
    SENNIT_ASSERT(raw.size() == kSize);
    Secret secret;
    std::copy(raw.begin(), raw.end(), secret.bytes_.begin());
    return secret;
}

Secret::~Secret() {
    wipe(bytes_);
}

}  // namespace sennit::crypto
