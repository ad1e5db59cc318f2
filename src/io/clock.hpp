// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"

namespace sennit::io {

/// What time it is. The one place in Sennit that asks the system; everything else is told.
Now system_now();

/// `Instant` counts like the system's steady clock, so deadlines can be handed to timers as they
/// are.
std::chrono::steady_clock::time_point to_steady(Instant at);

}  // namespace sennit::io
