// SPDX-License-Identifier: MIT
#pragma once

#include "base/rng.hpp"
#include "libp2p/gossipsub/back_off.hpp"
#include "libp2p/gossipsub/intake.hpp"
#include "libp2p/gossipsub/outbox.hpp"
#include "libp2p/gossipsub/promises.hpp"

namespace sennit::libp2p::gossipsub {

/// Gossipsub 1.0, 1.1 and 1.2, and floodsub to peers that know nothing better: which message goes
/// to whom, and who is worth talking to.
///
/// Pure: RPCs, decisions and `Now` in; RPCs, jobs, events and a time to wake out. It knows peers
/// and no streams. After every input or call take `poll_event` and `poll_job` until there is
/// neither, and for each of `senders` the frames that its stream has room for; then arm a timer for
/// `next_wake`.
///
/// A message's way: limits and policy; its id, from the topic's function; seen before? then it only
/// counts for who brought it; its signature, by a job; then the application (`Message`), and on
/// `accept` it is seen, cached, and sent on to the mesh, to explicit peers and to those of
/// floodsub. `reject` is for what no honest peer sends on, `ignore` for all else: an ignored
/// message may come again, at the next heartbeat at the soonest.
///
/// Attacks, and what stands against each:
/// - forged, unsigned or doubly numbered messages: never passed on, P4 of all who brought them, and
///   they do not keep the true one out (Intake);
/// - a flood of messages: not read from the peer any more (`has_room`); others have their turn;
/// - IHAVE by thousands: ten RPCs and 5000 ids a heartbeat are looked at;
/// - IHAVE that no message follows: Promises, then P7;
/// - IWANT again and again: three answers a message and peer, bounded by its outbox;
/// - IDONTWANT by thousands: 1000 ids a heartbeat, remembered for three heartbeats;
/// - GRAFT within the back-off: PRUNE, and P7, twice if at once after the PRUNE;
/// - GRAFT for a topic that we are not in: nothing, not even an answer;
/// - PRUNE with a back-off of centuries: an hour;
/// - peer exchange that names only friends of the attacker: from well scored peers only, few, and
///   the caller checks their signed records;
/// - subscribing to everything: a filter and a limit;
/// - dialling us from everywhere: `d_out` of a mesh are peers that we dialled;
/// - a peer that reads slowly: its own outbox fills, then loses messages;
/// - coming and going: scores and back-offs outlive the connection, all else goes with it.
class Router {
  public:
    /// Errors of `check` are our own bug here.
    Router(Config config, Rng rng, Now now);

    // Peers.

    struct PeerInfo {
        Version version{Version::v1_2};
        bool outbound{false};   ///< we dialled
        std::string address{};  ///< `host_group` of it: who is behind one address
    };
    /// It is told our topics at once. A peer that is here already is told them again, and in which
    /// meshes it is, because the stream on which it was told has broken.
    void on_peer(const PeerId& peer, PeerInfo info, Now now);
    void on_peer_gone(const PeerId& peer, Now now);
    bool has_peer(const PeerId& peer) const { return peers_.contains(peer); }

    /// Whether more should be read from it; what is read all the same is taken.
    bool has_room(const PeerId& peer) const { return intake_.has_room(peer); }
    /// One RPC, without its length. Errors: those of `decode_rpc`; the peer's stream should be
    /// reset. It has cost the peer some score already.
    Result<void> on_rpc(const PeerId& peer, BytesView rpc, Now now);

    /// Who may have something waiting. `next_frame` takes a peer out that has not.
    const std::set<PeerId>& senders() const { return senders_; }
    /// With its length in front.
    std::optional<Bytes> next_frame(const PeerId& peer, Now now);
    /// Never below `Limits::rpc_size_max`.
    void set_rpc_size_max(const PeerId& peer, std::size_t bytes);
    /// Its signed peer record, which those get whom we prune. The receiver checks it.
    void set_record(const PeerId& peer, Bytes signed_record);

