// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <string_view>

#include "sennit/types.hpp"

/// Coroutines, and the groups that own them.
///
/// Rules that GCC 12 and Asio force on every coroutine here: an aggregate or a capturing lambda is
/// a named local before it is an argument inside `co_await f(...)` (GCC frees the temporary twice);
/// under `try` it is `co_return co_await`; a capturing lambda is never itself a coroutine;
/// parameters are values, or references to owners that outlive the task.
namespace sennit::io {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<T>;

/// For `co_await op(..., kAsTuple)`: the environment's errors come back as values.
inline constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// Owns tasks: none is ever detached, and the owner of the group outlives them all.
///
///     TaskGroup tasks_{executor, kTasksMax, on_failure};
///     tasks_.spawn(serve(), "serve");
///     ...
///     tasks_.close();             // cancels all, refuses new ones
///     co_await tasks_.join();     // before the group is destroyed
///
/// A cancelled task ends by `operation_aborted`, which is no failure. Any other exception that
/// escapes a task is reported once and closes the group, so that its owner comes down in order
/// instead of living on without a part of itself.
///
/// Not thread-safe: everything happens on the executor's one thread. A task runs up to its first
/// suspension inside `spawn` when that is called from this thread.
class TaskGroup {
  public:
    using OnFailure = std::function<void(std::string_view task, std::string_view what)>;

    TaskGroup(asio::any_io_executor executor, std::size_t tasks_max, OnFailure on_failure);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// `name` has static storage. False when the group is closed or full; then the task never runs.
    bool spawn(Task<void> task, std::string_view name);
    /// Asks every task to end, at its current or next suspension.
    void close();
    /// Returns when no task is left. Does not close by itself.
    Task<void> join();

    bool is_open() const { return open_; }
    std::size_t size() const { return tasks_.size(); }

  private:
    struct Running {
        asio::cancellation_signal cancel;
        std::string_view name;
    };

    void finished(std::uint64_t id, const std::exception_ptr& error);

    asio::any_io_executor executor_;
    std::size_t tasks_max_;
    OnFailure on_failure_;
    asio::steady_timer emptied_;
    std::map<std::uint64_t, Running> tasks_;
    std::uint64_t next_id_{0};
    bool open_{true};
};

}  // namespace sennit::io
