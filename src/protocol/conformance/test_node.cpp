// SPDX-License-Identifier: MIT
#include "protocol/conformance/test_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sennit::protocol::conformance {

TestNode::TestNode(std::string name, std::unique_ptr<Protocol> protocol, TestChain chain)
    : judge{[](const Inbound&) { return Verdict::accept; }},
      name_{std::move(name)},
      protocol_{std::move(protocol)},
      chain_{std::move(chain)} {}

ChainViewPtr TestNode::view() const {
    auto view = std::make_shared<ChainView>();
    view->genesis = chain_.block(0)->id;
    view->chain_id = kTestChainId;
    view->genesis_time = kTestGenesisTime;
    view->slot_seconds = kTestSlotSeconds;
    view->status = chain_.status();
    view->head = chain_.ref(chain_.length());
    view->finalised = view->head;
    for (std::size_t i = 0; i <= chain_.length() && i < 256; ++i) {
        view->recent.push_back(chain_.ref(chain_.length() - i));
    }
    view->validators = std::make_shared<const ValidatorSet>();
    view->candidates = candidates_;
    return view;
}

void TestNode::handle(const Input& input, Now now) {
    protocol_->handle(input, now);
    protocol_->check_invariants();
}

Sent TestNode::send(PeerId peer, Outgoing outgoing, Now now) {
    auto sent = protocol_->send({&peer, 1}, outgoing, now);
    protocol_->check_invariants();
    return sent;
}

void TestNode::publish(MessagePtr message, Now now, Priority priority) {
    Outgoing outgoing;
    outgoing.message = message;
    outgoing.priority = priority;
    if (protocol_->traits().fans_out) {
        const auto announced = protocol_->announce(outgoing, {}, now);
        EXPECT_TRUE(announced) << announced.error().text();
        return;
    }
    std::vector<PeerId> receivers;
    for (const auto& [peer, facts] : peers_) {
        if (facts.traits.says.has(kind_of(*message))) receivers.push_back(peer);
    }
    const auto sent = protocol_->send(receivers, outgoing, now);
    EXPECT_TRUE(sent.refused.empty()) << to_string(sent.refused.front().second);
    protocol_->check_invariants();
}

void TestNode::settle(ReceiptId receipt, Verdict verdict, Now now) {
    ASSERT_EQ(unsettled.erase(receipt), 1u);
    handle(Settle{receipt, verdict}, now);
}

std::optional<Output> TestNode::poll(Now now) {
    while (auto output = protocol_->poll()) {
        protocol_->check_invariants();
        if (std::holds_alternative<CarrierOutput>(*output) ||
            std::holds_alternative<Check>(*output) || std::holds_alternative<Save>(*output)) {
            return output;
        }
        if (auto* up = std::get_if<PeerUp>(&*output)) on(*up);
        if (auto* changed = std::get_if<PeerChanged>(&*output)) on(*changed);
        if (auto* down = std::get_if<PeerDown>(&*output)) on(*down);
        if (auto* item = std::get_if<Received>(&*output)) on(*item, now);
        if (auto* item = std::get_if<Found>(&*output)) found.push_back(std::move(*item));
        if (auto* item = std::get_if<Unreachable>(&*output)) unreachable.push_back(*item);
        if (auto* item = std::get_if<Misbehaved>(&*output)) {
            EXPECT_TRUE(!item->peer || peers_.contains(*item->peer)) << "blamed after PeerDown";
            misbehaved.push_back(std::move(*item));
        }
        if (auto* item = std::get_if<Ended>(&*output)) ended.push_back(*item);
        if (auto* item = std::get_if<Ready>(&*output)) {
            EXPECT_TRUE(peers_.contains(item->peer)) << "Ready of a peer that is not up";
            ready.push_back(item->peer);
        }
    }
    return std::nullopt;
}

void TestNode::on(PeerUp& up) {
    EXPECT_GT(up.peer.value, last_peer_) << "a peer's handle was used before";
    last_peer_ = up.peer.value;
    peers_.emplace(up.peer, std::move(up.facts));
}

