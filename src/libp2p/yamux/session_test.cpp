// SPDX-License-Identifier: MIT
/// One session against frames written by hand: the rules of streams, windows, pings and leaving.
#include "libp2p/yamux/session.hpp"

#include <gtest/gtest.h>

#include "libp2p/vectors.hpp"
#include "libp2p/yamux/testing.hpp"

namespace sennit::libp2p::yamux {
namespace {

using namespace testing;

class YamuxSession : public ::testing::Test {
  protected:
    YamuxSession() { (void)sent(session_); }  // its first ping is not everybody's business

    void feed(const Bytes& bytes, Now now = at(0s)) {
        const auto taken = session_.on_bytes(bytes, now);
        EXPECT_TRUE(taken) << (taken ? "" : taken.error().text());
        session_.check_invariants();
    }
    /// The reason for which the session ends, and that it says so.
    Error refused(const Bytes& bytes, Now now = at(0s)) {
        const auto taken = session_.on_bytes(bytes, now);
        session_.check_invariants();
        EXPECT_FALSE(taken);
        if (taken) return {};
        const auto gone = of_kind<Gone>(events(session_));
        EXPECT_EQ(gone.size(), 1u);
        EXPECT_EQ(gone.at(0).how, End::protocol_error);
        EXPECT_EQ(gone.at(0).why->text(), taken.error().text());
        const auto out = sent(session_);
        EXPECT_EQ(out.size(), 1u);
        EXPECT_EQ(out.at(0).header, (Header{FrameType::go_away, 0, kSessionId, 1}));
        return taken.error();
    }
    Bytes read(std::uint32_t id) { return read_all(session_, StreamId{id}); }
    static Bytes bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

    Session session_{Side::listener, {}, at(0s)};
};

TEST_F(YamuxSession, begins_with_a_ping_and_nothing_else) {
    Session fresh{Side::dialler, {}, at(0s)};
    const auto out = sent(fresh);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header.type, FrameType::ping);
    EXPECT_EQ(out[0].header.flags, kSyn);
    EXPECT_EQ(story(events(fresh)), "");
}

TEST_F(YamuxSession, opens_a_stream_and_sends_on_it_without_waiting_for_the_peer) {
    const auto id = *session_.open(at(0s));
    EXPECT_EQ(id, StreamId{2});
    EXPECT_EQ(session_.write(id, as_bytes("hello")), 5u);
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kSyn, id, 0}));
    EXPECT_EQ(out[1].header, (Header{FrameType::data, 0, id, 5}));
    EXPECT_EQ(out[1].payload, bytes("hello"));
}

TEST_F(YamuxSession, acknowledges_a_stream_of_the_peer_and_reads_it) {
    feed(update(1, 0, kSyn) + data(1, "one") + data(1, "two"));
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1");
    EXPECT_EQ(read(1), bytes("onetwo"));
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kAck, StreamId{1}, 0}));
}

TEST_F(YamuxSession, takes_a_stream_that_opens_speaks_and_closes_in_one_frame) {
    feed(data(1, "all", kSyn | kFin));
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1, closed 1");
    EXPECT_EQ(read(1), bytes("all"));
    session_.close_write(StreamId{1});
    (void)sent(session_);
    EXPECT_FALSE(session_.knows(StreamId{1}));
}

TEST_F(YamuxSession, tells_the_same_story_wherever_the_bytes_were_cut) {
    const auto stream = update(1, 5, kSyn) + data(1, "abc") + ping(9) + data(3, "xyz", kSyn) +
                        data(1, "defg") + update(1, 0, kFin) + data(3, "", kFin);
    for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
        Session session{Side::listener, {}, at(0s)};
        for (std::size_t i = 0; i < stream.size(); i += cut) {
            const auto piece = BytesView{stream}.subspan(i, std::min(cut, stream.size() - i));
            ASSERT_TRUE(session.on_bytes(piece, at(0s)));
            session.check_invariants();
        }
        EXPECT_EQ(story(events(session)),
                  "opened 1, readable 1, closed 1, opened 3, readable 3, closed 3");
        EXPECT_EQ(read_all(session, StreamId{1}), bytes("abcdefg"));
        EXPECT_EQ(read_all(session, StreamId{3}), bytes("xyz"));
    }
}

