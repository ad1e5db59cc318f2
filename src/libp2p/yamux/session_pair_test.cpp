// SPDX-License-Identifier: MIT
/// Two sessions against each other: nothing is lost, cut or stuck, and windows find the path.
#include <gtest/gtest.h>

#include <deque>

#include "libp2p/yamux/testing.hpp"

namespace sennit::libp2p::yamux {
namespace {

using namespace testing;

TEST(YamuxPair, carries_streams_both_ways_through_a_pipe_that_cuts_anywhere) {
    for (const std::size_t cut : {1u, 2u, 3u, 5u, 7u, 11u, 12u, 13u, 31u, 64u, 1000u}) {
        Pair pair;
        for (std::uint32_t i = 0; i < 5; ++i) {
            pair.dialler.send(*pair.dialler.session.open(at(0s)), pattern(1000 * i, i));
            pair.listener.send(*pair.listener.session.open(at(0s)), pattern(700 * i, i + 9));
        }
        pair.run(cut);
        for (std::uint32_t i = 0; i < 5; ++i) {
            EXPECT_EQ(pair.listener.received[StreamId{1 + 2 * i}], pattern(1000 * i, i)) << cut;
            EXPECT_EQ(pair.dialler.received[StreamId{2 + 2 * i}], pattern(700 * i, i + 9)) << cut;
        }
        EXPECT_EQ(pair.listener.closed.size(), 5u);
        EXPECT_EQ(pair.dialler.closed.size(), 5u);
    }
}

TEST(YamuxPair, forgets_streams_that_both_sides_closed) {
    Pair pair;
    const auto id = *pair.dialler.session.open(at(0s));
    pair.dialler.send(id, pattern(300'000));
    pair.run();
    pair.listener.send(id, pattern(1'000'000));
    pair.run();
    EXPECT_EQ(pair.dialler.received[id], pattern(1'000'000));
    EXPECT_EQ(pair.dialler.session.streams_out(), 0u);
    EXPECT_EQ(pair.listener.session.streams_in(), 0u);
    EXPECT_EQ(pair.dialler.session.unread_bytes() + pair.dialler.session.unsent_bytes(), 0u);
}

/// What froze rust-libp2p (#5410): both sides send more than any window or queue holds.
TEST(YamuxPair, never_freezes_when_both_sides_send_through_tiny_windows_and_queues) {
    for (const std::uint32_t window : {1u, 2u, 7u, 64u, 1000u}) {
        Limits limits;
        limits.window_initial = limits.window_max = window;
        limits.send_stream_bytes_max = 48;
        limits.send_bytes_max = 64;
        limits.send_stream_bytes_min = 1;
        limits.idle_frames.burst = 1'000'000;
        Pair pair{limits};
        for (std::uint32_t i = 0; i < 4; ++i) {
            const auto id = *pair.dialler.session.open(at(0s));
            pair.dialler.send(id, pattern(5000, i));
            pair.run(1000, 20);
            pair.listener.send(id, pattern(6000, i + 9));
        }
        pair.run(3, 20);
        for (std::uint32_t i = 0; i < 4; ++i) {
            EXPECT_EQ(pair.listener.received[StreamId{1 + 2 * i}], pattern(5000, i)) << window;
            EXPECT_EQ(pair.dialler.received[StreamId{1 + 2 * i}], pattern(6000, i + 9)) << window;
        }
        EXPECT_EQ(pair.dialler.session.streams_out(), 0u);
    }
}

TEST(YamuxPair, moves_large_transfers_on_many_streams_both_ways_at_once) {
    Pair pair;
    for (std::uint32_t i = 0; i < 10; ++i) {
        pair.dialler.send(*pair.dialler.session.open(at(0s)), pattern(2'000'000, i));
        pair.listener.send(*pair.listener.session.open(at(0s)), pattern(2'000'000, i + 50));
    }
    pair.run();
    for (std::uint32_t i = 0; i < 10; ++i) {
        EXPECT_EQ(pair.listener.received[StreamId{1 + 2 * i}], pattern(2'000'000, i));
        EXPECT_EQ(pair.dialler.received[StreamId{2 + 2 * i}], pattern(2'000'000, i + 50));
    }
}

TEST(YamuxPair, lets_other_streams_through_when_one_is_not_read) {
    Pair pair;
    const auto stuck = *pair.dialler.session.open(at(0s));
    (void)pair.dialler.session.write(stuck, pattern(250'000));
    Bytes wire;
    while (pair.dialler.session.poll_transmit(65519, at(0s), wire) > 0) {
        (void)pair.dialler.session.write(stuck, pattern(250'000));
    }
    ASSERT_TRUE(pair.listener.session.on_bytes(wire, at(0s)));
    while (pair.listener.session.poll_event()) {
    }  // and nobody reads
    EXPECT_GT(pair.dialler.session.unsent_bytes(), 200'000u);
    const auto other = *pair.dialler.session.open(at(0s));
    pair.dialler.send(other, pattern(3'000'000, 2));
    pair.run();
    EXPECT_EQ(pair.listener.received[other], pattern(3'000'000, 2));
    EXPECT_EQ(pair.listener.session.unread_bytes(), kWindowInitial);
}

TEST(YamuxPair, answers_a_ping_in_the_next_frame_while_100_megabytes_wait) {
    Limits limits;
    limits.send_bytes_max = limits.send_stream_bytes_max = 200'000'000;
    Session session{Side::dialler, limits, at(0s)};
    const auto first = *session.open(at(0s));
    const auto second = *session.open(at(0s));
    ASSERT_EQ(session.write(first, Bytes(60'000'000)), 60'000'000u);
    ASSERT_EQ(session.write(second, Bytes(40'000'000)), 40'000'000u);
    ASSERT_TRUE(session.on_bytes(update(1, 100'000'000) + update(3, 100'000'000), at(0s)));
    Bytes out;
    const auto frame_max = Header::kSize + Session::kFrameMax;
    for (int i = 0; i < 100; ++i) session.poll_transmit(frame_max, at(0s), out);
    EXPECT_GT(session.unsent_bytes(), 98'000'000u);
    ASSERT_TRUE(session.on_bytes(ping(77), at(0s)));
    out.clear();
    session.poll_transmit(frame_max, at(0s), out);
    EXPECT_EQ(frames_of(out).at(0).header, (Header{FrameType::ping, kAck, kSessionId, 77}));
}

/// A path of one direction: so many bytes a second, and a delay, both exact. It takes more while
/// less than a millisecond's worth waits at its mouth, as a socket with a small buffer would.
class Path {
  public:
    Path(double bytes_per_second, Duration delay) : rate_{bytes_per_second}, delay_{delay} {}

    bool takes_more(Instant now) const { return free_at_ <= now + Duration{1ms}; }
    void put(Bytes bytes, Instant now) {
        const auto took =
            Duration{static_cast<std::int64_t>(1e9 * static_cast<double>(bytes.size()) / rate_)};
        free_at_ = std::max(free_at_, now) + took;
        on_the_way_.push_back({free_at_ + delay_, std::move(bytes)});
    }
    std::optional<Bytes> take(Instant now) {
        if (on_the_way_.empty() || on_the_way_.front().first > now) return std::nullopt;
        auto out = std::move(on_the_way_.front().second);
        on_the_way_.pop_front();
        return out;
    }

  private:
    double rate_;
    Duration delay_;
    Instant free_at_{};
    std::deque<std::pair<Instant, Bytes>> on_the_way_;
};

struct Transfer {
    std::uint32_t window{0};  ///< the receiver's, at the end
    double late_rate{0};      ///< bytes a second in the second half of the time
};

/// One stream that always has more to say, from the dialler to the listener, who reads at most
/// `read_per_ms` bytes a millisecond. Virtual time in steps of a quarter of a millisecond.
Transfer transfer(double bytes_per_second, Duration round_trip, Duration length,
                  std::size_t read_per_ms = SIZE_MAX, const Limits& limits = {}) {
    Session from{Side::dialler, limits, at(0s)}, to{Side::listener, limits, at(0s)};
    Path there{bytes_per_second, round_trip / 2}, back{bytes_per_second, round_trip / 2};
    const auto id = *from.open(at(0s));
    const Bytes chunk(64 * 1024);
    std::size_t got = 0, got_early = 0;
    const auto transmit = [](Session& session, Path& path, Now now) {
        Bytes out;
        while (path.takes_more(now.at) && session.poll_transmit(17'000, now, out) > 0) {
            path.put(std::exchange(out, {}), now.at);
        }
    };
    for (Duration time = 0s; time < length; time += 250us) {
        const auto now = at(time);
        while (from.room(id) > 0) (void)from.write(id, chunk);
        transmit(from, there, now);
        transmit(to, back, now);
        while (const auto bytes = there.take(now.at)) (void)to.on_bytes(*bytes, now);
        while (const auto bytes = back.take(now.at)) (void)from.on_bytes(*bytes, now);
        std::size_t may_read = read_per_ms == SIZE_MAX ? SIZE_MAX : read_per_ms / 4;
        while (may_read > 0 && !to.readable(id).empty()) {
            const auto n = std::min(may_read, to.readable(id).size());
            to.consume(id, n, now);
            got += n;
            may_read -= n;
        }
        if (time < length / 2) got_early = got;
        while (from.poll_event() || to.poll_event()) {
        }
        to.check_invariants();
    }
    const auto half = std::chrono::duration<double>(length).count() / 2;
    return {to.window(id), static_cast<double>(got - got_early) / half};
}

TEST(YamuxPair, grows_windows_to_what_a_path_of_60_ms_carries_in_a_round_trip) {
    constexpr double kRate = 50e6;  // 400 Mbit/s: 3 MB under way, twelve initial windows
    const auto done = transfer(kRate, 60ms, 4s);
    EXPECT_GT(done.window, kRate * 0.060);
    EXPECT_LE(done.window, 16u << 20);
    EXPECT_GT(done.late_rate, 0.97 * kRate);
}

TEST(YamuxPair, is_held_back_by_a_fixed_window_as_others_are) {
    Limits limits;
    limits.window_max = limits.window_initial;
    const auto done = transfer(50e6, 60ms, 4s, SIZE_MAX, limits);
    EXPECT_EQ(done.window, kWindowInitial);
    EXPECT_LT(done.late_rate, 1.1 * kWindowInitial / 0.060);
}

TEST(YamuxPair, does_not_grow_the_window_of_a_stream_that_is_read_slowly) {
    const auto done = transfer(50e6, 60ms, 4s, /*read_per_ms=*/1000);
    EXPECT_EQ(done.window, kWindowInitial);
    EXPECT_GT(done.late_rate, 0.97 * 1e6);
}

TEST(YamuxPair, does_not_grow_windows_on_a_path_that_the_first_one_fills) {
    const auto done = transfer(1e6, 60ms, 8s);
    EXPECT_EQ(done.window, kWindowInitial);
    EXPECT_GT(done.late_rate, 0.97 * 1e6);
}

TEST(YamuxPair, grows_windows_only_within_the_sessions_limit) {
    Limits limits;
    limits.receive_bytes_max = 1'000'000;
    EXPECT_EQ(transfer(50e6, 60ms, 2s, SIZE_MAX, limits).window, 1'000'000u);
}

TEST(YamuxPair, grows_windows_only_by_what_the_budget_of_all_sessions_grants_and_gives_it_back) {
    Limits limits;
    limits.budget = std::make_shared<Budget>(200'000);
    const auto window = transfer(50e6, 60ms, 2s, SIZE_MAX, limits).window;
    EXPECT_GE(window, kWindowInitial + 75'000);
    EXPECT_LE(window, kWindowInitial + 100'000);
    EXPECT_EQ(limits.budget->free(), 200'000u) << "the sessions are gone";

    Budget::Share others{limits.budget};
    while (others.take(200'000) > 0) {
    }
    const auto held = others.held();
    EXPECT_GT(transfer(50e6, 60ms, 2s, SIZE_MAX, limits).late_rate, 0.5 * kWindowInitial / 0.060)
        << "whoever gets nothing has the first window";
    EXPECT_EQ(others.held(), held);
}

TEST(YamuxPair, grows_no_window_before_the_path_was_measured) {
    Session session{Side::listener, {}, at(0s)};
    ASSERT_TRUE(session.on_bytes(update(1, 0, kSyn), at(0s)));
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(session.on_bytes(data(1, Bytes(60'000)), at(0s)));
        (void)read_all(session, StreamId{1});
        (void)sent(session);
    }
    EXPECT_EQ(session.window(StreamId{1}), kWindowInitial);
}

TEST(YamuxPair, ends_on_both_sides_when_one_stops) {
    Pair pair;
    pair.dialler.send(*pair.dialler.session.open(at(0s)), pattern(1000));
    pair.run();
    pair.dialler.session.stop();
    pair.listener.send(StreamId{1}, pattern(500'000));
    pair.run();
    EXPECT_EQ(pair.dialler.received[StreamId{1}], pattern(500'000));
    EXPECT_EQ(pair.dialler.gone.value().how, End::stopped);
    EXPECT_EQ(pair.listener.gone.value().how, End::left);
}

}  // namespace
}  // namespace sennit::libp2p::yamux
