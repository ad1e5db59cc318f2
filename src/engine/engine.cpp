// SPDX-License-Identifier: MIT
#include "engine/engine.hpp"

#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

using protocol::Verdict;

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // clang 14 wants it said

void on_received(Core& core, InstanceId instance, const protocol::Received& received) {
    const PeerRef peer{instance, received.peer};
    if (core.catching->on_answer(peer, received)) return;
    const auto receipt = received.receipt;
    const auto handled =
        std::visit(Overloaded{[&](const protocol::NewBlock& m) {
                                  return core.intake->offer(peer, receipt, m.block), true;
                              },
                              [&](const protocol::Votes& m) {
                                  return core.ballots->on_votes(peer, receipt, m), true;
                              },
                              [&](const protocol::Certificates& m) {
                                  return core.ballots->on_certificates(peer, receipt, m), true;
                              },
                              [&](const protocol::Evidences& m) {
                                  return core.reporter->on_evidence(peer, receipt, m), true;
                              },
                              [&](const protocol::Transactions& m) {
                                  return core.traffic->on_transactions(peer, receipt, m), true;
                              },
                              [&](const protocol::Status& m) {
                                  core.meeting->on_status(peer, m);
                                  core.settle(peer, receipt, Verdict::accept);
                                  return true;
                              },
                              [&](const protocol::Peers& m) {
                                  core.meeting->on_peers(peer, m);
                                  core.settle(peer, receipt, Verdict::accept);
                                  return true;
                              },
                              [](const auto&) { return false; }},
                   *received.message);
    if (handled || core.desk->on_request(peer, receipt, received.message)) return;
    // An original's news of its own chain, or an answer that came too late.
    core.settle(peer, receipt, Verdict::ignore);
}

void on_protocol(Core& core, FromProtocol& event) {
    const auto instance = event.instance;
    std::visit(
        Overloaded{
            [&](const protocol::PeerUp& o) {
                core.meeting->on_up({instance, o.peer}, o.facts);
            },
            [&](const protocol::PeerChanged& o) {
                core.meeting->on_changed({instance, o.peer}, o.facts);
            },
            [&](const protocol::PeerDown& o) {
                core.meeting->on_down({instance, o.peer}, o.why);
            },
            [&](const protocol::Found& o) { core.meeting->on_found(instance, o); },
            [&](const protocol::Unreachable& o) {
                core.peers.on_dial_failed(instance, o.address, core.now);
            },
            [&](const protocol::Received& o) { on_received(core, instance, o); },
            [&](const protocol::Misbehaved& o) { core.meeting->on_misbehaved(instance, o); },
            [&](const protocol::Ready& o) {
                core.sync.on_ready({instance, o.peer}, core.now);
                core.desk->on_ready({instance, o.peer});
            },
            [&](const protocol::Ended&) {},
            [&](const protocol::Check& o) {
                core.run(CheckSignatures{o.signatures},
                         [&core, instance, id = o.job](JobResult&& result) {
                             const auto found = core.instances.find(instance);
                             if (found == core.instances.end()) return;
                             found->second.protocol->handle(
                                 protocol::Checked{
                                     id, std::get<SignaturesChecked>(std::move(result)).verdicts},
                                 core.now);
                         });
            },
            [&](const protocol::Save& o) {
                Writer key;
                key.be(instance.value).text(o.key);
                chain::Batch batch;
                batch.put(chain::Column::saved, key.bytes(), o.value);
                core.store(std::move(batch), chain::Durability::synced,
                           [&core, instance, id = o.id] {
                               const auto found = core.instances.find(instance);
                               if (found != core.instances.end()) {
                                   found->second.protocol->handle(protocol::Saved{id}, core.now);
                               }
                           });
            },
            [](const CarrierOutput&) { SENNIT_ASSERT(false && "the driver's"); },
        },
        event.output);
}

}  // namespace

Engine::Engine(chain::Genesis genesis, BlockId genesis_id, Setup setup,
               std::optional<crypto::Ed25519Key> validator_key, Options options, Rng rng, Now now)
    : core_{std::make_unique<Core>(std::move(genesis), genesis_id, std::move(setup),
                                   std::move(validator_key), std::move(options), std::move(rng),
                                   now)} {}

Engine::~Engine() = default;

void Engine::attach(InstanceId instance, std::string name, protocol::Protocol& protocol, Now now) {
    core_->now = now;
    core_->instances[instance] = {std::move(name), &protocol};
    core_->chain_changed();
}

void Engine::add_bootstrap(InstanceId instance, const NetAddress& address) {
    core_->peers.add_bootstrap(instance, address);
}

void Engine::handle(Event event, Now now) {
    core_->now = now;
    if (core_->stopping && !std::holds_alternative<Stored>(event)) return;
    std::visit(Overloaded{[&](FromProtocol& e) { on_protocol(*core_, e); },
                          [&](JobDone& e) { core_->on_job(e.job, std::move(e.result)); },
                          [&](const Stored& e) { core_->on_stored(e.ticket); },
                          [&](Submit& e) { core_->traffic->on_submit(e.ticket, std::move(e.rlp)); },
                          [&](const Wake&) { core_->on_wake(); },
                          [&](const DiskFailed& e) { core_->halt("disk: " + e.why.text()); },
                          [&](const Shutdown&) { core_->shut_down(); }},
               event);
    if (!core_->stopping) core_->catching->drain();
}

std::optional<Action> Engine::poll() {
    if (core_->actions.empty()) {
        if (!core_->publish_due || core_->stopping) return {};
        core_->publish_due = false;
        return Publish{core_->make_view()};
    }
    auto action = std::move(core_->actions.front());
    core_->actions.pop_front();
    return action;
}

Instant Engine::deadline(Now now) const {
    core_->now = now;
    auto first = core_->peers.next_wake();
    const auto take = [&](std::optional<Instant> at) {
        if (at) first = std::min(first, *at);
    };
    take(core_->sync.deadline());
    take(core_->intake->deadline());
    take(core_->producer->deadline());
    take(core_->reporter->deadline());
    return first;
}

const mempool::Mempool& Engine::pool() const {
    return core_->pool;
}
const peers::Peers& Engine::peers() const {
    return core_->peers;
}
const validator::Validator* Engine::validator() const {
    return core_->validator ? &*core_->validator : nullptr;
}

std::vector<Engine::PeerLine> Engine::peer_lines() const {
    std::vector<PeerLine> lines;
    for (const auto& [peer, facts] : core_->meeting->facts()) {
        const auto* connected = core_->peers.find(peer);
        const auto instance = core_->instances.find(peer.instance);
        lines.push_back({peer, instance == core_->instances.end() ? "" : instance->second.name,
                         facts, connected ? connected->height : 0, core_->peers.score(peer),
                         std::string{peers::to_string(core_->peers.tier(peer))},
                         core_->peers.explain(peer)});
    }
    return lines;
}

ViewPtr Engine::view(Now now) const {
    core_->now = now;
    return core_->make_view();
}

void Engine::check_invariants() const {
    core_->tree.check_invariants();
    core_->votes.check_invariants();
    core_->pool.check_invariants();
    core_->peers.check_invariants();
    core_->sync.check_invariants();
    core_->inventory.check_invariants();
    core_->intake->check_invariants();
    core_->reporter->check_invariants();
    core_->desk->check_invariants();
    if (core_->validator) core_->validator->check_invariants();
}

}  // namespace sennit::engine
