// SPDX-License-Identifier: MIT
#include "protocol/conformance/suite.hpp"

#include <algorithm>

#include "protocol/conformance/skeletons/exchange_skeleton.hpp"
#include "protocol/conformance/skeletons/stream_skeleton.hpp"
#include "protocol/conformance/skeletons/topics_skeleton.hpp"

namespace sennit::protocol::conformance {
namespace {

Keys keys_of(std::size_t index) {
    crypto::Ed25519Key::Seed seed{};
    seed.fill(static_cast<std::uint8_t>(index + 1));
    return {crypto::Ed25519Key::from_seed(seed)};
}

NetAddress address_of(Carrier carrier, const std::string& host) {
    switch (carrier) {
        case Carrier::stream: return {"tcp", host, 0};
        case Carrier::datagram: return {"udp", host, 4403};
        case Carrier::exchange: return {"http", host, 9090};
        case Carrier::topics: break;
    }
    return {"mqtt", "broker.test", 1883};
}

}  // namespace

std::vector<Case> all_cases() {
    std::vector<Case> cases{{"stream_skeleton", Carrier::stream, make_stream_skeleton},
                            {"exchange_skeleton", Carrier::exchange, make_exchange_skeleton},
                            {"topics_skeleton", Carrier::topics, make_topics_skeleton}};
    for (const auto& entry : protocols()) {
        for (const auto carrier : entry.carriers) {
            cases.push_back({std::string{entry.name} + "_over_" + std::string{to_string(carrier)},
                             carrier, entry.make});
        }
    }
    return cases;
}

std::vector<Case> cases_of(Carrier carrier) {
    auto cases = all_cases();
    std::erase_if(cases, [&](const Case& item) { return item.carrier != carrier; });
    return cases;
}

void Suite::make_world(Faults faults, std::uint64_t seed) {
    nodes.clear();
    world = std::make_unique<TestWorld>(faults, seed);
}

TestNode& Suite::add_node(std::size_t chain_length, SavedValues saved) {
    const auto index = nodes.size();
    const auto host = world->host_of(index);
    TestChain chain{chain_length};
    Config config;
    config.listens = {address_of(GetParam().carrier, host)};
    config.chain_id = kTestChainId;
    config.genesis = chain.block(0)->id;
    config.genesis_time = kTestGenesisTime;
    config.slot_seconds = kTestSlotSeconds;
    config.agent = "conformance";
    auto protocol = GetParam().make(config, keys_of(index), Rng{index + 1}, saved);
    EXPECT_TRUE(protocol) << protocol.error().text();
    auto node = std::make_unique<TestNode>("node " + std::to_string(index), std::move(*protocol),
                                           std::move(chain));
    node->saved = std::move(saved);
    nodes.push_back(&world->add(std::move(node)));
    return *nodes.back();
}

void Suite::introduce() {
    world->run_for(std::chrono::milliseconds{100});
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        Candidate candidate;
        candidate.account.bytes.fill(static_cast<std::uint8_t>(i + 1));
        candidate.node_key = keys_of(i).node.public_key();
        candidate.stake = 100;
        candidate.addresses = {world->listening(*nodes[i]).value_or(
            address_of(GetParam().carrier, world->host_of(i)))};
        candidates.push_back(std::move(candidate));
    }
    for (auto* node : nodes) {
        node->set_candidates(candidates);
        world->input(*node, node->view());
    }
    if (GetParam().carrier == Carrier::stream) {
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            for (std::size_t j = i + 1; j < nodes.size(); ++j) {
                world->input(*nodes[i], Connect{*world->listening(*nodes[j])});
            }
        }
    }
    ASSERT_TRUE(run_until([&] {
        return std::ranges::all_of(
            nodes, [&](const auto* node) { return node->peers().size() + 1 == nodes.size(); });
    })) << "the nodes do not find each other";
    // Whatever is negotiated after PeerUp.
    world->run_for(std::chrono::seconds{3});
}

bool Suite::can(TestNode& node, Kind kind) {
    return node.peers().begin()->second.traits.says.has(kind);
}

MessagePtr Suite::ask(TestNode& client, Message request) {
    const RequestId id{++last_request_};
    Outgoing outgoing;
    outgoing.message = std::make_shared<const Message>(std::move(request));
    outgoing.priority = Priority::control;
    outgoing.asks = id;
    const auto sent = client.send(peer_of(client), outgoing, world->now());
    EXPECT_TRUE(sent.refused.empty());
    EXPECT_GT(sent.overdue, world->now().at);
    const auto answered = [&]() -> MessagePtr {
        for (const auto& inbound : client.received) {
            if (inbound.answers == id) return inbound.message;
        }
        return nullptr;
    };
    EXPECT_TRUE(run_until([&] { return answered() != nullptr; }, sent.overdue - world->now().at))
        << to_string(kind_of(*outgoing.message)) << " was not answered before it was overdue";
    return answered();
}

std::vector<BlockId> Suite::ask_ids(TestNode& client, Height from, std::uint32_t max) {
    const auto answer = ask(client, GetBlockIds{from, max});
    const auto* ids = answer ? std::get_if<BlockIds>(answer.get()) : nullptr;
    return ids != nullptr ? ids->ids : std::vector<BlockId>{};
}

std::vector<BlockId> Suite::sync(TestNode& client, std::size_t length) {
    const auto traits = client.peers().begin()->second.traits;
    const std::uint32_t max = std::clamp<std::uint32_t>(traits.blocks_max, 1, 16);
    const bool by_height = traits.answers.has(Form::blocks_by_height);
    const bool by_id = traits.answers.has_all({Form::ids_by_height, Form::blocks_by_id});
    std::vector<BlockId> ids;
    if (!by_height && !by_id) return ids;
    while (ids.size() < length) {
        const Height from{ids.size() + 1};
        GetBlocks wanted{BlockRange{from, max}};
        if (!by_height) wanted.what = ask_ids(client, from, max);
        const auto answer = ask(client, std::move(wanted));
        const auto* blocks = answer ? std::get_if<Blocks>(answer.get()) : nullptr;
        if (blocks == nullptr || blocks->blocks.empty()) break;
        for (const auto& block : blocks->blocks) ids.push_back(block.id());
    }
    return ids;
}

}  // namespace sennit::protocol::conformance
