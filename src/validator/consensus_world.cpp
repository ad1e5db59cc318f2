// SPDX-License-Identifier: MIT
#include "validator/consensus_world.hpp"

#include <algorithm>

namespace sennit::validator::sim {

namespace {

using Tree = chain::Tree;
using What = chain::Votes::Admission::What;

void mix(std::uint64_t& trace, std::uint64_t value) {
    trace = (trace ^ value) * 0x100000001b3u;
    trace ^= trace >> 29;
}
std::uint64_t low(const BlockId& id) {
    return std::hash<BlockId>{}(id);
}

std::vector<std::uint64_t> stakes(const Options& options) {
    return std::vector<std::uint64_t>(options.members, 4);
}

}  // namespace

Node::Node(std::size_t number_, const BlockMaker& maker, const crypto::Ed25519Key& key, Now now)
    : number{number_},
      tree{maker.genesis(), maker.root(), {}, {}},
      votes{maker.root()->id},
      validator{key,
                maker.root()->id,
                maker.schedule(),
                std::nullopt,
                {.empty_blocks = true, .watch_first = false},
                now} {}

World::World(const Options& options)
    : options_{options},
      maker_{stakes(options), options.strangers},
      delays_{Rng{options.seed}.fork("delays")} {
    maker_.genesis().stake.epoch_slots = options.epoch_slots;
    for (std::uint32_t i = 0; i < validators(); ++i) {
        keys_.push_back(chain::fixture::validator_key(i).public_key<ValidatorKey>());
        accounts_.push_back(chain::fixture::account_key(i).address());
    }
    now_ = from_unix_seconds(maker_.genesis().genesis_time);
    auto rng = Rng{options.seed}.fork("world");
    // Below a third of version 0, the rest of the adversary's among those who may enter.
    for (std::uint32_t i = 0; i < options.adversaries; ++i) {
        const bool member = 3 * (i + 1) < options.members;
        bad_.insert(member ? i : options.members + options.strangers - 1 - i);
    }
    for (std::size_t i = 0; i < validators(); ++i) {
        half_.push_back(rng.chance(1, 2));
        offsets_.push_back(delay_bound() / 10 * static_cast<std::int64_t>(rng.below(100)) / 100);
        const bool off = i < options.members && i + options.offline >= options.members;
        nodes_.push_back(nullptr);
        if (bad_.contains(i) || off) continue;
        nodes_.back() =
            std::make_unique<Node>(i, maker_, maker_.key(keys_[i]), Now{Instant{}, now_});
        schedule(now_, {.kind = Event::Kind::wake, .node = i});
    }
    if (bad_.empty()) return;
    adversary_ = std::make_unique<Adversary>(*this, bad_, Rng{options.seed}.fork("adversary"));
    schedule(now_ + slot_length(), {.kind = Event::Kind::adversary});
}

WallTimeline::duration World::slot_length() const {
    return std::chrono::seconds{static_cast<std::int64_t>(maker_.schedule().slot_seconds())};
}

UnixTime World::start_of(Slot slot) const {
    return from_unix_seconds(maker_.schedule().timestamp(slot));
}

UnixTime World::arrival(std::size_t from, std::size_t to) {
    // Clocks differ by up to D/10, so that 0.8 D leaves a margin.
    const auto short_delay = delay_bound() * 8 / 10;
    const auto some = [this](WallTimeline::duration up_to) {
        return WallTimeline::duration{
            static_cast<std::int64_t>(delays_.below(static_cast<std::uint64_t>(up_to.count())))};
    };
    for (const auto& [first, last] : options_.asynchrony) {
        const auto end = start_of(Slot{last});
        if (now_ < start_of(Slot{first}) || now_ >= end) continue;
        const bool apart = options_.partitioned && half_[from] != half_[to];
        if (apart) return end + some(short_delay);
        if (options_.partitioned || delays_.chance(1, 3)) continue;
        return now_ + some(end - now_) + some(short_delay);
    }
    return now_ + some(short_delay);
}

void World::schedule(UnixTime at, Event event) {
    queue_.emplace(std::pair{std::max(at, now_), sequence_++}, std::move(event));
}

template <class Make>
void World::broadcast(std::size_t from, Make&& make) {
    for (const auto& node : nodes_) {
        if (node == nullptr || node->number == from) continue;
        auto event = make();
        event.node = node->number;
        event.from = from;
        schedule(arrival(from, event.node), std::move(event));
    }
}

Outcome World::run() {
    const auto end = start_of(Slot{options_.slots});
    while (!queue_.empty() && queue_.begin()->first.first < end) {
        const auto [at, event] = *queue_.begin();
        queue_.erase(queue_.begin());
        now_ = at.first;
        handle(event);
    }
    outcome_.finalised = ~std::uint64_t{0};
    outcome_.height = ~std::uint64_t{0};
    for (const auto& node : nodes_) {
        if (node == nullptr) continue;
        outcome_.finalised = std::min(outcome_.finalised, node->tree.root().slot.value);
        outcome_.height = std::min(outcome_.height, node->tree.head()->height.value);
        node->tree.check_invariants();
        node->votes.check_invariants();
    }
    outcome_.blocks_final = finalised_.size();
    outcome_.versions = sets_.empty() ? 0 : sets_.rbegin()->first;
    check_votes();
    check_light_client();
    return outcome_;
}

void World::handle(const Event& event) {
    mix(outcome_.trace, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    mix(outcome_.trace, event.node * 8 + static_cast<std::uint64_t>(event.kind));
    if (event.kind == Event::Kind::adversary) {
        const auto elapsed = now_ - start_of(Slot{0});
        const Slot slot{static_cast<std::uint64_t>(elapsed / slot_length())};
        schedule(start_of(slot + 1), event);
        watch_finality();
        return adversary_->on_slot(slot);
    }
    auto& node = *nodes_[event.node];
    switch (event.kind) {
        case Event::Kind::wake: on_wake(node); break;
        case Event::Kind::block:
            mix(outcome_.trace, low(event.block->id));
            on_block(node, event.block, event.from);
            break;
        case Event::Kind::vote: on_vote(node, *event.vote); break;
        case Event::Kind::ask:
            if (const auto held = node.blocks.find(event.id); held != node.blocks.end()) {
                schedule(arrival(node.number, event.from), {.kind = Event::Kind::block,
                                                            .node = event.from,
                                                            .from = node.number,
                                                            .block = held->second});
            }
            break;
        case Event::Kind::adversary: break;
    }
    settle(node);
    // Counting everything after each event would take most of the time.
    if (sequence_ % 16 == 0) {
        node.tree.check_invariants();
        node.votes.check_invariants();
        node.validator.check_invariants();
    }
}

void World::on_wake(Node& node) {
    const auto time = local(node.number);
    const auto duty = node.validator.on_time(time, node.tree, false);
    const auto next = node.validator.next_wake(time);
    schedule(now_ + (next - time), {.kind = Event::Kind::wake, .node = node.number});
    if (duty) {
        const auto block =
            propose(*duty->parent, duty->slot, *duty->justified, duty->certificate, node.number, 0);
        const auto signature = node.validator.sign_proposal(block->header, duty->slot);
        SENNIT_ASSERT(signature && signature->signature == block->header.signature);
        const auto [mine, first] =
            honest_blocks_.emplace(std::pair{node.number, duty->slot}, block->id);
        if (!first) broke("an honest leader made two blocks");
        if (adversary_) adversary_->on_block(block);
        broadcast(node.number, [&] { return Event{.kind = Event::Kind::block, .block = block}; });
        on_block(node, block, node.number);
    }
    // Blocks that came early were executed and wait for their slot.
    if (const auto slot = maker_.schedule().slot_of(unix_seconds(time))) {
        for (const auto& block : node.tree.executed_at(*slot)) cast(node, block);
    }
}

SimBlockPtr World::propose(const chain::Facts& parent, Slot slot, const chain::Facts& justified,
                           const CertificatePtr& certificate, std::size_t author,
                           std::uint64_t salt) {
    SimBlock block;
    block.header =
        maker_.header(parent, slot, justified, certificate ? certificate->bitmap : Bytes{}, salt);
    block.id = header_id(block.header);
    block.slot = slot;
    block.certificate = certificate;
    block.author = author;
    authors_.emplace(block.id, author);
    return std::make_shared<const SimBlock>(std::move(block));
}

void World::on_block(Node& node, const SimBlockPtr& block, std::size_t from) {
    if (node.tree.standing(block->id) != Tree::Standing::unknown) return;
    const auto opens = start_of(block->slot) - delay_bound() / 2;
    if (local(node.number) < opens) {
        return schedule(
            now_ + (opens - local(node.number)),
            {.kind = Event::Kind::block, .node = node.number, .from = from, .block = block});
    }
    if (block->slot <= node.tree.root().slot) return;
    const auto& parent = block->header.previous_hash;
    if (node.tree.standing(parent) == Tree::Standing::unknown) {
        node.orphans[parent][block->id] = block;
        node.wanted.insert(parent);
        return ask(node, parent, from);
    }
    std::vector<SimBlockPtr> open{block};
    while (!open.empty()) {
        const auto next = open.back();
        open.pop_back();
        accept(node, next);
        if (node.tree.standing(next->id) == Tree::Standing::unknown) continue;
        const auto waiting = node.orphans.find(next->id);
        if (waiting == node.orphans.end()) continue;
        for (const auto& [id, orphan] : waiting->second) open.push_back(orphan);
        node.orphans.erase(waiting);
    }
}

void World::ask(Node& node, const BlockId& id, std::size_t from) {
    if (!node.asked.emplace(id, from).second || from == node.number) return;
    if (nodes_[from] == nullptr) return;  // the adversary answers nothing
    schedule(arrival(node.number, from),
             {.kind = Event::Kind::ask, .node = from, .from = node.number, .id = id});
}

void World::accept(Node& node, const SimBlockPtr& block) {
    if (!node.tree.holds(block->header.previous_hash)) return;
    if (node.tree.standing(block->id) != Tree::Standing::unknown) return;
    const auto parent = node.tree.find(block->header.previous_hash);
    const auto lookup = node.tree.lookup();
    const auto facts =
        chain::derive_facts(*parent, block->header, block->id, maker_.genesis(), lookup);
    if (!facts) return broke("facts: " + facts.error().text());
    if (chain::required_link(**facts, block->header, lookup)) {
        const auto fits =
            chain::check_companion(**facts, block->header, *block->certificate, lookup);
        if (!fits) return broke("companion: " + fits.error().text());
        const auto certified = node.tree.certify(block->certificate);
        if (!certified) return broke("certify: " + certified.error().text());
    }
    const bool asked = node.wanted.contains(block->id) && !options_.refuse_third;
    if (const auto evidence = node.tree.double_proposal(**facts, block->header)) {
        ++outcome_.equivocations;
        if (!bad_.contains(block->author)) broke("evidence against an honest leader");
    }
    if (!node.tree.add(*facts, block->header,
                       asked ? Tree::Origin::wanted : Tree::Origin::relayed)) {
        return;
    }
    node.blocks.emplace(block->id, block);
    const auto done = execute(*facts, *parent);
    node.tree.on_executed(done);
    if (bad_.contains(block->author)) {
        broadcast(node.number, [&] { return Event{.kind = Event::Kind::block, .block = block}; });
    }
    cast(node, done);
    for (const auto& vote : node.votes.take_waiting(block->id)) on_vote(node, vote);
}

void World::cast(Node& node, const FactsPtr& block) {
    if (block == nullptr) return;
    const auto vote = node.validator.vote_for(*block, node.tree, local(node.number));
    if (!vote) return;
    honest_votes_[node.number].push_back(vote->vote.link);
    if (adversary_) adversary_->on_vote(vote->vote);
    const auto shared = std::make_shared<const Vote>(vote->vote);
    broadcast(node.number, [&] { return Event{.kind = Event::Kind::vote, .vote = shared}; });
    on_vote(node, vote->vote);
}

void World::on_vote(Node& node, const Vote& vote) {
    const auto elapsed =
        std::max(local(node.number) - start_of(Slot{0}), WallTimeline::duration{0});
    const Slot slot{static_cast<std::uint64_t>(elapsed / slot_length())};
    const auto admission = node.votes.admit(vote, node.tree, slot);
    // A node that lags behind a set change does not know an entrant's key: not_found.
    const auto code = admission.why.code;
    if (admission.what == What::refused && code != Errc::busy && code != Errc::not_found) {
        broke("vote refused: " + admission.why.text());
    }
    if (admission.what != What::verify) return;
    // Nobody here forges; one in 64 is checked so that the messages are known to be the signed
    // ones.
    if (++sequence_ % 64 == 0 &&
        !crypto::ed25519_verify(vote.key.view(), admission.message, vote.signature.view())) {
        broke("a vote's signature does not hold");
    }
    count(node, vote);
}

void World::count(Node& node, const Vote& vote) {
    const auto added = node.votes.add(vote, node.tree);
    const auto number =
        static_cast<std::size_t>(std::find(keys_.begin(), keys_.end(), vote.key) - keys_.begin());
    if (added.equivocation) {
        ++outcome_.equivocations;
        if (!bad_.contains(number)) broke("evidence against an honest voter");
    }
    if (added.certificate) {
        const auto certified = node.tree.certify(added.certificate);
        if (!certified) broke("own certificate: " + certified.error().text());
    }
    if (added.fresh && bad_.contains(number)) {
        const auto shared = std::make_shared<const Vote>(vote);
        broadcast(node.number, [&] { return Event{.kind = Event::Kind::vote, .vote = shared}; });
    }
}

void World::settle(Node& node) {
    if (node.tree.fault()) broke("fault: " + node.tree.fault()->what);
    for (const auto& link : node.tree.first_links()) {
        auto& first = links_[link->set_version];
        if (!first || link->link.target.slot < first->link.target.slot) first = link;
    }
    const auto to = node.tree.to_apply();
    if (to == nullptr) return;
    for (auto at = to; at->id != node.tree.root().id; at = node.tree.find(at->parent)) {
        const auto [known, fresh] = finalised_.emplace(at->height, at->id);
        if (known->second != at->id) broke("conflicting blocks are final");
        const auto& set = at->sets.current;
        const auto held = sets_.emplace(set->version, set).first;
        if (*held->second != *set) broke("two final sets of one version");
    }
    node.tree.on_applied(to->id);
    node.votes.prune(to->slot);
}

}  // namespace sennit::validator::sim
