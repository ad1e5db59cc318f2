// SPDX-License-Identifier: MIT
#include "io/signals.hpp"

#include <csignal>

namespace sennit::io {

Signals::Signals(asio::any_io_executor executor) : signals_{std::move(executor), SIGINT, SIGTERM} {}

Task<int> Signals::next() {
    co_return co_await signals_.async_wait(asio::use_awaitable);
}

}  // namespace sennit::io
