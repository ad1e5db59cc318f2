// SPDX-License-Identifier: MIT
#include "libp2p/yamux/window.hpp"

#include <gtest/gtest.h>

#include "libp2p/yamux/byte_queue.hpp"
#include "libp2p/yamux/testing.hpp"

namespace sennit::libp2p::yamux {
namespace {

using namespace testing;

TEST(YamuxWindow, owes_what_was_read_and_grants_it_once) {
    ReceiveWindow window{1000};
    window.on_received(800, at(0s).at);
    EXPECT_EQ(window.credit(), 200u);
    (void)window.on_read(499, at(0s).at, {});
    EXPECT_FALSE(window.update_due());
    (void)window.on_read(1, at(0s).at, {});
    EXPECT_TRUE(window.update_due());
    EXPECT_EQ(window.grant(), 500u);
    EXPECT_EQ(window.credit(), 700u);
    EXPECT_EQ(window.grant(), 0u);
    window.grow(1000);
    EXPECT_EQ(window.grant(), 1000u);
    EXPECT_EQ(window.credit() + window.unread(), 2000u);
    window.check_invariants();
}

TEST(YamuxWindow, should_grow_when_read_whole_within_two_round_trips) {
    const auto grows = [](Duration took, std::optional<Duration> rtt) {
        ReceiveWindow window{1000};
        window.on_received(1000, at(5s).at);
        EXPECT_FALSE(window.on_read(999, at(5s + took).at, rtt));
        return window.on_read(1, at(5s + took).at, rtt);
    };
    EXPECT_TRUE(grows(120ms, 60ms));
    EXPECT_FALSE(grows(121ms, 60ms));
    EXPECT_FALSE(grows(0ms, std::nullopt));
}

TEST(YamuxWindow, does_not_count_the_silence_between_two_transfers) {
    ReceiveWindow window{1000};
    for (const auto begin : {0s, 100s, 200s}) {
        window.on_received(1000, at(begin).at);
        EXPECT_TRUE(window.on_read(1000, at(begin + 50ms).at, Duration{60ms}));
        (void)window.grant();
    }
}

TEST(YamuxMeter, lets_a_burst_through_and_then_one_each_interval) {
    const Meter::Rate rate{3, 1s};
    Meter meter;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(meter.count(at(100s).at, rate));
    EXPECT_FALSE(meter.count(at(100s).at, rate));
    EXPECT_FALSE(meter.count(at(100'999ms).at, rate));
    EXPECT_TRUE(meter.count(at(101s).at, rate));
    EXPECT_FALSE(meter.count(at(101s).at, rate));
}

TEST(YamuxByteQueue, gives_out_what_went_in_whatever_the_pieces) {
    const auto all = pattern(100'000);
    for (const std::size_t in : {1u, 63u, 64u, 1000u, 16'384u, 100'000u}) {
        for (const std::size_t out : {7u, 4096u, 50'000u}) {
            ByteQueue queue;
            Bytes got;
            std::size_t put = 0;
            while (got.size() < all.size()) {
                const auto n = std::min(in, all.size() - put);
                queue.append(BytesView{all}.subspan(put, n));
                put += n;
                if (put % 3 == 0) queue.move_to(got, std::min(out, queue.size()));
                if (put == all.size()) queue.move_to(got, queue.size());
            }
            EXPECT_EQ(got, all);
            EXPECT_TRUE(queue.empty());
            EXPECT_TRUE(queue.front().empty());
        }
    }
}

}  // namespace
}  // namespace sennit::libp2p::yamux
