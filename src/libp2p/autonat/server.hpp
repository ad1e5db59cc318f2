// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/net_address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "libp2p/autonat/message.hpp"
#include "libp2p/autonat/rates.hpp"

namespace sennit::libp2p::autonat {

/// A request of a peer that we serve.
using ServeId = Strong<struct ServeIdTag, std::uint64_t>;

/// Dials peers back to tell them whether they can be reached (libp2p/specs,
/// autonat/autonat-v2.md). Pure; the owner has streams, and dials:
///
///     on a peer's stream:  on_request, then on_message for each message, on_gone at its end
///     on Reply:            write its frame; after the last one close the stream
///     on Dial:             a fresh connection to `target`; on_connected, then on_outcome
///     on CancelDial:       let it be; no outcome is wanted
///     on Reset:            reset the stream
///
/// Whoever dials where strangers say is a weapon. Rules, and what each is for:
/// - The first address of the list that can be dialled is dialled, and no other: a list of fifty
///   victims costs one dial.
/// - If its host is not the one from which the requester came, the requester pays first, 30 000 to
///   100 000 bytes, more than a handshake costs the victim (amplification). What it pays with are
///   bytes of data, not messages, and those have to be of some size.
/// - IP addresses only, since a name leads where its owner wants. Public ones only; private and
///   loopback ones, if `private_hosts` allows them, never for a requester who comes from outside,
///   or we would open doors of our own network to it; and loopback only for who comes by it.
/// - Who answers has to be the requester: the owner dials for its peer id.
/// - Limits in rate for a peer, for a network and for all, and for those of whom others want that
///   they are dialled: a thousand identities cannot aim us at one victim. What is over a limit is
///   answered, and counts nowhere.
/// - One request of a peer at a time, whole in `request_timeout` (slow loris); few dials at once,
///   each with a deadline.
class Server {
  public:
    struct Config {
        bool private_hosts{false};
        /// Whether we reach such addresses: else every one of them would seem unreachable.
        bool ipv4{true};
        bool ipv6{true};
        yamux::Meter::Rate requests_per_peer{4, std::chrono::seconds{10}};
        /// /24, IPv6 /48; hosts that are not public are each their own.
        yamux::Meter::Rate requests_per_network{12, std::chrono::seconds{5}};
        yamux::Meter::Rate requests{60, std::chrono::seconds{1}};
        /// Dials of a network by others than its own hosts.
        yamux::Meter::Rate dials_per_target{4, std::chrono::seconds{15}};
        std::size_t requests_max{64};  ///< that are read, paid or dialled for
        std::size_t dials_max{8};
        std::uint64_t dial_data_min{30'000};
        std::uint64_t dial_data_max{100'000};
        /// Bytes of a message of data, but for the last one: payment in single bytes would cost
        /// us more than it costs the payer.
        std::size_t data_message_min{100};
        Duration request_timeout{std::chrono::seconds{30}};  ///< for the request and its data
        Duration dial_timeout{std::chrono::seconds{20}};     ///< for the dial and the dial-back
    };

    Server(Config config, Rng rng);

    /// A peer has opened a stream; `host` is its end of the connection. Errors: busy over
    /// `requests_max`, and while the peer has another request. The stream is to be reset then.
    Result<ServeId> on_request(const PeerId& peer, std::string_view host, Now now);
    /// Errors, after which Reset follows: those of `decode_message`; invalid for a message out of
    /// turn, without addresses, or with too little data.
    Result<void> on_message(ServeId id, BytesView protobuf, Now now);
    /// The peer has closed its side: that ends a request that is not whole.
    void on_remote_closed(ServeId id, Now now);
    /// The stream is over.
    void on_gone(ServeId id, Now now);

    enum class Outcome : std::uint8_t {
        told,        ///< the nonce was taken
        no_dial,     ///< no connection to the requester at this address
        no_telling,  ///< connected, and the nonce was not taken
    };
    /// Of a request that is dialled for.
    struct Target {
        Multiaddr address;  ///< with the requester's /p2p
        std::uint64_t nonce{0};
    };
    std::optional<Target> target(ServeId id) const;
    void on_connected(ServeId id);
    void on_outcome(ServeId id, Outcome outcome, Now now);

    void on_time(Now now);
    Instant next_wake() const;

    struct Reply {
        ServeId id;
        std::variant<DialDataRequest, DialResponse> message;

        /// Nothing follows a response.
        bool last() const { return std::holds_alternative<DialResponse>(message); }
        /// With its length.
        Bytes frame() const {
            return std::visit([](const auto& one) { return framed(encode(one)); }, message);
        }
    };
    struct Dial {
        ServeId id;
    };
    struct CancelDial {
        ServeId id;
    };
    struct Reset {
        ServeId id;
    };
    using Event = std::variant<Reply, Dial, CancelDial, Reset>;
    std::optional<Event> poll_event();

    std::size_t requests() const { return requests_.size(); }
    std::size_t dials() const { return dials_; }
    void check_invariants() const;

  private:
    /// reading -> dialling, or reading -> paying -> dialling; each may be the last.
    enum class Stage : std::uint8_t { reading, paying, dialling };
    struct Request {
        PeerId peer;
        std::string host;  ///< plain
        Instant until{};
        Stage stage{Stage::reading};
        std::uint64_t nonce{0};
        std::uint32_t index{0};
        NetAddress target{};
        std::uint64_t owed{0};
        bool connected{false};
    };
    using Place = std::map<ServeId, Request>::iterator;

    Result<void> take(Place at, const DialRequest& asked, Now now);
    Result<void> take(Place at, const DialDataResponse& data, Now now);
    bool within_rates(const Request& request, Now now);
    bool dialable(const Request& request, const Multiaddr& address, NetAddress& out) const;
    void dial(Place at, Now now);
    void answer(Place at, ResponseStatus status, DialStatus dial_status);
    void forget(Place at);

    Config config_;
    Rng rng_;
    yamux::Meter all_{};
    Rates<PeerId> peers_;
    Rates<std::string> networks_;
    Rates<std::string> targets_;
    std::map<ServeId, Request> requests_;
    std::set<PeerId> asking_;
    std::size_t dials_{0};
    std::deque<Event> events_;
    std::uint64_t last_{0};
};

}  // namespace sennit::libp2p::autonat
