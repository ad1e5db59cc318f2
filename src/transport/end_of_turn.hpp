// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/post.hpp>

#include "base/carrier.hpp"
#include "io/task.hpp"

namespace sennit::transport {

/// Runs once after the current turn of the driver, however often it was asked to: there a transport
/// writes what the turn transmitted, and reports what it found out inside `carry_out`.
class EndOfTurn {
  public:
    EndOfTurn(boost::asio::any_io_executor executor, std::function<void()> run)
        : executor_{std::move(executor)}, run_{std::move(run)} {}
    EndOfTurn(const EndOfTurn&) = delete;
    EndOfTurn& operator=(const EndOfTurn&) = delete;
    ~EndOfTurn() { SENNIT_ASSERT(!scheduled_); }

    void schedule() {
        if (scheduled_) return;
        scheduled_ = true;
        boost::asio::post(executor_, [this] {
            scheduled_ = false;
            run_();
        });
    }

    /// Returns when nothing is scheduled.
    io::Task<void> drained() {
        while (scheduled_) co_await boost::asio::post(executor_, boost::asio::use_awaitable);
    }

  private:
    boost::asio::any_io_executor executor_;
    std::function<void()> run_;
    bool scheduled_{false};
};

}  // namespace sennit::transport
