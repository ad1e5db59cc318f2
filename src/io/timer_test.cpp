// SPDX-License-Identifier: MIT
#include "io/timer.hpp"

#include <stdexcept>

#include "io/clock.hpp"
#include "io/testing.hpp"

namespace sennit::io {
namespace {

using testing::run;

Task<int> value_after(Duration duration, int value, bool& cancelled) {
    cancelled = true;
    co_await sleep_for(duration);
    cancelled = false;
    co_return value;
}

Task<int> fail_at_once() {
    co_await sleep_for(Duration::zero());
    throw std::runtime_error{"no"};
}

Task<void> take(Task<int> task, Duration timeout, std::optional<int>& out) {
    out = co_await with_timeout(std::move(task), timeout);
}

TEST(with_timeout, gives_the_value_of_a_task_that_ends_in_time) {
    asio::io_context context;
    bool cancelled = false;
    std::optional<int> out;
    run(context, take(value_after(Duration::zero(), 7, cancelled), std::chrono::hours{1}, out));
    EXPECT_EQ(out, 7);
    EXPECT_FALSE(cancelled);
}

TEST(with_timeout, cancels_a_task_whose_time_is_up) {
    asio::io_context context;
    bool cancelled = false;
    std::optional<int> out;
    const auto never = std::chrono::hours{1};
    run(context, take(value_after(never, 7, cancelled), std::chrono::milliseconds{1}, out));
    EXPECT_EQ(out, std::nullopt);
    EXPECT_TRUE(cancelled);
}

TEST(with_timeout, passes_the_exception_of_the_task_on) {
    asio::io_context context;
    std::optional<int> out;
    EXPECT_THROW(run(context, take(fail_at_once(), std::chrono::hours{1}, out)),
                 std::runtime_error);
}

TEST(clock, the_steady_clock_advances_and_deadlines_fit_timers) {
    const auto before = std::chrono::steady_clock::now();
    const auto now = system_now();
    const auto after = std::chrono::steady_clock::now();
    EXPECT_LE(before, to_steady(now.at));
    EXPECT_GE(after, to_steady(now.at));
    EXPECT_GT(unix_seconds(now.wall), 1'600'000'000u);
}

}  // namespace
}  // namespace sennit::io
