// SPDX-License-Identifier: MIT
#include "libp2p/ping/ping.hpp"

#include <algorithm>

namespace sennit::libp2p::ping {

void Pinger::start(const Payload& payload, Now now) {
    SENNIT_ASSERT(!waiting());
    payload_ = payload;
    came_ = 0;
    sent_ = now.at;
}

Result<std::optional<Duration>> Pinger::on_bytes(BytesView in, Now now) {
    if (in.empty()) return std::optional<Duration>{};
    if (!sent_ || in.size() > kSize - came_)
        return Error{Errc::trailing, "more than was asked for", came_, {}};
    const auto expected = BytesView{payload_}.subspan(came_, in.size());
    const auto [wrong, end] = std::ranges::mismatch(in, expected);
    if (wrong != in.end()) {
        const auto at = came_ + static_cast<std::size_t>(wrong - in.begin());
        return Error{Errc::mismatch, "the answer to a ping is another", at, {}};
    }
    came_ += in.size();
    if (came_ < kSize) return std::optional<Duration>{};
    const auto took = now.at - *sent_;
    sent_.reset();
    return std::optional{took};
}

}  // namespace sennit::libp2p::ping
