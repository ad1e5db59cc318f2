// SPDX-License-Identifier: MIT
#include "libp2p/tls/secure_channel.hpp"

#include <algorithm>

#include "libp2p/tls/engine.hpp"

namespace sennit::libp2p::tls {

Channel::Channel(std::unique_ptr<Engine> engine, RecordCutter records)
    : engine_{std::move(engine)}, records_{std::move(records)} {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

Result<void> Channel::seal(BytesView plain, Bytes& out) {
    while (!plain.empty()) {
        const auto text = plain.first(std::min(plain.size(), kPlainMax));
        if (failed_ || !engine_->write(text))
            return Error{Errc::io, "the channel is broken", Error::kNowhere, {}};
        engine_->take(out);
        plain = plain.subspan(text.size());
    }
    return {};
}

Result<void> Channel::open(BytesView& in, Bytes& plain) {
    while (!failed_) {
        const auto record = records_.next(in);
        if (record && !*record) return {};
        const auto opened = record ? open_record(**record, plain) : record.error();
        if (!opened) failed_ = opened.error();
    }
    in = {};
    return *failed_;
}

Result<void> Channel::open_record(BytesView record, Bytes& plain) {
    const auto at = records_.offset() - record.size();
    engine_->put(record);
    const auto outcome = engine_->read(plain);
    if (outcome == Engine::Outcome::failed) {
        auto error = engine_->why();
        error.at = at;
        return error;
    }
    idle_ = outcome == Engine::Outcome::done ? 0 : idle_ + 1;
    if (idle_ > kIdleRecordsMax) return Error{Errc::busy, "too many records without text", at, {}};
    // They pile up while we have nothing to say.
    if (engine_->owed() > kOwedMax) return Error{Errc::busy, "too many changes of keys", at, {}};
    return {};
}

bool Channel::ended() const {
    return failed_ && engine_->ended();
}

std::size_t Channel::overhead() const {
    return kRecordOverhead + kKeyUpdateSize + engine_->owed();
}

void Channel::check_invariants() const {
    SENNIT_ASSERT(engine_ != nullptr && engine_->remote_key());
    SENNIT_ASSERT(failed_ || (idle_ <= kIdleRecordsMax && engine_->owed() <= kOwedMax));
    records_.check_invariants();
}

Handshake::Handshake(Options options) : engine_{std::make_unique<Engine>(std::move(options))} {}
Handshake::Handshake(Handshake&&) noexcept = default;
Handshake& Handshake::operator=(Handshake&&) noexcept = default;
Handshake::~Handshake() = default;

void Handshake::start(Bytes& out) {
    SENNIT_ASSERT(state_ == State::fresh);
    state_ = State::talking;
    // No certificate comes before the first answer, so no time is needed.
    SENNIT_ASSERT(engine_->shake_hands(UnixTime{}) == Engine::Outcome::wants_more);
    engine_->take(out);
}

Result<std::optional<Secured>> Handshake::on_bytes(BytesView& in, Now now, Bytes& out) {
    SENNIT_ASSERT(state_ == State::talking);
    while (!failed_ && !complete_) {
        const auto record = records_.next(in);
        if (record && !*record) return std::optional<Secured>{};
        const auto taken = record ? on_record(**record, now, out) : record.error();
        if (!taken) failed_ = taken.error();
    }
    if (failed_) return *failed_;
    state_ = State::done;
    auto key = *engine_->remote_key();
    auto muxer = engine_->stream_muxer();
    return std::optional{Secured{std::move(key), std::move(muxer),
                                 Channel{std::move(engine_), std::move(records_)}}};
}

Result<void> Handshake::on_record(BytesView record, Now now, Bytes& out) {
    if (records_.offset() > kBytesMax)
        return Error{Errc::oversized, "handshake too long", records_.offset(), {}};
    engine_->put(record);
    const auto outcome = engine_->shake_hands(now.wall);
    engine_->take(out);  // on failure, the alert
    if (outcome == Engine::Outcome::failed) return engine_->why();
    complete_ = outcome == Engine::Outcome::done;
    // Cannot be without a session to resume, and there are none.
    if (complete_ && !engine_->remote_key())
        return Error{Errc::malformed, "no certificate", Error::kNowhere, {}};
    return {};
}

void Handshake::check_invariants() const {
    SENNIT_ASSERT(engine_ != nullptr || state_ == State::done);
    SENNIT_ASSERT(!complete_ || state_ == State::done || failed_);
    if (state_ != State::done) records_.check_invariants();  // else they are the channel's
}

}  // namespace sennit::libp2p::tls
