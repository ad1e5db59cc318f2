// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "protocol/wire_block.hpp"
#include "sync/header_chain.hpp"

namespace sennit::sync {

/// The stretch of blocks whose bodies are being fetched: it rises from our base, in order of
/// height, as fast as blocks are executed.
///
///     missing -> asked -> held -> submitted -> (applied: leaves at the bottom)
///
/// A header whose transactions root is that of the empty list needs no body and starts as held.
class BodyWindow {
  public:
    /// Empties it; the next header pushed has height `first`.
    void start(Height first);
    void push(protocol::WireHeader header);

    Height first() const { return first_; }
    Height next() const { return first_ + entries_.size(); }
    std::size_t size() const { return entries_.size(); }
    /// Of the bodies that are here, and of what holds them.
    std::size_t bytes() const { return bytes_; }
    bool contains(Height height) const { return first_ <= height && height < next(); }
    const BlockId& id(Height height) const { return at(height).header.id; }

    /// The lowest heights that nobody is asked for and that `peer` did not get wrong; at most
    /// `max`.
    std::vector<Height> missing(std::size_t max, PeerRef peer) const;
    /// Of `heights`, those whose bodies are not here.
    std::vector<Height> lacking(std::span<const Height> heights) const;
    /// The lowest height without a body.
    std::optional<Height> front() const;
    void ask(std::span<const Height> heights);
    void give_back(std::span<const Height> heights);

    /// False if it was here already.
    bool hold(Height height, std::vector<protocol::WireTransaction> body, PeerRef sender);

    /// How many can be submitted next.
    std::size_t ready() const;
    struct Batch {
        std::vector<protocol::WireBlock> blocks;
        std::vector<PeerRef> senders;
    };
    /// The next held ones: at most `max`, and no more bytes than `bytes_max` after the first.
    Batch submit(std::size_t max, std::size_t bytes_max);
    /// Nothing that was submitted is under way any more.
    void withdraw();
    /// The lowest `count` are applied.
    void applied(std::size_t count);

    /// The lowest body was wrong: it and whatever else its sender sent and is not submitted is
    /// fetched again. Nullopt: it had no body.
    std::optional<PeerRef> reject_front();

    void check_invariants() const;

  private:
    struct Entry {
        protocol::WireHeader header;
        std::optional<protocol::WireBlock> block;
        std::optional<PeerRef> sender;  ///< of the body; none: it needs none
        std::optional<PeerRef> wrong;   ///< who sent a wrong one
        std::size_t bytes{0};
        std::uint32_t asked{0};  ///< how many are asked
    };

    const Entry& at(Height height) const { return entries_[height - first_]; }
    Entry& at(Height height) { return entries_[height - first_]; }
    void drop_body(Entry& entry);

    Height first_;
    std::deque<Entry> entries_;
    std::size_t submitted_{0};  ///< the lowest so many
    std::size_t bytes_{0};
};

}  // namespace sennit::sync
