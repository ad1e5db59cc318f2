// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/peer_id.hpp"
#include "sennit/types.hpp"

namespace sennit::sync {

/// Heights from `low` to `high`, both included.
struct Range {
    Height low;
    Height high;

    std::uint64_t count() const { return high.value - low.value + 1; }
    bool operator==(const Range&) const = default;
};

/// Which headers between our base and a certified block are here, and whether they link: the
/// headers themselves are on disk.
///
/// From the certified id downwards each header names the one below it, so a range is proven once
/// everything above it is. A range that came early is a *piece*: internally linked, of which only
/// its two ends and its sender are kept. When the proven part reaches it, it fits or its sender is
/// the one to blame, whoever else lied. Memory is bounded by `kPiecesMax`, whatever peers send.
class HeaderChain {
  public:
    /// Above it only the range that the proven part waits for is handed out.
    static constexpr std::size_t kPiecesMax = 256;

    HeaderChain(Height base, Height anchor, const BlockId& anchor_id);

    struct Piece {
        Range range;
        BlockId top;                    ///< id of the header at range.high
        BlockId below;                  ///< what the header at range.low names as its parent
        std::optional<PeerRef> sender;  ///< none: from our own disk
    };

    /// A stretch of at most `max` heights that nobody is asked for, the highest that lies at or
    /// below `reach`. Give it back or add it.
    std::optional<Range> take(Height reach, std::uint64_t max);
    void give_back(const Range& range);
    /// Ends of what nobody is asked for and may be taken.
    std::optional<Height> highest_open() const;
    std::optional<Height> lowest_open() const;
    /// Takes all of `range` if nobody is asked for any of it.
    bool claim(const Range& range);

    /// False if the piece joins the proven part from below and is not what that names.
    bool fits(const Piece& piece) const;
    /// Adds a taken range. Returns the pieces that turned out not to link: their heights are open
    /// again.
    std::vector<Piece> add(Piece piece);

    /// Everything above it is proven; its own header must have the id `expected()`.
    Height front() const { return front_; }
    const BlockId& expected() const { return expected_; }
    /// Proven down to the child of the base; whether that names the base is for `expected` to say.
    bool complete() const { return front_ == base_; }

    Height anchor() const { return anchor_; }
    /// Heights of the whole chain, and of what is here.
    std::uint64_t total() const { return anchor_.value - base_.value; }
    std::uint64_t held() const;
    std::size_t pieces() const { return pieces_.size(); }
    void check_invariants() const;

  private:
    std::vector<Piece> link();
    void merge(Piece& piece);

    Height base_;
    Height anchor_;
    Height front_;
    BlockId expected_;
    std::map<Height, Height> gaps_;   ///< nobody is asked for them: high to low
    std::map<Height, Piece> pieces_;  ///< by high
};

}  // namespace sennit::sync
