// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "sync/exchange.hpp"

namespace sennit::sync {

/// Whether the engine's tree holds a block.
using Known = std::function<bool(const BlockId&)>;

/// Fetches the unfinalised branch of one peer's head: headers by id down to a block that we know,
/// then blocks upwards, offered one by one to the ordinary intake, which checks them.
///
/// No signature is checked here. A branch has at most one header a slot, and no more headers than
/// `branch_max`, so a liar costs that many ids at most; and no more time than one deadline for all
/// headers, then that of a chain which is followed faster than it grows.
class BranchStage {
  public:
    BranchStage(Exchange& exchange, const Options& options, chain::Schedule schedule,
                std::size_t body_bytes_max)
        : exchange_{exchange},
          options_{options},
          schedule_{schedule},
          body_bytes_max_{body_bytes_max} {}

    void start(Source& peer, const chain::Facts& base, Now now);
    void stop();
    bool running() const { return peer_.has_value(); }
    std::optional<PeerRef> peer() const { return peer_; }

    void advance(const Known& known, Now now);
    Result<std::size_t> on_answer(const Request& request, const protocol::Message& answer,
                                  const Known& known, Now now);
    void on_failed(const Purpose& ask, bool busy);
    void on_offer_done(const BlockId& id, bool accepted, Now now);

    enum class End : std::uint8_t {
        running,
        done,      ///< everything was offered and taken in
        failed,    ///< given up: ask somebody else
        detached,  ///< its lowest block has a parent that is final there and unknown here
    };
    End end() const { return end_; }

    /// Blocks of it that were taken in, and of how many.
    std::size_t accepted() const { return accepted_; }
    std::size_t size() const { return ids_.size(); }
    /// Of blocks that were fetched and are not offered yet.
    std::size_t bytes() const { return bytes_; }
    Height bottom() const { return bottom_; }
    bool linked() const { return linked_; }
    /// From then on another peer that waits is worth more.
    Instant turn_ends() const { return turn_ends_; }
    std::optional<Instant> deadline() const;
    void check_invariants() const;

  private:
    Result<std::size_t> on_headers(const protocol::Message& answer, const Known& known, Now now);
    Result<std::size_t> on_blocks(const ForBranchBlocks& ask, const protocol::Message& answer);
    void ask_headers(Source& source, Now now);
    void ask_blocks(Source& source, Now now);
    void offer(const Known& known, Now now);
    void take_in(Now now);
    std::size_t hold(std::size_t first, std::span<const protocol::WireBlock> blocks);
    void drop(std::size_t index);

    Exchange& exchange_;
    const Options& options_;
    const chain::Schedule schedule_;
    const std::size_t body_bytes_max_;  ///< of one block

    std::optional<PeerRef> peer_;
    End end_{End::running};
    BlockId head_;
    Height base_height_;
    std::vector<BlockId> ids_;  ///< newest first while headers come, then oldest first
    bool linked_{false};        ///< the lowest one's parent is known: blocks may be fetched
    BlockId next_;              ///< the header that comes next, while they come
    Height next_height_;        ///< 0: not known yet
    std::uint64_t last_timestamp_{0};
    Height bottom_;

    std::map<std::size_t, protocol::WireBlock> blocks_;  ///< fetched, not offered: by index
    std::size_t bytes_{0};                               ///< of those
    std::size_t asked_to_{0};                            ///< below it all are asked for or here
    std::size_t offered_{0};
    std::set<BlockId> offers_;  ///< not answered yet
    std::size_t accepted_{0};
    Instant patience_{};  ///< for headers, then for blocks that are taken in
    Instant turn_ends_{};
};

}  // namespace sennit::sync
