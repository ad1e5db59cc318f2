// SPDX-License-Identifier: MIT
/// What peers say to the router.
#include "libp2p/gossipsub/router.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

/// Of the longest RSA key that a `PublicKey` may be.
constexpr std::size_t kSignatureMax = 2048;
constexpr std::size_t kKeyMax = 4096;

}  // namespace

Result<void> Router::on_rpc(const PeerId& id, BytesView bytes, Now now) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return {};
    auto& peer = found->second;
    if (!peer.is_explicit && scores_.score(id, now) < config_.thresholds.graylist) {
        ++counters_.graylisted;
        return {};
    }
    auto rpc = decode_rpc(bytes, config_.limits.rpc);
    if (!rpc) {
        scores_.on_misbehaviour(id, 1);
        return rpc.error();
    }
    for (const auto& one : rpc->subscriptions) on_subscription(id, peer, one, now);
    for (auto& message : rpc->publish) on_message(id, peer, std::move(message), now);
    if (peer.info.version == Version::floodsub) return {};
    on_idontwant(peer, rpc->control.idontwant);
    if (!rpc->control.ihave.empty() && ++peer.ihaves <= config_.limits.ihave_per_heartbeat) {
        for (const auto& one : rpc->control.ihave) on_ihave(id, peer, one, now);
    }
    if (!rpc->control.iwant.empty()) on_iwant(id, peer, rpc->control.iwant, now);
    for (const auto& topic : rpc->control.graft) on_graft(id, peer, topic, now);
    for (auto& one : rpc->control.prune) on_prune(id, std::move(one), now);
    return {};
}

void Router::on_subscription(const PeerId& id, Peer& peer, const Subscription& one, Now now) {
    const auto in = topics_.find(one.topic);
    if (!one.subscribe) {
        if (peer.topics.erase(one.topic) == 0) return;
        const auto at = subscribers_.find(one.topic);
        at->second.erase(id);
        if (at->second.empty()) subscribers_.erase(at);
        if (in != topics_.end() && in->second.mesh.contains(id))
            drop_from_mesh(one.topic, in->second, id, "the peer left the topic", now);
        if (const auto fanout = fanout_.find(one.topic); fanout != fanout_.end())
            fanout->second.peers.erase(id);
        events_.push_back(Subscribed{id, one.topic, false});
        return;
    }
    // One that we are in ourselves is worth a place whatever else the peer named before.
    if (in == topics_.end()) {
        const bool wanted = !config_.topic_filter || config_.topic_filter(one.topic);
        if (!wanted || peer.topics.size() >= config_.limits.topics_per_peer_max) return;
    }
    if (!peer.topics.insert(one.topic).second) return;
    subscribers_[one.topic].insert(id);
    events_.push_back(Subscribed{id, one.topic, true});
    // A mesh that lacks peers does not wait for the heartbeat: the first message may come before.
    if (in != topics_.end() && in->second.mesh.size() < config_.mesh.d_low &&
        may_graft(one.topic, id, now))
        graft(one.topic, in->second, id, "the peer joined the topic", now);
}

// The mesh.

void Router::on_graft(const PeerId& id, Peer& peer, const std::string& topic, Now now) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return;  // an answer would be work for whoever invents topics
    auto& in = found->second;
    if (in.mesh.contains(id)) return;
    if (!peer.topics.contains(topic)) {
        // go grafts before its subscription is out; the graft says as much.
        on_subscription(id, peer, {true, topic}, now);
        if (!peer.topics.contains(topic) || in.mesh.contains(id)) return;
    }
    const auto refuse = [&](bool exchange) {
        back_offs_.add(topic, id, now.at + config_.prune_back_off);
        say_prune(topic, id, config_.prune_back_off, exchange, now);
    };
    if (peer.is_explicit) return refuse(false);
    if (back_offs_.holds(topic, id, now)) {
        scores_.on_misbehaviour(id, 1);
        // Our PRUNE has only just left: that it crossed with the GRAFT is no excuse for long.
        const auto flood = now.at + config_.prune_back_off - config_.graft_flood;
        if (back_offs_.holds(topic, id, {flood, now.wall})) scores_.on_misbehaviour(id, 1);
        return refuse(false);
    }
    if (scores_.score(id, now) < 0) return refuse(false);
    // One that we dialled comes in all the same: the next heartbeat makes the mesh smaller again.
    if (in.mesh.size() >= config_.mesh.d_high && !peer.info.outbound) return refuse(true);
    in.mesh.insert(id);
    scores_.on_grafted(id, topic, now);
    events_.push_back(Meshed{id, topic, true, "the peer grafted us"});
}

