// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/yamux/byte_queue.hpp"
#include "libp2p/yamux/frame.hpp"
#include "libp2p/yamux/window.hpp"

namespace sennit::libp2p::yamux {

/// Why a stream ended before both sides had closed it.
enum class ResetReason : std::uint8_t {
    refused,  ///< the peer never acknowledged it: over one of its limits
    by_peer,  ///< reset after it was acknowledged
    no_room,  ///< ours: the session held `receive_bytes_max` unread bytes
};

/// One stream's state within a session, for the session alone. Half-closing is what makes it four
/// states; a reset from either side ends all of them at once:
///
///             close_write            FIN came
///     open ---------------> writing over ---> both over, forgotten once all is read
///       \   FIN came                      /   close_write
///        ---------------> reading over ---
///
/// What is owed on the wire and to the application are flags, never queues, so that a stream
/// costs the same whatever the peer does.
struct Stream {
    Stream(std::uint32_t window_size, std::uint32_t send_credit, Instant now)
        : window{window_size}, credit{send_credit}, began{now} {}

    ByteQueue in;
    ByteQueue out;
    ReceiveWindow window;
    std::uint32_t credit;  ///< bytes the peer lets us send
    Instant began;

    bool acknowledged{false};  ///< the peer knows of it; always true for the peer's own
    bool write_closed{false};  ///< by the application
    bool fin_sent{false};
    bool fin_received{false};
    bool write_blocked{false};  ///< a write took less than it was given

    // Owed to the peer.
    bool syn_owed{false};
    bool ack_owed{false};
    bool fin_due() const { return write_closed && !fin_sent && out.empty(); }
    bool update_due() const { return !fin_received && window.update_due(); }
    bool control_due() const { return syn_owed || ack_owed || fin_due() || update_due(); }
    bool data_due() const { return !out.empty() && credit > 0; }

    // Owed to the application.
    bool opened_event{false};
    bool readable_event{false};
    bool writable_event{false};
    bool remote_closed_event{false};
    std::optional<ResetReason> reset_event;  ///< told when what came before a FIN is read
    bool event_due() const {
        return opened_event || readable_event || writable_event || remote_closed_event ||
               (reset_event && in.empty());
    }

    bool finished() const { return fin_sent && fin_received && in.empty() && !event_due(); }

    // In which of the session's sets it stands; kept here so that most steps touch none of them.
    bool in_control{false};
    bool in_data{false};
    bool in_events{false};
    bool in_blocked{false};
};

}  // namespace sennit::libp2p::yamux