void TestNode::on(PeerChanged& changed) {
    EXPECT_TRUE(peers_.contains(changed.peer)) << "PeerChanged of a peer that is not up";
    peers_[changed.peer] = std::move(changed.facts);
}

void TestNode::on(PeerDown& down) {
    EXPECT_EQ(peers_.erase(down.peer), 1u) << "PeerDown of a peer that is not up";
    downs.push_back(std::move(down));
}

void TestNode::on(Received& item, Now now) {
    EXPECT_TRUE(peers_.contains(item.peer)) << "received from a peer that is not up";
    EXPECT_TRUE(receipts_.insert(item.receipt).second) << "a receipt was used twice";
    EXPECT_TRUE(item.message != nullptr);
    unsettled.insert(item.receipt);
    received.push_back({item.peer, item.receipt, std::move(item.message), item.answers});
    const auto inbound = received.back();
    if (serves && !forms_of(*inbound.message).empty()) serve(inbound, now);
    if (const auto verdict = judge(inbound)) settle(inbound.receipt, *verdict, now);
}

void TestNode::serve(const Inbound& inbound, Now now) {
    auto message = answer(*inbound.message);
    if (!message) return;
    Outgoing outgoing;
    outgoing.message = std::move(message);
    outgoing.priority = Priority::bulk;
    outgoing.answers = inbound.receipt;
    send(inbound.peer, std::move(outgoing), now);
}

MessagePtr TestNode::answer(const Message& request) const {
    const auto end = chain_.length() + 1;
    const auto last = [&](Height from, std::uint32_t max) {
        return std::min<std::size_t>(end, from.value + max);
    };
    if (const auto* ask = std::get_if<GetHeaders>(&request)) {
        const auto* from = std::get_if<Height>(&ask->from);
        if (from == nullptr || ask->newest_first) return nullptr;
        Headers headers;
        for (auto h = from->value; h < last(*from, ask->max); ++h) {
            headers.headers.push_back(chain_.wire_header(h));
        }
        return make_message(std::move(headers));
    }
    if (const auto* ask = std::get_if<GetBlockIds>(&request)) {
        BlockIds ids{ask->from, {}};
        for (auto h = ask->from.value; h < last(ask->from, ask->max); ++h) {
            ids.ids.push_back(chain_.block(h)->id);
        }
        return make_message(std::move(ids));
    }
    if (const auto* ask = std::get_if<GetBlocks>(&request)) {
        Blocks blocks;
        if (const auto* range = std::get_if<BlockRange>(&ask->what)) {
            for (auto h = range->from.value; h < last(range->from, range->max); ++h) {
                blocks.blocks.push_back(chain_.wire(h));
            }
        } else {
            for (const auto& id : std::get<std::vector<BlockId>>(ask->what)) {
                const auto* block = chain_.find(id);
                if (block == nullptr) break;
                blocks.blocks.push_back(chain_.wire((*block)->height().value));
            }
        }
        return make_message(std::move(blocks));
    }
    if (const auto* ask = std::get_if<GetBodies>(&request)) {
        Bodies bodies;
        for (const auto& id : ask->ids) {
            const auto* block = chain_.find(id);
            if (block == nullptr) break;
            Bodies::Body body{id, {}};
            for (const auto& tx : (*block)->transactions) body.transactions.emplace_back(tx);
            bodies.bodies.push_back(std::move(body));
        }
        return make_message(std::move(bodies));
    }
    if (std::holds_alternative<GetPeers>(request)) {
        Peers known;
        for (const auto& [peer, facts] : peers_) {
            known.peers.push_back({facts.address, facts.identity.id});
        }
        return make_message(std::move(known));
    }
    return nullptr;
}

std::optional<PeerId> TestNode::any_peer() const {
    if (peers_.empty()) return std::nullopt;
    return peers_.begin()->first;
}

std::set<TxId> TestNode::transaction_ids() const {
    std::set<TxId> ids;
    for (const auto& message : all<Transactions>()) {
        for (const auto& tx : message.transactions) ids.insert(tx.id());
    }
    return ids;
}

}  // namespace sennit::protocol::conformance
