// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "libp2p/yamux/limits.hpp"
#include "libp2p/yamux/stream.hpp"

namespace sennit::libp2p::yamux {

/// Who dialled. A stream's id tells who opened it.
enum class Side : std::uint8_t { dialler, listener };

/// How a session ended.
enum class End : std::uint8_t {
    stopped,         ///< we called `stop`, and all streams are over
    left,            ///< the peer said that it leaves, and all streams are over
    protocol_error,  ///< the peer broke a rule; `Gone::why` says which, at which byte
    peer_error,      ///< the peer says that we broke one, or that it broke down
    silent,          ///< no answer to a ping, and nothing else either
};

struct Opened {
    StreamId id;
};
struct Readable {
    StreamId id;
};
struct Writable {
    StreamId id;
};
struct RemoteClosed {
    StreamId id;
};
struct Reset {
    StreamId id;
    ResetReason reason;
};
struct Leaving {};
struct Gone {
    End how;
    std::optional<Error> why;  ///< what the peer did or said; nullopt for `stopped` and `left`
};
using Event = std::variant<Opened, Readable, Writable, RemoteClosed, Reset, Leaving, Gone>;

/// One yamux session as a state machine: bytes and `Now` in, bytes and events out.
///
/// It owns no socket, clock or thread, never waits, and never calls anybody. Four kinds of calls:
///
///     input          on_bytes, on_time
///     application    open, write, close_write, reset, readable, consume, stop
///     output         poll_transmit, poll_event
///     timer          next_wake
///
/// After any input or application call, take the events, then send as much as the link takes, both
/// until neither gives anything, since sending makes room for writers; then arm a timer:
///
///     session.on_bytes(plaintext, now);              // an error is an event as well: Gone
///     do {
///         while (auto event = session.poll_event()) handle(*event);
///         out.clear();
///         if (link.takes_more() && session.poll_transmit(65519, now, out) > 0) link.send(out);
///     } while (!out.empty());
///     timer.at(session.next_wake());                 // when it fires: on_time(now)
///
/// Take from poll_transmit only what the link takes now. What was taken is past recall: a ping,
/// or a stream that matters more, cannot overtake it.
///
/// Streams. `open` numbers a stream and returns; its first bytes may follow at once, nobody waits
/// for the peer's acknowledgement. A stream is `Opened` for the side that did not open it. Each
/// side closes its own direction (`close_write`, `RemoteClosed`), or both with `reset`. A stream
/// is forgotten, and its id with it, when both directions are closed, all bytes are read and all
/// events taken; after `reset`, at once; after the event `Reset`, when it is taken. Calls with an
/// id that is forgotten do nothing and say so (0, empty).
///
/// Events are flags of a stream, not a queue, and so bounded. Of one stream they come in the order
/// of the list above; Reset comes alone, what was unread is lost. `Readable`: bytes have come
/// since the last time; once read down to nothing, or left lying, there is another one only when
/// more come. `Writable`: once after each write that took less than it was given, when there is
/// room again. `RemoteClosed`: no more will come; unread bytes can still be read. `Leaving`: the
/// peer takes no new streams. `Gone`: the session is over and knows no stream any more; no `Reset`
/// is told for each. Send what poll_transmit still has, then hang up.
///
/// Output. Control frames go before data, always, so that pings and window updates wait for at
/// most the one frame that is under way, however much data waits (rust-libp2p #5387; and #5410,
/// two sides that both wait for window updates stuck behind data). Data goes a frame of at most
/// 16 KiB at a time from each stream in turn: large enough that headers are 0.07 % of the bytes, a
/// quarter of what js takes, and at 10 Mbit/s a ping waits 13 ms for it. FIN has a frame of its
/// own behind the last data: go sees a flag before the payload of the same frame.
///
/// Windows. Ours grow with the path, see `ReceiveWindow`; the round trip is measured with our own
/// pings, the first of which is sent at once. The smallest measurement counts: queues in front of
/// a ping only ever add to it. Growth is granted by `Limits::budget`, and goes back with the
/// stream.
///
/// Alive. A ping every `keep_alive`. The session ends `silent` when a ping is unanswered and for
/// `answer_within` no byte at all has come: an answer may be stuck behind the peer's own data, and
/// that data is as good a sign of life.
///
/// Leaving. After `stop`, new streams are refused both ways, those under way go on; when the last
/// is over, GO_AWAY is sent and the session is Gone. Not before: js resets every stream at a
/// GO_AWAY. When the peer says it, what runs goes on and Gone follows the last stream.
///
/// What the peer may do to us, and what it costs:
///
///   it does                               we
///   -----------------------------------   ---------------------------------------------------
///   break a rule (*)                      end the session: GO_AWAY(1), Gone{protocol_error}
///   open more than `streams_in_max`       reset the stream; nothing is kept but its late entry
///   fill `receive_bytes_max`              reset the stream that would exceed it
///   not read                              write takes less and then 0; nothing else grows
///   send data for an unknown stream       reset it; within bounds ignore it if we reset it before
///   send other frames for unknown ones    ignore them: they may have crossed our FIN or reset
///   ping without reading our answers      end the session above `ping_answers_max`. Dropping
///                                         some, as go does, leaves an honest peer waiting, and an
///                                         honest one never has that many
///   make us owe resets, not reading       end the session above `resets_owed_max`
///   open and reset at once, repeatedly    end the session above `fresh_resets`: work is done for
///     ("rapid reset")                     each, and none counts against the streams' limit
///   send frames that bring nothing: no    end the session above `idle_frames`. Twelve bytes each
///     data, pings, SYNs we refuse, data   are cheap to send and cost us a lookup and often an
///     for unknown streams                 answer
///   send its data in single bytes         what any bytes cost: chunks are shared
///
/// (*) A version, type or stream 0 where it does not belong; data beyond the window, or behind its
/// FIN; credit beyond 2^32 - 1; SYN with an id of ours or one that was used. Ids may come a little
/// out of order: go numbers a stream before it queues for the socket, so two at once may swap. An
/// id skipped can still come while it is among the last `kSkippedMax` skipped.
///
/// Memory: one map node and 0.4 KiB for a stream, bytes queued and unread within the limits, lists
/// that are bounded each; an idle session holds no heap at all. Costs: O(log streams) a frame.
class Session {
  public:
    /// The most in a data frame, see above.
    static constexpr std::uint32_t kFrameMax = 16 * 1024;
    /// As many as a peer may have unacknowledged, so that all of a backlog may come in any order.
    static constexpr std::size_t kSkippedMax = 256;

