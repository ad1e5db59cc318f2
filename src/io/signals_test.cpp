// SPDX-License-Identifier: MIT
#include "io/signals.hpp"

#include <csignal>

#include "io/testing.hpp"

namespace sennit::io {
namespace {

Task<void> take(Signals& signals, int& out) {
    out = co_await signals.next();
}

TEST(signals, a_signal_sent_before_anybody_waits_is_not_lost) {
    asio::io_context context;
    Signals signals{context.get_executor()};
    std::raise(SIGTERM);
    int number = 0;
    testing::run(context, take(signals, number));
    EXPECT_EQ(number, SIGTERM);

    std::raise(SIGINT);
    testing::run(context, take(signals, number));
    EXPECT_EQ(number, SIGINT);
}

}  // namespace
}  // namespace sennit::io
