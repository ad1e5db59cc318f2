// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// Overwrites a secret with zeros, and no optimiser leaves that out.
void wipe(std::span<std::uint8_t> secret);

}  // namespace sennit::crypto
