// SPDX-License-Identifier: MIT
#pragma once

#include <list>

#include "base/bytes.hpp"

namespace sennit::libp2p::yamux {

/// Bytes in at the back, out at the front. Holds no memory when empty.
///
/// Kept in chunks, so that what was read is given back while the rest waits, and so that many
/// small pieces share one allocation: a peer that sends single bytes costs what one that sends
/// them together does. Besides its bytes it holds at most two chunks' worth of room.
class ByteQueue {
  public:
    static constexpr std::size_t kChunkMax = 16 * 1024;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    void append(BytesView bytes);
    /// The bytes at the front that lie in one piece; empty only if the queue is.
    BytesView front() const;
    /// Forgets the first `n`, which must be there.
    void consume(std::size_t n);
    /// Moves the first `n`, which must be there, behind `out`.
    void move_to(Bytes& out, std::size_t n);
    void clear();

  private:
    /// The smallest chunk: below that the list's node is most of the cost.
    static constexpr std::size_t kChunkMin = 64;

    std::list<Bytes> chunks_;  ///< each reserved once, never grown
    std::size_t head_{0};      ///< how much of the first chunk is gone
    std::size_t size_{0};
};

}  // namespace sennit::libp2p::yamux
