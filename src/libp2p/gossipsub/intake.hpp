// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>

#include "libp2p/gossipsub/config.hpp"

namespace sennit::libp2p::gossipsub {

/// A signature to be checked, on whatever thread. Everything it needs is its own.
struct VerifyJob {
    Ticket ticket;
    std::shared_ptr<const Message> message;

    /// Whether the author signed it: the key is its `key` field, or lies in the author's id, and
    /// belongs to that id. About 45 microseconds for Ed25519.
    bool run() const;
};

/// Messages between the wire and the mesh: their signatures are being checked, or the application
/// decides about them.
///
/// Rules, each against an attack:
/// - Peers take turns at verification, so that one who floods us with forgeries waits for itself.
/// - Who has too much here is not read from any more (`has_room`), so a flood stays on its sender's
///   side of the wire. What is dropped instead, because the application is behind, may come again.
/// - Two messages with one id and different bytes are two messages until one of them is verified:
///   a forgery that comes first does not keep the true one out. Equal bytes are one message, and
///   all who brought it answer for it.
/// - A copy also stands in the queue of who brought it, so that a peer with a long queue of junk
///   cannot hold back a message by sending it first.
class Intake {
  public:
    enum class Stage : std::uint8_t {
        unverified,  ///< waits for its turn
        verifying,   ///< a job is out
        undecided,   ///< the application has it
    };
    struct Entry {
        std::shared_ptr<const Message> message;
        SharedBytes encoded;
        MessageId id;
        PeerId from;                   ///< who brought it first
        std::vector<PeerId> copies{};  ///< who brought it after that
        Stage stage{Stage::unverified};
        Instant decide_until{};
    };
    struct Limits {
        std::size_t unverified_count_max;
        std::size_t unverified_bytes_max;
        std::size_t undecided_count_max;
        std::size_t undecided_bytes_max;
    };

    explicit Intake(const Limits& limits) : limits_{limits} {}

    /// Whether more should be read from the peer. One RPC beyond it is taken all the same.
    bool has_room(const PeerId& peer) const;

    /// Entries of one id and different bytes that the peer brought first.
    std::size_t variants(const MessageId& id, const PeerId& peer) const;

    /// The same bytes are here, or an entry of the same id whose author is known to be right.
    const Entry* find_same(const MessageId& id, BytesView encoded) const;
    bool contains(const MessageId& id) const { return by_id_.contains(id); }
    /// `find_same` found it: `peer` has it too.
    void add_copy(const MessageId& id, BytesView encoded, const PeerId& peer);

    /// In the stage `unverified` it waits for its turn; `verifying` when there is nothing to check,
    /// and `to_application` follows.
    Ticket add(Entry entry);
    /// The next signature to check, each peer in its turn. Its `on_verified` has to follow.
    std::optional<VerifyJob> poll_job();
    const Entry* find(Ticket ticket) const;
    /// nullptr: an entry of the same id is with the application already; this one has become a copy
    /// of it, or, when there is no room for another, is dropped: then `dropped` is set.
    const Entry* to_application(Ticket ticket, Instant decide_until, bool& dropped);
    /// Gives it out. The ticket is forgotten.
    Entry remove(Ticket ticket);
    /// What the application was asked about and did not answer in time, soonest first.
    std::optional<Ticket> overdue(Now now) const;
    std::optional<Instant> next_deadline() const;

    /// Its messages that nobody else has and nobody works on are dropped.
    void on_peer_gone(const PeerId& peer);

    std::size_t size() const { return entries_.size(); }
    std::size_t undecided() const { return deadlines_.size(); }
    void check_invariants() const;

  private:
    struct Queue {
        std::deque<Ticket> tickets;  ///< some may be gone, or have been checked in another's turn
        std::size_t count{0};        ///< of those that this peer brought first
        std::size_t bytes{0};
        std::size_t swept{0};  ///< how many tickets were left when the useless ones went
    };

    Entry* same(const MessageId& id, BytesView encoded);
    void charge(const Entry& entry, bool add);
    void join_queue(const PeerId& peer, Ticket ticket);
    void push(const PeerId& peer, Ticket ticket);
    void hand_over(Ticket ticket, Entry& entry);

    Limits limits_;
    std::map<Ticket, Entry> entries_;
    std::multimap<MessageId, Ticket> by_id_;
    std::map<PeerId, Queue> queues_;  ///< of peers that have something here
    std::deque<PeerId> turns_;        ///< those whose queue has tickets
    std::set<std::pair<Instant, Ticket>> deadlines_;
    std::size_t undecided_bytes_{0};
    std::uint64_t last_ticket_{0};
};

}  // namespace sennit::libp2p::gossipsub
