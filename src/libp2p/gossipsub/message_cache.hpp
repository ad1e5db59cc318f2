// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>

#include "base/time.hpp"
#include "libp2p/gossipsub/rpc.hpp"
#include "libp2p/peer_id.hpp"

namespace sennit::libp2p::gossipsub {

/// A message that passed validation, as it is forwarded: encoded once, for however many receivers.
struct CachedMessage {
    MessageId id;
    std::string topic;
    SharedBytes encoded;  ///< `encode_message`: the body of an RPC's field 2
};

/// The valid messages of the last heartbeats: what IHAVE tells of, and IWANT is answered from.
///
/// Bounded in heartbeats and in bytes. Over the bytes the oldest go first, so that a burst shortens
/// the history and never grows the memory.
class MessageCache {
  public:
    struct Limits {
        std::size_t history{5};  ///< heartbeats for which a message can be asked for
        std::size_t gossip{3};   ///< of these the newest, about which IHAVE tells
        std::size_t bytes_max{64u << 20};
        /// Answers to one peer's IWANT for one message: whoever asks for more wants our uplink.
        std::size_t answers_max{3};
    };

    explicit MessageCache(Limits limits);

    /// False: it is here already, or larger than the whole cache.
    bool put(CachedMessage message);
    const CachedMessage* find(const MessageId& id) const;
    /// For an IWANT of `peer`. nullptr: not here any more, or sent to it often enough.
    const CachedMessage* answer(const MessageId& id, const PeerId& peer);

    /// What to tell of, oldest first.
    std::vector<MessageId> gossip_ids(const std::string& topic) const;
    /// A heartbeat: the oldest window goes.
    void shift();

    std::size_t size() const { return messages_.size(); }
    std::size_t bytes() const { return bytes_; }
    void check_invariants() const;

  private:
    struct Entry {
        CachedMessage message;
        std::map<PeerId, std::size_t> answers{};
    };

    static std::size_t cost(const CachedMessage& message);
    void erase(const MessageId& id);
    void drop_oldest();

    Limits limits_;
    std::map<MessageId, Entry> messages_;
    std::deque<std::deque<MessageId>> windows_;  ///< newest first
    std::size_t bytes_{0};
};

/// Ids of messages that were verified lately, so that no copy is looked at twice.
///
/// A message is added when its signature has been checked, not when it comes: else a forged copy
/// that arrives first would keep the true one out. One that the application ignored, or that a full
/// queue dropped, is not added, and may come again.
class SeenCache {
  public:
    struct Limits {
        Duration keep{std::chrono::seconds{120}};
        std::size_t count_max{200'000};  ///< the oldest go first
    };

    explicit SeenCache(Limits limits) : limits_{limits} {}

    struct Seen {
        Instant at;
        bool valid;  ///< what the application thought of it
    };

    /// False: it is here already; its time is not prolonged, or a loop would keep it for ever.
    bool add(const MessageId& id, bool valid, Now now);
    bool contains(const MessageId& id) const { return seen_.contains(id); }
    std::optional<Seen> find(const MessageId& id) const;
    void on_time(Now now);
    std::size_t size() const { return seen_.size(); }

  private:
    Limits limits_;
    std::map<MessageId, Seen> seen_;
    std::deque<MessageId> order_;  ///< oldest first
};

}  // namespace sennit::libp2p::gossipsub
