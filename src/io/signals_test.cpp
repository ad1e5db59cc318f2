// SPDX-License-Identifier: MIT
#include "io/signals.hpp"

#include <csignal>
#include <thread>

#include "io/testing.hpp"

namespace sennit::io {
namespace {

Task<void> take(Signals& signals, int& out) {
    out = co_await signals.next();
}

TEST(signals, a_signal_sent_before_anybody_waits_is_not_lost) {
    for (const int wanted : {SIGTERM, SIGINT}) {
        asio::io_context context;
        Signals signals{context.get_executor()};
        std::raise(wanted);
        int number = 0;
        testing::run(context, take(signals, number));
        EXPECT_EQ(number, wanted);
    }
}

TEST(signals, a_second_one_ends_the_process_at_once_though_nobody_listens) {
    const auto both = [] {
        asio::io_context context;
        Signals signals{context.get_executor()};
        std::raise(SIGTERM);
        std::this_thread::sleep_for(std::chrono::milliseconds{310});
        std::raise(SIGINT);
    };
    EXPECT_EXIT(both(), ::testing::ExitedWithCode(128 + SIGINT), "a second signal");
}

TEST(signals, one_sent_twice_over_is_one) {
    asio::io_context context;
    Signals signals{context.get_executor()};
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    int number = 0;
    testing::run(context, take(signals, number));
    EXPECT_EQ(number, SIGTERM);
}

TEST(signals, have_their_usual_effect_before_and_after) {
    const auto after = [] {
        asio::io_context context;
        { Signals signals{context.get_executor()}; }
        std::raise(SIGTERM);
    };
    EXPECT_EXIT(after(), ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace sennit::io
