// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "sennit/types.hpp"

namespace sennit::cli {

/// A child process in a group of its own, so that Ctrl-C reaches us alone; it is told to stop when
/// we die, whatever we die of.
class Process {
  public:
    /// Runs this very program with other arguments; both outputs go to the end of `log`.
    static Result<Process> start_self(const std::vector<std::string>& arguments,
                                      const std::string& log);

    Process(Process&& other) noexcept : id_{other.id_} { other.id_ = 0; }
    Process& operator=(Process&&) = delete;
    ~Process();

    bool running();
    /// Asks it to end in order.
    void terminate();
    /// Waits, then kills. True if it ended by itself with status 0.
    bool join(Duration patience);

  private:
    explicit Process(int id) : id_{id} {}

    int id_{0};
    int status_{0};
};

}  // namespace sennit::cli
