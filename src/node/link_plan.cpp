// SPDX-License-Identifier: MIT
#include "node/link_plan.hpp"

#include <algorithm>

namespace sennit::node {

namespace {

/// A small node gets these all the same: strangers' handshakes must not fill it.
constexpr std::size_t kLinksWanted = 256;
/// With fewer a node has no eight peers and their handshakes.
constexpr std::size_t kLinksLeast = 16;
constexpr std::size_t kSocketsEach = LinkPlan{0, 1}.sockets_max();

}  // namespace

Result<LinkPlan> plan_links(const Descriptors& descriptors, std::size_t connected_wanted) {
    const auto protocols = std::max<std::size_t>(descriptors.protocols, 1);
    const auto left = descriptors.max - std::min(descriptors.max, descriptors.others);
    const auto room = left / protocols / kSocketsEach;
    if (room < kLinksLeast) {
        const auto least = descriptors.others + kLinksLeast * kSocketsEach * protocols;
        return Error{Errc::unsupported, "too few open files allowed", Error::kNowhere,
                     std::to_string(descriptors.max) + ", and a node needs " +
                         std::to_string(least) +
                         "; raise the limit: ulimit -n, or LimitNOFILE= of the service"};
    }
    LinkPlan out;
    // As many again as the engine has places for.
    out.links_max = std::min(std::max(kLinksWanted, 2 * connected_wanted), room);
    out.connected_max = std::min(connected_wanted, out.links_max / 2);
    return out;
}

}  // namespace sennit::node
