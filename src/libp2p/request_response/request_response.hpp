// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/request_response/message.hpp"
#include "libp2p/swarm/behaviour.hpp"

namespace sennit::libp2p::request_response {

/// A request of a peer that waits for our answer.
struct RequestKey {
    StreamRef stream;

    auto operator<=>(const RequestKey&) const = default;
};

/// A request of ours.
struct RequestId {
    StreamRef stream;

    auto operator<=>(const RequestId&) const = default;
};

/// One of the application's protocols: its name on the wire and what its messages may be.
struct Protocol {
    std::string name{};
    Framing framing{Framing::prefixed};
    std::size_t request_size_max{std::size_t{1} << 20};    ///< bytes, without the prefix
    std::size_t response_size_max{std::size_t{10} << 20};  ///< bytes, without the prefix
    /// For a request to be whole here, for us to answer it, for the answer to be taken; and for the
    /// whole of a request of ours. The longest message has to fit on the slowest line.
    Duration timeout{std::chrono::seconds{10}};
};

/// What peers may cost us.
struct Limits {
    /// Requests that are being received, answered or sent the answer of.
    std::size_t inbound_per_peer_max{16};
    std::size_t inbound_max{256};
    /// Bytes that these hold: of a request until it is answered, then of the answer until the
    /// stream has taken it. An answer of 10 MiB fits, two at once do not.
    std::size_t inbound_bytes_per_peer_max{std::size_t{16} << 20};
    std::size_t inbound_bytes_max{std::size_t{128} << 20};
    std::size_t outbound_per_peer_max{16};
    std::size_t outbound_max{256};
    /// Bytes of answers to us that are not whole yet.
    std::size_t outbound_bytes_max{std::size_t{128} << 20};
    /// How often a peer may ask, whatever it asks for: 32 at once, 10 a second.
    yamux::Meter::Rate requests_per_peer{32, std::chrono::milliseconds{100}};
    /// How long a stream that is done with waits for the peer to close its side.
    Duration linger{std::chrono::seconds{2}};
};

/// Protocols in which a peer asks one thing on a stream and gets one answer: not one protocol of
/// libp2p but a habit, so each application names its own ids, framing and limits.
///
///     the asking side    opens a stream, writes the request, closes its side, reads the answer
///     the answering one  reads the request, writes the answer, closes its side
///
/// Pure, over a swarm whose configuration names the protocols that peers may ask for. After each
/// event and time: `while (auto told = it.poll_event())`, then `respond` or `refuse`.
///
/// Rules, and what each is for:
/// - A request of a peer is whole in its protocol's `timeout`, counted from the stream's opening
///   and not from the last byte: else a byte now and then keeps a place (slow loris). The answer is
///   taken in as much time, or the stream is reset.
/// - Requests in flight are limited for a peer and for all, in number and in bytes. Bytes are
///   counted as they come, and again as the answer that waits: a peer that asks for much and reads
///   nothing has only its own answers refused. When all peers together hold too much, who holds the
///   most gives way, and not who came last.
/// - Each peer has a rate. It is the peer's and not the connection's, and outlasts it: to connect
///   anew brings no new tokens.
/// - What is over a limit is reset: there is no other word for it on the wire.
/// - A message is refused at the first byte over its size, which for a prefix is at the prefix; and
///   with bytes behind it.
/// - A prefixed message counts as soon as it is whole: some peers close late. The stream then waits
///   `linger` for that, in its place, and is reset.
/// - Our side is closed once the peer has agreed to the protocol, though the request leaves with
///   the proposal: js-libp2p 3.3 drops a request whose stream is closed before that. In `to_end`
///   this costs a round trip.
/// - An application that does not answer in time has the request taken from it (`Dropped`), so its
///   own fault does not shut the peer out.
///
/// Costs O(log n) a step of all streams, but O(n) when all peers together hold too much.
class RequestResponse final : public Behaviour {
  public:
    /// A peer asks. `respond` or `refuse` is to follow; Dropped may come first.
    struct Request {
        RequestKey key;
        ConnectionId connection;
        PeerId peer;
        std::string protocol;
        Bytes bytes;
    };
    /// Nobody waits for this answer any more: it took too long, or the peer is gone.
    struct Dropped {
        RequestKey key;
        Error why;
    };
    struct Response {
        RequestId id;
        Bytes bytes;
    };
    /// unsupported: the peer says that it does not speak the protocol. io: it reset the stream,
    /// which is how it refuses a request; and, since ours follows the proposal at once, how many
    /// peers refuse a protocol (identify tells which those speak); or the connection ended.
    /// timeout. oversized, malformed, truncated, trailing: what its answer is. busy: all
    /// answers together are too much for us.
    struct Failure {
        RequestId id;
        Error why;
    };
    using Event = std::variant<Request, Dropped, Response, Failure>;

