// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <cstdlib>

#include "validator/consensus_world.hpp"

namespace sennit::validator::sim {
namespace {

using testing::IsEmpty;

/// Seeds of each scenario. SENNIT_SIM_SEEDS asks for more, SENNIT_SIM_FIRST_SEED for others: a
/// failure names its seed, and that seed alone repeats it.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Totals {
    std::uint64_t runs{0};
    std::uint64_t worst_wait{0};
    std::uint64_t blocks_final{0};
    std::uint64_t slots{0};
    std::uint64_t versions{0};
    std::uint64_t equivocations{0};
};

Totals run_all(Options options, std::uint64_t seeds) {
    Totals totals;
    const auto first = from_environment("SENNIT_SIM_FIRST_SEED", 1);
    seeds = from_environment("SENNIT_SIM_SEEDS", seeds);
    for (options.seed = first; options.seed < first + seeds; ++options.seed) {
        const auto outcome = run(options);
        EXPECT_THAT(outcome.broken, IsEmpty()) << "SENNIT_SIM_FIRST_SEED=" << options.seed;
        ++totals.runs;
        totals.worst_wait = std::max(totals.worst_wait, outcome.worst_wait);
        totals.blocks_final += outcome.blocks_final;
        totals.slots += options.slots;
        totals.versions += outcome.versions;
        totals.equivocations += outcome.equivocations;
        if (testing::Test::HasFailure()) break;
    }
    const auto figures =
        "runs " + std::to_string(totals.runs) + ", worst wait " +
        std::to_string(totals.worst_wait) + " slots, " + std::to_string(totals.blocks_final) +
        " of " + std::to_string(totals.slots) + " slots final, " + std::to_string(totals.versions) +
        " set changes, " + std::to_string(totals.equivocations) + " equivocations seen";
    std::printf("[ FIGURES  ] %s\n", figures.c_str());
    return totals;
}

TEST(Consensus, finalises_every_slot_when_all_are_honest) {
    const auto outcome = run({.seed = 1, .members = 4, .slots = 30});
    EXPECT_THAT(outcome.broken, IsEmpty());
    EXPECT_GE(outcome.finalised, 27u);
    EXPECT_GE(outcome.blocks_final, 27u);
}

TEST(Consensus, one_seed_gives_one_run) {
    const Options options{.seed = 5,
                          .members = 7,
                          .strangers = 3,
                          .adversaries = 2,
                          .set_changes = true,
                          .asynchrony = {{0, 10}},
                          .slots = 30};
    const auto first = run(options);
    EXPECT_EQ(first.trace, run(options).trace);
    auto other = options;
    other.seed = 6;
    EXPECT_NE(first.trace, run(other).trace);
}

TEST(Consensus, grows_without_finality_while_three_of_seven_are_offline) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const auto outcome = run({.seed = seed, .members = 7, .offline = 3, .slots = 60});
        EXPECT_THAT(outcome.broken, IsEmpty());
        EXPECT_EQ(outcome.finalised, 0u);
        EXPECT_GE(outcome.height, 25u);
    }
}

TEST(Consensus, is_safe_and_live_against_one_of_four) {
    const auto totals =
        run_all({.members = 4, .adversaries = 1, .asynchrony = {{0, 20}}, .slots = 60}, 60);
    EXPECT_LE(totals.worst_wait, 16u);
    EXPECT_GT(totals.equivocations, totals.runs);
}

TEST(Consensus, is_safe_and_live_against_two_of_seven) {
    const auto totals =
        run_all({.members = 7, .adversaries = 2, .asynchrony = {{0, 20}}, .slots = 60}, 40);
    EXPECT_LE(totals.worst_wait, 16u);
}

TEST(Consensus, changes_sets_with_entrants_leavers_and_joint_quorums) {
    const auto totals = run_all(
        {.members = 7, .strangers = 5, .adversaries = 4, .set_changes = true, .slots = 80}, 40);
    EXPECT_LE(totals.worst_wait, 24u);
    EXPECT_GE(totals.versions, totals.runs * 2);
}

TEST(Consensus, changes_sets_through_asynchrony_around_the_change) {
    const auto totals = run_all({.members = 7,
                                 .strangers = 5,
                                 .adversaries = 4,
                                 .set_changes = true,
                                 .asynchrony = {{6, 20}, {38, 52}},
                                 .slots = 90},
                                40);
    EXPECT_LE(totals.worst_wait, 30u);
    EXPECT_GE(totals.versions, totals.runs * 2);
}

TEST(Consensus, is_safe_under_set_changes_when_the_network_never_settles) {
    run_all({.members = 4,
             .strangers = 4,
             .adversaries = 2,
             .epoch_slots = 6,
             .set_changes = true,
             .asynchrony = {{2, 12}, {13, 24}, {26, 40}, {41, 60}},
             .slots = 66},
            40);
}

/// Without joint quorums this finds conflicting final blocks within a few seeds.
TEST(Consensus, two_halves_that_elect_each_its_own_set_never_finalise_apart) {
    const auto totals = run_all({.members = 7,
                                 .strangers = 5,
                                 .adversaries = 3,
                                 .epoch_slots = 6,
                                 .set_changes = true,
                                 .asynchrony = {{5, 26}, {40, 58}},
                                 .partitioned = true,
                                 .slots = 80},
                                40);
    EXPECT_LE(totals.worst_wait, 30u);
}

/// Goal: one leader cannot part honest nodes for ever by showing each of them two other blocks.
/// Method: the same run with rule 13's limit on blocks that were asked for, and without it.
TEST(Consensus, a_leader_who_shows_each_node_two_other_blocks_parts_nobody) {
    Options options{.seed = 1,
                    .members = 4,
                    .adversaries = 1,
                    .slots = 80,
                    .only_parting = true,
                    .adversary_lead_slots_max = 1};
    const auto outcome = run(options);
    EXPECT_THAT(outcome.broken, IsEmpty());
    EXPECT_GE(outcome.finalised, 60u);
    options.refuse_third = true;
    EXPECT_LT(run(options).finalised, 20u);
}

}  // namespace
}  // namespace sennit::validator::sim