    // Signatures.

    /// Run it anywhere, and answer; as many at once as there are workers.
    std::optional<VerifyJob> poll_job() { return intake_.poll_job(); }
    void on_verified(Ticket ticket, bool right, Now now);

    // The application.

    /// Errors: duplicate; busy above `topic_joined_max`; oversized for a name that no RPC may hold.
    Result<void> join(const std::string& topic, TopicConfig config, Now now);
    void leave(const std::string& topic, Now now);

    struct Published {
        MessageId id;
        std::size_t peers;  ///< to whom it is on its way; others learn of it by gossip
    };
    /// Signs with our identity, or not, as the policy is. A topic that is not joined is published
    /// to all the same (fan-out), with the default id. Errors: oversized; duplicate for an id that
    /// was seen within the last two minutes, which only ids from the content can be.
    Result<Published> publish(const std::string& topic, Bytes data, Now now);

    enum class Verdict : std::uint8_t { accept, ignore, reject };
    /// Tickets that are gone, because their time was over, are ignored.
    void decide(Ticket ticket, Verdict verdict, Now now);
    /// P5.
    void set_application_score(const PeerId& peer, double value) {
        scores_.set_application(peer, value);
    }

    /// A message in a topic of ours. Where the topic asks, `decide` has to follow.
    struct Received {
        Ticket ticket;
        PeerId from;  ///< who brought it; its author is in the message, under strict_sign
        MessageId id;
        std::shared_ptr<const Message> message;
        bool ask;
    };
    struct Subscribed {
        PeerId peer;
        std::string topic;
        bool on;
    };
    /// The mesh has changed, and why.
    struct Meshed {
        PeerId peer;
        std::string topic;
        bool in;
        std::string_view why;
    };
    /// Where more peers of a topic are, as a well scored peer says. Check the signed records.
    struct Offered {
        PeerId by;
        std::string topic;
        std::vector<Prune::Peer> peers;
    };
    /// An explicit peer is not here, and should be dialled.
    struct Missing {
        PeerId peer;
    };
    using Event = std::variant<Received, Subscribed, Meshed, Offered, Missing>;
    std::optional<Event> poll_event();

    // Time.

    void on_time(Now now);
    Instant next_wake() const;

    // To look at.

    struct Counters {
        std::uint64_t received{0}, duplicates{0}, invalid{0}, ignored{0}, accepted{0};
        std::uint64_t not_joined{0};      ///< came for a topic that we are not in
        std::uint64_t dropped_full{0};    ///< the application is behind
        std::uint64_t sent{0};            ///< queued, once for each peer
        std::uint64_t send_full{0};       ///< not queued: the peer is behind
        std::uint64_t send_late{0};       ///< queued, and dropped there: the peer read too slowly
        std::uint64_t send_too_large{0};  ///< not queued: longer than the peer's RPCs
        std::uint64_t graylisted{0};      ///< RPCs that were not looked at
        std::uint64_t broken_promises{0};
    };
    const Counters& counters() const { return counters_; }
    double score(const PeerId& peer, Now now) const { return scores_.score(peer, now); }
    std::vector<PeerScore::Component> explain(const PeerId& peer, Now now) const {
        return scores_.explain(peer, now);
    }
    const std::set<PeerId>& mesh(const std::string& topic) const;
    /// Who said that it is in the topic.
    const std::set<PeerId>& subscribers(const std::string& topic) const;
    std::size_t peers() const { return peers_.size(); }
    /// Bytes of messages that wait for the peer who is furthest behind. Who publishes faster than
    /// the network takes it looks here before messages are dropped at `Limits::send_bytes_max`.
    std::size_t backlog() const;
    const PeerId& self() const { return self_; }
    void check_invariants() const;