    /// `swarm` outlives this.
    RequestResponse(Swarm& swarm, std::vector<Protocol> protocols, const Limits& limits);

    /// Needs every event of the swarm from its first on.
    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now) override { return false; }
    void on_time(Now now) override;
    Instant next_wake() const override;
    std::optional<Event> poll_event();

    /// Response or Failure follows. Errors: unsupported for a protocol that we were not given;
    /// oversized; not_found for a connection that is not up; busy at our limits and the muxer's.
    Result<RequestId> request(ConnectionId connection, std::string_view protocol, Bytes bytes,
                              Now now);
    /// Errors, after the first of which the peer waits still, and after the others no more:
    /// not_found for what was answered or dropped; oversized; busy when the peer's answers wait
    /// already for it to read.
    Result<void> respond(RequestKey key, Bytes bytes, Now now);
    /// Resets the stream.
    void refuse(RequestKey key);

    std::size_t inbound() const { return inbound_.size(); }
    std::size_t inbound_bytes() const { return inbound_bytes_; }
    std::size_t outbound() const { return outbound_.size(); }
    /// Sums, limits and deadlines are what the streams say they are.
    void check_invariants() const;

  private:
    struct Peer {
        std::size_t connections{0};
        std::size_t inbound{0};
        std::size_t inbound_bytes{0};
        std::size_t outbound{0};
        yamux::Meter rate{};
        Instant forget_at{};  ///< once it has no connection
    };
    struct Outgoing {
        Bytes bytes{};
        std::size_t sent{0};

        bool done() const { return sent == bytes.size(); }
    };
    /// receiving -> answering -> sending -> closing, if the peer has not closed its side by then.
    enum class Stage : std::uint8_t { receiving, answering, sending, closing };
    struct Inbound {
        const Protocol* protocol;
        PeerId peer;
        MessageReader reader;
        Instant until;
        Stage stage{Stage::receiving};
        bool remote_closed{false};
        std::size_t held{0};
        Outgoing answer{};
    };
    struct Outbound {
        const Protocol* protocol;
        PeerId peer;
        MessageReader reader;
        Instant until;
        bool agreed{false};
        bool answered{false};
        std::size_t held{0};
        Outgoing request{};
    };
    using In = std::map<StreamRef, Inbound>::iterator;
    using Out = std::map<StreamRef, Outbound>::iterator;

    // request_response.cpp
    const Protocol* known(std::string_view name) const;
    void on_connected(const Swarm::Connected& up);
    void on_disconnected(const Swarm::Disconnected& gone, Now now);
    bool flush(StreamRef stream, Outgoing& out);
    bool write(StreamRef stream, Outgoing& out);
    template <class Entry>
    void move_deadline(StreamRef stream, Entry& entry, Instant until);

    // inbound.cpp
    void on_opened(StreamRef stream, const Protocol& protocol, Now now);
    void read(In at, Now now);
    void on_remote_closed(In at, Now now);
    void deliver(In at, Now now);
    void send(In at, Now now);
    void hold(In at, std::size_t bytes);
    bool within_limits(In at);
    void drop(In at, Error why);
    void forget(In at);

    // outbound.cpp
    void send(Out at);
    void read(Out at, Now now);
    void on_remote_closed(Out at, Now now);
    void answered(Out at, Now now);
    void hold(Out at, std::size_t bytes);
    void fail(Out at, Error why);
    void forget(Out at);

    Swarm* swarm_;
    std::vector<Protocol> protocols_;  ///< never changes: streams point into it
    Limits limits_;
    std::map<ConnectionId, PeerId> connections_;
    std::map<PeerId, Peer> peers_;
    std::set<std::pair<Instant, PeerId>> forgetting_;
    std::map<StreamRef, Inbound> inbound_;
    std::map<StreamRef, Outbound> outbound_;
    std::set<std::pair<Instant, StreamRef>> deadlines_;
    std::size_t inbound_bytes_{0};
    std::size_t outbound_bytes_{0};
    std::deque<Event> events_;
};

}  // namespace sennit::libp2p::request_response
