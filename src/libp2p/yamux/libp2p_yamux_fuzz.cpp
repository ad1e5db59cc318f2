// SPDX-License-Identifier: MIT
/// The first byte chooses: (a) arbitrary bytes into one session, whose application reads, writes
/// and resets; or (b) two sessions whose applications and link do what the input says. In (b) no
/// side may ever find a fault with the other, and what one wrote the other reads, in order and
/// whole, unless the stream is reset.
#include <algorithm>

#include "libp2p/yamux/session.hpp"

using namespace sennit;
using namespace sennit::libp2p::yamux;

namespace {

/// Choices out of the input; zeros when it is used up.
class Choices {
  public:
    explicit Choices(BytesView bytes) : in_{bytes} {}

    bool empty() const { return in_.empty(); }
    std::uint8_t byte() {
        if (in_.empty()) return 0;
        const auto out = in_.front();
        in_ = in_.subspan(1);
        return out;
    }
    /// 1 to 2^15, small ones more often.
    std::size_t size() {
        const auto shape = byte();
        return (std::size_t{shape & 15u} + 1) << ((shape >> 4) & 11u);
    }
    BytesView take(std::size_t n) {
        const auto out = in_.first(std::min(n, in_.size()));
        in_ = in_.subspan(out.size());
        return out;
    }