    Session(Side side, const Limits& limits, Now now);

    // Input.

    /// Plaintext from the peer, in pieces of any size; all of it is consumed. The error that ended
    /// the session, with its offset counted from the session's first byte. After Gone: ignored.
    Result<void> on_bytes(BytesView in, Now now);
    /// Pings, or ends the session as `silent`, when next_wake has come; before, nothing.
    void on_time(Now now);

    // Application.

    /// A new stream. Errors: busy at `streams_out_max`, at `unacknowledged_max`, or when the ids
    /// are used up; unsupported when either side is leaving, or after Gone.
    Result<StreamId> open(Now now);
    /// How many of the first bytes were taken. Fewer than given: `Writable` will follow. 0 without
    /// that for a stream that is forgotten, reset or closed for writing.
    std::size_t write(StreamId id, BytesView bytes);
    /// No more bytes from us; those taken are still sent, then FIN.
    void close_write(StreamId id);
    /// Ends both directions at once; unsent and unread bytes are dropped.
    void reset(StreamId id);
    /// Unread bytes that lie in one piece: empty only if none are unread. Valid until the next
    /// call of any other method.
    BytesView readable(StreamId id) const;
    /// The first `n` of `readable` are done with; the peer may send as many more.
    void consume(StreamId id, std::size_t n, Now now);
    /// Leaves, see above. Reset what should not be waited for.
    void stop();

    // Output.

    /// Appends whole frames to `out`, at most `bytes_max` bytes, which must be above a header's
    /// 12 and had better be above 1 KiB. How many were appended; 0: nothing to send now.
    std::size_t poll_transmit(std::size_t bytes_max, Now now, Bytes& out);
    std::optional<Event> poll_event();

    /// When on_time should be called; in the past: at once. Instant::max() after Gone.
    Instant next_wake() const;

    // What an observer may ask.

    bool over() const { return gone_.has_value(); }
    bool knows(StreamId id) const { return streams_.contains(id); }
    std::vector<StreamId> stream_ids() const;
    std::size_t streams_in() const { return streams_in_; }
    std::size_t streams_out() const { return streams_out_; }
    /// Bytes that are received and unread, and that wait to be sent.
    std::size_t unread_bytes() const { return unread_bytes_; }
    std::size_t unsent_bytes() const { return unsent_bytes_; }
    /// How many bytes `write` would take.
    std::size_t room(StreamId id) const;
    /// The stream's receive window, bytes; 0 for a stream that is forgotten.
    std::uint32_t window(StreamId id) const;
    std::optional<Duration> round_trip() const { return round_trip_; }

