// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/tls/certificate.hpp"
#include "libp2p/tls/secure_channel.hpp"

/// Two handshakes and the stream between them, for tests and fuzzers.
namespace sennit::libp2p::tls::testing {

inline PrivateKey identity(std::uint8_t number) {
    crypto::Ed25519Key::Seed seed{};
    seed[31] = number;
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

/// In 2026.
inline constexpr Now kNow{Instant{std::chrono::hours{1}}, from_unix_seconds(1'780'000'000)};

struct Side {
    Side(Role role, std::shared_ptr<Credentials> credentials, ExpectPeer expected = {},
         std::vector<std::string> muxers = {"/yamux/1.0.0"})
        : handshake{{role, std::move(credentials), std::move(expected), std::move(muxers)}} {
        handshake.start(out);
    }
    Side(Role role, std::uint8_t number, ExpectPeer expected = {},
         std::vector<std::string> muxers = {"/yamux/1.0.0"})
        : Side{role, std::make_shared<Credentials>(identity(number)), std::move(expected),
               std::move(muxers)} {}

    /// All of `in`, `step` bytes at a time.
    void hear(BytesView in, std::size_t step = 1 << 20, Now now = kNow) {
        while (!in.empty()) {
            auto piece = in.first(std::min(step, in.size()));
            in = in.subspan(piece.size());
            while (!piece.empty() && !failed) take(piece, now);
        }
    }

    Handshake handshake;
    Bytes out;
    std::optional<Secured> secured;
    Bytes text;
    std::optional<Error> failed;

  private:
    void take(BytesView& in, Now now) {
        if (secured) {
            const auto opened = secured->channel.open(in, text);
            if (!opened) failed = opened.error();
            secured->channel.check_invariants();
            return;
        }
        auto done = handshake.on_bytes(in, now, out);
        handshake.check_invariants();
        if (!done) {
            failed = done.error();
        } else if (*done) {
            secured = **std::move(done);
        }
    }
};

/// Until neither has anything to say.
inline void talk(Side& one, Side& other, std::size_t step = 1 << 20, Now now = kNow) {
    while (!one.out.empty() || !other.out.empty()) {
        other.hear(std::exchange(one.out, {}), step, now);
        one.hear(std::exchange(other.out, {}), step, now);
    }
}

}  // namespace sennit::libp2p::tls::testing
