// SPDX-License-Identifier: MIT
#include <algorithm>

#include "validator/consensus_world.hpp"

namespace sennit::validator::sim {

namespace {

using What = chain::Votes::Admission::What;
using WallDuration = WallTimeline::duration;

// How far back the adversary looks for parents and targets.
constexpr std::uint64_t kMemorySlots = 8;

}  // namespace

Adversary::Adversary(World& world, std::set<std::size_t> numbers, Rng rng)
    : world_{world},
      numbers_{std::move(numbers)},
      rng_{std::move(rng)},
      view_{*numbers_.begin(), world.maker(), world.maker().key(world.key_of(*numbers_.begin())),
            Now{Instant{}, world.now()}},
      habit_{rng_.below(4)} {}

void Adversary::on_slot(Slot slot) {
    const auto recent = [&](const FactsPtr& block) {
        return block && block->slot.value + kMemorySlots >= slot.value;
    };
    std::vector<FactsPtr> parents{view_.tree.head()};
    std::vector<FactsPtr> targets;
    for (const auto& [id, block] : view_.blocks) {
        const auto facts = view_.tree.find(id);
        if (!recent(facts) || view_.tree.standing(id) != chain::Tree::Standing::executed) continue;
        targets.push_back(facts);
        if (rng_.chance(1, 4)) parents.push_back(facts);
    }
    if (world_.options().only_parting) parents.resize(1);
    bool led = false;
    for (const auto& parent : parents) {
        const auto& leader = leader_of(*parent->sets.at(slot).current, slot).key;
        const auto leads = std::any_of(numbers_.begin(), numbers_.end(), [&](std::size_t number) {
            return world_.key_of(number) == leader;
        });
        if (!leads || parent->slot >= slot) continue;
        led = true;
        if (lead_slots_ >= world_.options().adversary_lead_slots_max) continue;
        if (world_.options().only_parting) {
            part(slot, parent);
        } else {
            propose(slot, parent);
        }
    }
    if (led) ++lead_slots_;
    if (world_.options().only_parting) return;
    // Votes for old targets, years too late for any honest voter.
    for (const auto& target : targets) {
        if (rng_.chance(1, 6)) vote_for(target);
    }
}

void Adversary::propose(Slot slot, const FactsPtr& parent) {
    auto justified = view_.tree.certified_at(parent->id);
    auto certificate = view_.tree.certificate(justified->id);
    const bool stale = rng_.chance(1, 3);
    if (stale || justified->slot <= parent->justified.slot || !certificate) {
        justified = view_.tree.find(parent->justified.id);
        certificate = nullptr;
    }
    if (!justified) return;
    const auto author = *numbers_.begin();
    const auto count = 1 + rng_.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
        send(world_.propose(*parent, slot, *justified, certificate, author, ++salt_));
    }
}

// To whom, and when: at once, split, at the edges of the windows in which votes are cast and heads
// are frozen, or kept for slots.
void Adversary::send(const SimBlockPtr& block) {
    const auto start = world_.start_of(block->slot);
    const auto bound = world_.delay_bound();
    const auto way = rng_.below(6);
    const auto late = rng_.below(6);
    for (const auto& node : world_.nodes()) {
        if (node == nullptr) continue;
        auto at = start + bound * static_cast<std::int64_t>(rng_.below(100)) / 100;
        if (way == 1 && rng_.chance(1, 2)) continue;
        if (way == 2)
            at = start + bound - WallDuration{static_cast<std::int64_t>(rng_.below(200'000))};
        if (way == 3) {
            if (rng_.chance(2, 3)) continue;
            at = start + world_.slot_length() * static_cast<std::int64_t>(late) - bound +
                 WallDuration{static_cast<std::int64_t>(rng_.below(200'000))} -
                 WallDuration{100'000};
        }
        if (way == 4) {
            if (rng_.chance(1, 2)) continue;
            at = start + world_.slot_length() * static_cast<std::int64_t>(late) -
                 WallDuration{static_cast<std::int64_t>(rng_.below(100'000))};
        }
        world_.schedule(at, {.kind = Event::Kind::block,
                             .node = node->number,
                             .from = block->author,
                             .block = block});
        if (way == 5) break;
    }
    on_block(block);
}

// Shows each honest node two blocks that no other has seen.
void Adversary::part(Slot slot, const FactsPtr& parent) {
    const auto justified = view_.tree.find(parent->justified.id);
    for (const auto& node : world_.nodes()) {
        if (node == nullptr) continue;
        for (int i = 0; i < 2; ++i) {
            const auto block =
                world_.propose(*parent, slot, *justified, nullptr, *numbers_.begin(), ++salt_);
            world_.schedule(world_.now(), {.kind = Event::Kind::block,
                                           .node = node->number,
                                           .from = block->author,
                                           .block = block});
            on_block(block);
        }
    }
}

void Adversary::on_block(const SimBlockPtr& block) {
    if (!view_.tree.holds(block->header.previous_hash)) return;
    const auto parent = view_.tree.find(block->header.previous_hash);
    const auto facts = chain::derive_facts(*parent, block->header, block->id,
                                           world_.maker().genesis(), view_.tree.lookup());
    if (!facts) return;
    if (block->certificate) (void)view_.tree.certify(block->certificate).has_value();
    if (!view_.tree.add(*facts, block->header, chain::Tree::Origin::wanted)) return;
    view_.blocks.emplace(block->id, block);
    const auto done = world_.execute(*facts, *parent);
    view_.tree.on_executed(done);
    if (world_.options().only_parting) return;
    if (habit_ == 0 || (habit_ < 3 && rng_.chance(1, 2))) vote_for(done);
    settle();
}

void Adversary::on_vote(const Vote& vote) {
    const auto admission = view_.votes.admit(vote, view_.tree, vote.link.target.slot);
    if (admission.what != What::verify) return;
    const auto added = view_.votes.add(vote, view_.tree);
    if (added.certificate) (void)view_.tree.certify(added.certificate).has_value();
    settle();
}

void Adversary::vote_for(const FactsPtr& target) {
    for (const auto number : numbers_) {
        if (!target->quorum->bit_of(world_.key_of(number))) continue;
        if (!view_.tree.find(target->justified.id)) return;  // finality went past it meanwhile
        const auto vote = world_.maker().vote(*target, world_.key_of(number), view_.tree.lookup());
        on_vote(vote);
        const auto shared = std::make_shared<const Vote>(vote);
        const auto slots = static_cast<std::int64_t>(rng_.below(5));
        for (const auto& node : world_.nodes()) {
            if (node == nullptr || rng_.chance(1, 2)) continue;
            const auto edge = world_.start_of(target->slot + 1) + world_.slot_length() * slots -
                              world_.delay_bound() -
                              WallDuration{static_cast<std::int64_t>(rng_.below(100'000))};
            world_.schedule(
                rng_.chance(1, 2) ? edge : world_.now(),
                {.kind = Event::Kind::vote, .node = node->number, .from = number, .vote = shared});
        }
    }
}

void Adversary::settle() {
    const auto to = view_.tree.to_apply();
    if (to == nullptr) return;
    view_.tree.on_applied(to->id);
    view_.votes.prune(to->slot);
}

}  // namespace sennit::validator::sim
