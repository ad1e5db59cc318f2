// SPDX-License-Identifier: MIT
#include "libp2p/noise/secure_channel.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace sennit::libp2p::noise {

namespace {

/// How much of `in` may follow in `kept`, so that it has `size` bytes.
BytesView missing(const Bytes& kept, BytesView in, std::size_t size) {
    return in.first(std::min(in.size(), size - kept.size()));
}

/// Of the message behind the length that `bytes` begin with.
std::size_t message_size(BytesView bytes) {
    return std::size_t{bytes[0]} << 8 | bytes[1];
}

void append_size(Bytes& out, std::size_t size) {
    out.push_back(static_cast<std::uint8_t>(size >> 8));
    out.push_back(static_cast<std::uint8_t>(size));
}

}  // namespace

Result<void> Channel::seal(BytesView plain, Bytes& out) {
    while (!plain.empty()) {
        const auto text = plain.first(std::min(plain.size(), kPlainMax));
        const auto size = text.size() + CipherState::kTagSize;
        append_size(out, size);
        out.resize(out.size() + size);
        const auto sealed = send_.encrypt({}, text, std::span{out}.last(size));
        if (!sealed) {
            out.resize(out.size() - size - kHeaderSize);
            return sealed;
        }
        plain = plain.subspan(text.size());
    }
    return {};
}

Result<void> Channel::open(BytesView& in, Bytes& plain) {
    while (!in.empty() && !failed_) {
        if (kept_.empty() && in.size() >= kHeaderSize) {
            const auto size = kHeaderSize + message_size(in);
            if (in.size() >= size) {
                // As it should be: the frame lies in what came in, and is opened from there.
                const auto opened = open_frame(in.first(size), plain);
                if (!opened) failed_ = opened.error();
                in = in.subspan(size);
                continue;
            }
        }
        if (kept_.size() < kHeaderSize) keep(in, kHeaderSize);
        if (kept_.size() < kHeaderSize) break;
        const auto size = kHeaderSize + message_size(kept_);
        keep(in, size);
        if (kept_.size() < size) break;
        const auto opened = open_frame(kept_, plain);
        if (!opened) failed_ = opened.error();
        kept_.clear();
    }
    // While frames come cut, their room serves the next one; a stream at rest holds none.
    if (kept_.empty() || failed_) kept_ = Bytes{};
    if (!failed_) return {};
    return *failed_;
}

Result<void> Channel::open_frame(BytesView frame, Bytes& plain) {
    const auto sealed = frame.subspan(kHeaderSize);
    const auto start = plain.size();
    plain.resize(start + sealed.size() - std::min(sealed.size(), CipherState::kTagSize));
    const auto opened = receive_.decrypt({}, sealed, std::span{plain}.subspan(start));
    if (!opened) {
        plain.resize(start);
        auto error = opened.error();
        error.at = frame_start_;
        return error;
    }
    frame_start_ += frame.size();
    return {};
}

/// Until `size` bytes are here. Room grows with what came in, at most to one frame: who announces
/// much and sends little costs little.
void Channel::keep(BytesView& in, std::size_t size) {
    const auto taken = missing(kept_, in, size);
    const auto wanted = kept_.size() + taken.size();
    if (wanted > kept_.capacity())
        kept_.reserve(std::min(kFrameMax, std::max(wanted, 2 * kept_.capacity())));
    kept_.insert(kept_.end(), taken.begin(), taken.end());
    in = in.subspan(taken.size());
}

void Channel::check_invariants() const {
    SENNIT_ASSERT(send_.has_key() && receive_.has_key());
    SENNIT_ASSERT(kept_.capacity() <= kFrameMax);
    SENNIT_ASSERT(!failed_ || kept_.capacity() == 0);
    if (kept_.size() >= kHeaderSize)
        SENNIT_ASSERT(kept_.size() < kHeaderSize + message_size(kept_));
}

Handshake::Handshake(Options options)
    : options_{std::move(options)},
      noise_{{options_.role, options_.local_static, options_.local_ephemeral, {}}} {
    SENNIT_ASSERT(options_.identity.sign && options_.verify);
    SENNIT_ASSERT(options_.stream_muxers.size() <= HandshakePayload::kMuxersMax);
}

