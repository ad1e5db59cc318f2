// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/buffer.hpp>
#include <span>

#include "sennit/types.hpp"

namespace sennit::transport::tcp {

/// What waits to be written to one link: shared byte strings, gathered into one write.
///
/// Large ones are never copied. Small ones are, into one buffer with their neighbours: apart, a
/// frame of 5 bytes takes a hundred in bookkeeping, and a peer that asks much and reads little
/// could make us keep as many as its room has bytes. An empty queue holds no memory, because most
/// links of a node are idle.
class SendQueue {
  public:
    /// As many pieces as Asio hands to one sendmsg(2).
    static constexpr std::size_t kPiecesMax = 64;
    /// Up to here copying costs less than keeping.
    static constexpr std::size_t kSmallMax = 256;
    static constexpr std::size_t kBufferSizeMax = 4096;
    using Pieces = std::array<boost::asio::const_buffer, kPiecesMax>;

    bool empty() const { return size_ == 0; }
    /// Bytes that have not left.
    std::size_t size() const { return size_; }

    /// `bytes` is not empty. `apart`: never gathered with others.
    void push(SharedBytes bytes, bool apart = false);
    /// The first pieces, at most `pieces_max`; valid until the queue is changed.
    std::span<const boost::asio::const_buffer> front(Pieces& storage, std::size_t pieces_max) const;
    /// `n` bytes have left.
    void consume(std::size_t n);
    void clear();

  private:
    std::vector<SharedBytes> waiting_;
    std::shared_ptr<Bytes> buffer_;  ///< the last of `waiting_`, if small ones may be added to it
    std::size_t head_{0};            ///< the first of `waiting_` that has not wholly left
    std::size_t head_offset_{0};     ///< bytes of it that have
    std::size_t size_{0};
};

}  // namespace sennit::transport::tcp
