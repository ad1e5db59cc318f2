// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/task.hpp"

namespace sennit::io {

/// Catches SIGINT and SIGTERM while it lives; before and after it they end the process as usual.
///
///     Signals signals{executor};
///     const int first = co_await signals.next();    // stop in order
///
/// A second one ends the process at once, whatever its threads wait for: with a line on standard
/// error and status 128 + its number, as a shell reports it. One that comes within 0.3 s is the
/// first one's echo and counts for nothing. There is one of these at a time.
class Signals {
  public:
    /// Throws std::system_error when the process has no descriptors left.
    explicit Signals(asio::any_io_executor executor);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// The first signal's number, also when it came before the call. Cancellable.
    Task<int> next();

  private:
    asio::posix::stream_descriptor pipe_;
    int write_end_{-1};
    std::array<struct sigaction, 2> before_{};
};

}  // namespace sennit::io
