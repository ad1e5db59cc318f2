// SPDX-License-Identifier: MIT
#pragma once

#include "base/rng.hpp"

namespace sennit::io {

/// 32 bytes from the system's generator (getrandom(2)), to seed an `Rng` with. Blocks only on a
/// machine that has just booted and gathered no entropy yet. A system without one aborts: no key
/// may ever be made from less.
Rng::Seed system_seed();

}  // namespace sennit::io
