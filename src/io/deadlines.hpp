// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "base/time.hpp"
#include "io/task.hpp"

namespace sennit::io {

/// The deadlines of many things, each known by a number, on one timer: for owners of thousands of
/// things of which few have a deadline at any time.
///
/// The task that waits lives in the owner's group, and ends whenever no deadline is left.
class Deadlines {
  public:
    using OnDeadline = std::function<void(std::uint64_t id)>;

    /// `tasks` outlives this.
    Deadlines(asio::any_io_executor executor, TaskGroup& tasks, OnDeadline on_deadline);

    /// In place of the one that `id` may have.
    void set(std::uint64_t id, Instant at);
    void drop(std::uint64_t id);
    bool has(std::uint64_t id) const { return of_id_.contains(id); }

  private:
    Task<void> watch();

    TaskGroup& tasks_;
    OnDeadline on_deadline_;
    asio::steady_timer timer_;
    bool watched_{false};
    std::map<std::uint64_t, Instant> of_id_;
    std::set<std::pair<Instant, std::uint64_t>> in_order_;
};

}  // namespace sennit::io