TEST_F(YamuxSession, hands_over_a_payload_before_its_frame_is_whole) {
    auto whole = data(1, "abcdef", kSyn);
    whole.resize(Header::kSize + 2);
    feed(whole);
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1");
    EXPECT_EQ(read(1), bytes("ab"));
    feed(bytes("cd"));
    EXPECT_EQ(read(1), bytes("cd"));
}

TEST_F(YamuxSession, opens_no_more_than_the_backlog_until_the_peer_acknowledges) {
    Limits limits;
    limits.streams_out_max = 1000;
    session_ = Session{Side::listener, limits, at(0s)};
    for (int i = 0; i < 256; ++i) ASSERT_TRUE(session_.open(at(0s)));
    EXPECT_EQ(session_.open(at(0s)).error().code, Errc::busy);
    (void)sent(session_);
    feed(update(2, 0, kAck));
    EXPECT_TRUE(session_.open(at(0s)));
    EXPECT_FALSE(session_.open(at(0s)));
    feed(update(4, 0, kRst));
    EXPECT_TRUE(session_.open(at(0s)));
}

TEST_F(YamuxSession, counts_a_frame_without_the_ack_flag_as_an_acknowledgement) {
    const auto id = *session_.open(at(0s));
    (void)sent(session_);
    feed(data(id.value, "x") + update(id.value, 0, kRst));
    const auto resets = of_kind<Reset>(events(session_));
    ASSERT_EQ(resets.size(), 1u);
    EXPECT_EQ(resets[0].reason, ResetReason::by_peer);
}

TEST_F(YamuxSession, says_whether_a_stream_was_refused_or_reset_later) {
    const auto refused = *session_.open(at(0s));
    const auto reset = *session_.open(at(0s));
    (void)sent(session_);
    feed(update(refused.value, 0, kRst) + update(reset.value, 0, kAck) +
         data(reset.value, "", kRst));
    const auto resets = of_kind<Reset>(events(session_));
    ASSERT_EQ(resets.size(), 2u);
    EXPECT_EQ(resets[0].reason, ResetReason::refused);
    EXPECT_EQ(resets[1].reason, ResetReason::by_peer);
    EXPECT_EQ(session_.write(reset, as_bytes("x")), 0u);
    EXPECT_FALSE(session_.knows(reset));
}