void Router::on_prune(const PeerId& id, Prune prune, Now now) {
    const auto found = topics_.find(prune.topic);
    if (found == topics_.end()) return;
    auto back_off = config_.prune_back_off;
    if (prune.back_off) {
        const auto max = std::chrono::duration_cast<std::chrono::seconds>(config_.back_off_max);
        const auto seconds = std::min(*prune.back_off, static_cast<std::uint64_t>(max.count()));
        back_off = std::chrono::seconds{seconds};
    }
    if (found->second.mesh.contains(id))
        drop_from_mesh(prune.topic, found->second, id, "the peer pruned us", now);
    back_offs_.add(prune.topic, id, now.at + back_off);
    if (prune.peers.empty() || !config_.exchange) return;
    if (scores_.score(id, now) < config_.thresholds.accept_exchange) return;
    if (prune.peers.size() > config_.limits.exchange_max)
        prune.peers.resize(config_.limits.exchange_max);
    events_.push_back(Offered{id, std::move(prune.topic), std::move(prune.peers)});
}

// Gossip about messages.

void Router::on_ihave(const PeerId& id, Peer& peer, const IHave& ihave, Now now) {
    if (!topics_.contains(ihave.topic)) return;
    if (!peer.is_explicit && scores_.score(id, now) < config_.thresholds.gossip) return;
    std::set<MessageId> wanted;
    for (const auto& one : ihave.ids) {
        if (!seen_.contains(one) && !intake_.contains(one) && !ignored_.contains(one))
            wanted.insert(one);
    }
    std::vector<MessageId> ask{wanted.begin(), wanted.end()};
    // So that whoever names more than we ask for does not choose what we ask for.
    rng_.shuffle(std::span{ask});
    const auto left = config_.limits.ids_asked_per_heartbeat - peer.asked;
    if (ask.size() > left) ask.resize(left);
    if (ask.empty()) return;
    peer.asked += ask.size();
    // One of them, drawn by lot, is watched.
    for (const auto& one : ask) peer.outbox.iwant(one, &one == &ask.front());
    senders_.insert(id);
}

void Router::on_iwant(const PeerId& id, Peer& peer, const std::vector<MessageId>& ids, Now now) {
    if (!peer.is_explicit && scores_.score(id, now) < config_.thresholds.gossip) return;
    for (const auto& one : ids) {
        const auto* const message = cache_.answer(one, id);
        if (message == nullptr) continue;
        peer.outbox.wanted(one);  // whatever it said before
        if (!count(peer.outbox.message(one, message->encoded, now))) break;
    }
    senders_.insert(id);
}

void Router::on_idontwant(Peer& peer, const std::vector<MessageId>& ids) {
    for (const auto& one : ids) {
        if (++peer.idontwants > config_.limits.idontwant_ids_per_heartbeat) return;
        peer.outbox.unwanted(one);
    }
}

// Messages.

Result<void> Router::check_policy(const Message& message) const {
    const auto fail = [](std::string_view what) {
        return Error{Errc::invalid, what, Error::kNowhere, {}};
    };
    if (config_.policy == SigningPolicy::strict_no_sign) {
        if (message.from || message.seqno || message.signature || message.key)
            return fail("a signed message where nobody signs");
        return {};
    }
    if (!message.from || !message.signature) return fail("a message without author or signature");
    // So that ids are short, and what waits for its check is what it counts as.
    if (!PeerId::from_bytes(*message.from)) return fail("a message whose author is no peer id");
    if (message.signature->size() > kSignatureMax || (message.key && message.key->size() > kKeyMax))
        return fail("a message with a signature or key that is too long");
    if (!message.seqno || message.seqno->size() != 8)
        return fail("a message's number is not of 8 bytes");
    return {};
}

