// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sim/world.hpp"

namespace sennit::sim {
namespace {

using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Slot> finalised_slots(const World& world) {
    std::vector<Slot> out;
    for (const auto& node : world.nodes()) {
        if (node->running()) out.push_back(node->finalised_slot());
    }
    return out;
}

void expect_finality(const World& world) {
    EXPECT_THAT(finalised_slots(world), Each(Ge(world.slot() - 3)));
}

void expect_honest(const World& world) {
    EXPECT_THAT(world.violations(), IsEmpty());
    EXPECT_EQ(world.heard("twice"), 0u);
    EXPECT_EQ(world.heard("against itself"), 0u);
    EXPECT_EQ(world.heard("another one runs the same key"), 0u);
}

TEST(World, four_validators_finalise_within_three_slots_of_the_clock) {
    World world;
    world.start_validators();
    for (int step = 0; step < 36; ++step) {
        world.run_slots(1);
        if (step >= 5) expect_finality(world);
    }
    for (const auto& node : world.nodes()) {
        EXPECT_EQ(node->peers(), 3u);
        EXPECT_GE(node->head_height().value + 1, world.slot().value) << "an empty slot";
    }
    EXPECT_THAT(world.lines(), IsEmpty());
    expect_honest(world);
}

TEST(World, a_quiet_node_does_not_spin) {
    World world;
    world.start_validators();
    world.run_slots(10);
    const auto before = world.node(0).wakes();
    world.run_slots(10);
    EXPECT_LT(world.node(0).wakes() - before, 300u) << "timers in 30 seconds";
}

TEST(World, a_late_joiner_catches_up_with_200_blocks_and_follows) {
    World::Options options;
    options.check_invariants = false;
    World world{options};
    world.start_validators();
    world.run_slots(220);
    ASSERT_GE(world.node(0).finalised_height().value, 200u);
    // It knows one node only, and finds the others.
    auto& joiner = world.add_observer({HostId{2}});
    joiner.start();
    // Headers change nothing in the chain, and yet whoever looks sees that they come.
    std::set<sync::Stage> seen;
    for (int i = 0; i < 3000; ++i) {
        world.run_for(std::chrono::milliseconds{1});
        seen.insert(joiner.view().sync.stage);
    }
    EXPECT_THAT(seen, testing::IsSupersetOf({sync::Stage::headers, sync::Stage::blocks}));
    world.run_slots(7);
    EXPECT_GE(joiner.head_slot(), world.slot() - 2);
    world.run_slots(25);
    expect_finality(world);
    EXPECT_EQ(joiner.peers(), 4u);
    EXPECT_THAT(world.lines(), IsEmpty());
    expect_honest(world);
}

struct Halves : testing::TestWithParam<Cut> {};

TEST_P(Halves, of_the_validators_finalise_nothing_alone_and_agree_when_they_meet_again) {
    World world;
    world.start_validators();
    world.run_slots(12);
    world.partition({{0, 1}, {2, 3}}, GetParam());
    const auto cut_at = world.slot();
    world.run_slots(20);
    for (const auto& node : world.nodes()) {
        EXPECT_LE(node->finalised_slot(), cut_at);
        EXPECT_GT(node->head_slot(), cut_at + 8) << "each half goes on building";
    }
    EXPECT_NE(world.node(0).view().head->id, world.node(2).view().head->id);
    world.heal();
    world.run_slots(30);
    expect_finality(world);
    expect_honest(world);
}

INSTANTIATE_TEST_SUITE_P(Cuts, Halves, testing::Values(Cut::reset, Cut::silence),
                         [](const auto& one) {
                             return one.param == Cut::reset ? "by_reset" : "by_silence";
                         });

TEST(World, three_of_four_validators_go_on_finalising) {
    World world;
    world.start_validators();
    world.run_slots(10);
    world.node(3).kill();
    world.run_slots(60);
    std::uint64_t best = 0;
    for (const auto slot : finalised_slots(world)) best = std::max(best, slot.value);
    EXPECT_GE(best + 8, world.slot().value) << "at most a few of its slots in a row are empty";
    EXPECT_GT(world.node(0).finalised_height().value, 40u);
    expect_honest(world);
}

TEST(World, two_of_four_build_without_finality_until_the_others_return) {
    World world;
    world.start_validators();
    world.run_slots(10);
    world.node(2).kill();
    world.node(3).stop();
    const auto since = world.slot();
    const auto height = world.node(0).head_height();
    world.run_slots(40);
    EXPECT_LE(world.node(0).finalised_slot(), since);
    EXPECT_GT(world.node(0).head_height(), height + 8);
    world.node(2).start();
    world.node(3).start();
    world.run_slots(15);
    expect_finality(world);
    expect_honest(world);
}

TEST(World, a_killed_validator_returns_silent_and_signs_nothing_twice) {
    World world;
    world.start_validators();
    world.run_slots(10);
    for (int round = 0; round < 6; ++round) {
        auto& victim = world.node(static_cast<std::uint32_t>(round) % 4);
        victim.kill();
        const auto before = victim.slashing_record();
        ASSERT_TRUE(before.has_value());
        // Back within the same slot in half of the rounds.
        world.run_for(std::chrono::milliseconds{round % 2 == 0 ? 300 : 7'300});
        victim.start();
        const auto started = world.slot();
        world.run_slots(1);
        EXPECT_EQ(victim.slashing_record(), before) << "it has not watched two slots yet";
        world.run_slots(8);
        const auto after = victim.slashing_record();
        EXPECT_GT(after->target_last, started + 2);
        EXPECT_GE(after->source_highest, before->source_highest);
        expect_finality(world);
    }
    expect_honest(world);
}

TEST(World, a_validator_back_in_an_empty_room_signs_nothing_until_somebody_comes) {
    World world;
    world.start_validators();
    world.run_slots(10);
    for (const auto& node : world.nodes()) node->kill();
    auto& first = world.node(0);
    const auto before = first.slashing_record();
    first.start();
    world.run_slots(12);
    EXPECT_EQ(first.slashing_record(), before) << "its twin could have been heard by nobody";
    for (std::uint32_t n = 1; n < 4; ++n) world.node(n).start();
    world.run_slots(12);
    EXPECT_GT(first.slashing_record()->target_last, before->target_last + 12);
    expect_finality(world);
    expect_honest(world);
}

TEST(World, all_validators_killed_at_once_come_back_with_their_heads) {
    World world;
    world.start_validators();
    world.run_slots(15);
    const auto height = world.node(0).finalised_height();
    for (const auto& node : world.nodes()) node->kill();
    world.run_slots(4);
    for (const auto& node : world.nodes()) node->start();
    EXPECT_GE(world.node(0).finalised_height(), height);
    world.run_slots(16);
    expect_finality(world);
    expect_honest(world);
}

TEST(World, a_restarted_node_serves_the_state_of_its_head) {
    World world;
    world.start_validators();
    auto& observer = world.add_observer();
    observer.start();
    world.run_slots(6);
    const auto to = chain::fixture::address(77);
    // Without finality, what is above the finalised block lies in layers.
    world.node(2).kill();
    world.node(3).kill();
    observer.submit(world.chain().transfer(100, to, 5, 0));
    world.run_slots(20);
    ASSERT_EQ(observer.balance(to), 5u);
    observer.kill();
    world.partition({{0, 1}, {4}});
    observer.start();
    world.run_for(std::chrono::seconds{1});
    EXPECT_EQ(observer.balance(to), 5u);
}

TEST(World, a_transfer_given_to_an_observer_is_mined_and_final_everywhere) {
    World world;
    world.start_validators();
    auto& observer = world.add_observer({HostId{0}});
    observer.start();
    world.run_slots(6);
    const auto to = chain::fixture::address(77);
    std::vector<engine::Ticket> tickets;
    for (std::uint64_t nonce = 0; nonce < 3; ++nonce) {
        tickets.push_back(observer.submit(world.chain().transfer(100, to, 5, nonce)));
    }
    world.run_slots(5);
    for (const auto ticket : tickets) {
        ASSERT_NE(observer.answer(ticket), nullptr);
        EXPECT_TRUE(observer.answer(ticket)->has_value());
        const auto place = chain::stored_place(world.node(1).store(), **observer.answer(ticket));
        ASSERT_TRUE(place.has_value());
        EXPECT_TRUE(place->has_value()) << "not final";
    }
    for (const auto& node : world.nodes()) {
        EXPECT_EQ(node->balance(to), 15u);
        EXPECT_EQ(node->view().pool_transactions, 0u);
    }
    const auto* refused = observer.answer(observer.submit(world.chain().transfer(100, to, 5, 0)));
    EXPECT_EQ(refused, nullptr) << "answers come later";
    world.run_slots(1);
    expect_honest(world);
}

TEST(World, links_that_break_again_and_again_delay_nothing_for_long) {
    World::Options options;
    options.line.piece_max = 7;
    options.check_invariants = false;
    World world{options};
    world.start_validators();
    for (int i = 0; i < 5; ++i) {
        world.run_slots(6);
        world.reset_links();
    }
    world.run_slots(10);
    expect_finality(world);
    expect_honest(world);
}

TEST(World, one_key_on_two_machines_falls_silent_on_the_one_that_came_later) {
    World world;
    world.start_validators();
    world.run_slots(10);
    auto& copy = world.add_validator(1);
    copy.start();
    world.run_slots(12);
    EXPECT_GE(world.heard("another one runs the same key"), 1u);
    EXPECT_FALSE(copy.slashing_record().has_value()) << "the copy has signed";
    EXPECT_EQ(world.heard("twice"), 0u);
    expect_finality(world);
    EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(World, a_newcomer_to_an_old_chain_follows_only_what_contains_the_block_that_it_trusts) {
    World::Options options;
    options.unbonding_seconds = 300;  // a hundred slots: the genesis is too old after fifty
    options.check_invariants = false;
    World world{options};
    world.start_validators();
    world.run_slots(70);
    const auto known = world.node(0).view().finalised->checkpoint();
    world.run_slots(10);
    auto& right = world.add_observer({}, known);
    auto& wrong = world.add_observer({}, Checkpoint{known.slot, BlockId{{9}}});
    auto& early = world.add_observer({}, Checkpoint{world.slot() + 20, BlockId{{9}}});
    for (auto* node : {&right, &wrong, &early}) node->start();
    world.run_slots(30);
    EXPECT_GE(right.finalised_slot(), world.slot() - 3);
    EXPECT_EQ(wrong.finalised_slot(), Slot{0}) << "it knows of a block that nobody has";
    EXPECT_EQ(early.finalised_slot(), Slot{0});
    EXPECT_EQ(early.head_slot(), Slot{0}) << "live blocks prove no more than finality does";
    EXPECT_GE(world.node(0).peers(), 4u);
    EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(World, a_node_that_was_cut_off_for_too_long_says_so_and_follows_nobody) {
    World::Options options;
    options.unbonding_seconds = 300;
    options.check_invariants = false;
    World world{options};
    world.start_validators();
    auto& observer = world.add_observer();
    observer.start();
    world.run_slots(10);
    world.partition({{0, 1, 2, 3}, {4}});
    world.run_slots(60);
    const auto stood = observer.finalised_slot();
    world.heal();
    world.run_slots(40);
    EXPECT_EQ(observer.finalised_slot(), stood);
    EXPECT_GE(world.heard("restart with --trust"), 1u);
    EXPECT_EQ(observer.view().sync.phase, sync::Phase::behind);
    observer.stop();
    observer.trust(world.node(0).view().finalised->checkpoint());
    observer.start();
    world.run_slots(12);
    expect_finality(world);
    EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(World, one_seed_gives_one_run_and_another_seed_another) {
    const auto run = [](std::uint64_t seed) {
        World::Options options;
        options.seed = seed;
        World world{options};
        world.start_validators();
        world.run_slots(12);
        world.partition({{0, 1, 2}, {3}});
        world.run_slots(6);
        world.heal();
        world.run_slots(6);
        return world.digest();
    };
    const auto first = run(5);
    EXPECT_EQ(first, run(5));
    EXPECT_NE(first, run(6));
}

}  // namespace
}  // namespace sennit::sim
