// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/swarm/behaviour.hpp"

/// How fast bytes go to a peer and come back (libp2p/specs, perf/perf.md): the client writes how
/// many bytes it wants as a big-endian u64, then as many as it likes, and closes; the server, once
/// it has read all of it, sends what was wanted and closes.
namespace sennit::libp2p::perf {

constexpr std::string_view kProtocol = "/perf/1.0.0";

/// One measurement at a time, on a stream of its own.
///
///     perf::Client client{swarm};
///     SENNIT_TRY(client.start(connection, {.upload = 1 << 20}, now));
///     ... until client.outcome() says how it went; then maybe the next one.
///
/// A server that lies would flatter itself, so it fails the measurement: bytes before the upload is
/// written are a mismatch, bytes that nobody asked for trailing, fewer than asked for truncated.
/// One that stands still for `idle_max` is a timeout.
///
/// Our side is closed once the server has agreed to the protocol, though the header leaves with the
/// proposal: js-libp2p 3.3 drops what it has of a stream that is closed before that.
class Client final : public Behaviour {
  public:
    struct Job {
        std::uint64_t upload{0};    ///< bytes
        std::uint64_t download{0};  ///< bytes
        Duration idle_max{std::chrono::seconds{30}};
    };
    struct Report {
        /// From opening the stream to the answer's first byte, or its end if none was wanted: by
        /// then the server has read everything. Zero if there was nothing to upload.
        Duration upload_took;
        /// The rest. Without an upload it begins at the stream's opening, as the specification
        /// measures, and so counts one round trip.
        Duration download_took;
        /// From the end of what we sent to the answer's first byte, or its end if none was wanted:
        /// without an upload, a round trip.
        Duration latency;
    };

    /// `swarm` outlives this.
    explicit Client(Swarm& swarm) : swarm_{&swarm} {}

    /// Forgets the measurement before, which has to be over. Errors: those of `Swarm::open`.
    Result<void> start(ConnectionId connection, const Job& job, Now now);

    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now) override { return false; }
    void on_time(Now now) override;
    Instant next_wake() const override;

    /// Bytes that the stream took; up to its queue's 256 KiB of them may not have left yet.
    std::uint64_t uploaded() const { return uploaded_; }
    std::uint64_t downloaded() const { return downloaded_; }
    /// nullopt before the first, and while one is under way. Errors: as above; unsupported when the
    /// peer says that it does not serve it; io when it resets the stream, as many do that do not,
    /// or the connection ends.
    const std::optional<Result<Report>>& outcome() const { return outcome_; }

  private:
    bool running() const { return stream_ && !outcome_; }
    void write(Now now);
    void read(Now now);
    void on_closed(Now now);
    void fail(Error why);

    Swarm* swarm_;
    std::optional<StreamRef> stream_;
    Job job_;
    Bytes header_;  ///< what is unsent of it
    std::uint64_t uploaded_{0};
    std::uint64_t downloaded_{0};
    bool agreed_{false};
    bool written_{false};  ///< and closed
    Instant began_{};
    Instant moved_{};
    Instant written_at_{};
    std::optional<Instant> answered_at_;
    std::optional<Result<Report>> outcome_;
};

/// Answers measurements. Off by default wherever it is used: it gives bandwidth to strangers.
///
/// Rules, and what each is for:
/// - A peer has `streams_per_peer_max` at once, over all of its connections, and all peers together
///   `streams_max`; what is more is reset. Else one peer's measurements take everybody's bandwidth.
/// - No more than `upload_max` is read and `download_max` sent on one stream; then it is reset, so
///   that the client does not take what it got for the whole. The wanted number may be any u64.
/// - A stream on which nothing moves for `idle_max`, or that lasts longer than `lasts_max`, is
///   reset: places are few, and a byte a minute would keep one.
/// - Bytes are made up as the stream takes them. Other streams have their turns between its frames
///   (see yamux::Session), and a client that does not read costs one stream's queue.
class Server final : public Behaviour {
  public:
    struct Limits {
        std::uint64_t upload_max{std::uint64_t{64} << 30};    ///< bytes; a minute at 10 Gbit/s
        std::uint64_t download_max{std::uint64_t{64} << 30};  ///< bytes
        std::size_t streams_per_peer_max{2};
        std::size_t streams_max{16};
        Duration idle_max{std::chrono::seconds{30}};
        Duration lasts_max{std::chrono::minutes{10}};
    };
    /// A stream is over; `why` if not as the client wished.
    struct Served {
        ConnectionId connection;
        PeerId peer;
        std::uint64_t received;  ///< bytes
        std::uint64_t sent;      ///< bytes
        Duration took;
        std::optional<Error> why;
    };

    /// `swarm` has `kProtocol` in its configuration.
    Server(Swarm& swarm, const Limits& limits) : swarm_{&swarm}, limits_{limits} {}

    /// Needs all events of the swarm, from its beginning.
    bool on_event(const Swarm::Event& event, Now now) override;
    bool pump(Now) override { return false; }
    void on_time(Now now) override;
    Instant next_wake() const override;
    /// To be asked after each event. Streams that were refused are not told of.
    std::optional<Served> poll_served();

    std::size_t streams() const { return streams_.size(); }
    void check_invariants() const;

  private:
    struct Stream {
        PeerId peer;
        std::array<std::uint8_t, 8> header{};
        std::size_t header_filled{0};
        std::uint64_t wanted{0};
        std::uint64_t received{0};
        std::uint64_t sent{0};
        bool answering{false};
        Instant began;
        Instant moved;
    };
    using Place = std::map<StreamRef, Stream>::iterator;

    void on_opened(StreamRef stream, Now now);
    void on_disconnected(const Swarm::Disconnected& gone, Now now);
    void read(Place place, Now now);
    void on_remote_closed(Place place, Now now);
    void answer(Place place, Now now);
    Instant deadline(const Stream& stream) const;
    void break_off(Place place, Now now, Error why);
    void end(Place place, Now now, std::optional<Error> why);

    Swarm* swarm_;
    Limits limits_;
    std::map<ConnectionId, PeerId> peers_;
    std::map<StreamRef, Stream> streams_;
    std::deque<Served> served_;
};

}  // namespace sennit::libp2p::perf
