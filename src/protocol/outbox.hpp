// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "protocol/protocol.hpp"

namespace sennit::protocol {

/// What waits to leave for one peer: four classes, each bounded in bytes (CONTRACT rule 3).
///
/// Each frame counts `kFrameOverhead` besides its bytes, so that many small ones cost what they
/// count. A higher class overtakes between frames, never inside one. A message larger than its
/// class's bound is taken when the class is empty, so that nothing is refused for ever.
class Outbox {
  public:
    using Limits = std::array<std::size_t, kPriorities>;
    /// Control is requests and pings; urgent holds a few of the largest blocks; bulk one batch of
    /// blocks, because serving is pulled and the next is loaded when this one has left.
    static constexpr Limits kLimits{256 * 1024, 2 * 1024 * 1024, 1024 * 1024, 2 * 1024 * 1024};

    /// What a frame takes in memory besides its bytes: the queue's item, the shared buffer's
    /// counts, and what the allocator adds to three small blocks.
    static constexpr std::size_t kFrameOverhead = 128;

    explicit Outbox(Limits limits = kLimits) : limits_{limits} {}

    /// All frames of one message, or none: false when its class is full; `ready` then becomes true
    /// once the class is half empty.
    bool push(Priority priority, std::span<const SharedBytes> frames,
              std::optional<Instant> expires);
    /// The same for a control frame of which one that waits says all, such as a PONG: true, and
    /// nothing is added, while an earlier one has not left.
    bool push_once(const SharedBytes& frame);
    /// At most `room` bytes of the frame that is next; nullptr if nothing may leave. A frame is cut
    /// only when `may_split`, and then into pieces of `piece_min` or more but for its last.
    SharedBytes pop(std::size_t room, std::size_t piece_min, bool may_split, Instant now);

    bool empty() const { return cost_total_ == 0; }
    /// Bytes that wait, with the overhead of their frames.
    std::size_t cost() const { return cost_total_; }
    std::uint64_t expired() const { return expired_; }
    /// True once after a push was refused and room came back.
    bool take_ready();
    /// Keeps what was begun, and control: for a link that says goodbye.
    void drop_all_but_control();
    void clear();
    void check_invariants() const;

  private:
    struct Item {
        SharedBytes bytes;
        std::optional<Instant> expires;  // of the message; set on its first frame only
        std::size_t frames_after{0};     // of the same message, behind this one
        bool once{false};                // pushed by push_once
    };
    struct Lane {
        std::deque<Item> items;
        std::size_t cost{0};
        bool refused{false};
    };

    static std::size_t cost_of(const SharedBytes& frame) { return frame->size() + kFrameOverhead; }
    void drop_expired(Lane& lane, Instant now);

    Limits limits_;
    std::array<Lane, kPriorities> lanes_;
    std::size_t cost_total_{0};
    std::optional<std::size_t> begun_;  // lane whose first frame has partly left
    std::size_t begun_offset_{0};
    bool once_waits_{false};
    std::uint64_t expired_{0};
};

}  // namespace sennit::protocol
