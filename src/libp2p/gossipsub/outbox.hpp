// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>

#include "libp2p/gossipsub/config.hpp"

namespace sennit::libp2p::gossipsub {

/// What waits to be sent to one peer, in the order of its weight: what we subscribe to, who is in
/// the mesh and what we do not want first, then messages, then gossip about messages.
///
/// A peer that reads slowly, or not at all, costs a fixed amount. Control is kept as the state to
/// be told and not as a list of frames: of two subscriptions to one topic the later one is left, of
/// a GRAFT and a PRUNE too, of two IHAVE of a topic the newer. Messages are counted in bytes; when
/// they do not fit any more the new one is dropped, because those before it are what the peer
/// misses first; when they waited too long they are not worth their bytes. The peer can still ask
/// for them. Frames are made when there is room on the wire, so nothing is late to be overtaken.
class Outbox {
  public:
    struct Limits {
        std::size_t frame_size_max;  ///< an RPC without its length
        std::size_t bytes_max;
        std::size_t count_max;
        std::size_t ids_max;
        Duration keep;
    };

    /// Of one frame, whatever its size allows: below what go, rust, js and we take of each kind.
    static constexpr std::size_t kFrameMessages = 1000;
    static constexpr std::size_t kFrameSubscriptions = 100;
    static constexpr std::size_t kFrameIds = 5000;
    static constexpr std::size_t kFrameControl = 500;  ///< of GRAFT and PRUNE together
    static constexpr std::size_t kFrameExchange = 48;  ///< peers in PRUNE, before the last one

    explicit Outbox(const Limits& limits) : limits_{limits} {}

    void subscription(const std::string& topic, bool subscribe) {
        subscriptions_[topic] = subscribe;
    }
    void graft(const std::string& topic) { mesh_[topic] = std::nullopt; }
    void prune(Prune prune);
    void idontwant(const MessageId& id);
    /// `watched`: `take_asked` tells when it has left.
    void iwant(const MessageId& id, bool watched);
    /// The watched ids that frames have taken since the last call.
    std::vector<MessageId> take_asked() { return std::exchange(asked_, {}); }
    void ihave(const std::string& topic, std::vector<MessageId> ids);

    enum class Queued : std::uint8_t { yes, full, too_large };
    /// `encoded`: `encode_message`.
    Queued message(const MessageId& id, SharedBytes encoded, Now now);
    /// The peer said IDONTWANT, or sent us the message itself: it need not get it.
    void unwanted(const MessageId& id);
    /// It asks for the message after all.
    void wanted(const MessageId& id) { unwanted_.erase(id); }
    /// Whether a message of so many bytes, encoded, fits into one of its frames.
    bool takes(std::size_t size) const;
    /// A heartbeat: what the peer does not want is remembered for three of them.
    void on_heartbeat();
    bool wants(const MessageId& id) const { return !unwanted_.contains(id); }
    bool has_messages() const { return !messages_.empty(); }

    /// The peer takes larger RPCs than all do.
    void set_frame_size_max(std::size_t bytes) { limits_.frame_size_max = bytes; }

    /// A varint length and the RPC, the weightiest things first. nullopt: nothing to say.
    std::optional<Bytes> next_frame(Now now);
    bool empty() const;

    std::size_t bytes() const { return bytes_; }
    std::size_t dropped_late() const { return dropped_late_; }
    void check_invariants() const;

  private:
    struct Waiting {
        MessageId id;
        SharedBytes encoded;
        Instant until;
    };
    class Frame;

    void take_control(Frame& frame);
    void take_messages(Frame& frame, Now now);
    void take_gossip(Frame& frame);

    Limits limits_;
    std::map<std::string, bool> subscriptions_;
    std::map<std::string, std::optional<Prune>> mesh_;  ///< nullopt: GRAFT
    std::deque<MessageId> idontwant_;
    std::deque<Waiting> messages_;
    std::deque<std::pair<MessageId, bool>> iwant_;
    std::vector<MessageId> asked_;
    std::map<std::string, std::vector<MessageId>> ihave_;
    std::size_t bytes_{0};  ///< of messages_
    std::size_t dropped_late_{0};
    std::map<MessageId, std::uint64_t> unwanted_;  ///< with the tick at which it is forgotten
    std::deque<MessageId> unwanted_order_;
    std::uint64_t tick_{0};
};

}  // namespace sennit::libp2p::gossipsub
