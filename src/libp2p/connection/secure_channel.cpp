// SPDX-License-Identifier: MIT
#include "libp2p/connection/secure_channel.hpp"

namespace sennit::libp2p {

namespace {

constexpr std::string_view kNoise = "/noise";
constexpr std::string_view kTls = "/tls/1.0.0";

std::size_t overhead_of(const noise::Channel&) {
    return noise::Channel::kFrameMax - noise::Channel::kPlainMax;
}
std::size_t overhead_of(const tls::Channel& channel) {
    return channel.overhead();
}

}  // namespace

std::string_view protocol_of(Security security) {
    return security == Security::noise ? kNoise : kTls;
}

std::optional<Security> security_of(std::string_view protocol) {
    if (protocol == kNoise) return Security::noise;
    if (protocol == kTls) return Security::tls;
    return std::nullopt;
}

Result<void> SecureChannel::seal(BytesView plain, Bytes& out) {
    return std::visit([&](auto& one) { return one.seal(plain, out); }, channel_);
}

Result<void> SecureChannel::open(BytesView& in, Bytes& plain) {
    auto opened = std::visit([&](auto& one) { return one.open(in, plain); }, channel_);
    if (opened) return {};
    return Error{opened.error().code, security() == Security::noise ? "noise" : "tls",
                 Error::kNowhere, opened.error().text()};
}

bool SecureChannel::ended() const {
    const auto* const tls = std::get_if<tls::Channel>(&channel_);
    return tls != nullptr && tls->ended();
}

std::size_t SecureChannel::plain_max() const {
    return std::visit([](const auto& one) { return std::size_t{one.kPlainMax}; }, channel_);
}

std::size_t SecureChannel::overhead() const {
    return std::visit([](const auto& one) { return overhead_of(one); }, channel_);
}

Security SecureChannel::security() const {
    return std::holds_alternative<noise::Channel>(channel_) ? Security::noise : Security::tls;
}

void SecureChannel::check_invariants() const {
    std::visit([](const auto& one) { one.check_invariants(); }, channel_);
}

}  // namespace sennit::libp2p
