// SPDX-License-Identifier: MIT
#include "io/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/read.hpp>
#include <cerrno>
#include <ctime>
#include <string_view>
#include <system_error>

namespace sennit::io {

namespace {

constexpr std::array kCaught{SIGINT, SIGTERM};
constexpr std::string_view kAtOnce = "sennit: a second signal: ending at once\n";

// What the handler may touch. It runs on any thread, in the middle of anything.
std::atomic<int> handler_pipe{-1};
std::atomic<std::int64_t> first_at{0};  ///< in milliseconds; 0: none came yet

/// timeout(1) and some supervisors send one to the process and the same to its group: that is one
/// wish, not impatience.
constexpr std::int64_t kSameWish = 300;

std::int64_t milliseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000 + 1;
}

void on_signal(int number) {
    const int before = errno;
    std::int64_t first = 0;
    const auto now = milliseconds();
    if (!first_at.compare_exchange_strong(first, now)) {
        if (now - first < kSameWish) {
            errno = before;
            return;
        }
        // Nothing could be done if standard error took no text.
        [[maybe_unused]] const auto n = ::write(STDERR_FILENO, kAtOnce.data(), kAtOnce.size());
        ::_exit(128 + number);
    }
    const auto byte = static_cast<unsigned char>(number);
    [[maybe_unused]] const auto n = ::write(handler_pipe, &byte, 1);
    errno = before;
}

}  // namespace

Signals::Signals(asio::any_io_executor executor) : pipe_{std::move(executor)} {
    SENNIT_ASSERT(handler_pipe == -1);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        throw std::system_error{errno, std::generic_category(), "cannot catch signals"};
    }
    pipe_.assign(ends[0]);
    write_end_ = ends[1];
    handler_pipe = write_end_;
    first_at = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kCaught.size(); ++i) {
        SENNIT_ASSERT(::sigaction(kCaught[i], &action, &before_[i]) == 0);
    }
}

Signals::~Signals() {
    for (std::size_t i = 0; i < kCaught.size(); ++i) {
        ::sigaction(kCaught[i], &before_[i], nullptr);
    }
    handler_pipe = -1;
    ::close(write_end_);
}

Task<int> Signals::next() {
    unsigned char number = 0;
    co_await asio::async_read(pipe_, asio::buffer(&number, 1), asio::use_awaitable);
    co_return number;
}

}  // namespace sennit::io
