// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/time.hpp"
#include "io/task.hpp"

/// Waiting, and waiting for at most so long.
namespace sennit::io {

/// Ends early, by `operation_aborted`, when the task is cancelled.
Task<void> sleep_for(Duration duration);
Task<void> sleep_until(Instant at);

namespace detail {

template <class T>
Task<void> store(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
}

/// False if the time was up before `task` ended.
Task<bool> race(Task<void> task, Duration timeout);

}  // namespace detail

/// Cancels `task` after `timeout` and waits until it has ended. False when the time was up.
/// An exception of the task passes through.
inline Task<bool> with_timeout(Task<void> task, Duration timeout) {
    return detail::race(std::move(task), timeout);
}

/// As above; nullopt when the time was up.
template <class T>
Task<std::optional<T>> with_timeout(Task<T> task, Duration timeout) {
    std::optional<T> out;
    auto stored = detail::store(std::move(task), out);
    const bool in_time = co_await detail::race(std::move(stored), timeout);
    // A task that sees its cancellation as a value, by kAsTuple, ends with one all the same.
    if (!in_time) out.reset();
    co_return out;
}

}  // namespace sennit::io
