// SPDX-License-Identifier: MIT
#include "libp2p/connection/upgrade.hpp"

#include <algorithm>

namespace sennit::libp2p {

namespace {

using Step = std::optional<Upgrade::Done>;

template <class Negotiation>
Result<std::optional<std::string>> feed(Negotiation& side, BytesView& in, Bytes& out) {
    return std::visit([&](auto& one) { return one.on_bytes(in, out); }, side);
}

bool verify(BytesView key_protobuf, BytesView message, BytesView signature) {
    const auto key = PublicKey::decode(key_protobuf);
    return key && key->verify(message, signature);
}

Error in_stage(std::string_view stage, const Error& error) {
    return {error.code, stage, Error::kNowhere, error.text()};
}

multistream::Listener listener_of(const std::vector<Security>& securities) {
    return multistream::Listener{[securities](std::string_view name) {
        const auto security = security_of(name);
        return security && std::ranges::find(securities, *security) != securities.end();
    }};
}

}  // namespace

Upgrade::Upgrade(Options options)
    : options_{std::move(options)},
      stage_{Securing{listener_of(options_.config->security), std::nullopt}} {
    const auto& securities = options_.config->security;
    SENNIT_ASSERT(options_.proposal < securities.size());
    if (!options_.dialler) return;
    const auto security = securities[options_.proposal];
    stage_ = Securing{multistream::Dialler{{std::string{protocol_of(security)}}},
                      make_handshake(security)};
}

void Upgrade::start(Bytes& out) {
    if (!options_.dialler) return;
    auto& stage = std::get<Securing>(stage_);
    std::get<multistream::Dialler>(stage.negotiation).start(out);
    std::visit([&](auto& one) { one.start(out); }, *stage.handshake);
}

Upgrade::Handshake Upgrade::make_handshake(Security security) const {
    const auto config = options_.config;
    const auto expected = [self = config->identity.peer_id(),
                           wanted = options_.expected](const PublicKey& key) {
        return key.peer_id() != self && (!wanted || key.peer_id() == *wanted);
    };
    if (security == Security::tls) {
        return tls::Handshake{{.role = options_.dialler ? tls::Role::client : tls::Role::server,
                               .credentials = config->credentials,
                               .expected = expected,
                               .stream_muxers = {std::string{kYamux}}}};
    }
    return noise::Handshake{
        {.role = options_.dialler ? noise::Role::initiator : noise::Role::responder,
         .identity = {config->identity.public_key().encode(),
                      [config](BytesView message) { return config->identity.sign(message); }},
         .verify = verify,
         .expected =
             [expected](BytesView protobuf) {
                 const auto key = PublicKey::decode(protobuf);
                 return key && expected(*key);
             },
         .local_static = config->noise_static,
         .local_ephemeral = options_.noise_ephemeral,
         .stream_muxers = {std::string{kYamux}}}};
}

Result<Step> Upgrade::on_bytes(BytesView& in, Now now, Bytes& out) {
    while (!in.empty()) {
        if (std::holds_alternative<Securing>(stage_)) {
            SENNIT_TRY(secure(in, out));
            continue;
        }
        const bool shaking = std::holds_alternative<Handshake>(stage_);
        SENNIT_TRY(auto done, shaking ? shake_hands(in, now, out) : mux(in, out));
        if (done) return done;
    }
    return Step{};
}

Result<void> Upgrade::secure(BytesView& in, Bytes& out) {
    auto& stage = std::get<Securing>(stage_);
    const auto agreed = feed(stage.negotiation, in, out);
    if (!agreed) {
        security_refused_ = options_.dialler && agreed.error().code == Errc::unsupported;
        return in_stage("negotiating security", agreed.error());
    }
    if (!*agreed) return {};
    if (!stage.handshake) {
        // One of ours, or it would not have been agreed on.
        stage.handshake = make_handshake(*security_of(**agreed));
        std::visit([&](auto& one) { one.start(out); }, *stage.handshake);
    }
    auto handshake = *std::move(stage.handshake);
    stage_.emplace<Handshake>(std::move(handshake));
    return {};
}

Result<Step> Upgrade::shake_hands(BytesView& in, Now now, Bytes& out) {
    auto& handshake = std::get<Handshake>(stage_);
    if (auto* const one = std::get_if<noise::Handshake>(&handshake)) {
        auto secured = one->on_bytes(in, out);
        if (!secured) return in_stage("noise handshake", secured.error());
        if (*secured) return on_secured(**std::move(secured), out);
    } else {
        auto secured = std::get<tls::Handshake>(handshake).on_bytes(in, now, out);
        if (!secured) return in_stage("tls handshake", secured.error());
        if (*secured) return on_secured(**std::move(secured), out);
    }
    return Step{};
}

Result<Step> Upgrade::on_secured(noise::Secured secured, Bytes& out) {
    SENNIT_TRY(auto key, PublicKey::decode(secured.remote_key_protobuf));
    peer_ = key.peer_id();
    const auto& theirs = secured.remote_stream_muxers;
    Done done{SecureChannel{std::move(secured.channel)}, std::move(key),
              std::ranges::find(theirs, kYamux) != theirs.end()};
    if (done.early_muxer) return Step{std::move(done)};
    if (!theirs.empty()) {
        return Error{Errc::unsupported, "no muxer in common", Error::kNowhere,
                     "the peer offers " + theirs.front()};
    }
    return negotiate_muxer(std::move(done), out);
}

Result<Step> Upgrade::on_secured(tls::Secured secured, Bytes& out) {
    peer_ = secured.remote_key.peer_id();
    Done done{SecureChannel{std::move(secured.channel)}, std::move(secured.remote_key),
              secured.stream_muxer.has_value()};
    if (done.early_muxer) return Step{std::move(done)};
    return negotiate_muxer(std::move(done), out);
}

Result<Step> Upgrade::negotiate_muxer(Done so_far, Bytes& out) {
    if (!options_.dialler) {
        multistream::Listener listener{[](std::string_view name) { return name == kYamux; }};
        stage_ = Muxing{std::move(so_far), std::move(listener)};
        return Step{};
    }
    multistream::Dialler dialler{{std::string{kYamux}}};
    Bytes plain;
    dialler.start(plain);
    SENNIT_TRY(so_far.channel.seal(plain, out));
    stage_ = Muxing{std::move(so_far), std::move(dialler)};
    return Step{};
}

Result<Step> Upgrade::mux(BytesView& in, Bytes& out) {
    auto& stage = std::get<Muxing>(stage_);
    Bytes plain;
    SENNIT_TRY(stage.so_far.channel.open(in, plain));
    BytesView rest{plain};
    Bytes answer;
    const auto agreed = feed(stage.negotiation, rest, answer);
    if (!agreed) return in_stage("negotiating the muxer", agreed.error());
    SENNIT_TRY(stage.so_far.channel.seal(answer, out));
    if (!*agreed) return Step{};
    stage.so_far.plain.assign(rest.begin(), rest.end());
    return Step{std::move(stage.so_far)};
}

void Upgrade::check_invariants() const {
    if (const auto* const muxing = std::get_if<Muxing>(&stage_))
        muxing->so_far.channel.check_invariants();
}

}  // namespace sennit::libp2p
