// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/bytes.hpp"

namespace sennit::protocol {

class PartialFrame;

/// What all partial frames of a node may hold together (CONTRACT rule 12).
///
/// A frame below `kFree` is nobody's concern: a link costs that much anyway. Above it each byte
/// that has arrived is drawn from here, so a hundred peers that each send most of a 10 MiB frame
/// and then fall silent cannot take a gigabyte.
///
/// Nor can they keep others out. When the budget is spent, the frame that began to draw first loses
/// its bytes to the one that needs room: to push a frame out, its enemies must send nearly the
/// whole budget again while it is on its way.
class FrameBudget {
  public:
    static constexpr std::size_t kDefault = 64 * 1024 * 1024;
    static constexpr std::size_t kFree = 64 * 1024;

    explicit FrameBudget(std::size_t bytes_max = kDefault) : max_{bytes_max} {}
    ~FrameBudget() { SENNIT_ASSERT(holders_.empty()); }
    FrameBudget(const FrameBudget&) = delete;
    FrameBudget& operator=(const FrameBudget&) = delete;

    std::size_t used() const { return used_; }
    void check_invariants() const;

  private:
    friend class PartialFrame;

    /// Makes room by evicting others; false if that is not enough.
    bool reserve(PartialFrame& frame, std::size_t bytes);
    void release(PartialFrame& frame);

    std::size_t max_;
    std::size_t used_{0};
    std::uint64_t last_{0};
    std::map<std::uint64_t, PartialFrame*> holders_;  // in the order in which they began to draw
};

/// The bytes of a frame that has not wholly arrived, and what they draw from the budget.
class PartialFrame {
  public:
    /// `budget` outlives the frame.
    explicit PartialFrame(FrameBudget& budget) : budget_{&budget} {}
    ~PartialFrame() { clear(); }
    PartialFrame(const PartialFrame&) = delete;
    PartialFrame& operator=(const PartialFrame&) = delete;

    /// False, with nothing changed, if the budget has no room. Not after an eviction.
    bool append(BytesView bytes);
    void clear();

    BytesView bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }
    /// Others needed the room and the bytes are lost; true until `clear`.
    bool evicted() const { return evicted_; }

  private:
    friend class FrameBudget;

    void drop_bytes();

    FrameBudget* budget_;
    Bytes bytes_;
    std::size_t reserved_{0};
    std::uint64_t place_{0};  // in FrameBudget::holders_, iff reserved_ > 0
    bool evicted_{false};
};

}  // namespace sennit::protocol