TEST_F(YamuxSession, takes_no_more_than_a_stream_may_queue_and_calls_once_when_it_drained) {
    Limits limits;
    limits.send_stream_bytes_max = 100'000;
    session_ = Session{Side::listener, limits, at(0s)};
    const auto id = *session_.open(at(0s));
    const auto much = pattern(150'000);
    EXPECT_EQ(session_.write(id, much), 100'000u);
    EXPECT_EQ(session_.write(id, much), 0u);
    EXPECT_EQ(session_.write(id, {}), 0u);  // nothing takes back no promise
    EXPECT_EQ(story(events(session_)), "");
    Bytes out;
    session_.poll_transmit(20'000, at(0s), out);
    EXPECT_EQ(story(events(session_)), "");  // not for every little room
    session_.poll_transmit(60'000, at(0s), out);
    EXPECT_EQ(story(events(session_)), "writable 2");
    (void)sent(session_);
    EXPECT_EQ(story(events(session_)), "");
    EXPECT_EQ(session_.write(id, as_bytes("x")), 1u);
    (void)sent(session_);
    EXPECT_EQ(story(events(session_)), "");  // that write was not cut short
}

TEST_F(YamuxSession, leaves_every_stream_a_little_room_when_others_fill_the_session) {
    Limits limits;
    limits.send_bytes_max = 10'000;
    limits.send_stream_bytes_min = 1000;
    session_ = Session{Side::listener, limits, at(0s)};
    const auto greedy = *session_.open(at(0s));
    const auto modest = *session_.open(at(0s));
    EXPECT_EQ(session_.write(greedy, pattern(20'000)), 10'000u);
    EXPECT_EQ(session_.write(modest, pattern(20'000)), 1000u);
    session_.check_invariants();
    (void)sent(session_);
    EXPECT_EQ(story(events(session_)), "writable 2, writable 4");
}

TEST_F(YamuxSession, wakes_a_writer_when_another_stream_is_reset) {
    Limits limits;
    limits.send_bytes_max = 10'000;
    limits.send_stream_bytes_min = 0;
    session_ = Session{Side::listener, limits, at(0s)};
    const auto greedy = *session_.open(at(0s));
    const auto modest = *session_.open(at(0s));
    EXPECT_EQ(session_.write(greedy, pattern(20'000)), 10'000u);
    EXPECT_EQ(session_.write(modest, pattern(20'000)), 0u);
    session_.reset(greedy);
    EXPECT_EQ(story(events(session_)), "writable 4");
}

TEST_F(YamuxSession, sends_control_frames_before_any_data) {
    const auto first = *session_.open(at(0s));
    ASSERT_EQ(session_.write(first, pattern(50'000)), 50'000u);
    (void)*session_.open(at(0s));
    feed(update(1, 0, kSyn) + data(99, "stray") + ping(7));
    const auto out = sent(session_);
    const auto first_data = std::find_if(out.begin(), out.end(), [](const Sent& frame) {
        return frame.header.type == FrameType::data;
    });
    EXPECT_EQ(first_data - out.begin(), 5);  // answer, reset, ACK, two SYNs
    EXPECT_EQ(out.at(0).header, (Header{FrameType::ping, kAck, kSessionId, 7}));
    EXPECT_TRUE(std::all_of(first_data, out.end(), [](const Sent& frame) {
        return frame.header.type == FrameType::data;
    }));
}

TEST_F(YamuxSession, sends_from_each_stream_in_turn_at_most_16_kib_a_frame) {
    for (int i = 0; i < 3; ++i) {
        const auto id = *session_.open(at(0s));
        ASSERT_EQ(session_.write(id, pattern(40'000, id.value)), 40'000u);
    }
    std::vector<std::uint32_t> turns;
    std::map<std::uint32_t, Bytes> got;
    for (const auto& [header, payload] : sent(session_)) {
        if (header.type != FrameType::data) continue;
        EXPECT_LE(header.length, 16u * 1024);
        if (turns.empty() || turns.back() != header.stream.value) {
            turns.push_back(header.stream.value);
        }
        got[header.stream.value] = got[header.stream.value] + payload;
    }
    ASSERT_GE(turns.size(), 9u);
    for (std::size_t i = 0; i < turns.size(); ++i) EXPECT_EQ(turns[i], 2 + 2 * (i % 3));
    for (const auto& [id, bytes] : got) EXPECT_EQ(bytes, pattern(40'000, id));
}

TEST_F(YamuxSession, fills_a_transmission_and_never_more) {
    const auto id = *session_.open(at(0s));
    ASSERT_EQ(session_.write(id, pattern(200'000)), 200'000u);
    for (const std::size_t most : {13u, 100u, 1500u, 16'384u, 65'519u}) {
        Bytes out;
        const auto n = session_.poll_transmit(most, at(0s), out);
        EXPECT_EQ(n, out.size());
        EXPECT_LE(n, most);
        EXPECT_GT(n, 0u);
        (void)frames_of(out);
    }
}

TEST_F(YamuxSession, sends_fin_behind_its_data_in_a_frame_of_its_own) {
    const auto id = *session_.open(at(0s));
    (void)session_.write(id, as_bytes("bye"));
    session_.close_write(id);
    EXPECT_EQ(session_.write(id, as_bytes("more")), 0u);
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[1].payload, bytes("bye"));
    EXPECT_EQ(out[2].header, (Header{FrameType::window_update, kFin, id, 0}));
}

TEST_F(YamuxSession, stops_at_the_peers_window_and_goes_on_when_it_opens) {
    const auto id = *session_.open(at(0s));
    const auto send = [&] {
        std::size_t total = 0;
        do {
            for (const auto& frame : sent(session_)) total += frame.payload.size();
        } while (session_.write(id, pattern(100'000)) > 0 && session_.room(id) > 0);
        for (const auto& frame : sent(session_)) total += frame.payload.size();
        return total;
    };
    (void)session_.write(id, pattern(100'000));
    EXPECT_EQ(send(), kWindowInitial);
    EXPECT_EQ(send(), 0u);
    feed(update(id.value, 1000));
    EXPECT_EQ(send(), 1000u);
}

TEST_F(YamuxSession, takes_credit_that_comes_with_the_syn_or_its_acknowledgement) {
    feed(update(1, 1000, kSyn));
    const auto id = *session_.open(at(0s));
    (void)sent(session_);
    feed(update(id.value, 1000, kAck));
    for (const auto stream : {StreamId{1}, id}) {
        std::size_t total = 0;
        for (int i = 0; i < 10; ++i) {
            (void)session_.write(stream, pattern(100'000));
            for (const auto& frame : sent(session_)) total += frame.payload.size();
        }
        EXPECT_EQ(total, kWindowInitial + 1000);
    }
}

TEST_F(YamuxSession, grants_credit_when_half_a_window_was_read_and_not_before) {
    feed(data(1, pattern(kWindowInitial), kSyn));
    (void)events(session_);
    (void)sent(session_);
    const auto half = kWindowInitial / 2;
    for (std::size_t left = half - 1; left > 0;) {
        const auto n = std::min(left, session_.readable(StreamId{1}).size());
        session_.consume(StreamId{1}, n, at(10s));
        left -= n;
    }
    EXPECT_TRUE(sent(session_).empty());
    session_.consume(StreamId{1}, 1, at(10s));
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, 0, StreamId{1}, half}));
}

TEST_F(YamuxSession, keeps_what_came_before_the_peer_closed_until_it_is_read) {
    feed(data(1, "last words", kSyn) + update(1, 0, kFin));
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1, closed 1");
    session_.close_write(StreamId{1});
    (void)sent(session_);
    EXPECT_TRUE(session_.knows(StreamId{1}));
    EXPECT_EQ(read(1), bytes("last words"));
    EXPECT_FALSE(session_.knows(StreamId{1}));
}

TEST_F(YamuxSession, goes_on_writing_after_the_peer_closed_its_direction) {
    feed(update(1, 0, kSyn | kFin));
    (void)events(session_);
    EXPECT_EQ(session_.write(StreamId{1}, as_bytes("answer")), 6u);
    EXPECT_EQ(sent(session_).back().payload, bytes("answer"));
    feed(update(1, 10));
    EXPECT_TRUE(session_.knows(StreamId{1}));
}

TEST_F(YamuxSession, loses_nothing_to_a_reset_behind_the_peers_end) {
    feed(data(1, "whole", kSyn | kFin) + update(1, 0, kRst));
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1, closed 1");
    EXPECT_EQ(session_.write(StreamId{1}, as_bytes("x")), 0u);
    EXPECT_EQ(read(1), bytes("whole"));
    EXPECT_EQ(story(events(session_)), "reset 1");
    EXPECT_FALSE(session_.knows(StreamId{1}));
}

TEST_F(YamuxSession, ignores_a_reset_when_both_directions_were_closed) {
    feed(update(1, 0, kSyn));
    (void)events(session_);
    session_.close_write(StreamId{1});
    (void)sent(session_);
    feed(data(1, "x", kFin) + update(1, 0, kRst));
    EXPECT_EQ(story(events(session_)), "readable 1, closed 1");
    EXPECT_EQ(read(1), bytes("x"));
    EXPECT_EQ(story(events(session_)), "");
}

TEST_F(YamuxSession, drops_unread_bytes_when_the_peer_resets_in_mid_sentence) {
    feed(data(1, "half a", kSyn));
    EXPECT_EQ(story(events(session_)), "opened 1, readable 1");
    feed(update(1, 0, kRst));
    EXPECT_EQ(session_.unread_bytes(), 0u);
    EXPECT_EQ(story(events(session_)), "reset 1");
}

TEST_F(YamuxSession, resets_a_stream_at_once_and_says_so) {
    feed(data(1, "unread", kSyn));
    (void)session_.write(StreamId{1}, as_bytes("unsent"));
    session_.reset(StreamId{1});
    EXPECT_EQ(session_.unread_bytes() + session_.unsent_bytes(), 0u);
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kRst, StreamId{1}, 0}));
    EXPECT_EQ(story(events(session_)), "");
}

TEST_F(YamuxSession, says_nothing_of_a_stream_that_was_reset_before_its_syn_left) {
    session_.reset(*session_.open(at(0s)));
    EXPECT_TRUE(sent(session_).empty());
}

TEST_F(YamuxSession, ignores_what_was_under_way_when_it_reset_a_stream) {
    auto first = data(1, "abcdef", kSyn);
    first.resize(Header::kSize + 2);
    feed(first);
    session_.reset(StreamId{1});
    (void)sent(session_);
    feed(bytes("cdef") + data(1, pattern(1000)) + update(1, 5) + update(1, 0, kFin));
    EXPECT_TRUE(sent(session_).empty());
    EXPECT_EQ(story(events(session_)), "");
}

TEST_F(YamuxSession, ends_when_more_comes_late_than_the_window_had_let_through) {
    auto first = data(1, "abcdef", kSyn);
    first.resize(Header::kSize + 2);
    feed(first);
    session_.reset(StreamId{1});
    (void)sent(session_);
    feed(bytes("cdef") + data(1, pattern(kWindowInitial - 6)));
    EXPECT_EQ(refused(data(1, "x")).what, "data beyond the window");
}

TEST_F(YamuxSession, answers_data_for_a_stream_that_nobody_knows_with_a_reset) {
    feed(data(7, "who is there") + update(9, 5) + update(11, 0, kFin) + update(13, 0, kRst));
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kRst, StreamId{7}, 0}));
}

TEST_F(YamuxSession, takes_syns_that_swapped_places_and_refuses_an_id_used_twice) {
    feed(update(5, 0, kSyn) + update(1, 0, kSyn) + update(3, 0, kSyn));
    EXPECT_EQ(story(events(session_)), "opened 1, opened 3, opened 5");
    EXPECT_EQ(refused(update(3, 0, kSyn)).what, "SYN with an id that was used");
}

TEST_F(YamuxSession, refuses_a_syn_with_an_id_that_it_could_use_itself) {
    const auto why = refused(update(1, 0, kSyn) + update(2, 0, kSyn));
    EXPECT_EQ(why.what, "SYN with an id of our side");
    EXPECT_EQ(why.at, Header::kSize + Header::kStreamAt);
}

TEST_F(YamuxSession, refuses_data_behind_its_streams_end) {
    const auto why = refused(data(1, "abc", kSyn | kFin) + data(1, "d"));
    EXPECT_EQ(why.what, "data behind its stream's end");
    EXPECT_EQ(why.at, Header::kSize + 3 + Header::kLengthAt);
}

TEST_F(YamuxSession, ends_at_each_golden_error) {
    const auto file = vectors::load("yamux_frames");
    for (const auto& item : *file.get_array("protocol_errors")) {
        session_ = Session{Side::listener, {}, at(0s)};
        (void)sent(session_);
        feed(ping(1));
        EXPECT_GE(refused(vectors::hex(item, "bytes")).at, Header::kSize);
        EXPECT_TRUE(session_.on_bytes(ping(2), at(0s)));  // nobody listens any more
        EXPECT_TRUE(sent(session_).empty());
    }
}

TEST_F(YamuxSession, answers_pings_with_their_own_value) {
    feed(ping(0xdeadbeef) + ping(5));
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0].header, (Header{FrameType::ping, kAck, kSessionId, 0xdeadbeef}));
    EXPECT_EQ(out[1].header.length, 5u);
}

TEST_F(YamuxSession, measures_the_round_trip_from_when_its_ping_left) {
    Session session{Side::dialler, {}, at(0s)};
    const auto out = sent(session, at(5s));  // the link was busy
    ASSERT_TRUE(session.on_bytes(ping(out[0].header.length + 1, kAck), at(5010ms)));
    EXPECT_FALSE(session.round_trip());
    ASSERT_TRUE(session.on_bytes(ping(out[0].header.length, kAck), at(5060ms)));
    EXPECT_EQ(session.round_trip(), Duration{60ms});
}

TEST_F(YamuxSession, pings_every_thirty_seconds_and_keeps_the_smallest_measurement) {
    Session session{Side::dialler, {}, at(0s)};
    Duration took = 80ms;
    for (Duration time = 0s; time < 100s; time = session.next_wake().time_since_epoch()) {
        session.on_time(at(time));
        const auto out = sent(session, at(time));
        ASSERT_EQ(out.size(), 1u);
        ASSERT_EQ(out[0].header.flags, kSyn);
        ASSERT_TRUE(session.on_bytes(ping(out[0].header.length, kAck), at(time + took)));
        EXPECT_EQ(session.next_wake(), Instant{time + took + 30s});
        EXPECT_EQ(session.round_trip(), std::min<Duration>(took, 50ms + 30ms));
        took += 100ms;
    }
}

TEST_F(YamuxSession, ends_when_neither_an_answer_nor_anything_else_comes) {
    EXPECT_EQ(session_.next_wake(), at(20s).at);
    session_.on_time(at(19s));
    EXPECT_FALSE(session_.over());
    feed(update(1, 0, kSyn), at(15s));
    session_.on_time(at(20s));
    EXPECT_FALSE(session_.over());  // the peer's data is a sign of life
    EXPECT_EQ(session_.next_wake(), at(35s).at);
    session_.on_time(at(35s));
    const auto gone = of_kind<Gone>(events(session_));
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].how, End::silent);
    EXPECT_TRUE(sent(session_).empty());
    EXPECT_EQ(session_.next_wake(), Instant::max());
}

TEST_F(YamuxSession, leaves_when_its_streams_are_over_and_says_so_last) {
    feed(data(1, "request", kSyn | kFin));
    (void)events(session_);
    session_.stop();
    EXPECT_EQ(session_.open(at(0s)).error().code, Errc::unsupported);
    feed(update(3, 0, kSyn));
    EXPECT_FALSE(session_.over());
    (void)session_.write(StreamId{1}, as_bytes("answer"));
    session_.close_write(StreamId{1});
    (void)read(1);
    const auto out = sent(session_);
    ASSERT_EQ(out.size(), 5u);
    EXPECT_EQ(out[0].header, (Header{FrameType::window_update, kRst, StreamId{3}, 0}));
    EXPECT_EQ(out[2].payload, bytes("answer"));
    EXPECT_EQ(out[3].header.flags, kFin);
    EXPECT_EQ(out[4].header, (Header{FrameType::go_away, 0, kSessionId, 0}));
    const auto gone = of_kind<Gone>(events(session_));
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].how, End::stopped);
    EXPECT_FALSE(gone[0].why);
}

TEST_F(YamuxSession,
       opens_nothing_after_the_peer_said_that_it_leaves_and_ends_with_its_last_stream) {
    const auto id = *session_.open(at(0s));
    (void)sent(session_);
    feed(go_away(0));
    EXPECT_EQ(story(events(session_)), "leaving");
    EXPECT_EQ(session_.open(at(0s)).error().code, Errc::unsupported);
    EXPECT_EQ(session_.write(id, as_bytes("still")), 5u);
    session_.close_write(id);
    (void)sent(session_);
    feed(data(id.value, "fine", kFin));
    EXPECT_EQ(story(events(session_)), "readable 2, closed 2");
    (void)read(id.value);
    const auto gone = of_kind<Gone>(events(session_));
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].how, End::left);
}

TEST_F(YamuxSession, ends_at_once_when_the_peer_says_that_something_is_wrong) {
    for (const std::uint32_t reason : {1u, 2u, 77u}) {
        session_ = Session{Side::listener, {}, at(0s)};
        (void)session_.open(at(0s));
        feed(go_away(reason));
        const auto gone = of_kind<Gone>(events(session_));
        ASSERT_EQ(gone.size(), 1u);
        EXPECT_EQ(gone[0].how, End::peer_error);
        EXPECT_TRUE(sent(session_).empty());
        EXPECT_FALSE(session_.open(at(0s)));
    }
}

}  // namespace
}  // namespace sennit::libp2p::yamux
