// SPDX-License-Identifier: MIT
#include "io/clock.hpp"

namespace sennit::io {

Now system_now() {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return Now{Instant{std::chrono::duration_cast<Instant::duration>(steady)},
               UnixTime{std::chrono::duration_cast<UnixTime::duration>(wall)}};
}

std::chrono::steady_clock::time_point to_steady(Instant at) {
    using Point = std::chrono::steady_clock::time_point;
    return Point{std::chrono::duration_cast<Point::duration>(at.time_since_epoch())};
}

}  // namespace sennit::io
