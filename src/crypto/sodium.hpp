// SPDX-License-Identifier: MIT
#pragma once

#include <sodium.h>

#include "sennit/types.hpp"

namespace sennit::crypto {

/// Before the first use of libsodium, so that it picks its code for this processor. Safe from
/// several threads. Only for sources of this module: the header shows libsodium's.
inline void sodium_ready() {
    static const bool done = sodium_init() >= 0;
    SENNIT_ASSERT(done);
}

}  // namespace sennit::crypto