void Handshake::start(Bytes& out) {
    SENNIT_ASSERT(state_ == State::fresh);
    state_ = State::talking;
    if (options_.role == Role::responder) return;
    const auto said = say({}, out);
    SENNIT_ASSERT(said);
}

Result<std::optional<Secured>> Handshake::on_bytes(BytesView& in, Bytes& out) {
    SENNIT_ASSERT(state_ == State::talking);
    const auto start = out.size();
    while (!failed_ && !noise_.done()) {
        const auto message = next_message(in);
        if (message && !*message) return std::optional<Secured>{};
        const auto taken = message ? on_message(**message, out) : message.error();
        if (!taken) failed_ = taken.error();
        kept_ = Bytes{};
    }
    if (failed_) {
        out.resize(start);
        return *failed_;
    }
    state_ = State::done;
    return std::optional{Secured{std::move(remote_.identity_key), *noise_.remote_static(),
                                 std::move(remote_.stream_muxers), noise_.handshake_hash(),
                                 Channel{std::move(noise_).split()}}};
}

/// nullopt: not whole yet.
Result<std::optional<BytesView>> Handshake::next_message(BytesView& in) {
    constexpr auto kHeader = Channel::kHeaderSize;
    const auto gather = [&](std::size_t size) {
        const auto taken = missing(kept_, in, size);
        kept_.insert(kept_.end(), taken.begin(), taken.end());
        in = in.subspan(taken.size());
        return kept_.size() == size;
    };
    if (kept_.size() < kHeader) {
        if (!gather(kHeader)) return std::optional<BytesView>{};
        SENNIT_TRY(check_length(message_size(kept_)));
    }
    if (!gather(kHeader + message_size(kept_))) return std::optional<BytesView>{};
    return std::optional{BytesView{kept_}.subspan(kHeader)};
}

Result<void> Handshake::check_length(std::size_t size) const {
    if (size > kHandshakeMessageMax)
        return Error{Errc::oversized, "handshake message too long", 0, {}};
    if (size < noise_.overhead())
        return Error{Errc::truncated, "handshake message too short", size, {}};
    // A travels open, so libp2p says nothing in it.
    if (noise_.first() && size > noise_.overhead())
        return Error{Errc::trailing, "payload in the first message", noise_.overhead(), {}};
    return {};
}

Result<void> Handshake::on_message(BytesView message, Bytes& out) {
    const bool has_payload = !noise_.first();
    SENNIT_TRY(const auto payload, noise_.read(message));
    if (has_payload) SENNIT_TRY(on_payload(payload));
    if (noise_.done()) return {};
    return say(our_payload(), out);
}

Result<void> Handshake::on_payload(BytesView payload) {
    SENNIT_TRY(auto remote, HandshakePayload::decode(payload));
    const auto message = HandshakePayload::signed_bytes(*noise_.remote_static());
    if (!options_.verify(remote.identity_key, message, remote.identity_signature))
        return Error{Errc::mismatch, "static key not signed by the identity", Error::kNowhere, {}};
    // Last, so that it is proven who is there instead.
    if (options_.expected && !options_.expected(remote.identity_key))
        return Error{Errc::mismatch, "another peer than expected", Error::kNowhere, {}};
    remote_ = std::move(remote);
    return {};
}

/// Our next message, with its length before it.
Result<void> Handshake::say(BytesView payload, Bytes& out) {
    const auto size = noise_.overhead() + payload.size();
    SENNIT_ASSERT(size <= kHandshakeMessageMax);
    append_size(out, size);
    return noise_.write(payload, out);
}

Bytes Handshake::our_payload() const {
    const auto& identity = options_.identity;
    const auto message = HandshakePayload::signed_bytes(options_.local_static.public_key());
    return HandshakePayload{identity.public_key_protobuf, identity.sign(message),
                            options_.stream_muxers}
        .encode();
}

void Handshake::check_invariants() const {
    SENNIT_ASSERT(kept_.size() < Channel::kHeaderSize + kHandshakeMessageMax);
    SENNIT_ASSERT(!failed_ || kept_.empty());
    SENNIT_ASSERT(!noise_.done() || state_ == State::done || failed_);
    SENNIT_ASSERT(state_ != State::talking || failed_ || !noise_.our_turn());
}

}  // namespace sennit::libp2p::noise
