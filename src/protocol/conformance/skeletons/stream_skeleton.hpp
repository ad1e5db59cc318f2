// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/registry.hpp"

namespace sennit::protocol::conformance {

/// The least stream protocol: u32 big-endian length, one message. Who dialled says Status first,
/// the other answers with its own; an empty frame is a ping, sent after 30 s of silence; 120 s end
/// it. Shows what a Session has to write when StreamProtocol does the rest.
Result<std::unique_ptr<Protocol>> make_stream_skeleton(const Config& config, const Keys& keys,
                                                       const Rng& rng, const SavedValues& saved);

}  // namespace sennit::protocol::conformance
