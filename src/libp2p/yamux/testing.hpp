// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <type_traits>

#include "libp2p/yamux/session.hpp"

/// Peers for tests: frames written by hand, and two sessions over a link.
namespace sennit::libp2p::yamux::testing {

using namespace std::chrono_literals;

inline Now at(Duration since_start) {
    return {Instant{since_start}, UnixTime{}};
}

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline Bytes frame(FrameType type, std::uint16_t flags, std::uint32_t id, std::uint32_t length) {
    Bytes out;
    Header{type, flags, StreamId{id}, length}.append_to(out);
    return out;
}
inline Bytes update(std::uint32_t id, std::uint32_t credit, std::uint16_t flags = 0) {
    return frame(FrameType::window_update, flags, id, credit);
}
inline Bytes ping(std::uint32_t value, std::uint16_t flags = kSyn) {
    return frame(FrameType::ping, flags, 0, value);
}
inline Bytes go_away(std::uint32_t reason) {
    return frame(FrameType::go_away, 0, 0, reason);
}
inline Bytes data(std::uint32_t id, const Bytes& payload, std::uint16_t flags = 0) {
    return frame(FrameType::data, flags, id, static_cast<std::uint32_t>(payload.size())) + payload;
}
inline Bytes data(std::uint32_t id, std::string_view payload, std::uint16_t flags = 0) {
    return data(id, to_bytes(as_bytes(payload)), flags);
}

/// Bytes that tell where they belong.
inline Bytes pattern(std::size_t size, std::uint32_t salt = 0) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::uint8_t>((i * 2654435761u + salt * 40503u) >> 13);
    }
    return out;
}

struct Sent {
    Header header;
    Bytes payload;
};

inline std::vector<Sent> frames_of(BytesView bytes) {
    std::vector<Sent> out;
    while (!bytes.empty()) {
        SENNIT_ASSERT(bytes.size() >= Header::kSize);
        const auto header = *Header::decode(bytes);
        bytes = bytes.subspan(Header::kSize);
        const std::size_t size = header.type == FrameType::data ? header.length : 0;
        SENNIT_ASSERT(bytes.size() >= size);
        out.push_back({header, to_bytes(bytes.first(size))});
        bytes = bytes.subspan(size);
    }
    return out;
}

/// All that the session sends now.
inline std::vector<Sent> sent(Session& session, Now now = at(0s), std::size_t bytes_max = 65519) {
    Bytes out;
    while (session.poll_transmit(bytes_max, now, out) > 0) session.check_invariants();
    return frames_of(out);
}

inline std::vector<Event> events(Session& session) {
    std::vector<Event> out;
    while (auto event = session.poll_event()) {
        out.push_back(*std::move(event));
        session.check_invariants();
    }
    return out;
}

template <class T>
std::vector<T> of_kind(const std::vector<Event>& events) {
    std::vector<T> out;
    for (const auto& event : events) {
        if (const auto* const found = std::get_if<T>(&event)) out.push_back(*found);
    }
    return out;
}

/// "opened 1, readable 1, closed 1": what happened, in order.
inline std::string story(const std::vector<Event>& events) {
    std::string out;
    const auto add = [&](std::string_view what, StreamId id) {
        out += (out.empty() ? "" : ", ") + std::string{what};
        if (id != kSessionId) out += " " + std::to_string(id.value);
    };
    for (const auto& event : events) {
        std::visit(
            [&]<class T>(const T& e) {
                if constexpr (std::is_same_v<T, Opened>) add("opened", e.id);
                if constexpr (std::is_same_v<T, Readable>) add("readable", e.id);
                if constexpr (std::is_same_v<T, Writable>) add("writable", e.id);
                if constexpr (std::is_same_v<T, RemoteClosed>) add("closed", e.id);
                if constexpr (std::is_same_v<T, Reset>) add("reset", e.id);
                if constexpr (std::is_same_v<T, Leaving>) add("leaving", kSessionId);
                if constexpr (std::is_same_v<T, Gone>) add("gone", kSessionId);
            },
            event);
    }
    return out;
}

/// All that is unread on a stream.
inline Bytes read_all(Session& session, StreamId id, Now now = at(0s)) {
    Bytes out;
    for (auto piece = session.readable(id); !piece.empty(); piece = session.readable(id)) {
        out.insert(out.end(), piece.begin(), piece.end());
        session.consume(id, piece.size(), now);
    }
    return out;
}

/// A session and an application above it that writes what it was told and keeps what it reads.
class Node {
  public:
    Node(Side side, const Limits& limits, Now now) : session{side, limits, now} {}

    /// `bytes`, then the end of our direction.
    void send(StreamId id, Bytes bytes) {
        outgoing_[id] = {std::move(bytes), 0};
        pump(id);
    }
    void handle_events(Now now) {
        while (const auto event = session.poll_event()) {
            session.check_invariants();
            if (const auto* const e = std::get_if<Opened>(&*event)) opened.push_back(e->id);
            if (const auto* const e = std::get_if<Writable>(&*event)) pump(e->id);
            if (const auto* const e = std::get_if<RemoteClosed>(&*event)) closed.push_back(e->id);
            if (const auto* const e = std::get_if<Reset>(&*event)) resets.push_back(*e);
            if (const auto* const e = std::get_if<Gone>(&*event)) gone = *e;
            if (const auto* const e = std::get_if<Readable>(&*event)) {
                auto bytes = read_all(session, e->id, now);
                auto& got = received[e->id];
                got.insert(got.end(), bytes.begin(), bytes.end());
            }
        }
    }

    Session session;
    std::vector<StreamId> opened, closed;
    std::vector<Reset> resets;
    std::optional<Gone> gone;
    std::map<StreamId, Bytes> received;

  private:
    struct Outgoing {
        Bytes bytes;
        std::size_t done;
    };

    void pump(StreamId id) {
        auto& out = outgoing_[id];
        out.done += session.write(id, BytesView{out.bytes}.subspan(out.done));
        if (out.done == out.bytes.size()) session.close_write(id);
    }

    std::map<StreamId, Outgoing> outgoing_;
};

/// Two nodes and a link without delay that hands over `cut` bytes at a time.
class Pair {
  public:
    explicit Pair(const Limits& limits = {})
        : dialler{Side::dialler, limits, at(0s)}, listener{Side::listener, limits, at(0s)} {}

    /// Until neither side has anything to say.
    void run(std::size_t cut = 65519, std::size_t bytes_max = 65519, Now now = at(0s)) {
        for (bool moved = true; moved;) {
            moved = false;
            dialler.handle_events(now);
            listener.handle_events(now);
            moved |= carry(dialler, listener, cut, bytes_max, now);
            moved |= carry(listener, dialler, cut, bytes_max, now);
        }
    }

    Node dialler;
    Node listener;

  private:
    static bool carry(Node& from, Node& to, std::size_t cut, std::size_t bytes_max, Now now) {
        Bytes wire;
        from.session.poll_transmit(bytes_max, now, wire);
        from.session.check_invariants();
        BytesView rest{wire};
        while (!rest.empty()) {
            const auto piece = rest.first(std::min(cut, rest.size()));
            (void)to.session.on_bytes(piece, now);
            to.session.check_invariants();
            to.handle_events(now);
            rest = rest.subspan(piece.size());
        }
        return !wire.empty();
    }
};

}  // namespace sennit::libp2p::yamux::testing
