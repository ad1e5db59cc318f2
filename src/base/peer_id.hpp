// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit {

/// A handle of one protocol instance for one peer. Counted up from 1, never reused.
using PeerId = Strong<struct PeerIdTag, std::uint64_t>;

/// One running protocol of this node.
using InstanceId = Strong<struct InstanceIdTag, std::uint32_t>;

/// What the engine calls a peer: handles of two instances may be equal numbers.
struct PeerRef {
    InstanceId instance;
    PeerId peer;

    auto operator<=>(const PeerRef&) const = default;
};

}  // namespace sennit
