// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/autonat/client.hpp"
#include "libp2p/autonat/server.hpp"
#include "libp2p/swarm/behaviour.hpp"

namespace sennit::libp2p {

/// AutoNAT v2 on a swarm: the streams of an `autonat::Client` and an `autonat::Server`, and the
/// server's dials.
///
///     Autonat autonat{swarm, {}, Rng{seed}};
///     autonat.set_candidates(addresses, now);
///     ... autonat.on_event(event, now), autonat.pump(now), while (auto e = autonat.poll_event())
///     while (auto output = autonat.poll_output(now)) carry_out(*output);    // and on_input back
///
/// Dials are those of a second swarm, which has a key of its own, made at every start, and listens
/// nowhere. Two reasons. A dial-back has to be a connection that was not there, and a swarm keeps
/// one connection with each peer: by the same identity the dial-back would be answered with the
/// connection that exists, or one of the two would be closed. And the requester, who does not know
/// the key, can tell a dial-back only by its nonce, as it should. The second swarm has a carrier of
/// its own, whose ids never meet the first one's, and takes part in no protocol: what it accepts of
/// the requester is an answer to the dial-back.
///
/// The owner gives the candidates, because it knows the interfaces; observed addresses belong to
/// them once several peers have seen them.
class Autonat final : public Behaviour {
  public:
    struct Config {
        bool serve{true};
        autonat::Client::Config client{};
        autonat::Server::Config server{};
        std::size_t backs_max{32};  ///< dial-back streams of others at once
        /// For a dial-back stream, and for the other side to close one that is done.
        Duration linger{std::chrono::seconds{10}};
        Duration dial_timeout{std::chrono::seconds{8}};  ///< TCP; the upgrade has as much again
    };
    Autonat(Swarm& swarm, Config config, Rng rng);

    /// For `Swarm::Config::protocols`.
    static std::vector<std::string> protocols(bool serve = true);

    void set_candidates(const std::vector<Multiaddr>& addresses, Now now);
    std::optional<autonat::Reachability> reachability(const Multiaddr& address) const {
        return client_.reachability(address);
    }
    using Event = autonat::Client::Changed;
    std::optional<Event> poll_event();

    // The dialling swarm's carrier.

    bool has_carrier() const override { return true; }
    void on_input(const CarrierInput& input, Now now) override;
    std::optional<CarrierOutput> poll_output(Now now) override;

    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now now) override;
    void on_time(Now now) override;
    Instant next_wake() const override;

    std::size_t streams() const { return streams_.size(); }
    std::size_t dials() const { return dials_.size(); }
    void check_invariants() const;

  private:
    struct Link {
        PeerId peer;
        std::string host;
        bool inbound{false};
        Instant began{};
        bool serves{false};
    };
    enum class Role : std::uint8_t {
        asking,   ///< a request of ours
        serving,  ///< a request of the peer
        back,     ///< a dial-back to us
        closing,  ///< we have closed our side, and wait for the peer's
    };
    struct Stream {
        Role role{Role::closing};
        FrameCutter frames{autonat::kMessageSizeMax};
        std::uint64_t id{0};  ///< of asking and serving
        Bytes out{};
        std::size_t written{0};
        bool last{false};  ///< `out` is all there will be
        bool remote_closed{false};
        Instant until{Instant::max()};
    };
    using Place = std::map<StreamRef, Stream>::iterator;
    struct DialBack {
        autonat::ServeId id;
        std::uint64_t nonce{0};
        std::optional<StreamRef> stream{};
        FrameCutter frames{autonat::kBackSizeMax};
        bool connected{false};
    };
    using Dialled = std::map<ConnectionId, DialBack>::iterator;

    // autonat.cpp: the swarm's streams
    void on_connected(const Swarm::Connected& event, Now now);
    void on_identified(const Swarm::Identified& event, Now now);
    void on_disconnected(ConnectionId id, Now now);
    bool on_opened(const Swarm::Opened& event, Now now);
    bool expects_back(ConnectionId id) const;
    void on_remote_closed(Place at, Now now);
    void end_role(Role role, std::uint64_t id, Now now);
    void on_failed(Place at, Now now);
    void read(StreamRef stream, Now now);
    bool on_frame(Place at, BytesView frame, Now now);
    bool write(Place at, Now now);
    void close(StreamRef stream, bool reset, Now now);
    void take(const autonat::Client::Event& event, Now now);
    void take(const autonat::Server::Event& event, Now now);
    std::optional<ConnectionId> way_to(const PeerId& server) const;

    // dial_back.cpp: the dialling swarm's
    void dial(autonat::ServeId wanted, Now now);
    void cancel(autonat::ServeId id);
    void on_dialler(const Swarm::Event& event, Now now);
    void tell(Dialled at, Now now);
    void hear(Dialled at, Now now);
    void end(Dialled at, autonat::Server::Outcome outcome, Now now);

    Swarm& swarm_;
    Config config_;
    Rng rng_;
    autonat::Client client_;
    autonat::Server server_;
    Swarm dialler_;
    std::map<ConnectionId, Link> links_;
    std::map<PeerId, std::set<ConnectionId>> servers_;
    std::map<StreamRef, Stream> streams_;
    std::map<autonat::AskId, StreamRef> asks_;
    std::map<autonat::ServeId, StreamRef> serves_;
    std::size_t backs_{0};
    std::map<ConnectionId, DialBack> dials_;
    std::deque<Event> events_;
};

}  // namespace sennit::libp2p
