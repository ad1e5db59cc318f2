// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/router.hpp"

#include "crypto/sha256.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

const std::set<PeerId> kNobody;
constexpr std::size_t kRecordSizeMax = 1024;

std::uint64_t unix_nanoseconds(Now now) {
    const auto since = now.wall.time_since_epoch();
    const auto out = std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
    return out < 0 ? 0 : static_cast<std::uint64_t>(out);
}

/// Of a topic that nobody gave numbers for: who brings what is invalid pays for it all the same.
TopicScoreParams invalid_counts() {
    TopicScoreParams out;
    out.time_in_mesh_weight = out.first_deliveries_weight = 0;
    return out;
}

Bytes big_endian(std::uint64_t number) {
    Writer out{8};
    out.be(number);
    return std::move(out).take();
}

}  // namespace

Router::Router(Config config, Rng rng, Now now)
    : config_{std::move(config)},
      self_{config_.identity.peer_id()},
      rng_{std::move(rng)},
      scores_{config_.scores},
      cache_{config_.cache},
      seen_{config_.seen},
      intake_{{config_.limits.unverified_count_max, config_.limits.unverified_bytes_max,
               config_.limits.undecided_count_max, config_.limits.undecided_bytes_max}},
      back_offs_{config_.limits.back_offs_max},
      // Rises over restarts too, as long as the clock does: others drop what does not rise.
      seqno_{unix_nanoseconds(now)} {
    SENNIT_ASSERT(check(config_));
    // Not all nodes that start together have their heartbeats together.
    const auto beat = static_cast<std::uint64_t>(config_.heartbeat.count());
    next_heartbeat_ = now.at + Duration{static_cast<Duration::rep>(1 + rng_.below(beat))};
}

// Peers.

void Router::on_peer(const PeerId& id, PeerInfo info, Now now) {
    if (id == self_) return;
    if (const auto known = peers_.find(id); known != peers_.end()) {
        for (const auto& [topic, in] : topics_) {
            known->second.outbox.subscription(topic, true);
            if (in.mesh.contains(id)) known->second.outbox.graft(topic);
        }
        senders_.insert(id);
        return;
    }
    const auto& limits = config_.limits;
    Peer peer{.info = std::move(info),
              .is_explicit = config_.explicit_peers.contains(id),
              .outbox = Outbox{{.frame_size_max = limits.rpc_size_max,
                                .bytes_max = limits.send_bytes_max,
                                .count_max = limits.send_count_max,
                                .ids_max = limits.ids_asked_per_heartbeat,
                                .keep = config_.send_within}}};
    for (const auto& [topic, in] : topics_) peer.outbox.subscription(topic, true);
    scores_.on_connected(id, peer.info.address, now);
    peers_.emplace(id, std::move(peer));
    senders_.insert(id);
}

void Router::on_peer_gone(const PeerId& id, Now now) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    for (auto& [topic, in] : topics_) {
        if (in.mesh.contains(id)) drop_from_mesh(topic, in, id, "the peer has gone", now);
    }
    for (auto& [topic, fanout] : fanout_) fanout.peers.erase(id);
    for (const auto& topic : found->second.topics) {
        const auto at = subscribers_.find(topic);
        at->second.erase(id);
        if (at->second.empty()) subscribers_.erase(at);
    }
    intake_.on_peer_gone(id);
    promises_.forget(id);
    scores_.on_disconnected(id, now);
    senders_.erase(id);
    peers_.erase(found);
}

std::optional<Bytes> Router::next_frame(const PeerId& id, Now now) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return std::nullopt;
    auto& outbox = found->second.outbox;
    const auto late = outbox.dropped_late();
    auto out = outbox.next_frame(now);
    counters_.send_late += outbox.dropped_late() - late;
    for (const auto& asked : outbox.take_asked()) {
        if (!seen_.contains(asked) && !intake_.contains(asked))
            promises_.add(asked, id, now.at + config_.promise_keep);
    }
    if (outbox.empty()) senders_.erase(id);
    return out;
}

void Router::set_rpc_size_max(const PeerId& id, std::size_t bytes) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    found->second.outbox.set_frame_size_max(std::max(bytes, config_.limits.rpc_size_max));
}

void Router::set_record(const PeerId& id, Bytes signed_record) {
    const auto found = peers_.find(id);
    // Sixteen of them have to fit into one RPC.
    if (found != peers_.end() && signed_record.size() <= kRecordSizeMax)
        found->second.record = std::move(signed_record);
}

// The application.

Result<void> Router::join(const std::string& topic, TopicConfig config, Now now) {
    if (topic.size() > config_.limits.rpc.topic_size_max)
        return Error{
            Errc::oversized, "gossipsub: the topic's name is too long", Error::kNowhere, {}};
    if (topics_.contains(topic))
        return Error{Errc::duplicate, "gossipsub: the topic is joined", Error::kNowhere, topic};
    if (topics_.size() >= config_.limits.topic_joined_max)
        return Error{Errc::busy, "gossipsub: too many topics", Error::kNowhere, {}};
    auto& in = topics_[topic];
    in.config = std::move(config);
    scores_.add_topic(topic, invalid_counts());
    for (auto& [id, peer] : peers_) {
        peer.outbox.subscription(topic, true);
        senders_.insert(id);
    }
    // Whom we published to until now first: they have proved to be there.
    if (const auto fanout = fanout_.find(topic); fanout != fanout_.end()) {
        for (const auto& id : fanout->second.peers) {
            if (in.mesh.size() < config_.mesh.d && may_graft(topic, id, now))
                graft(topic, in, id, "from the fan-out", now);
        }
        fanout_.erase(fanout);
    }
    fill(topic, in, config_.mesh.d, "we joined", now);
    return {};
}

