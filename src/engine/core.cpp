// SPDX-License-Identifier: MIT
#include "engine/core.hpp"

#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

using protocol::Verdict;

validator::Validator::Options validator_options(const Options& options, const Setup& setup,
                                                const chain::Schedule& schedule, Now start) {
    // Before slot 1 no key can have signed anything. An empty database alone proves nothing: this
    // key may run elsewhere, or have run here before somebody cleared the disk.
    const bool first_start = setup.base->height.value == 0 && setup.layers.empty() &&
                             !setup.slashing &&
                             start.wall < from_unix_seconds(schedule.timestamp(Slot{1}));
    return {.empty_blocks = options.empty_blocks, .watch_first = !first_start};
}

}  // namespace

Core::Core(chain::Genesis genesis_, BlockId genesis_id_, Setup setup,
           std::optional<crypto::Ed25519Key> key, Options options_, Rng rng, Now start)
    : genesis{std::move(genesis_)},
      genesis_id{genesis_id_},
      schedule{genesis},
      options{std::move(options_)},
      tree{genesis, setup.base, setup.recent, {}},
      votes{genesis_id},
      pool{genesis, options.pool},
      peers{options.peers, rng.fork("peers")},
      sync{genesis, genesis_id, options.sync, rng.fork("sync")},
      intake{std::make_unique<Intake>(*this)},
      ballots{std::make_unique<Ballots>(*this)},
      traffic{std::make_unique<Traffic>(*this)},
      producer{std::make_unique<Producer>(*this)},
      reporter{std::make_unique<Reporter>(*this)},
      desk{std::make_unique<Desk>(*this)},
      catching{std::make_unique<Catching>(*this)},
      meeting{std::make_unique<Meeting>(*this)},
      now{start},
      head{setup.base},
      head_view{setup.view},
      base_view{setup.view},
      finality{setup.finality} {
    if (key) {
        validator.emplace(*std::move(key), genesis_id, schedule, setup.slashing,
                          validator_options(options, setup, schedule, start), start);
    }
    if (setup.peers) {
        if (auto restored = peers.restore(*setup.peers, start); !restored) {
            notify(Notify::Level::warning, "peer book not restored: " + restored.error().text());
        }
    }
    if (setup.base_certificate) (void)tree.certify(setup.base_certificate);
    for (const auto& layer : setup.layers) intake->restore(layer);
    sync.set_known([this](const BlockId& id) { return tree.find(id) != nullptr; });
    chain_changed();
    reporter->restore(std::move(setup.evidence));
    // Only now is the head what it was, and with it the accounts that the pool is held against.
    traffic->restore(std::move(setup.pool));
}

Core::~Core() = default;

void Core::run(Job job, Then then) {
    const JobId id{next_job_++};
    jobs_.emplace(id, std::move(then));
    const auto lane = lane_of(job);
    actions.emplace_back(Run{id, lane, std::move(job)});
}

void Core::on_job(JobId id, JobResult&& result) {
    auto found = jobs_.extract(id);
    if (found.empty() || stopping) return;
    if (const auto* error = std::get_if<Error>(&result)) return halt(error->text());
    found.mapped()(std::move(result));
}

void Core::store(chain::Batch batch, chain::Durability durability, std::function<void()> then) {
    const Ticket ticket{next_ticket_++};
    if (then) stores_.emplace(ticket, std::move(then));
    actions.emplace_back(Store{ticket, std::move(batch), durability});
}

void Core::on_stored(Ticket ticket) {
    auto found = stores_.extract(ticket);
    if (!found.empty() && !stopping) found.mapped()();
}

void Core::halt(std::string why) {
    if (stopping) return;
    stopping = true;
    actions.emplace_back(Halt{std::move(why)});
}

void Core::notify(Notify::Level level, std::string text) {
    actions.emplace_back(Notify{level, std::move(text)});
}

protocol::Protocol* Core::protocol_of(PeerRef peer) {
    const auto found = instances.find(peer.instance);
    return found == instances.end() ? nullptr : found->second.protocol;
}

