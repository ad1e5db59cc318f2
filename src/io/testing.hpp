// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "io/task.hpp"

/// For tests only: runs coroutines on a context until they have ended, or the test's time is up.
namespace sennit::io::testing {

inline constexpr std::chrono::seconds kTestDeadline{30};

/// Runs `context` until `condition()` holds; false after the deadline.
template <class Condition>
bool run_until(asio::io_context& context, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        if (context.stopped()) context.restart();
        context.run_one_until(deadline);
    }
    return true;
}

/// Runs `task` to its end; an exception that escapes it fails the test.
inline void run(asio::io_context& context, Task<void> task) {
    bool done = false;
    const auto on_end = [&done](const std::exception_ptr& error) {
        done = true;
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(context, std::move(task), on_end);
    ASSERT_TRUE(run_until(context, [&] { return done; })) << "the task did not end in time";
}

}  // namespace sennit::io::testing
