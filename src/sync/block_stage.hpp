// SPDX-License-Identifier: MIT
#pragma once

#include "sync/body_window.hpp"
#include "sync/exchange.hpp"

namespace sennit::sync {

/// Third part of an anchored sync: reads the proven headers back, fetches bodies from many peers,
/// and hands blocks over for execution in order of height.
class BlockStage {
  public:
    BlockStage(Exchange& exchange, const Options& options, std::size_t body_bytes_max)
        : exchange_{exchange}, options_{options}, body_bytes_max_{body_bytes_max} {}

    void start(const chain::Facts& base, Height target);
    void stop();
    bool running() const { return running_; }

    void advance(Now now);
    /// A wrong list of bodies is the answering peer's fault.
    Result<std::size_t> on_answer(const Request& request, const protocol::Message& answer);
    void on_failed(const ForBodies& ask);

    /// An error: the rows are other than those of the chain that was proven, for which only our
    /// disk can be blamed.
    Result<void> on_loaded(Height from, const std::vector<Bytes>& rows);
    /// An error: the certified chain is invalid.
    Result<void> on_appended(const chain::State::Appended& result, Now now);
    /// The base moved by itself.
    void on_base(const chain::Facts& base);

    const BodyWindow& window() const { return window_; }
    /// Bodies are missing, and nobody is asked for them.
    bool stalled() const;
    /// When a slow answer is asked for a second time.
    std::optional<Instant> deadline() const;
    void check_invariants() const;

  private:
    void load();
    void submit();
    bool ask_next(Now now);
    void ask_again(Now now);
    void send(Source& source, std::vector<Height> heights, Now now);
    bool room(Height lowest) const;
    void forget_useless();

    Exchange& exchange_;
    const Options& options_;
    const std::size_t body_bytes_max_;  ///< of one block
    bool running_{false};
    Height target_;
    BlockId last_;  ///< id of the newest header in the window, or of the base
    std::optional<Height> loading_;
    BodyWindow window_;
    std::deque<std::size_t> appending_;  ///< sizes of what was handed over, in order
};

}  // namespace sennit::sync
