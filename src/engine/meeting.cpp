// SPDX-License-Identifier: MIT
#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

using protocol::Verdict;

peers::Deed deed_of(protocol::Offence offence) {
    using protocol::Offence;
    switch (offence) {
        case Offence::framing:
        case Offence::malformed:
        case Offence::oversized:
        case Offence::forged: return peers::Deed::malformed;
        case Offence::unsolicited: return peers::Deed::wrong_answer;
        case Offence::flooding: return peers::Deed::spam;
        case Offence::silent: return peers::Deed::overdue;
        case Offence::rejected: return peers::Deed::wrong_answer;
    }
    return peers::Deed::malformed;
}

}  // namespace

void Meeting::on_up(PeerRef peer, const protocol::PeerFacts& facts) {
    peers::Identity identity{facts.identity.proven ? facts.identity.id : std::nullopt,
                             facts.address};
    peers::Peers::Connected connected{
        peer, identity, facts.address, facts.address, facts.inbound, core_.now.at, 0, {}, 1, 0};
    if (auto stays = core_.peers.on_up(connected, core_.now); !stays) {
        core_.protocol_of(peer)->handle(protocol::Disconnect{peer.peer, stays.error().text()},
                                        core_.now);
        return;
    }
    facts_[peer] = facts;
    core_.notify(Notify::Level::debug, "peer " + name_of(peer) +
                                           (facts.inbound ? " dialled us" : " was dialled") +
                                           (facts.traits.sennit ? "" : ", an original"));
    core_.producer->on_company();
    core_.publish_due = true;
    core_.sync.on_peer(peer, facts.traits, core_.now);
    if (facts.status) on_status(peer, *facts.status);
    if (facts.traits.sennit) {
        core_.send(
            peer,
            {protocol::make_message(our_status()), protocol::Priority::control, {}, {}, {}, {}});
        core_.reporter->tell(peer);
    }
}

void Meeting::on_changed(PeerRef peer, const protocol::PeerFacts& facts) {
    const auto known = facts_.find(peer);
    if (known == facts_.end()) return;
    const bool proven_now = facts.identity.proven && !known->second.identity.proven;
    const bool sennit_now = facts.traits.sennit && !known->second.traits.sennit;
    known->second = facts;
    core_.producer->on_company();
    if (proven_now && facts.identity.id) {
        if (auto stays = core_.peers.on_proven(peer, *facts.identity.id, core_.now); !stays) {
            core_.protocol_of(peer)->handle(protocol::Disconnect{peer.peer, stays.error().text()},
                                            core_.now);
            return;
        }
    }
    core_.sync.on_peer(peer, facts.traits, core_.now);
    if (facts.status) on_status(peer, *facts.status);
    if (sennit_now) {
        core_.send(
            peer,
            {protocol::make_message(our_status()), protocol::Priority::control, {}, {}, {}, {}});
        core_.reporter->tell(peer);
    }
}

std::string Meeting::name_of(PeerRef peer) const {
    const auto known = facts_.find(peer);
    if (known == facts_.end()) return "a peer that left";
    const auto& facts = known->second;
    return facts.address.text() + (facts.agent.empty() ? "" : " (" + facts.agent + ")");
}

void Meeting::on_down(PeerRef peer, const std::string& why) {
    // Also of one that was refused a place, and may have said something before it was gone.
    core_.inventory.forget(peer);
    core_.traffic->on_down(peer);
    core_.intake->on_down(peer);
    core_.desk->on_down(peer);
    core_.ballots->on_down(peer);
    if (!facts_.contains(peer)) return;
    core_.notify(Notify::Level::debug, "peer " + name_of(peer) + " left: " + why);
    facts_.erase(peer);
    core_.peers.on_down(peer, why, core_.now);
    core_.sync.on_peer_gone(peer, core_.now);
    core_.producer->on_company();
    core_.publish_due = true;
}

void Meeting::on_found(InstanceId instance, const protocol::Found& found) {
    std::optional<PeerRef> from;
    if (found.from) from = PeerRef{instance, *found.from};
    core_.peers.on_found(instance, found.address, from, core_.now);
}

void Meeting::on_misbehaved(InstanceId instance, const protocol::Misbehaved& what) {
    // A reject of ours comes back as an offence: it was scored where it was decided.
    if (what.offence == protocol::Offence::rejected || !what.peer) return;
    core_.judge({instance, *what.peer}, deed_of(what.offence),
                what.where + ": " + what.what.text());
}

void Meeting::on_status(PeerRef peer, const protocol::Status& status) {
    core_.peers.on_status(peer, status.head_height.value);
    core_.sync.on_status(peer, status, core_.now);
}

void Meeting::on_peers(PeerRef peer, const protocol::Peers& message) {
    for (const auto& one : message.peers)
        core_.peers.on_found(peer.instance, one.address, peer, core_.now);
}

void Meeting::on_wake() {
    const auto todo = core_.peers.on_time(core_.now);
    for (const auto& [instance, address] : todo.connect) {
        const auto found = core_.instances.find(instance);
        if (found != core_.instances.end()) {
            found->second.protocol->handle(protocol::Connect{address}, core_.now);
        }
    }
    for (const auto& peer : todo.ask_for_peers) {
        protocol::Outgoing ask{protocol::make_message(protocol::GetPeers{50}),
                               protocol::Priority::control,
                               {},
                               core_.next_request(),
                               {},
                               {}};
        core_.send(peer, ask);
    }
    for (const auto& [peer, why] : todo.disconnect) {
        if (auto* protocol = core_.protocol_of(peer)) {
            protocol->handle(protocol::Disconnect{peer.peer, why}, core_.now);
        }
    }
}

protocol::Status Meeting::our_status() const {
    protocol::Status status;
    status.chain_id = core_.genesis.chain_id;
    status.genesis = core_.genesis_id;
    status.head = core_.head->id;
    status.head_height = core_.head->height;
    const auto certified = core_.tree.certified_at(core_.head->id);
    status.certified = certified->checkpoint();
    status.certified_height = certified->height;
    const auto& root = core_.tree.root();
    status.finalised = root.checkpoint();
    status.finalised_height = root.height;
    status.set_version = root.sets.current->version;
    return status;
}

void Meeting::tell_status() {
    protocol::Outgoing news{
        protocol::make_message(our_status()), protocol::Priority::control, {}, {}, {}, {}};
    core_.spread(news, {},
                 [](PeerRef, const protocol::PeerFacts& peer) { return peer.traits.sennit; });
    const auto& root = core_.tree.root();
    protocol::BlockRef block{root.id, root.height, root.parent,
                             core_.schedule.timestamp(root.slot)};
    protocol::Outgoing announce{protocol::make_message(protocol::Announce{block}),
                                protocol::Priority::urgent,
                                {},
                                {},
                                {},
                                protocol::key_of(root.id)};
    core_.spread(announce, relay::item_of(root.id), [](PeerRef, const protocol::PeerFacts& peer) {
        return peer.traits.finalised_only && peer.traits.says.has(protocol::Kind::announce);
    });
}

}  // namespace sennit::engine
