// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/stream_protocol.hpp"

namespace sennit::protocol {

/// A link and all that StreamProtocol keeps about it. For its own two source files.
struct StreamProtocol::Link {
    Link(const LinkOpen& open, StreamWorld& world, Rng rng, const Outbox::Limits& limits)
        : session_link{open, world, std::move(rng)},
          host_group{sennit::host_group(open.remote.host)},
          outbox{limits},
          room{open.room},
          capacity{open.room} {}

    LinkId id() const { return session_link.id(); }
    bool talking() const { return state == State::opening || state == State::up; }

    SessionLink session_link;
    std::string host_group;
    std::unique_ptr<Session> session;  // null once closing
    State state{State::opening};
    PeerId peer;      // set while up
    PeerFacts facts;  // set while up
    std::optional<NetAddress> dialled;
    Outbox outbox;
    std::size_t room;
    std::size_t capacity;         // room of the idle carrier
    bool queued{false};           // in sendable_
    bool request_refused{false};  // owes a Ready when an answer frees a slot
    Instant state_ends{};         // of opening and closing
    Instant next_send{};          // pacing
    std::string close_reason;
    std::optional<Instant> timer;  // as in timers_
};

}  // namespace sennit::protocol
