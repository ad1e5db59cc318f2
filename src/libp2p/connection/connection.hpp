// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>

#include "libp2p/connection/upgrade.hpp"
#include "libp2p/yamux/session.hpp"

namespace sennit::libp2p {

using yamux::StreamId;

/// One libp2p connection over a stream of bytes that somebody else carries: security, muxer, and
/// the protocol of every stream.
///
///     raw bytes -- multistream -- /noise -- (multistream) -- /yamux/1.0.0 -- multistream -- stream
///                              or /tls/1.0.0
///
/// Pure, in the manner of yamux::Session: bytes and `Now` in; bytes, events and a time to wake out.
/// After every input or call, take the events and what there is to send, until there is neither;
/// then arm a timer for `next_wake`.
///
/// A dialler needs three round trips before the answer to its first stream is here, the TCP
/// handshake not counted, and two with a peer that names its muxers in the handshake: nobody waits
/// for an answer that can only be yes. So a dialler sends its proposal and the first handshake
/// message at once (one proposal a connection, see Upgrade); and a stream that is opened with one
/// proposal takes its protocol's first bytes at once.
///
/// What the remote may do: be slow (the upgrade and each negotiation have their time), be somebody
/// else than was dialled (mismatch, before we say who we are), be ourselves (mismatch), ask for
/// protocols that nobody speaks (`na`). All else is the rules of the layers. Nothing but the four
/// layers' limited buffers is kept.
///
/// Who was told `na` may already have sent, as we do, what the protocol would have said first. It
/// would read as a broken proposal, and a reset would overtake the `na`. So we close our side
/// behind the `na` and drop what comes, for as long as a negotiation may take and up to
/// `kDrainMax`; then the stream is reset. Who proposes one name after the other sends none of that.
class Connection {
  public:
    enum class Role : std::uint8_t { dialler, listener };
    /// Of bytes behind a refused proposal, on one stream: a yamux window as all streams begin with,
    /// which is what a dialler can send before it hears of the `na`.
    static constexpr std::size_t kDrainMax = yamux::kWindowInitial;

    /// `noise_ephemeral` has never been used before. `expected`: whom the dialled address names.
    /// `proposal`: the index in `config->security` of what a dialler proposes.
    Connection(Role role, std::shared_ptr<const ConnectionConfig> config,
               const crypto::X25519Key& noise_ephemeral, std::optional<PeerId> expected, Now now,
               std::size_t proposal = 0);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Input.

    /// What came from the link, cut anywhere; all of it is taken. After Closed: ignored. When the
    /// channel ends or breaks, Closed follows the events of what came before, each of which must
    /// be used at once: after Closed nothing can be read.
    void on_bytes(BytesView in, Now now);
    /// The link is down; `why` goes into Closed, if that was not told yet.
    void on_link_down(Error why);
    void on_time(Now now);

    // Output.

    /// Appends at most `bytes_max` bytes to `out`, of which it wants some 4 KiB. 0: nothing now, or
    /// not for so little room. Also after Closed, so that the peer learns why.
    std::size_t transmit(std::size_t bytes_max, Now now, Bytes& out);
    Instant next_wake() const;

    /// The remote has proved who it is. Of a dialler's connection the message that tells the remote
    /// who we are has not been transmitted yet: whoever does not want this peer says `refuse`
    /// before the next `transmit`, and the remote never knows.
    struct Secured {
        PeerId peer;
    };
    /// The upgrade is done; streams may be opened.
    struct Ready {
        PublicKey key;
        PeerId peer;
        bool early_muxer;  ///< agreed on within the handshake
        Security security;
    };
    /// The peer opened a stream and asked for this.
    struct StreamOpened {
        StreamId id;
        std::string protocol;
    };
    /// The peer speaks it, on a stream that we opened.
    struct StreamAgreed {
        StreamId id;
        std::string protocol;
    };
    struct StreamReadable {
        StreamId id;
    };
    struct StreamWritable {
        StreamId id;
    };
    struct StreamRemoteClosed {
        StreamId id;
    };
    /// The stream is over: unsupported (the peer speaks none of the proposals), timeout, or what
    /// broke it. The id is forgotten.
    struct StreamFailed {
        StreamId id;
        Error why;
    };
    /// The connection is over; hang up when `transmit` gives nothing more. No stream is known any
    /// more, and none is told of one by one.
    struct Closed {
        Error why;
        bool peer_left{false};  ///< in order: it said so
    };
    using Event = std::variant<Secured, Ready, StreamOpened, StreamAgreed, StreamReadable,
                               StreamWritable, StreamRemoteClosed, StreamFailed, Closed>;
    std::optional<Event> poll_event(Now now);