void Core::settle(PeerRef peer, protocol::ReceiptId receipt, Verdict verdict) {
    if (auto* protocol = protocol_of(peer))
        protocol->handle(protocol::Settle{receipt, verdict}, now);
}

bool Core::send(PeerRef peer, const protocol::Outgoing& outgoing) {
    auto* protocol = protocol_of(peer);
    if (protocol == nullptr) return false;
    return protocol->send(std::span{&peer.peer, 1}, outgoing, now).refused.empty();
}

void Core::spread(const protocol::Outgoing& outgoing, std::optional<Digest> item,
                  const Wants& wants) {
    std::map<InstanceId, std::vector<PeerId>> receivers;
    std::map<InstanceId, std::vector<PeerId>> have;
    for (const auto& [peer, facts] : meeting->facts()) {
        if (item && inventory.knows(peer, *item)) {
            have[peer.instance].push_back(peer.peer);
        } else if (wants(peer, facts)) {
            receivers[peer.instance].push_back(peer.peer);
        }
    }
    for (auto& [id, instance] : instances) {
        if (instance.protocol->traits().fans_out) {
            // The protocol chooses receivers itself; what it has no word for it refuses.
            (void)instance.protocol->announce(outgoing, have[id], now);
            continue;
        }
        const auto& to = receivers[id];
        if (to.empty()) continue;
        const auto sent = instance.protocol->send(to, outgoing, now);
        if (!item) continue;
        for (const auto peer : to) {
            const bool refused = std::any_of(sent.refused.begin(), sent.refused.end(),
                                             [&](const auto& one) { return one.first == peer; });
            if (!refused) inventory.mark({id, peer}, *item);
        }
    }
}

void Core::judge(PeerRef peer, peers::Deed deed, std::string_view what) {
    const auto verdict = peers.on_deed(peer, deed, what, now);
    auto* protocol = protocol_of(peer);
    if (protocol == nullptr) return;
    protocol->handle(protocol::Score{peer.peer, verdict.score}, now);
    if (verdict.banned) {
        notify(Notify::Level::warning, "banned " + meeting->name_of(peer) + ": " + verdict.why);
        protocol->handle(protocol::Disconnect{peer.peer, "banned: " + verdict.why}, now);
    }
}

Slot Core::slot_now() const {
    const auto seconds = unix_seconds(now.wall);
    if (seconds < genesis.genesis_time) return Slot{0};
    return Slot{(seconds - genesis.genesis_time) / genesis.stake.slot_seconds};
}

std::optional<Instant> Core::at_wall(UnixTime time) const {
    // A day at most: beyond it a jump of the wall's clock is likelier than a wait.
    const auto wait = std::clamp<Duration>(time - now.wall, Duration{0}, std::chrono::hours{24});
    return now.at + wait;
}

void Core::chain_changed() {
    if (tree.fault() && !stopping) {
        notify(Notify::Level::error, "consensus fault: " + tree.fault()->what);
    }
    move_head();
    apply_finality();
    sync.on_local({tree.root().id == head->id ? head : tree.find(tree.root().id), head->id,
                   head->height, tree.certified_at(head->id)->slot},
                  now);
    publish_due = true;
    tell_protocols();
}

void Core::move_head() {
    const auto next = tree.head();
    if (next->id == head->id) return;
    std::vector<BlockPtr> left;
    std::vector<BlockPtr> joined;
    std::set<Address> touched;
    const auto step = [&](chain::FactsPtr& at, std::vector<BlockPtr>& blocks) {
        if (auto block = intake->block(at->id)) blocks.push_back(std::move(block));
        if (const auto* accounts = intake->touched(at->id))
            touched.insert(accounts->begin(), accounts->end());
        at = tree.find(at->parent);
    };
    auto from = head;
    auto to = next;
    while (from && to && from->id != to->id) {
        if (from->height > to->height) {
            step(from, left);
        } else {
            step(to, joined);
        }
    }
    head = next;
    if (auto view = intake->view(next->id)) head_view = std::move(view);
    traffic->on_reorg(left, joined, touched);
}

