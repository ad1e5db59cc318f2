// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "base/time.hpp"
#include "sennit/types.hpp"

namespace sennit::libp2p::yamux {

/// What every stream may send before it hears of more; the protocol's figure, not ours.
constexpr std::uint32_t kWindowInitial = 256 * 1024;

/// How much a peer may send us on one stream, and when it hears of more.
///
/// At all times `size = credit + unread + owed`: what the peer may still send, what lies here
/// unread, and what was read and not granted again. Credit is granted when half of the window is
/// owed: earlier costs frames, later lets the peer run dry.
///
/// Growth. A window of W bytes carries W per round trip, whatever the path could do: 256 KiB at
/// 60 ms are 35 Mbit/s. If the application read a whole window within two round trips, the window
/// may well have been what held the peer back, and `on_read` says that it should double. It stops
/// at more than twice what the path carries in a round trip, since reading that takes longer. An
/// application that reads slowly never makes it grow.
class ReceiveWindow {
  public:
    explicit ReceiveWindow(std::uint32_t size) : size_{size}, credit_{size} {}

    std::uint32_t size() const { return size_; }
    std::uint32_t credit() const { return credit_; }
    std::uint32_t unread() const { return unread_; }
    std::uint32_t owed() const { return size_ - credit_ - unread_; }

    /// `n` must be within the credit: the caller has refused more.
    void on_received(std::uint32_t n, Instant now);
    /// True if the window should grow. `rtt`: the path's, nullopt if not measured yet.
    bool on_read(std::uint32_t n, Instant now, std::optional<Duration> rtt);
    void grow(std::uint32_t by) { size_ += by; }

    bool update_due() const { return owed() >= std::max<std::uint32_t>(1, size_ / 2); }
    /// The credit to send in a window update now.
    std::uint32_t grant();

    void check_invariants() const;

  private:
    std::uint32_t size_;
    std::uint32_t credit_;
    std::uint32_t unread_{0};
    // One window's worth of reading, timed from the first byte that came for it.
    std::uint32_t read_in_round_{0};
    std::optional<Instant> round_began_;
};

/// How often something may happen: `burst` times at once, and once more each `interval` after.
/// One instant of memory (the generic cell rate algorithm).
class Meter {
  public:
    struct Rate {
        std::uint32_t burst;
        Duration interval;
    };

    /// Counts one; false if that is one too many.
    bool count(Instant now, const Rate& rate) {
        const auto from = std::max(now, free_at_);
        if (from - now > rate.interval * (std::int64_t{rate.burst} - 1)) return false;
        free_at_ = from + rate.interval;
        return true;
    }

  private:
    Instant free_at_{};
};

}  // namespace sennit::libp2p::yamux
