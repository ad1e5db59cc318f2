// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// SHA-256 (FIPS 180-4), by OpenSSL. Aborts when OpenSSL has no SHA-256 or no memory.
Digest sha256(BytesView bytes);

}  // namespace sennit::crypto