  private:
    struct Peer {
        PeerInfo info;
        bool is_explicit{false};
        std::set<std::string> topics{};
        Outbox outbox;
        std::optional<Bytes> record{};
        // Since the last heartbeat.
        std::size_t ihaves{0};
        std::size_t asked{0};
        std::size_t idontwants{0};
    };
    struct Topic {
        TopicConfig config;
        std::set<PeerId> mesh{};
    };
    struct Fanout {
        std::set<PeerId> peers{};
        Instant until{};
    };

    // RPCs.
    void on_subscription(const PeerId& id, Peer& peer, const Subscription& one, Now now);
    void on_graft(const PeerId& id, Peer& peer, const std::string& topic, Now now);
    void on_prune(const PeerId& id, Prune prune, Now now);
    void on_ihave(const PeerId& id, Peer& peer, const IHave& ihave, Now now);
    void on_iwant(const PeerId& id, Peer& peer, const std::vector<MessageId>& ids, Now now);
    void on_idontwant(Peer& peer, const std::vector<MessageId>& ids);
    void on_message(const PeerId& id, Peer& peer, Message message, Now now);
    bool is_duplicate(const PeerId& id, const Message& message, const MessageId& message_id,
                      Now now);

    // Messages.
    Result<void> check_policy(const Message& message) const;
    MessageId id_of(const std::string& topic, const Message& message) const;
    void to_application(Ticket ticket, Now now);
    void accept(Intake::Entry entry, Now now);
    void reject(const Intake::Entry& entry, Now now);
    std::set<PeerId> receivers(const std::string& topic, Now now) const;
    std::set<PeerId> own_receivers(const std::string& topic, Now now);
    bool count(Outbox::Queued queued);
    bool send(const PeerId& id, const MessageId& message_id, const SharedBytes& encoded, Now now);
    void tell_unwanted(const Intake::Entry& entry);

    // The mesh.
    bool may_graft(const std::string& topic, const PeerId& id, Now now) const;
    void graft(const std::string& topic, Topic& in, const PeerId& id, std::string_view why,
               Now now);
    /// Out of our mesh, with the back-off on both sides.
    void prune(const std::string& topic, Topic& in, const PeerId& id, std::string_view why,
               bool exchange, Now now);
    void drop_from_mesh(const std::string& topic, Topic& in, const PeerId& id, std::string_view why,
                        Now now);
    void say_prune(const std::string& topic, const PeerId& id, Duration back_off, bool exchange,
                   Now now);
    void fill(const std::string& topic, Topic& in, std::size_t up_to, std::string_view why,
              Now now);

    // The heartbeat.
    void heartbeat(Now now);
    void keep_mesh(const std::string& topic, Topic& in, Now now);
    void shrink(const std::string& topic, Topic& in, Now now);
    void want_outbound(const std::string& topic, Topic& in, Now now);
    void graft_better(const std::string& topic, Topic& in, Now now);
    void keep_fanout(Now now);
    void gossip(const std::string& topic, const std::set<PeerId>& already, Now now);
    std::vector<PeerId> candidates(const std::string& topic, const std::set<PeerId>& without,
                                   double score_min, Now now);
    std::size_t outbound_in(const std::set<PeerId>& mesh) const;

    Config config_;
    PeerId self_;
    Rng rng_;
    std::map<PeerId, Peer> peers_;
    std::map<std::string, Topic> topics_;                  ///< joined
    std::map<std::string, std::set<PeerId>> subscribers_;  ///< of all topics that peers named
    std::map<std::string, Fanout> fanout_;
    PeerScore scores_;
    MessageCache cache_;
    SeenCache seen_;
    Intake intake_;
    BackOffs back_offs_;
    Promises promises_;
    std::set<MessageId> ignored_;  ///< since the last heartbeat
    std::set<PeerId> senders_;
    std::deque<Event> events_;
    Counters counters_;
    std::uint64_t seqno_;
    std::uint64_t tick_{0};
    Instant next_heartbeat_;
};

}  // namespace sennit::libp2p::gossipsub
