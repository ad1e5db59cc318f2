// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit {

/// A peer as one protocol instance counts them; never reused.
using PeerId = Strong<struct PeerIdTag, std::uint64_t>;
/// One running protocol.
using InstanceId = Strong<struct InstanceIdTag, std::uint32_t>;

/// The engine's key of a connected peer (CONTRACT rule 6).
struct PeerRef {
    InstanceId instance;
    PeerId peer;

    auto operator<=>(const PeerRef&) const = default;
};

}  // namespace sennit
