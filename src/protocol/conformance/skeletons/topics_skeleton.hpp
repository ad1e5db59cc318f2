// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/registry.hpp"

namespace sennit::protocol::conformance {

/// A shared medium behind a broker in MeshChain's manner: everybody hears everything, own messages
/// come back, peers are senders that were heard, and what leaves has a budget.
///
///     sender 8 | packet id u32 | receiver 8 (zero: all) | payload
///
/// A packet id must never repeat under one sender, also across restarts, because receivers drop
/// what they have seen: ids are reserved in blocks, durably, before the first is used (CONTRACT
/// rule 9). One packet leaves each 200 ms; what waits can be replaced by an equal key, or be
/// withdrawn.
Result<std::unique_ptr<Protocol>> make_topics_skeleton(const Config& config, const Keys& keys,
                                                       const Rng& rng, const SavedValues& saved);

/// Under which all of it is published, and the value that survives a restart.
constexpr std::string_view kSkeletonTopic = "skeleton/2/all";
constexpr std::string_view kPacketIdKey = "packet_id";

}  // namespace sennit::protocol::conformance
