// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/yamux/budget.hpp"
#include "libp2p/yamux/window.hpp"

namespace sennit::libp2p::yamux {

/// What one session may cost us. What happens at each limit stands in session.hpp.
struct Limits {
    /// Streams that the peer opened and that are not over. Sixteen protocols with sixteen requests
    /// each under way; go's and rust's backlogs are 256 too.
    std::size_t streams_in_max{256};
    std::size_t streams_out_max{256};
    /// Our streams that the peer has not acknowledged; rust ends a session that has more.
    std::size_t unacknowledged_max{256};

    /// What a stream begins with. The protocol's own figure: another works only with a peer that
    /// was told.
    std::uint32_t window_initial{kWindowInitial};
    /// What it may grow to: 16 MiB are 1 Gbit/s at 130 ms; js stops there too.
    std::uint32_t window_max{16 * 1024 * 1024};
    /// Unread bytes of all streams, and the sum of all windows up to which windows grow.
    std::size_t receive_bytes_max{64 * 1024 * 1024};

    /// Which growth beyond the first windows is granted from, shared with other sessions; null:
    /// this session's limits are all there is.
    std::shared_ptr<Budget> budget{};

    /// Bytes that wait to be sent, of one stream and of all. Not a window's worth: the application
    /// refills the queue as it drains, so that it only has to last from one poll to the next.
    std::size_t send_stream_bytes_max{256 * 1024};
    std::size_t send_bytes_max{4 * 1024 * 1024};
    /// What a stream may queue however much the others have, so that streams whose windows are
    /// shut cannot silence the rest.
    std::size_t send_stream_bytes_min{4 * 1024};

    /// Answers to pings that wait to be sent. A peer has one ping under way, or few.
    std::size_t ping_answers_max{16};
    /// Resets that wait to be sent. Refusing a whole backlog of SYNs twice must fit.
    std::size_t resets_owed_max{512};
    /// Streams that we reset and whose late frames we still expect, newest first.
    std::size_t late_streams_max{256};

    /// Shorter than the idle timers of NATs and of the other implementations.
    Duration keep_alive{std::chrono::seconds{30}};
    /// How long after a ping nothing at all may come.
    Duration answer_within{std::chrono::seconds{20}};

    /// Frames that cost work and bring nothing; refusing a backlog of SYNs and their data fits in
    /// the burst.
    Meter::Rate idle_frames{1000, std::chrono::milliseconds{10}};
    /// Streams that the peer opens and resets within `fresh`: 256 at once, 25 a second.
    Meter::Rate fresh_resets{256, std::chrono::milliseconds{40}};
    Duration fresh{std::chrono::seconds{5}};
};

}  // namespace sennit::libp2p::yamux