void Router::on_message(const PeerId& id, Peer& peer, Message message, Now now) {
    ++counters_.received;
    const auto in = topics_.find(message.topic);
    if (in == topics_.end()) {
        ++counters_.not_joined;
        return;
    }
    if (message.data && message.data->size() > in->second.config.data_size_max) {
        ++counters_.invalid;
        return scores_.on_invalid(id, message.topic);
    }
    if (!check_policy(message)) {
        ++counters_.invalid;
        return scores_.on_invalid(id, message.topic);
    }
    auto message_id = id_of(message.topic, message);
    // Whoever sent it needs no copy from us.
    if (peer.outbox.has_messages()) peer.outbox.unwanted(message_id);
    if (is_duplicate(id, message, message_id, now)) return;
    Intake::Entry entry{.message = std::make_shared<const Message>(std::move(message)),
                        .encoded = nullptr,
                        .id = std::move(message_id),
                        .from = id};
    entry.encoded = std::make_shared<const Bytes>(encode_message(*entry.message));
    promises_.kept(entry.id);
    if (intake_.find_same(entry.id, *entry.encoded) != nullptr) {
        ++counters_.duplicates;
        return intake_.add_copy(entry.id, *entry.encoded, id);
    }
    // Nobody honest has two messages of one name; two, because an author may be at fault.
    if (intake_.variants(entry.id, id) >= 2) return;
    const bool is_signed = config_.policy == SigningPolicy::strict_sign;
    entry.stage = is_signed ? Intake::Stage::unverified : Intake::Stage::verifying;
    const auto ticket = intake_.add(std::move(entry));
    if (!is_signed) to_application(ticket, now);
}

bool Router::is_duplicate(const PeerId& id, const Message& message, const MessageId& message_id,
                          Now now) {
    if (const auto seen = seen_.find(message_id)) {
        ++counters_.duplicates;
        if (seen->valid) {
            scores_.on_duplicate(id, message.topic, now.at - seen->at, now);
        } else {
            scores_.on_invalid(id, message.topic);
        }
        return true;
    }
    // Our own of more than two minutes ago is a loop, not news.
    const bool ours = message.from && std::ranges::equal(*message.from, self_.view());
    if (!ours && !ignored_.contains(message_id)) return false;
    ++counters_.duplicates;
    return true;
}

void Router::on_verified(Ticket ticket, bool right, Now now) {
    const auto* const entry = intake_.find(ticket);
    SENNIT_ASSERT(entry != nullptr && entry->stage == Intake::Stage::verifying);
    if (!right) {
        // The id is not remembered: the true message may still come.
        ++counters_.invalid;
        const auto forged = intake_.remove(ticket);
        scores_.on_invalid(forged.from, forged.message->topic);
        for (const auto& peer : forged.copies) scores_.on_invalid(peer, forged.message->topic);
        return;
    }
    to_application(ticket, now);
}

void Router::to_application(Ticket ticket, Now now) {
    {
        const auto* const entry = intake_.find(ticket);
        // Left meanwhile, or the same id was accepted with other bytes: an author who numbers two
        // messages alike is heard once.
        const auto topic = topics_.find(entry->message->topic);
        if (topic == topics_.end() || seen_.contains(entry->id) || ignored_.contains(entry->id)) {
            ++counters_.duplicates;
            intake_.remove(ticket);
            return;
        }
    }
    bool dropped = false;
    const auto* const entry =
        intake_.to_application(ticket, now.at + config_.decide_within, dropped);
    if (dropped) ++counters_.dropped_full;
    if (entry == nullptr) return;
    tell_unwanted(*entry);
    const bool ask = topics_.at(entry->message->topic).config.ask;
    events_.push_back(Received{ticket, entry->from, entry->id, entry->message, ask});
    if (!ask) accept(intake_.remove(ticket), now);
}

