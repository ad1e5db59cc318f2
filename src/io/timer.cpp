// SPDX-License-Identifier: MIT
#include "io/timer.hpp"

#include "io/clock.hpp"

namespace sennit::io {

Task<void> sleep_until(Instant at) {
    asio::steady_timer timer{co_await asio::this_coro::executor, to_steady(at)};
    co_await timer.async_wait(asio::use_awaitable);
}

Task<void> sleep_for(Duration duration) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration));
    co_await timer.async_wait(asio::use_awaitable);
}

Task<bool> detail::race(Task<void> task, Duration timeout) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, std::move(task), asio::deferred),
        timer.async_wait(asio::deferred));
    const auto [order, failure, timer_error] =
        co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    const bool time_is_up = order[0] == 1 && !timer_error;
    if (failure && !time_is_up) std::rethrow_exception(failure);
    co_return !time_is_up;
}

}  // namespace sennit::io
