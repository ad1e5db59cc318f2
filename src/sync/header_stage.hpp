// SPDX-License-Identifier: MIT
#pragma once

#include "sync/exchange.hpp"
#include "sync/proof_stage.hpp"

namespace sennit::sync {

/// Second part of an anchored sync: headers from the certified one down to our base, ranges from
/// many peers at once, written to disk as they come.
///
/// The prover alone is asked for the certified header itself, so that it answers for the height
/// that it claimed. What an earlier run left on disk is read back before others are asked, and
/// proven by the same links.
class HeaderStage {
  public:
    HeaderStage(Exchange& exchange, const Options& options)
        : exchange_{exchange}, options_{options} {}

    void start(const chain::Facts& base, const Anchor& anchor, Now now);
    void stop();

    /// Asks for what can be asked for now. An error: the prover does not show its header,
    /// `prover()`.
    Result<void> advance(Now now);
    /// A wrong range is the answering peer's fault.
    Result<std::size_t> on_answer(const Request& request, const protocol::Message& answer, Now now);
    /// Overdue, refused, gone; `busy`: may be asked again. An error: as of advance().
    Result<void> on_failed(const ForHeaders& ask, bool busy);
    /// A range that was to be kept is on disk.
    void on_kept();
    /// `first`: where the rows begin, at or above `from`.
    void on_loaded(Height from, Height first, const std::vector<Bytes>& rows);

    bool confirmed() const { return confirmed_; }
    bool complete() const { return chain_ && chain_->complete(); }
    /// Ranges on their way to the disk, of this run or of one before it.
    std::size_t writes() const { return writes_; }
    /// Headers are missing, and nobody is asked for them.
    bool stalled() const {
        return chain_ && !complete() && confirmed_ && scanned_ && disk_keeps_up() &&
               count_for<ForHeaders>(exchange_) == 0;
    }
    /// The chain that is certified does not contain our finalised base.
    bool conflicts() const { return complete() && chain_->expected() != base_id_; }
    /// The certified chain does not contain the block that the operator trusts.
    bool lacks_trusted() const {
        return complete() && options_.trusted && base_slot_ < options_.trusted->slot &&
               !trusted_at_;
    }
    const HeaderChain* chain() const { return chain_ ? &*chain_ : nullptr; }
    std::optional<Instant> deadline() const;
    void check_invariants() const;

  private:
    void ask(Source& source, const Range& range, bool anchor, Now now);
    std::uint64_t batch(const Source& source) const;
    bool disk_keeps_up() const { return writes_ < options_.header_writes_max; }
    Result<void> ask_prover(Now now);
    bool is_trusted(const BlockId& id) const {
        return options_.trusted && options_.trusted->id == id;
    }
    void note_trusted(const Range& range, std::optional<Height> found);
    void scan();
    bool ask_range(Now now);

    Exchange& exchange_;
    const Options& options_;
    std::optional<HeaderChain> chain_;
    Anchor anchor_;
    BlockId base_id_;
    Slot base_slot_;
    Height base_height_;
    std::optional<Height> trusted_at_;  ///< where the trusted block stands among what is here
    std::size_t writes_{0};  ///< not of a run: the disk has what an abandoned one gave it
    bool confirmed_{false};
    bool asked_prover_{false};
    Instant prover_until_{};
    // Reading back what an earlier run kept.
    bool scanned_{false};
    std::optional<Range> scanning_;  ///< being read
    Height scan_next_;
    std::size_t scan_steps_{0};
};

/// The headers of an answer to ForHeaders, in rising order, as far as form goes: heights as asked,
/// at least one, no more than asked, each the child of the one before.
Result<std::vector<protocol::WireHeader>> headers_of(const ForHeaders& ask,
                                                     const protocol::Message& answer);

}  // namespace sennit::sync
