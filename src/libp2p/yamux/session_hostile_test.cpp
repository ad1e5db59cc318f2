// SPDX-License-Identifier: MIT
/// A peer that means harm: every attack ends, and none of them makes the session grow.
#include <gtest/gtest.h>
#include <malloc.h>

#include <new>

#include "libp2p/yamux/testing.hpp"

namespace {

/// Bytes on the heap of this program, as the allocator counts them.
std::int64_t heap_bytes = 0;

}  // namespace

// Clang's sanitizers have their own; there nothing is counted and the tests of memory pass.
#if defined(__clang__)
constexpr bool kCounting = false;
#else
constexpr bool kCounting = true;
// Not inlined: GCC would see a free() of what `new` gave and take it for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* const out = std::malloc(size);
    if (out == nullptr) throw std::bad_alloc{};
    heap_bytes += static_cast<std::int64_t>(malloc_usable_size(out));
    return out;
}
[[gnu::noinline]] void operator delete(void* at) noexcept {
    if (at != nullptr) heap_bytes -= static_cast<std::int64_t>(malloc_usable_size(at));
    std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
    operator delete(at);
}
#endif

namespace sennit::libp2p::yamux {
namespace {

using namespace testing;

/// Feeds `frame(i)` until the session ends or `most` were taken; polls events in between, and
/// output if `reads_output`. How many were taken.
template <class Frame>
std::uint32_t flood(Session& session, std::uint32_t most, bool reads_output, const Frame& frame,
                    Now now = at(0s)) {
    Bytes out;
    for (std::uint32_t i = 0; i < most; ++i) {
        if (!session.on_bytes(frame(i), now)) return i;
        while (session.poll_event()) {
        }
        out.clear();
        while (reads_output && session.poll_transmit(65519, now, out) > 0) out.clear();
        if (i % 64 == 0) session.check_invariants();
    }
    return most;
}

std::string reason(Session& session) {
    session.check_invariants();
    const auto gone = of_kind<Gone>(events(session));
    return gone.size() == 1 && gone[0].why ? std::string{gone[0].why->what} : "";
}

/// As `reason`, for floods that have polled the events themselves.
std::string reason_of(Session& session, const Bytes& last) {
    const auto taken = session.on_bytes(last, at(0s));
    session.check_invariants();
    return taken ? "" : std::string{taken.error().what};
}

class YamuxHostile : public ::testing::Test {
  protected:
    YamuxHostile() { (void)sent(session_); }

