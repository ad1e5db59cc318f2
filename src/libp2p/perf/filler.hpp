// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p::perf {

/// Writes zeros until the stream takes no more, at most `bytes_max`; how many it took. When that is
/// fewer, the stream becomes Writable again.
std::uint64_t write_filler(Swarm& swarm, StreamRef stream, std::uint64_t bytes_max);

}  // namespace sennit::libp2p::perf
