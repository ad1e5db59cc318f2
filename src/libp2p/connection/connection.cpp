// SPDX-License-Identifier: MIT
#include "libp2p/connection/connection.hpp"

#include <algorithm>

namespace sennit::libp2p {

namespace {

/// Below it a link had better take first what it has.
constexpr std::size_t kFrameWorthIt = 1024;

using Either = std::variant<multistream::Dialler, multistream::Listener>;

Result<std::optional<std::string>> feed(Either& side, BytesView& in, Bytes& out) {
    return std::visit([&](auto& one) { return one.on_bytes(in, out); }, side);
}

Error in_stage(std::string_view stage, const Error& error) {
    return {error.code, stage, Error::kNowhere, error.text()};
}

Error ended(const yamux::Gone& gone) {
    if (gone.why) return in_stage("muxer", *gone.why);
    return {Errc::io,
            gone.how == yamux::End::stopped ? "we left" : "the peer left",
            Error::kNowhere,
            {}};
}

std::string_view to_text(yamux::ResetReason reason) {
    switch (reason) {
        case yamux::ResetReason::refused: return "stream refused by the peer";
        case yamux::ResetReason::by_peer: return "stream reset by the peer";
        case yamux::ResetReason::no_room: return "stream reset: too much is unread";
    }
    return "stream reset";
}

}  // namespace

Connection::Connection(Role role, std::shared_ptr<const ConnectionConfig> config,
                       const crypto::X25519Key& noise_ephemeral, std::optional<PeerId> expected,
                       Now now, std::size_t proposal)
    : role_{role},
      config_{std::move(config)},
      stage_{Upgrade{{role == Role::dialler, config_, noise_ephemeral, expected, proposal}}},
      upgrade_until_{now.at + config_->upgrade_timeout} {
    std::get<Upgrade>(stage_).start(out_);
}

// Input.

void Connection::on_bytes(BytesView in, Now now) {
    while (!in.empty() && !closed_ && !broken_) {
        const bool upgraded = std::holds_alternative<Running>(stage_);
        if (auto done = upgraded ? run(in, now) : upgrade(in, now); !done)
            end(std::move(done).error());
    }
}

Result<void> Connection::upgrade(BytesView& in, Now now) {
    auto& upgrading = std::get<Upgrade>(stage_);
    const bool knew = upgrading.peer().has_value();
    auto done = upgrading.on_bytes(in, now, out_);
    if (!knew && upgrading.peer()) events_.push_back(Secured{*upgrading.peer()});
    if (!done) return std::move(done).error();
    if (!*done) return {};
    return start_session(**std::move(done), now);
}

Result<void> Connection::start_session(Upgrade::Done done, Now now) {
    const auto side = role_ == Role::dialler ? yamux::Side::dialler : yamux::Side::listener;
    Running running{std::move(done.channel), yamux::Session{side, config_->yamux, now}};
    stage_.emplace<Running>(std::move(running));
    events_.push_back(Ready{done.key, done.key.peer_id(), done.early_muxer,
                            std::get<Running>(stage_).channel.security()});
    if (auto heard = session()->on_bytes(done.plain, now); !heard)
        return in_stage("muxer", heard.error());
    return {};
}

Result<void> Connection::run(BytesView& in, Now now) {
    auto& running = std::get<Running>(stage_);
    Bytes plain;
    const auto opened = running.channel.open(in, plain);
    // Text before a frame that is wrong, or before the end, is good: it may be an answer, or why
    // the peer leaves.
    (void)running.session.on_bytes(plain, now);  // its error comes as Gone
    if (!opened) broken_ = Closed{opened.error(), running.channel.ended()};
    return {};
}

// Output and time.

std::size_t Connection::transmit(std::size_t bytes_max, Now now, Bytes& out) {
    if (mute_ || out_.size() > bytes_max) return 0;
    const auto before = out.size();
    out.insert(out.end(), out_.begin(), out_.end());
    out_ = Bytes{};
    auto* const running = std::get_if<Running>(&stage_);
    if (running == nullptr || (broken_ && !closed_)) return out.size() - before;
    Bytes plain;
    for (;;) {
        const auto room = bytes_max - (out.size() - before);
        const auto sealed_by = running->channel.overhead();
        if (room < sealed_by + kFrameWorthIt) break;
        plain.clear();
        const auto size = std::min(room - sealed_by, running->channel.plain_max());
        if (running->session.poll_transmit(size, now, plain) == 0) break;
        // Next to unreachable (noise has 2^64 frames); the peer would see a gap.
        if (auto sealed = running->channel.seal(plain, out); !sealed) {
            end(std::move(sealed).error());
            break;
        }
    }
    return out.size() - before;
}

Instant Connection::next_wake() const {
    if (closed_) return Instant::max();
    const auto* const running = session();
    auto wake = running != nullptr ? running->next_wake() : upgrade_until_;
    if (!negotiating_.empty()) wake = std::min(wake, negotiating_.begin()->first);
    return wake;
}

void Connection::on_time(Now now) {
    if (closed_) return;
    if (auto* const running = session()) {
        running->on_time(now);
    } else if (now.at >= upgrade_until_) {
        end(Error{Errc::timeout, "the upgrade took too long", Error::kNowhere, {}});
        return;
    }
    while (!negotiating_.empty() && negotiating_.begin()->first <= now.at) {
        fail_stream(negotiating_.begin()->second,
                    Error{Errc::timeout, "no protocol was agreed on in time", Error::kNowhere, {}});
    }
}

void Connection::on_link_down(Error why) {
    if (closed_) return;
    if (broken_) return end(std::move(broken_->why), broken_->peer_left);
    end(std::move(why));
}

// Events.

std::optional<Connection::Event> Connection::poll_event(Now now) {
    while (events_.empty() && !closed_) {
        auto* const running = session();
        if (running == nullptr) return std::nullopt;
        const auto event = running->poll_event();
        if (!event) {
            if (broken_) end(std::move(broken_->why), broken_->peer_left);
            break;
        }
        take(*event, now);
    }
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    told_ready_ = told_ready_ || std::holds_alternative<Ready>(out);
    return out;
}

void Connection::take(const yamux::Event& event, Now now) {
    const auto negotiated = [&](StreamId id) { return !negotiations_.contains(id); };
    if (const auto* opened = std::get_if<yamux::Opened>(&event)) {
        on_opened(opened->id, now);
    } else if (const auto* readable = std::get_if<yamux::Readable>(&event)) {
        if (negotiated(readable->id)) {
            events_.push_back(StreamReadable{readable->id});
        } else {
            negotiate(readable->id, now);
        }
    } else if (const auto* writable = std::get_if<yamux::Writable>(&event)) {
        events_.push_back(StreamWritable{writable->id});
    } else if (const auto* closed = std::get_if<yamux::RemoteClosed>(&event)) {
        if (negotiated(closed->id)) {
            events_.push_back(StreamRemoteClosed{closed->id});
        } else if (refused(closed->id)) {
            session()->close_write(closed->id);  // behind the `na`, which a reset would overtake
            drop_negotiation(closed->id);
        } else {
            fail_stream(closed->id, Error{Errc::truncated,
                                          "closed before a protocol was agreed on",
                                          Error::kNowhere,
                                          {}});
        }
    } else if (const auto* reset = std::get_if<yamux::Reset>(&event)) {
        fail_stream(reset->id, Error{Errc::io, to_text(reset->reason), Error::kNowhere, {}});
    } else if (const auto* gone = std::get_if<yamux::Gone>(&event)) {
        end(ended(*gone), gone->how == yamux::End::left);
    }
}

void Connection::on_opened(StreamId id, Now now) {
    const auto until = now.at + config_->negotiation_timeout;
    negotiations_.emplace(
        id, Negotiation{multistream::Listener{config_->speaks}, /*lazy=*/false, until});
    negotiating_.emplace(until, id);
    ++negotiations_in_;
}

void Connection::negotiate(StreamId id, Now now) {
    auto* const running = session();
    auto& negotiation = negotiations_.at(id);
    if (negotiation.drained) return drain(id, now);
    const bool ours = std::holds_alternative<multistream::Dialler>(negotiation.side);
    for (;;) {
        const auto piece = running->readable(id);
        if (piece.empty()) return;
        auto rest = piece;
        Bytes answer;
        auto agreed = feed(negotiation.side, rest, answer);
        running->consume(id, piece.size() - rest.size(), now);
        if (!agreed && !refused(id)) return fail_stream(id, std::move(agreed).error());
        // A fresh stream always takes that much, unless somebody answers what was not asked yet.
        if (running->write(id, answer) != answer.size())
            return fail_stream(id, Error{Errc::busy, "answers before questions", 0, {}});
        if (!agreed) {
            running->close_write(id);
            negotiation.drained = 0;
            return drain(id, now);
        }
        if (!*agreed) continue;
        drop_negotiation(id);
        if (ours) {
            events_.push_back(StreamAgreed{id, **std::move(agreed)});
        } else {
            events_.push_back(StreamOpened{id, **std::move(agreed)});
        }
        if (!running->readable(id).empty()) events_.push_back(StreamReadable{id});
        return;
    }
}

/// Whether the peer asked for something on this stream, and got nothing but `na`.
bool Connection::refused(StreamId id) const {
    const auto found = negotiations_.find(id);
    if (found == negotiations_.end()) return false;
    const auto* const listener = std::get_if<multistream::Listener>(&found->second.side);
    return listener != nullptr && listener->refused();
}

void Connection::drain(StreamId id, Now now) {
    auto& drained = negotiations_.at(id).drained;
    for (;;) {
        const auto size = session()->readable(id).size();
        if (size == 0) return;
        *drained += size;
        if (*drained > kDrainMax)
            return fail_stream(id, Error{Errc::oversized, "behind a refusal", Error::kNowhere, {}});
        session()->consume(id, size, now);
    }
}

/// Streams of the peer whose protocol was not agreed on are nobody's yet, and nobody is told.
void Connection::fail_stream(StreamId id, Error why) {
    const auto found = negotiations_.find(id);
    const bool told = found == negotiations_.end() ||
                      std::holds_alternative<multistream::Dialler>(found->second.side);
    drop_negotiation(id);
    session()->reset(id);
    if (told) events_.push_back(StreamFailed{id, std::move(why)});
}

void Connection::drop_negotiation(StreamId id) {
    const auto found = negotiations_.find(id);
    if (found == negotiations_.end()) return;
    negotiating_.erase({found->second.until, id});
    if (std::holds_alternative<multistream::Listener>(found->second.side)) --negotiations_in_;
    negotiations_.erase(found);
}

void Connection::end(Error why, bool peer_left) {
    if (closed_) return;
    closed_ = true;
    negotiations_.clear();
    negotiating_.clear();
    negotiations_in_ = 0;
    events_.push_back(Closed{std::move(why), peer_left});
}

// Streams.

Result<StreamId> Connection::open(std::vector<std::string> proposals, Now now) {
    auto* const running = session();
    if (running == nullptr || closed_ || broken_)
        return Error{Errc::unsupported, "the connection is not ready", Error::kNowhere, {}};
    const auto too_long = [](const auto& name) {
        return name.size() >= multistream::kMessageSizeMax;
    };
    if (proposals.empty() || std::ranges::any_of(proposals, too_long))
        return Error{Errc::invalid, "no protocol, or too long a name", Error::kNowhere, {}};
    SENNIT_TRY(const auto id, running->open(now));
    const bool lazy = proposals.size() == 1;
    multistream::Dialler dialler{std::move(proposals)};
    Bytes first;
    dialler.start(first);
    if (running->write(id, first) != first.size()) {
        running->reset(id);
        return Error{Errc::busy, "the send queue is full", Error::kNowhere, {}};
    }
    const auto until = now.at + config_->negotiation_timeout;
    negotiations_.emplace(id, Negotiation{std::move(dialler), lazy, until});
    negotiating_.emplace(until, id);
    return id;
}

std::size_t Connection::write(StreamId id, BytesView bytes) {
    auto* const running = session();
    if (running == nullptr || closed_) return 0;
    const auto found = negotiations_.find(id);
    if (found != negotiations_.end() && !found->second.lazy) return 0;
    return running->write(id, bytes);
}

BytesView Connection::readable(StreamId id) const {
    const auto* const running = session();
    if (running == nullptr || closed_ || negotiations_.contains(id)) return {};
    return running->readable(id);
}

void Connection::consume(StreamId id, std::size_t n, Now now) {
    if (auto* const running = session(); running != nullptr && !closed_)
        running->consume(id, n, now);
}

void Connection::close_write(StreamId id) {
    if (auto* const running = session()) running->close_write(id);
}

void Connection::reset(StreamId id) {
    drop_negotiation(id);
    if (auto* const running = session()) running->reset(id);
}

void Connection::close() {
    auto* const running = session();
    if (running == nullptr) return end(Error{Errc::io, "we left", Error::kNowhere, {}});
    for (const auto id : running->stream_ids()) reset(id);
    running->stop();
}

void Connection::refuse() {
    mute_ = role_ == Role::dialler && !told_ready_;
    events_.clear();
    close();
}

std::vector<StreamId> Connection::streams() const {
    std::vector<StreamId> out;
    if (session() == nullptr || closed_) return out;
    for (const auto id : session()->stream_ids()) {
        const auto found = negotiations_.find(id);
        if (found == negotiations_.end() ||
            std::holds_alternative<multistream::Dialler>(found->second.side))
            out.push_back(id);
    }
    return out;
}

std::size_t Connection::streams_size() const {
    const auto* const running = session();
    if (running == nullptr || closed_) return 0;
    // A session that is over has forgotten its streams; their negotiations go with the next event.
    const auto all = running->streams_in() + running->streams_out();
    return all - std::min(all, negotiations_in_);
}

yamux::Session* Connection::session() {
    auto* const running = std::get_if<Running>(&stage_);
    return running != nullptr ? &running->session : nullptr;
}
const yamux::Session* Connection::session() const {
    return const_cast<Connection*>(this)->session();
}

bool Connection::security_refused() const {
    const auto* const upgrading = std::get_if<Upgrade>(&stage_);
    return upgrading != nullptr && upgrading->security_refused();
}

std::optional<Duration> Connection::round_trip() const {
    const auto* const running = session();
    return running != nullptr ? running->round_trip() : std::nullopt;
}

void Connection::check_invariants() const {
    SENNIT_ASSERT(negotiations_.size() == negotiating_.size());
    SENNIT_ASSERT(
        negotiations_in_ ==
        static_cast<std::size_t>(std::ranges::count_if(negotiations_, [](const auto& one) {
            return std::holds_alternative<multistream::Listener>(one.second.side);
        })));
    for (const auto& [id, negotiation] : negotiations_) {
        SENNIT_ASSERT(negotiating_.contains({negotiation.until, id}));
        // A session that is over has forgotten its streams; that it is so is its next event.
        SENNIT_ASSERT(session() != nullptr && (session()->over() || session()->knows(id)));
    }
    if (const auto* const running = std::get_if<Running>(&stage_)) {
        running->channel.check_invariants();
        running->session.check_invariants();
    } else {
        std::get<Upgrade>(stage_).check_invariants();
    }
}

}  // namespace sennit::libp2p
