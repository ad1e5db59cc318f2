// SPDX-License-Identifier: MIT
#include "sim/world.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"

namespace sennit::sim {

namespace {

/// Nodes of a new chain are up before its first slot.
constexpr std::uint64_t kEarlySeconds = 2;

chain::Genesis make_genesis(const World::Options& options) {
    auto genesis = chain::fixture::genesis(options.stakes);
    genesis.stake.epoch_slots = options.epoch_slots;
    genesis.stake.unbonding_seconds = options.unbonding_seconds;
    return genesis;
}

}  // namespace

World::World(Options options)
    : options_{std::move(options)},
      rng_{options_.seed},
      chain_{make_genesis(options_)},
      scheduler_{from_unix_seconds(chain_.genesis().genesis_time - kEarlySeconds)},
      network_{scheduler_, options_.line, rng_.fork("network"),
               [this](HostId host, const CarrierInput& input) {
                   nodes_.at(host.value)->handle(input);
               }} {}

SimNode& World::add(NodeOptions options) {
    const HostId host{static_cast<std::uint32_t>(nodes_.size())};
    options.check_invariants = options_.check_invariants;
    options.state = options_.state;
    SimNode::Observer observer;
    observer.on_view = [this](HostId who) { on_view(who); };
    observer.on_notify = [this](HostId who, const engine::Notify& line) {
        if (line.level < engine::Notify::Level::warning) return;
        lines_.push_back("slot " + std::to_string(slot().value) + ", node " +
                         std::to_string(who.value) + ": " + line.text);
    };
    observer.on_halt = [this](HostId who, const std::string& why) {
        violations_.push_back("node " + std::to_string(who.value) + " halted: " + why);
    };
    nodes_.push_back(std::make_unique<SimNode>(
        host, chain_.genesis(), std::move(options), options_.costs, scheduler_, network_,
        rng_.fork("node " + std::to_string(host.value)), std::move(observer)));
    return *nodes_.back();
}

SimNode& World::add_validator(std::uint32_t number, Duration clock_skew) {
    NodeOptions options{
        .validator_key = chain::fixture::validator_key(number),
        .account = chain::fixture::account_key(number),
        .node_key = chain::fixture::node_key(static_cast<std::uint32_t>(nodes_.size())),
        .bootstrap = {},
        .clock_skew = clock_skew};
    for (const auto& other : nodes_) options.bootstrap.push_back(other->host());
    return add(std::move(options));
}

SimNode& World::add_observer(std::vector<HostId> bootstrap, std::optional<Checkpoint> trusted) {
    if (bootstrap.empty()) {
        for (const auto& other : nodes_) bootstrap.push_back(other->host());
    }
    return add({.validator_key = {},
                .account = {},
                .node_key = chain::fixture::node_key(static_cast<std::uint32_t>(nodes_.size())),
                .bootstrap = std::move(bootstrap),
                .trusted = trusted});
}

void World::start_validators() {
    for (std::uint32_t i = 0; i < options_.stakes.size(); ++i) add_validator(i).start();
}

void World::run_for(Duration time) {
    scheduler_.run_until(scheduler_.now().at + time);
}

void World::run_slots(std::uint64_t slots) {
    const auto seconds = slots * chain_.genesis().stake.slot_seconds;
    run_for(std::chrono::seconds{static_cast<std::int64_t>(seconds)});
}

void World::partition(const std::vector<std::vector<std::uint32_t>>& groups, Cut cut) {
    std::vector<std::vector<HostId>> hosts;
    for (const auto& group : groups) {
        auto& names = hosts.emplace_back();
        for (const auto host : group) names.emplace_back(host);
    }
    network_.partition(std::move(hosts), cut);
}

Slot World::slot() const {
    const auto& genesis = chain_.genesis();
    const auto seconds = unix_seconds(scheduler_.now().wall);
    if (seconds < genesis.genesis_time) return Slot{0};
    return Slot{(seconds - genesis.genesis_time) / genesis.stake.slot_seconds};
}

std::size_t World::heard(std::string_view text) const {
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(),
                      [&](const auto& line) { return line.find(text) != std::string::npos; }));
}

void World::on_view(HostId host) {
    const auto& node = *nodes_.at(host.value);
    const auto& view = node.view();
    if (view.fault) {
        violations_.push_back("node " + std::to_string(host.value) +
                              " sees a fault: " + *view.fault);
    }
    const auto at = scheduler_.now().at.time_since_epoch().count();
    if (heads_[host] != view.head->id) {
        heads_[host] = view.head->id;
        Writer entry;
        entry.hash(digest_).be(host.value).be(static_cast<std::uint64_t>(at)).hash(view.head->id);
        digest_ = crypto::keccak256(entry.bytes());
    }
    auto& checked = checked_up_to_[host];
    for (; checked < view.finalised->height; ++checked) {
        const auto id = chain::stored_id(node.store(), checked + 1);
        SENNIT_ASSERT(id.has_value());
        if (!*id) break;
        note_final(host, checked + 1, **id);
    }
}

void World::note_final(HostId host, Height height, const BlockId& id) {
    const auto [known, fresh] = final_.emplace(height, id);
    if (fresh || known->second == id) return;
    violations_.push_back("node " + std::to_string(host.value) + " finalised another block at " +
                          std::to_string(height.value));
}

}  // namespace sennit::sim
