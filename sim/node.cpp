// SPDX-License-Identifier: MIT
#include "sim/node.hpp"

#include <algorithm>

#include "chain/trust.hpp"
#include "protocol/registry.hpp"

namespace sennit::sim {

namespace {

constexpr InstanceId kInstance{1};
constexpr std::string_view kProtocol = "moderntensor";

Rng::Seed seed_from(Rng& rng) {
    Rng::Seed seed{};
    rng.fill(seed);
    return seed;
}

protocol::SavedValues saved_values(const chain::Store& store) {
    Writer prefix{16};
    prefix.be(kInstance.value);
    protocol::SavedValues saved;
    const auto scanned =
        store.scan(chain::Column::saved, prefix.bytes(), [&](BytesView key, BytesView value) {
            saved.emplace(as_text(key.subspan(prefix.size())), to_bytes(value));
            return true;
        });
    SENNIT_ASSERT(scanned.has_value());
    return saved;
}

}  // namespace

SimNode::SimNode(HostId host, const chain::Genesis& genesis, NodeOptions options, Costs costs,
                 Scheduler& scheduler, Network& network, Rng rng, Observer observer)
    : host_{host},
      genesis_{genesis},
      options_{std::move(options)},
      costs_{costs},
      scheduler_{scheduler},
      network_{network},
      rng_{std::move(rng)},
      observer_{std::move(observer)},
      store_{chain::make_memory_store()} {}

SimNode::~SimNode() = default;

Now SimNode::now() const {
    auto now = scheduler_.now();
    now.wall += std::chrono::duration_cast<UnixTime::duration>(options_.clock_skew);
    return now;
}

const engine::Engine& SimNode::engine() const {
    SENNIT_ASSERT(running());
    return *run_->engine;
}

void SimNode::start() {
    SENNIT_ASSERT(!running());
    ++runs_;
    run_ = std::make_unique<Run>();
    auto state = chain::State::open(*store_, genesis_, options_.state);
    SENNIT_ASSERT(state.has_value());
    run_->state = *std::move(state);
    SENNIT_ASSERT(
        chain::check_trust(genesis_, *store_, *run_->state->base(), options_.trusted, now().wall));
    auto setup = engine::load_setup(*run_->state, *store_);
    SENNIT_ASSERT(setup.has_value());

    protocol::Config config;
    config.listens = {Network::address_of(host_)};
    config.chain_id = genesis_.chain_id;
    config.genesis = run_->state->genesis_id();
    config.genesis_time = genesis_.genesis_time;
    config.slot_seconds = static_cast<std::uint32_t>(genesis_.stake.slot_seconds);
    config.agent = "sim/" + std::to_string(host_.value);
    auto made = protocol::find_protocol(kProtocol)->make(
        config, {options_.node_key}, Rng{seed_from(rng_)}, saved_values(*store_));
    SENNIT_ASSERT(made.has_value());
    run_->protocol = *std::move(made);
    engine::Options options;
    options.account = options_.account;
    options.sync.trusted = options_.trusted;
    options.layers_bytes_max = options_.state.layers_bytes_max;
    run_->engine = std::make_unique<engine::Engine>(genesis_, run_->state->genesis_id(),
                                                    *std::move(setup), options_.validator_key,
                                                    options, Rng{seed_from(rng_)}, now());
    view_ = run_->engine->view(now());
    run_->engine->attach(kInstance, std::string{kProtocol}, *run_->protocol, now());
    for (const auto peer : options_.bootstrap) {
        run_->engine->add_bootstrap(kInstance, Network::address_of(peer));
    }
    run_->protocol->handle(protocol::Start{}, now());
    pump();
}

void SimNode::stop() {
    SENNIT_ASSERT(running());
    run_->protocol->handle(protocol::Stop{}, now());
    pump();
    handle(engine::Shutdown{});
    while (!run_->unwritten.empty()) write_oldest();
    kill();
}

void SimNode::kill() {
    network_.drop_host(host_);
    run_.reset();
}

void SimNode::plan(Instant when, std::function<void()> event) {
    scheduler_.at(when, [this, run = runs_, event = std::move(event)] {
        if (running() && runs_ == run) event();
    });
}

void SimNode::handle(const CarrierInput& input) {
    if (!running() || (shouts_ && std::holds_alternative<LinkBytes>(input))) return;
    run_->protocol->handle(input, now());
    pump();
}

void SimNode::handle(engine::Event event) {
    run_->engine->handle(std::move(event), now());
    pump();
}

void SimNode::pump() {
    for (bool moved = true; moved;) {
        moved = false;
        while (auto output = run_->protocol->poll()) {
            moved = true;
            if (const auto* carrier = std::get_if<CarrierOutput>(&*output)) {
                network_.carry_out(host_, *carrier);
            } else {
                run_->engine->handle(engine::FromProtocol{kInstance, std::move(*output)}, now());
            }
        }
        while (auto action = run_->engine->poll()) {
            moved = true;
            carry_out(std::move(*action));
        }
    }
    if (options_.check_invariants) {
        run_->engine->check_invariants();
        run_->protocol->check_invariants();
    }
    arm();
}

void SimNode::carry_out(engine::Action action) {
    if (auto* run = std::get_if<engine::Run>(&action)) return carry_out(std::move(*run));
    if (auto* store = std::get_if<engine::Store>(&action)) return carry_out(std::move(*store));
    if (auto* answer = std::get_if<engine::Answer>(&action)) {
        answers_.emplace(answer->ticket, std::move(answer->result));
    } else if (auto* publish = std::get_if<engine::Publish>(&action)) {
        view_ = std::move(publish->view);
        observer_.on_view(host_);
    } else if (const auto* notify = std::get_if<engine::Notify>(&action)) {
        observer_.on_notify(host_, *notify);
    } else {
        observer_.on_halt(host_, std::get<engine::Halt>(action).why);
    }
}

void SimNode::carry_out(engine::Run run) {
    const auto start = scheduler_.now().at;
    // Workers finish in any order, the chain's thread in the order that it was asked.
    const bool chain = run.lane == engine::Lane::chain;
    const auto cost = chain ? costs_.chain : costs_.worker;
    const auto jitter = rng_.below(static_cast<std::uint64_t>(cost.count()) + 1);
    auto done = start + cost + Duration{static_cast<Duration::rep>(jitter)};
    if (chain) {
        done = std::max(start, run_->chain_free) + cost;
        run_->chain_free = done;
    } else if (costs_.workers > 0) {
        run_->workers_free.resize(costs_.workers);
        auto& free = *std::min_element(run_->workers_free.begin(), run_->workers_free.end());
        done = std::max(start, free) + (done - start);
        free = done;
    }
    auto job = std::make_shared<engine::Job>(std::move(run.job));
    plan(done, [this, id = run.id, job] {
        const engine::JobContext context{genesis_, run_->state->genesis_id(), *store_,
                                         *run_->state};
        handle(engine::JobDone{id, engine::run(*job, context)});
    });
}

void SimNode::carry_out(engine::Store store) {
    run_->unwritten.push_back(std::move(store));
    run_->disk_free = std::max(scheduler_.now().at, run_->disk_free) + costs_.disk;
    plan(run_->disk_free, [this] {
        if (!run_->unwritten.empty()) write_oldest();
    });
}

void SimNode::write_oldest() {
    const auto store = std::move(run_->unwritten.front());
    run_->unwritten.erase(run_->unwritten.begin());
    SENNIT_ASSERT(store_->write(store.batch, store.durability).has_value());
    handle(engine::Stored{store.ticket});
}

void SimNode::arm() {
    auto due = run_->engine->deadline(now());
    if (const auto at = run_->protocol->deadline()) due = std::min(due, *at);
    // As in the daemon: a deadline in the past must not spin.
    due = std::max(due, scheduler_.now().at + std::chrono::milliseconds{1});
    if (run_->armed && *run_->armed <= due) return;
    run_->armed = due;
    plan(due, [this, due] {
        if (run_->armed != due) return;
        run_->armed.reset();
        wake();
    });
}

void SimNode::wake() {
    ++wakes_;
    const auto due = run_->protocol->deadline();
    if (due && *due <= scheduler_.now().at) run_->protocol->handle(protocol::Deadline{}, now());
    if (run_->engine->deadline(now()) <= scheduler_.now().at) {
        run_->engine->handle(engine::Wake{}, now());
    }
    pump();
}

Amount SimNode::balance(const Address& address) const {
    const auto account = view_->state->account(address);
    SENNIT_ASSERT(account.has_value());
    return account->value_or(Account{}).balance;
}

std::optional<validator::SlashingRecord> SimNode::slashing_record() const {
    const auto row = store_->get(chain::Column::validator, as_bytes("record"));
    SENNIT_ASSERT(row.has_value());
    if (!*row) return {};
    const auto record = validator::decode_slashing_record(**row);
    SENNIT_ASSERT(record.has_value());
    return *record;
}

engine::Ticket SimNode::submit(const TransactionPtr& tx) {
    const engine::Ticket ticket{next_ticket_++};
    handle(engine::Submit{ticket, tx->rlp});
    return ticket;
}

void SimNode::say(const protocol::MessagePtr& message) {
    std::vector<PeerId> peers;
    for (const auto& line : run_->engine->peer_lines()) peers.push_back(line.ref.peer);
    say(peers, message);
}

void SimNode::say(HostId to, const protocol::MessagePtr& message) {
    std::vector<PeerId> peers;
    for (const auto& line : run_->engine->peer_lines()) {
        if (line.facts.address == Network::address_of(to)) peers.push_back(line.ref.peer);
    }
    SENNIT_ASSERT(peers.size() == 1);
    say(peers, message);
}

void SimNode::say(std::span<const PeerId> peers, const protocol::MessagePtr& message) {
    const protocol::Outgoing outgoing{message, protocol::Priority::urgent, {}, {}, {}, {}};
    (void)run_->protocol->send(peers, outgoing, now());
    pump();
}

void SimNode::shout(const Bytes& frames) {
    shouts_ = true;
    for (const auto& line : run_->engine->peer_lines()) {
        const auto bytes = std::make_shared<const Bytes>(frames);
        network_.carry_out(host_, CarrierOutput{Transmit{*line.facts.link, bytes, {}, 0}});
    }
}

const Result<TxId>* SimNode::answer(engine::Ticket ticket) const {
    const auto found = answers_.find(ticket);
    return found == answers_.end() ? nullptr : &found->second;
}

}  // namespace sennit::sim