/// Only once it is verified: else a forged copy would keep the true one away from us.
void Router::tell_unwanted(const Intake::Entry& entry) {
    if (entry.encoded->size() < config_.idontwant_size) return;
    for (const auto& id : topics_.at(entry.message->topic).mesh) {
        auto& peer = peers_.at(id);
        if (id == entry.from || peer.info.version < Version::v1_2) continue;
        peer.outbox.idontwant(entry.id);
        senders_.insert(id);
    }
}

void Router::accept(Intake::Entry entry, Now now) {
    const auto& topic = entry.message->topic;
    if (!seen_.add(entry.id, true, now)) return;
    ++counters_.accepted;
    scores_.on_first_delivery(entry.from, topic, now);
    for (const auto& peer : entry.copies) scores_.on_duplicate(peer, topic, Duration::zero(), now);
    cache_.put({entry.id, topic, entry.encoded});
    auto to = receivers(topic, now);
    to.erase(entry.from);
    for (const auto& peer : entry.copies) to.erase(peer);
    if (entry.message->from) {
        if (const auto author = PeerId::from_bytes(*entry.message->from)) to.erase(*author);
    }
    for (const auto& peer : to) send(peer, entry.id, entry.encoded, now);
}

void Router::reject(const Intake::Entry& entry, Now now) {
    ++counters_.invalid;
    seen_.add(entry.id, false, now);
    scores_.on_invalid(entry.from, entry.message->topic);
    for (const auto& peer : entry.copies) scores_.on_invalid(peer, entry.message->topic);
}

std::set<PeerId> Router::receivers(const std::string& topic, Now now) const {
    auto out = mesh(topic);
    for (const auto& id : subscribers(topic)) {
        const auto& peer = peers_.at(id);
        const bool floods = peer.info.version == Version::floodsub &&
                            scores_.score(id, now) >= config_.thresholds.publish;
        if (peer.is_explicit || floods) out.insert(id);
    }
    return out;
}

std::set<PeerId> Router::own_receivers(const std::string& topic, Now now) {
    if (config_.flood_publish) {
        std::set<PeerId> out;
        for (const auto& id : subscribers(topic)) {
            if (peers_.at(id).is_explicit || scores_.score(id, now) >= config_.thresholds.publish)
                out.insert(id);
        }
        return out;
    }
    auto out = receivers(topic, now);
    if (topics_.contains(topic)) {
        // A mesh that is still thin would lose the message.
        if (out.size() < config_.mesh.d) {
            for (const auto& id : candidates(topic, out, config_.thresholds.publish, now)) {
                if (out.size() >= config_.mesh.d) break;
                out.insert(id);
            }
        }
        return out;
    }
    auto& fanout = fanout_[topic];
    fanout.until = now.at + config_.fanout_keep;
    for (const auto& id : candidates(topic, fanout.peers, config_.thresholds.publish, now)) {
        if (fanout.peers.size() >= config_.mesh.d) break;
        fanout.peers.insert(id);
    }
    out.insert(fanout.peers.begin(), fanout.peers.end());
    return out;
}

bool Router::send(const PeerId& id, const MessageId& message_id, const SharedBytes& encoded,
                  Now now) {
    auto& outbox = peers_.at(id).outbox;
    if (!outbox.wants(message_id)) return false;
    if (!count(outbox.message(message_id, encoded, now))) return false;
    senders_.insert(id);
    return true;
}

/// True if it was queued.
bool Router::count(Outbox::Queued queued) {
    switch (queued) {
        case Outbox::Queued::full: ++counters_.send_full; return false;
        case Outbox::Queued::too_large: ++counters_.send_too_large; return false;
        case Outbox::Queued::yes: break;
    }
    ++counters_.sent;
    return true;
}

}  // namespace sennit::libp2p::gossipsub
