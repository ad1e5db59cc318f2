// SPDX-License-Identifier: MIT
#include "libp2p/yamux/window.hpp"

namespace sennit::libp2p::yamux {

void ReceiveWindow::on_received(std::uint32_t n, Instant now) {
    SENNIT_ASSERT(n <= credit_);
    credit_ -= n;
    unread_ += n;
    if (!round_began_) round_began_ = now;
}

bool ReceiveWindow::on_read(std::uint32_t n, Instant now, std::optional<Duration> rtt) {
    SENNIT_ASSERT(n <= unread_);
    unread_ -= n;
    read_in_round_ += n;
    if (read_in_round_ < size_ || !round_began_) return false;
    const auto took = now - *round_began_;
    read_in_round_ = 0;
    // Of a round under way the beginning is now; of none it is the next byte's coming.
    round_began_ = unread_ > 0 ? std::optional{now} : std::nullopt;
    return rtt && took <= 2 * *rtt;
}

std::uint32_t ReceiveWindow::grant() {
    const auto out = owed();
    credit_ += out;
    return out;
}

void ReceiveWindow::check_invariants() const {
    SENNIT_ASSERT(std::uint64_t{credit_} + unread_ <= size_);
    SENNIT_ASSERT(read_in_round_ < size_ || size_ == 0);
}

}  // namespace sennit::libp2p::yamux