    /// Sums, limits and sets are what the streams say they are.
    void check_invariants() const;

  private:
    using Streams = std::map<StreamId, Stream>;
    using Place = Streams::iterator;
    struct Late {
        StreamId id;
        std::uint32_t allowed;  ///< bytes that may still come, from before our reset
    };

    // session_in.cpp
    Result<void> on_frame(const Header& header, Now now);
    Result<void> on_ping(const Header& header, Now now);
    void on_go_away(const Header& header);
    Result<void> on_stream_frame(const Header& header, Now now);
    Result<void> on_syn(const Header& header, Now now);
    Result<void> note_peer_id(StreamId id);
    Result<void> on_unknown(const Header& header, Now now);
    Result<void> on_data(Place place, const Header& header);
    Result<void> on_credit(Stream& stream, const Header& header);
    Result<void> on_peer_reset(Place place, Now now);
    Result<void> count_idle(Now now);
    void take_body(BytesView& in, Now now);
    Error wrong(Errc code, std::string_view what, std::size_t field) const;

    // session_out.cpp
    bool put_control(Bytes& out, Now now);
    void put_stream_control(Bytes& out);
    bool put_data(Bytes& out, std::size_t room, bool alone);
    void wake_blocked();
    std::optional<Event> stream_event(Place place);

    // session.cpp
    bool ours(StreamId id) const;
    std::size_t room(const Stream& stream) const;
    Stream* live(StreamId id);
    const Stream* live(StreamId id) const;
    void acknowledge(Stream& stream);
    void grow_window(Stream& stream);
    void settle(Place place);
    void drop_unsent(Stream& stream);
    void drop_unread(Stream& stream);
    void forget(Place place);
    Result<void> owe_reset(StreamId id, std::uint32_t late_bytes);
    void end(End how, std::optional<Error> why, std::optional<GoAway> say);
    void end_if_done();

    Side side_;
    bool stopping_{false};
    bool peer_leaving_{false};
    bool leaving_event_{false};
    bool gone_event_{false};
    std::optional<GoAway> go_away_owed_;
    std::optional<Gone> gone_;
    Limits limits_;

    // What is being received.
    std::array<std::uint8_t, Header::kSize> header_{};
    std::uint8_t header_filled_{0};
    bool body_wanted_{false};  ///< false: what is left of the payload is dropped
    bool body_fin_{false};     ///< FIN counts once the payload is whole
    std::uint32_t body_left_{0};
    StreamId body_stream_{};
    std::uint64_t received_{0};  ///< bytes since the beginning
    std::uint64_t frame_at_{0};  ///< where the frame under way began

    Streams streams_;
    std::size_t streams_in_{0};
    std::size_t streams_out_{0};
    std::size_t unacknowledged_{0};
    std::uint64_t next_id_;          ///< 64 bits, so that running out is a number
    StreamId peer_newest_{};         ///< the highest id that the peer used
    std::vector<StreamId> skipped_;  ///< lower ones that it did not use yet, ascending
    std::vector<Late> late_;         ///< oldest first
    std::vector<StreamId> resets_owed_;
    std::vector<std::uint32_t> pings_to_answer_;

    // Streams with something owed to the peer or to the application.
    std::set<StreamId> control_;
    std::set<StreamId> data_;
    std::set<StreamId> events_;
    std::set<StreamId> blocked_;
    StreamId turn_{};        ///< who sent data last
    bool room_grew_{false};  ///< since blocked writers were last looked at

    std::size_t unread_bytes_{0};
    std::size_t unsent_bytes_{0};
    std::size_t windows_bytes_{0};  ///< sum of all receive windows
    Budget::Share growth_;          ///< of that, what is beyond the first windows

    // Our pings: due, then owed to the wire, then sent and unanswered.
    Instant ping_due_;
    bool ping_owed_{false};
    std::optional<Instant> ping_began_;  ///< when it became due
    std::optional<Instant> ping_sent_;
    std::uint32_t ping_value_{0};
    Instant heard_at_;
    std::optional<Duration> round_trip_;

    Meter idle_frames_;
    Meter fresh_resets_;
};

}  // namespace sennit::libp2p::yamux