    // Streams. Ids that are not known are answered as yamux::Session answers them.

    /// Errors: invalid without a proposal or for a name of multistream::kMessageSizeMax bytes;
    /// busy and unsupported as `yamux::Session::open`; unsupported before Ready.
    Result<StreamId> open(std::vector<std::string> proposals, Now now);
    /// How many of the first bytes were taken; StreamWritable follows when it is fewer. Before
    /// StreamAgreed only a stream with one proposal takes any.
    std::size_t write(StreamId id, BytesView bytes);
    /// In one piece; empty before the protocol is agreed on.
    BytesView readable(StreamId id) const;
    void consume(StreamId id, std::size_t n, Now now);
    void close_write(StreamId id);
    void reset(StreamId id);
    /// Resets all streams and leaves; Closed follows.
    void close();
    /// As `close`, and of a dialler that is not Ready nothing more is sent, not even who we are.
    void refuse();

    bool ready() const { return std::holds_alternative<Running>(stage_); }
    bool closed() const { return closed_; }
    /// It is closed because the peer does not speak the security that we proposed: another
    /// connection with another proposal may do.
    bool security_refused() const;
    /// Streams whose protocol is agreed on, and ours that still ask. Those that the peer opened and
    /// asked nothing on are nobody's.
    std::vector<StreamId> streams() const;
    std::size_t streams_size() const;
    std::size_t negotiations() const { return negotiations_.size(); }
    std::optional<Duration> round_trip() const;
    void check_invariants() const;

  private:
    struct Running {
        SecureChannel channel;
        yamux::Session session;
    };
    /// A stream whose protocol is not agreed on yet; agreed ones are the session's alone.
    struct Negotiation {
        std::variant<multistream::Dialler, multistream::Listener> side;
        bool lazy;  ///< may be written to before the answer is here
        Instant until;
        std::optional<std::size_t> drained{};  ///< bytes dropped since it was refused for good
    };

    Result<void> upgrade(BytesView& in, Now now);
    Result<void> start_session(Upgrade::Done done, Now now);
    Result<void> run(BytesView& in, Now now);

    void take(const yamux::Event& event, Now now);
    void on_opened(StreamId id, Now now);
    void negotiate(StreamId id, Now now);
    bool refused(StreamId id) const;
    void drain(StreamId id, Now now);
    void fail_stream(StreamId id, Error why);
    void drop_negotiation(StreamId id);
    void end(Error why, bool peer_left = false);

    yamux::Session* session();
    const yamux::Session* session() const;

    Role role_;
    std::shared_ptr<const ConnectionConfig> config_;
    std::variant<Upgrade, Running> stage_;
    Bytes out_;  ///< of the upgrade, and the last words
    Instant upgrade_until_;
    std::map<StreamId, Negotiation> negotiations_;
    std::size_t negotiations_in_{0};  ///< of streams that the peer opened
    std::set<std::pair<Instant, StreamId>> negotiating_;
    std::deque<Event>
        events_;  ///< of one input at most: what is asked of the session is not queued
    /// Why the channel takes no more. What it gave before is the session's, and comes first.
    std::optional<Closed> broken_;
    bool closed_{false};
    bool told_ready_{false};
    bool mute_{false};  ///< refused before the remote knew who we are
};

}  // namespace sennit::libp2p
