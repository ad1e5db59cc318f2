// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sim/world.hpp"

namespace sennit::sim {
namespace {

using testing::Each;
using testing::IsEmpty;
using std::chrono::seconds;

std::vector<Slot> finalised_slots(const World& world) {
    std::vector<Slot> out;
    for (const auto& node : world.nodes()) {
        if (node->running()) out.push_back(node->finalised_slot());
    }
    return out;
}

TEST(World, four_validators_finalise_within_three_slots_of_the_clock) {
    World world;
    world.start_validators();
    world.run_slots(40);
    EXPECT_THAT(finalised_slots(world), Each(testing::Ge(world.slot() - 3)));
    for (const auto& node : world.nodes()) EXPECT_EQ(node->peers(), 3u);
    EXPECT_THAT(world.violations(), IsEmpty());
    EXPECT_THAT(world.lines(), IsEmpty());
}

}  // namespace
}  // namespace sennit::sim
