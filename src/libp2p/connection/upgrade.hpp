// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/connection/secure_channel.hpp"
#include "libp2p/multistream/multistream.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p {

constexpr std::string_view kYamux = "/yamux/1.0.0";

/// A raw stream of bytes on its way to a muxer: security is agreed on, the handshake carried out,
/// and the muxer agreed on in it or after it.
///
///     Upgrade upgrade{options};
///     upgrade.start(out);
///     SENNIT_TRY(auto done, upgrade.on_bytes(in, now, out));   // until done, or in is empty
///
/// A dialler sends proposal and first handshake message at once. Who refuses the proposal reads
/// the message as a broken one, so there is no second proposal on the same connection.
///
/// It knows no deadline: that is for its owner.
class Upgrade {
  public:
    struct Options {
        bool dialler;
        std::shared_ptr<const ConnectionConfig> config;
        crypto::X25519Key noise_ephemeral;  ///< fresh
        std::optional<PeerId> expected{};   ///< whom the dialled address names
        std::size_t proposal{0};            ///< of a dialler: which of `config->security`
    };
    struct Done {
        SecureChannel channel;
        PublicKey key;
        bool early_muxer;  ///< agreed on within the handshake
        Bytes plain{};     ///< what of the muxer's came already
    };

    explicit Upgrade(Options options);

    /// Once, before all else.
    void start(Bytes& out);

    /// Takes from the front of `in`; appends to `out` answers, and after an error what tells the
    /// peer of it. Errors, all final, with the stage as their text: those of the layers; mismatch
    /// for another peer than expected and for ourselves; unsupported without a muxer in common, and
    /// when the peer refuses the proposal.
    Result<std::optional<Done>> on_bytes(BytesView& in, Now now, Bytes& out);

    /// Who is there, once that is proven. Of a dialler, the message that tells the remote who we
    /// are is in `out` then, and not in what was sent before.
    const std::optional<PeerId>& peer() const { return peer_; }
    /// The error was that the peer does not speak the security that was proposed: another
    /// connection with another proposal may do.
    bool security_refused() const { return security_refused_; }
    void check_invariants() const;

  private:
    using Negotiation = std::variant<multistream::Dialler, multistream::Listener>;
    using Handshake = std::variant<noise::Handshake, tls::Handshake>;
    struct Securing {
        Negotiation negotiation;
        std::optional<Handshake> handshake;  ///< a dialler's, which has spoken already
    };
    struct Muxing {
        Done so_far;
        Negotiation negotiation;
    };

    Handshake make_handshake(Security security) const;
    Result<void> secure(BytesView& in, Bytes& out);
    Result<std::optional<Done>> shake_hands(BytesView& in, Now now, Bytes& out);
    Result<std::optional<Done>> on_secured(noise::Secured secured, Bytes& out);
    Result<std::optional<Done>> on_secured(tls::Secured secured, Bytes& out);
    Result<std::optional<Done>> negotiate_muxer(Done so_far, Bytes& out);
    Result<std::optional<Done>> mux(BytesView& in, Bytes& out);

    Options options_;
    std::variant<Securing, Handshake, Muxing> stage_;
    std::optional<PeerId> peer_;
    bool security_refused_{false};
};

}  // namespace sennit::libp2p