  private:
    BytesView in_;
};

Now at(Duration time) {
    return {Instant{time}, UnixTime{}};
}

Limits some_limits(Choices& choices) {
    Limits out;
    const auto shape = choices.byte();
    out.streams_in_max = 1 + (shape & 7u);
    out.streams_out_max = 1 + ((shape >> 3) & 7u);
    out.unacknowledged_max = 1 + (shape >> 6);
    out.window_initial = static_cast<std::uint32_t>(choices.size());
    out.window_max = static_cast<std::uint32_t>(choices.size());
    out.receive_bytes_max = choices.size();
    out.send_stream_bytes_max = choices.size();
    out.send_bytes_max = choices.size();
    out.send_stream_bytes_min = choices.byte();
    out.late_streams_max = 1 + choices.byte() % 4;
    return out;
}

/// (a) Pieces of the rest of the input, a length byte before each, and what an application does.
void strange_peer(Choices choices) {
    const auto side = choices.byte() % 2 == 0 ? Side::dialler : Side::listener;
    const auto limits = some_limits(choices);
    Duration time{0};
    Session session{side, limits, at(time)};
    Bytes out;
    std::size_t fed = 0;
    while (!choices.empty()) {
        const auto act = choices.byte();
        const auto piece = choices.take(act >> 2);
        const auto taken = session.on_bytes(piece, at(time));
        session.check_invariants();
        fed += piece.size();
        SENNIT_ASSERT(taken || (taken.error().at < fed + Header::kSize && session.over()));
        while (const auto event = session.poll_event()) {
            const auto* const readable = std::get_if<Readable>(&*event);
            if (!readable || act % 2 == 0) continue;
            SENNIT_ASSERT(!session.readable(readable->id).empty());
            session.consume(readable->id, session.readable(readable->id).size(), at(time));
            (void)session.write(readable->id, Bytes(act));
            if (act % 8 == 3) session.close_write(readable->id);
            if (act % 16 == 5) session.reset(readable->id);
            session.check_invariants();
        }
        if (act % 4 == 2) (void)session.open(at(time));
        if (act % 4 == 0) {
            out.clear();
            session.poll_transmit(13 + act * 8u, at(time), out);
        }
        time += Duration{act} * 1'000'000;
        session.on_time(at(time));
        session.check_invariants();
    }
}

/// The byte at `offset` of what `side` writes on a stream.
std::uint8_t spoken(std::size_t side, StreamId id, std::size_t offset) {
    return static_cast<std::uint8_t>((offset * 31 + id.value * 7 + side * 101) >> 1);
}

struct Talk {
    std::size_t written{0};
    std::size_t read{0};
    bool closed{false};
    bool remote_closed{false};
    bool waits{false};  ///< for Writable
    bool reset{false};  ///< by either side, as this one knows it
};

struct Node {
    Session session;
    std::vector<StreamId> ids;  ///< known to the application, in the order it heard of them
    std::map<StreamId, Talk> talks;
    Bytes sent{};  ///< on the way to the other side
    bool gone{false};
};

class Conversation {
  public:
    explicit Conversation(Choices choices) : choices_{choices} {
        auto limits = some_limits(choices_);
        // Honest applications may be restless; what that costs them is not the question here.
        limits.idle_frames.burst = limits.fresh_resets.burst = 1'000'000;
        limits.resets_owed_max = 100'000;
        budget_ = std::min<std::size_t>(300 * std::size_t{limits.window_initial}, 200'000);
        nodes_.push_back({Session{Side::dialler, limits, at(time_)}, {}, {}});
        nodes_.push_back({Session{Side::listener, limits, at(time_)}, {}, {}});
    }

    void run() {
        while (!choices_.empty()) {
            step();
            for (auto& node : nodes_) node.session.check_invariants();
        }
        finish();
    }

  private:
    void step() {
        const auto act = choices_.byte();
        const std::size_t who = act & 1u;
        auto& node = nodes_[who];
        switch ((act >> 1) & 15u) {
            case 0: open(who); break;
            case 1:
            case 2:
            case 3: write(who, pick(node), choices_.size()); break;
            case 4: close(who, pick(node)); break;
            case 5: reset(who, pick(node)); break;
            case 6:
            case 7: read(who, pick(node), choices_.size()); break;
            case 8:
            case 9: transmit(who, 13 + choices_.size()); break;
            case 10:
            case 11: deliver(who, choices_.size()); break;
            case 12: take_events(who); break;
            case 13: pass(Duration{choices_.byte()} * 10'000'000); break;
            case 14: settle_down(); break;
            default:
                if (choices_.byte() == 77) node.session.stop();
        }
    }

    StreamId pick(const Node& node) {
        const auto which = choices_.byte();
        return node.ids.empty() ? StreamId{1} : node.ids[which % node.ids.size()];
    }
    void open(std::size_t who) {
        const auto id = nodes_[who].session.open(at(time_));
        if (!id) return;
        nodes_[who].ids.push_back(*id);
        nodes_[who].talks[*id];
    }
    void write(std::size_t who, StreamId id, std::size_t n) {
        auto& node = nodes_[who];
        auto& talk = node.talks[id];
        n = std::min(n, budget_);
        budget_ -= n;
        Bytes bytes(n);
        for (std::size_t i = 0; i < n; ++i) bytes[i] = spoken(who, id, talk.written + i);
        const auto room = node.session.room(id);
        const auto taken = node.session.write(id, bytes);
        SENNIT_ASSERT(taken == std::min(n, room));
        SENNIT_ASSERT(taken == 0 || !talk.closed);
        talk.written += taken;
        talk.waits = taken < n && node.session.knows(id) && !talk.closed;
    }
    void close(std::size_t who, StreamId id) {
        if (nodes_[who].session.knows(id)) nodes_[who].talks[id].closed = true;
        nodes_[who].session.close_write(id);
    }
    void reset(std::size_t who, StreamId id) {
        // Of one that is over already neither side hears any more.
        if (nodes_[who].session.knows(id)) nodes_[who].talks[id].reset = true;
        nodes_[who].session.reset(id);
    }
    void read(std::size_t who, StreamId id, std::size_t n) {
        auto& node = nodes_[who];
        auto& talk = node.talks[id];
        const auto bytes = node.session.readable(id);
        n = std::min(n, bytes.size());
        for (std::size_t i = 0; i < n; ++i) {
            SENNIT_ASSERT(bytes[i] == spoken(1 - who, id, talk.read + i));
        }
        talk.read += n;
        node.session.consume(id, n, at(time_));
    }
    void transmit(std::size_t who, std::size_t most) {
        auto& node = nodes_[who];
        const auto before = node.sent.size();
        const auto n = node.session.poll_transmit(most, at(time_), node.sent);
        SENNIT_ASSERT(n <= most && node.sent.size() == before + n);
    }
    void deliver(std::size_t from, std::size_t n) {
        auto& sent = nodes_[from].sent;
        n = std::min(n, sent.size());
        const auto taken = nodes_[1 - from].session.on_bytes(BytesView{sent}.first(n), at(time_));
        SENNIT_ASSERT(taken);
        sent.erase(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(n));
    }
    void pass(Duration time) {
        time_ += time;
        for (auto& node : nodes_) node.session.on_time(at(time_));
    }
    void take_events(std::size_t who) {
        auto& node = nodes_[who];
        while (const auto event = node.session.poll_event()) {
            node.session.check_invariants();
            if (const auto* const e = std::get_if<Opened>(&*event)) {
                SENNIT_ASSERT(std::ranges::count(node.ids, e->id) == 0);
                node.ids.push_back(e->id);
            }
            if (const auto* const e = std::get_if<Readable>(&*event)) {
                SENNIT_ASSERT(!node.session.readable(e->id).empty() || node.talks[e->id].read > 0);
            }
            if (const auto* const e = std::get_if<Writable>(&*event)) {
                SENNIT_ASSERT(node.session.room(e->id) > 0);
                node.talks[e->id].waits = false;
            }
            if (const auto* const e = std::get_if<RemoteClosed>(&*event)) {
                SENNIT_ASSERT(!std::exchange(node.talks[e->id].remote_closed, true));
            }
            if (const auto* const e = std::get_if<Reset>(&*event)) node.talks[e->id].reset = true;
            if (const auto* const e = std::get_if<Gone>(&*event)) {
                SENNIT_ASSERT(e->how != End::protocol_error && e->how != End::peer_error);
                node.gone = true;
            }
        }
    }
    /// Everything that is under way arrives and is read.
    void settle_down() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t who = 0; who < 2; ++who) {
                take_events(who);
                const auto ids = nodes_[who].ids;
                for (const auto id : ids) {
                    while (!nodes_[who].session.readable(id).empty()) read(who, id, SIZE_MAX);
                }
                take_events(who);
                transmit(who, 5000);
                moved |= !nodes_[who].sent.empty();
                deliver(who, SIZE_MAX);
            }
        }
    }
    void finish() {
        settle_down();
        if (nodes_[0].gone || nodes_[1].gone) return;
        for (std::size_t who = 0; who < 2; ++who) {
            for (const auto& [id, talk] : nodes_[who].talks) {
                const auto& other = nodes_[1 - who].talks[id];
                if (talk.reset || other.reset) continue;
                SENNIT_ASSERT(!talk.waits || talk.closed);
                SENNIT_ASSERT(other.read == talk.written);
                const bool opened = std::ranges::count(nodes_[who].ids, id) > 0;
                SENNIT_ASSERT(!opened || other.remote_closed == talk.closed);
            }
            SENNIT_ASSERT(nodes_[who].session.unsent_bytes() == 0);
            SENNIT_ASSERT(nodes_[who].session.unread_bytes() == 0);
        }
    }

    Choices choices_;
    std::size_t budget_{0};  ///< bytes written at most: tiny windows make each one slow
    Duration time_{0};
    std::vector<Node> nodes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{{data, size}};
    if (choices.byte() % 2 == 0) {
        strange_peer(choices);
    } else {
        Conversation{choices}.run();
    }
    return 0;
}
