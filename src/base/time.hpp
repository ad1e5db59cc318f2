// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sennit {

/// A steady clock that cannot be asked for the time: pure code gets `Now` as an argument.
struct SteadyTimeline {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<SteadyTimeline>;
    static constexpr bool is_steady = true;
};

/// The wall's clock, as Unix time; it may jump, and cannot be asked either.
struct WallTimeline {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<WallTimeline>;
    static constexpr bool is_steady = false;
};

using Instant = SteadyTimeline::time_point;
using Duration = SteadyTimeline::duration;
using UnixTime = WallTimeline::time_point;

/// What time it is. `at` serves deadlines and never goes back. `wall` serves slots and bytes on a
/// wire, and nothing else.
struct Now {
    Instant at;
    UnixTime wall;
};

/// Whole seconds since 1970; times before it count as 0.
constexpr std::uint64_t unix_seconds(UnixTime t) {
    const auto s = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
    return s < 0 ? 0 : static_cast<std::uint64_t>(s);
}

/// The latest time that a number off a wire is taken for, in 2255: differences between it and any
/// other time still fit nanoseconds.
constexpr std::uint64_t kUnixSecondsMax = 9'000'000'000;

/// Later ones count as `kUnixSecondsMax`.
constexpr UnixTime from_unix_seconds(std::uint64_t s) {
    return UnixTime{std::chrono::seconds{static_cast<std::int64_t>(std::min(s, kUnixSecondsMax))}};
}

}  // namespace sennit