void Router::leave(const std::string& topic, Now now) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    auto& in = found->second;
    while (!in.mesh.empty()) {
        const auto id = *in.mesh.begin();
        drop_from_mesh(topic, in, id, "we left", now);
        back_offs_.add(topic, id, now.at + config_.unsubscribe_back_off);
        say_prune(topic, id, config_.unsubscribe_back_off, config_.exchange, now);
    }
    topics_.erase(found);
    for (auto& [id, peer] : peers_) {
        peer.outbox.subscription(topic, false);
        senders_.insert(id);
    }
}

Result<Router::Published> Router::publish(const std::string& topic, Bytes data, Now now) {
    const auto joined = topics_.find(topic);
    const auto size_max =
        joined == topics_.end() ? TopicConfig{}.data_size_max : joined->second.config.data_size_max;
    if (data.size() > size_max || topic.size() > config_.limits.rpc.topic_size_max)
        return Error{Errc::oversized, "gossipsub: message or topic too long", Error::kNowhere,
                     std::to_string(data.size()) + " bytes of data"};
    Message message;
    message.data = std::move(data);
    message.topic = topic;
    if (config_.policy == SigningPolicy::strict_sign) {
        message.from = to_bytes(self_.view());
        message.seqno = big_endian(++seqno_);
        message.signature = config_.identity.sign(signed_bytes(message));
        // Ed25519 and secp256k1 keys lie in the id, and go and rust leave them out then.
    }
    auto id = id_of(topic, message);
    if (!seen_.add(id, true, now))
        return Error{Errc::duplicate, "gossipsub: published already", Error::kNowhere, to_hex(id)};
    const auto encoded = std::make_shared<const Bytes>(encode_message(message));
    cache_.put({id, topic, encoded});
    std::size_t peers = 0;
    for (const auto& peer : own_receivers(topic, now))
        peers += send(peer, id, encoded, now) ? 1 : 0;
    return Published{std::move(id), peers};
}

void Router::decide(Ticket ticket, Verdict verdict, Now now) {
    const auto* const entry = intake_.find(ticket);
    if (entry == nullptr || entry->stage != Intake::Stage::undecided) return;
    auto out = intake_.remove(ticket);
    switch (verdict) {
        case Verdict::accept: return accept(std::move(out), now);
        case Verdict::reject: return reject(out, now);
        case Verdict::ignore:
            ++counters_.ignored;
            ignored_.insert(out.id);
            return;
    }
}

std::optional<Router::Event> Router::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

// To look at.

const std::set<PeerId>& Router::mesh(const std::string& topic) const {
    const auto found = topics_.find(topic);
    return found == topics_.end() ? kNobody : found->second.mesh;
}

const std::set<PeerId>& Router::subscribers(const std::string& topic) const {
    const auto found = subscribers_.find(topic);
    return found == subscribers_.end() ? kNobody : found->second;
}

std::size_t Router::backlog() const {
    std::size_t out = 0;
    for (const auto& id : senders_) out = std::max(out, peers_.at(id).outbox.bytes());
    return out;
}

MessageId Router::id_of(const std::string& topic, const Message& message) const {
    const auto found = topics_.find(topic);
    if (found != topics_.end() && found->second.config.id) return found->second.config.id(message);
    if (auto id = default_message_id(message)) return *std::move(id);
    return to_bytes(crypto::sha256(message.data ? BytesView{*message.data} : BytesView{}).view());
}

void Router::check_invariants() const {
    for (const auto& [topic, in] : topics_) {
        for (const auto& id : in.mesh) {
            // Whoever is in a mesh is here, is in the topic, and knows what a mesh is.
            const auto& peer = peers_.at(id);
            SENNIT_ASSERT(peer.topics.contains(topic) && !peer.is_explicit);
            SENNIT_ASSERT(peer.info.version != Version::floodsub);
        }
        SENNIT_ASSERT(!fanout_.contains(topic));
    }
    for (const auto& [topic, fanout] : fanout_) {
        for (const auto& id : fanout.peers) SENNIT_ASSERT(peers_.contains(id));
    }
    std::size_t subscriptions = 0;
    for (const auto& [topic, ids] : subscribers_) {
        SENNIT_ASSERT(!ids.empty());
        for (const auto& id : ids) SENNIT_ASSERT(peers_.at(id).topics.contains(topic));
        subscriptions += ids.size();
    }
    for (const auto& [id, peer] : peers_) {
        SENNIT_ASSERT(peer.topics.size() <=
                      config_.limits.topics_per_peer_max + config_.limits.topic_joined_max);
        SENNIT_ASSERT(peer.outbox.empty() || senders_.contains(id));
        subscriptions -= peer.topics.size();
        peer.outbox.check_invariants();
    }
    SENNIT_ASSERT(subscriptions == 0);
    for (const auto& id : senders_) SENNIT_ASSERT(peers_.contains(id));
    scores_.check_invariants();
    cache_.check_invariants();
    intake_.check_invariants();
    back_offs_.check_invariants();
    promises_.check_invariants();
}

}  // namespace sennit::libp2p::gossipsub
