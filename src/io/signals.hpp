// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/signal_set.hpp>

#include "io/task.hpp"

namespace sennit::io {

/// Catches SIGINT and SIGTERM from its construction on, so that a signal during a long start-up is
/// not lost; while it lives they no longer end the process.
///
///     Signals signals{executor};
///     const int first = co_await signals.next();    // stop in order; a second one means: at once
class Signals {
  public:
    explicit Signals(asio::any_io_executor executor);

    /// The next signal's number. Cancellable.
    Task<int> next();

  private:
    asio::signal_set signals_;
};

}  // namespace sennit::io