void Core::apply_finality() {
    // Both move the base, on another thread: what the tree says must be what is there.
    if (finalising_ || stopping || catching->appending()) return;
    const auto target = tree.to_apply();
    if (!target) return;
    finalising_ = true;
    run(FinaliseBlock{target->id}, [this, target](JobResult&& result) {
        finalising_ = false;
        auto& done = std::get<BlockFinalised>(result);
        layers_bytes = done.layers_bytes;
        if (!done.result) return halt("finality not applied: " + done.result.error().text());
        const auto dropped = tree.on_applied(target->id);
        intake->forget(dropped);
        intake->on_finalised(target->id);
        votes.prune(target->slot);
        if (done.view) base_view = done.view;
        if (head->id == target->id && done.view) head_view = done.view;
        chain_changed();
        meeting->tell_status();
        catching->append_next();
    });
}

void Core::tell_protocols() {
    auto view = std::make_shared<protocol::ChainView>();
    view->genesis = genesis_id;
    view->chain_id = genesis.chain_id;
    view->genesis_time = genesis.genesis_time;
    view->slot_seconds = static_cast<std::uint32_t>(genesis.stake.slot_seconds);
    view->status = meeting->our_status();
    const auto ref = [&](const chain::Facts& facts) {
        return protocol::BlockRef{facts.id, facts.height, facts.parent,
                                  schedule.timestamp(facts.slot)};
    };
    view->head = ref(*head);
    view->finalised = ref(tree.root());
    for (auto at = head; at && view->recent.size() < 256; at = tree.find(at->parent)) {
        view->recent.push_back(ref(*at));
        if (at->height.value == 0) break;
    }
    const auto sets = head->sets.at(std::max(head->slot, slot_now()));
    view->validators = sets.current;
    view->previous = sets.previous;
    for (auto& [id, instance] : instances) {
        instance.protocol->handle(protocol::Input{protocol::ChainViewPtr{view}}, now);
    }
}

void Core::rebase(chain::FactsPtr base, std::span<const chain::FactsPtr> between,
                  chain::StateViewPtr view) {
    const auto id = base->id;
    tree.rebase(base, between);
    intake->on_rebased();
    votes.prune(base->slot);
    head = std::move(base);
    head_view = base_view = std::move(view);
    chain_changed();
    intake->retry_children(id);
}

void Core::on_wake() {
    intake->on_wake();
    producer->on_wake();
    reporter->on_wake();
    meeting->on_wake();
    pool.on_time(now);
    if (auto error = sync.progress(now).error; error != sync_error_) {
        if (!error.empty()) notify(Notify::Level::warning, "sync: " + error);
        sync_error_ = std::move(error);
        publish_due = true;
    }
    if (const auto due = sync.deadline(); due && *due <= now.at) sync.on_deadline(now);
}

void Core::shut_down() {
    chain::Batch batch;
    batch.put(chain::Column::peers, as_bytes("book"), peers.save(now));
    store(std::move(batch), chain::Durability::synced);
    stopping = true;
}

ViewPtr Core::make_view() const {
    auto view = std::make_shared<View>();
    view->head = head;
    view->certified = tree.certified_at(head->id);
    view->finalised = tree.find(tree.root().id);
    view->state = head_view;
    view->base_state = base_view;
    view->states = intake->views();
    view->unfinalised = intake->unfinalised();
    view->finality = finality;
    for (auto at = head; at && at->height > tree.root().height; at = tree.find(at->parent)) {
        view->branch.emplace_back(at->height, at->id);
    }
    std::reverse(view->branch.begin(), view->branch.end());
    view->sync = sync.progress(now);
    view->peers = peers.size();
    view->pool_transactions = pool.size();
    view->pool_bytes = pool.bytes();
    if (tree.fault()) view->fault = tree.fault()->what;
    return view;
}

}  // namespace sennit::engine