    Session session_{Side::listener, {}, at(0s)};
};

TEST_F(YamuxHostile, a_window_is_not_overrun_by_a_single_byte) {
    ASSERT_TRUE(session_.on_bytes(data(1, Bytes(kWindowInitial - 1), kSyn), at(0s)));
    ASSERT_TRUE(session_.on_bytes(data(1, "x"), at(0s)));
    EXPECT_EQ(reason_of(session_, data(1, "x")), "data beyond the window");
}

TEST_F(YamuxHostile, a_length_beyond_the_window_is_refused_when_its_header_is_read) {
    ASSERT_TRUE(session_.on_bytes(update(1, 0, kSyn), at(0s)));
    const auto taken = session_.on_bytes(frame(FrameType::data, 0, 1, kWindowInitial + 1), at(0s));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().at, Header::kSize + Header::kLengthAt);
    EXPECT_EQ(taken.error().code, Errc::oversized);
}

TEST_F(YamuxHostile, credit_does_not_overflow) {
    ASSERT_TRUE(session_.on_bytes(update(1, 0xffff'ffff - kWindowInitial, kSyn), at(0s)));
    EXPECT_EQ(reason_of(session_, update(1, 1)), "credit over 32 bits");
}

TEST_F(YamuxHostile, frames_for_a_million_streams_end_it_and_leave_nothing) {
    const auto before = heap_bytes;
    const auto taken =
        flood(session_, 1'000'000, true, [](std::uint32_t i) { return data(2 * i + 1, "x"); });
    EXPECT_EQ(taken, 1000u);
    EXPECT_TRUE(session_.over());
    EXPECT_LT(heap_bytes - before, 10'000);
}

TEST_F(YamuxHostile, window_updates_for_a_million_streams_cost_nothing) {
    const auto before = heap_bytes;
    const auto taken =
        flood(session_, 1'000'000, false, [](std::uint32_t i) { return update(2 * i + 1, 1); });
    EXPECT_EQ(taken, 1'000'000u);
    EXPECT_EQ(heap_bytes, before);
}

TEST_F(YamuxHostile, syns_beyond_the_limit_are_reset_and_then_end_it) {
    const auto taken = flood(session_, 1'000'000, true,
                             [](std::uint32_t i) { return update(2 * i + 1, 0, kSyn); });
    EXPECT_EQ(session_.streams_in(), 0u);
    EXPECT_GE(taken, 256u + 256u);  // one whole backlog too many is still honest
    EXPECT_LT(taken, 2000u);
}

TEST_F(YamuxHostile, a_refused_stream_costs_one_reset_and_its_data_is_swallowed) {
    for (std::uint32_t i = 0; i < 256; ++i) {
        ASSERT_TRUE(session_.on_bytes(update(2 * i + 1, 0, kSyn), at(0s)));
    }
    (void)sent(session_);
    (void)events(session_);
    ASSERT_TRUE(session_.on_bytes(data(513, Bytes(kWindowInitial), kSyn), at(0s)));
    EXPECT_EQ(session_.streams_in(), 256u);
    EXPECT_EQ(session_.unread_bytes(), 0u);
    EXPECT_EQ(story(events(session_)), "");
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kRst, StreamId{513}, 0}));
}

TEST_F(YamuxHostile, syns_of_a_peer_that_does_not_read_are_bounded_too) {
    const auto taken = flood(session_, 1'000'000, false,
                             [](std::uint32_t i) { return update(2 * i + 1, 0, kSyn); });
    EXPECT_EQ(taken, 256u + 512u);
}

TEST_F(YamuxHostile, ids_far_apart_do_not_make_it_remember_all_between) {
    const auto before = heap_bytes;
    ASSERT_TRUE(session_.on_bytes(update(0xffff'ffff, 0, kSyn), at(0s)));
    EXPECT_LT(heap_bytes - before, 4000);
    ASSERT_TRUE(session_.on_bytes(update(0xffff'fffd, 0, kSyn), at(0s)));
    ASSERT_TRUE(session_.on_bytes(update(0xffff'ffff - 2 * 256, 0, kSyn), at(0s)));
    EXPECT_EQ(reason_of(session_, update(1, 0, kSyn)), "SYN with an id that was used");
}

TEST_F(YamuxHostile, streams_reset_as_soon_as_opened_end_it) {
    const auto taken = flood(session_, 1'000'000, true, [](std::uint32_t i) {
        return update(2 * i + 1, 0, kSyn) + update(2 * i + 1, 0, kRst);
    });
    EXPECT_EQ(taken, 256u);
}

TEST_F(YamuxHostile, resets_that_the_application_was_told_of_count_as_much) {
    for (std::uint32_t i = 0; i < 256; ++i) {
        ASSERT_TRUE(session_.on_bytes(update(2 * i + 1, 0, kSyn), at(0s)));
        ASSERT_EQ(events(session_).size(), 1u);
        ASSERT_TRUE(session_.on_bytes(update(2 * i + 1, 0, kRst), at(0s)));
        ASSERT_EQ(events(session_).size(), 1u);
    }
    ASSERT_TRUE(session_.on_bytes(update(513, 0, kSyn), at(0s)));
    (void)events(session_);
    EXPECT_EQ(reason_of(session_, update(513, 0, kRst)),
              "streams reset as soon as they were opened");
}

TEST_F(YamuxHostile, a_peer_that_gives_up_a_few_streams_now_and_then_is_left_alone) {
    for (std::uint32_t i = 0; i < 2000; ++i) {
        const auto now = at(i * 50ms);
        ASSERT_TRUE(session_.on_bytes(update(2 * i + 1, 0, kSyn), now));
        (void)events(session_);
        ASSERT_TRUE(session_.on_bytes(update(2 * i + 1, 0, kRst), now));
        (void)events(session_);
        (void)sent(session_, now);
    }
}

TEST_F(YamuxHostile, old_streams_may_all_be_reset_at_once) {
    for (int round = 0; round < 3; ++round) {
        for (std::uint32_t i = 0; i < 256; ++i) {
            const auto id = static_cast<std::uint32_t>(round * 512) + 2 * i + 1;
            ASSERT_TRUE(session_.on_bytes(update(id, 0, kSyn), at(round * 10s)));
        }
        (void)events(session_);
        for (std::uint32_t i = 0; i < 256; ++i) {
            const auto id = static_cast<std::uint32_t>(round * 512) + 2 * i + 1;
            ASSERT_TRUE(session_.on_bytes(update(id, 0, kRst), at(round * 10s + 6s)));
        }
        EXPECT_EQ(events(session_).size(), 256u);
    }
}

TEST_F(YamuxHostile, empty_data_frames_end_it) {
    ASSERT_TRUE(session_.on_bytes(update(1, 0, kSyn), at(0s)));
    EXPECT_EQ(flood(session_, 100'000, true, [](std::uint32_t) { return data(1, ""); }), 1000u);
    EXPECT_TRUE(session_.over());
}

TEST_F(YamuxHostile, updates_without_credit_end_it_whatever_their_flags) {
    for (const std::uint16_t flags : {std::uint16_t{0}, kAck, kFin}) {
        Session session{Side::listener, {}, at(0s)};
        ASSERT_TRUE(session.on_bytes(update(1, 0, kSyn | flags), at(0s)));
        const auto taken =
            flood(session, 100'000, true, [&](std::uint32_t) { return update(1, 0, flags); });
        EXPECT_EQ(taken, 1000u) << flags;
    }
}

TEST_F(YamuxHostile, pings_end_it_at_once_when_their_answers_are_not_read) {
    EXPECT_EQ(flood(session_, 100'000, false, [](std::uint32_t i) { return ping(i); }), 16u);
}

TEST_F(YamuxHostile, pings_end_it_when_there_are_too_many_though_all_are_answered) {
    EXPECT_EQ(flood(session_, 100'000, true, [](std::uint32_t i) { return ping(i); }), 1000u);
}

TEST_F(YamuxHostile, answers_to_pings_that_nobody_sent_end_it) {
    const auto taken =
        flood(session_, 100'000, true, [](std::uint32_t i) { return ping(i + 1000, kAck); });
    EXPECT_EQ(taken, 1000u);
}

TEST_F(YamuxHostile, a_peer_that_pings_every_second_for_a_day_is_answered) {
    for (std::uint32_t i = 0; i < 86'400; ++i) {
        const auto now = at(i * 1s);
        ASSERT_TRUE(session_.on_bytes(ping(i), now));
        Bytes out;
        ASSERT_EQ(session_.poll_transmit(1000, now, out), Header::kSize);
    }
}

TEST_F(YamuxHostile, a_window_in_single_bytes_costs_little_more_than_the_bytes) {
    ASSERT_TRUE(session_.on_bytes(update(1, 0, kSyn), at(0s)));
    (void)events(session_);
    const auto before = heap_bytes;
    flood(session_, kWindowInitial, true, [](std::uint32_t) { return data(1, "x"); });
    EXPECT_EQ(session_.unread_bytes(), kWindowInitial);
    EXPECT_LT(heap_bytes - before, kWindowInitial + 3 * 16 * 1024);
    EXPECT_TRUE(!kCounting || heap_bytes - before > kWindowInitial);
}

TEST_F(YamuxHostile, unread_bytes_of_all_streams_stay_below_the_limit) {
    Limits limits;
    limits.receive_bytes_max = 1'000'000;
    Session session{Side::listener, limits, at(0s)};
    const auto before = heap_bytes;
    Bytes wire;
    for (std::uint32_t i = 0; i < 30; ++i) {
        const auto frame = data(2 * i + 1, Bytes(200'000), kSyn);
        wire.insert(wire.end(), frame.begin(), frame.end());
    }
    const auto wire_bytes = heap_bytes - before;
    ASSERT_TRUE(session.on_bytes(wire, at(0s)));
    session.check_invariants();
    EXPECT_EQ(session.unread_bytes(), 1'000'000u);
    EXPECT_LT(heap_bytes - before - wire_bytes, 1'200'000);
    EXPECT_EQ(session.streams_in(), 5u);
    // Of one that the application knows it is told, and the others live on.
    (void)events(session);
    ASSERT_TRUE(session.on_bytes(data(1, Bytes(1)), at(0s)));
    const auto resets = of_kind<Reset>(events(session));
    ASSERT_EQ(resets.size(), 1u);
    EXPECT_EQ(resets[0].reason, ResetReason::no_room);
    EXPECT_EQ(read_all(session, StreamId{3}).size(), 200'000u);
}

TEST_F(YamuxHostile, a_stream_reset_for_want_of_room_may_have_more_under_way) {
    Limits limits;
    limits.receive_bytes_max = 1000;
    Session session{Side::listener, limits, at(0s)};
    ASSERT_TRUE(session.on_bytes(data(1, Bytes(1000), kSyn), at(0s)));
    (void)events(session);
    ASSERT_TRUE(
        session.on_bytes(data(1, Bytes(1000)) + data(1, Bytes(kWindowInitial - 2000)), at(0s)));
    EXPECT_EQ(reason_of(session, data(1, "x")), "data beyond the window");
}

TEST_F(YamuxHostile, a_peer_that_reads_nothing_makes_no_queue_grow) {
    const auto id = *session_.open(at(0s));
    std::size_t taken = 0;
    for (int i = 0; i < 1000; ++i) taken += session_.write(id, Bytes(10'000));
    EXPECT_EQ(taken, Limits{}.send_stream_bytes_max);
    const auto before = heap_bytes;
    (void)flood(session_, 10'000, false, [&](std::uint32_t) { return update(id.value, 1); });
    EXPECT_LE(heap_bytes, before);
}

TEST_F(YamuxHostile, resets_by_the_application_of_a_peer_that_does_not_read_are_bounded) {
    std::uint32_t opened = 0;
    while (session_.on_bytes(update(2 * opened + 1, 0, kSyn), at(0s)) && !session_.over()) {
        (void)events(session_);
        session_.reset(StreamId{2 * opened++ + 1});
        session_.check_invariants();
        ASSERT_LT(opened, 10'000u);
    }
    EXPECT_EQ(opened, 513u);
    EXPECT_EQ(reason(session_), "more resets provoked than read");
}

TEST_F(YamuxHostile, an_idle_session_owns_no_heap_and_a_finished_stream_leaves_none) {
    static_assert(sizeof(Session) < 1024);
    static_assert(sizeof(Stream) < 256);
    const auto before = heap_bytes;
    Session session{Side::dialler, {}, at(0s)};
    EXPECT_EQ(heap_bytes, before);
    Bytes out;
    out.reserve(70'000);
    const auto with_buffer = heap_bytes;
    const auto id = *session.open(at(0s));
    (void)session.write(id, as_bytes("request"));
    session.close_write(id);
    while (session.poll_transmit(65519, at(0s), out) > 0) {
    }
    EXPECT_LT(heap_bytes - with_buffer, 400);
    {
        const auto answer = data(id.value, "answer", kAck | kFin);
        ASSERT_TRUE(session.on_bytes(answer, at(0s)));
    }
    while (session.poll_event()) {
    }
    (void)read_all(session, id);
    EXPECT_FALSE(session.knows(id));
    EXPECT_EQ(heap_bytes, with_buffer);
}

}  // namespace
}  // namespace sennit::libp2p::yamux
