// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::node {

/// How many links a node may have, so that they never take the descriptors that the database
/// needs: it does not survive an open that fails, and the node does not survive the database.
struct LinkPlan {
    std::size_t connected_max{0};  ///< peers that the engine may keep
    /// Of one protocol, handshakes and refusals that are being said included.
    std::size_t links_max{0};

    /// Of one transport: as many again may come in, to be told that there is no place.
    constexpr std::size_t inbound_max() const { return 2 * links_max; }
    constexpr std::size_t sockets_max() const { return inbound_max() + links_max; }
};

struct Descriptors {
    std::size_t max{0};     ///< the process may have open
    std::size_t others{0};  ///< what is no link: database, RPC, streams
    std::size_t protocols{1};
};

/// What `connected_wanted` peers need, cut to what there is. Error: unsupported, with the number of
/// descriptors that a node needs at least and how to get them.
Result<LinkPlan> plan_links(const Descriptors& descriptors, std::size_t connected_wanted);

}  // namespace sennit::node
