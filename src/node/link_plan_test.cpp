// SPDX-License-Identifier: MIT
#include "node/link_plan.hpp"

#include <gmock/gmock.h>

namespace sennit::node {
namespace {

TEST(link_plan, gives_what_is_wanted_when_there_is_room) {
    const auto small = plan_links({.max = 65'536, .others = 700}, 50);
    ASSERT_TRUE(small);
    EXPECT_EQ(small->connected_max, 50u);
    EXPECT_EQ(small->links_max, 256u);
    const auto large = plan_links({.max = 1u << 20, .others = 700}, 10'000);
    ASSERT_TRUE(large);
    EXPECT_EQ(large->connected_max, 10'000u);
    EXPECT_EQ(large->links_max, 20'000u);
}

TEST(link_plan, never_takes_what_the_others_need) {
    for (const std::size_t max : {800u, 1024u, 4096u, 65'536u}) {
        for (const std::size_t protocols : {1u, 2u}) {
            for (const std::size_t wanted : {1u, 50u, 10'000u}) {
                const auto plan =
                    plan_links({.max = max, .others = 700, .protocols = protocols}, wanted);
                ASSERT_TRUE(plan) << max;
                EXPECT_LE(700 + protocols * plan->sockets_max(), max) << wanted;
                EXPECT_LE(plan->connected_max, plan->links_max / 2) << max;
                EXPECT_GE(plan->connected_max, std::min<std::size_t>(wanted, 8)) << max;
            }
        }
    }
}

TEST(link_plan, says_what_is_needed_when_there_is_too_little) {
    for (const std::size_t max : {0u, 300u, 747u}) {
        const auto plan = plan_links({.max = max, .others = 700}, 50);
        ASSERT_FALSE(plan) << max;
        EXPECT_THAT(plan.error().text(), ::testing::HasSubstr("748"));
        EXPECT_THAT(plan.error().text(), ::testing::HasSubstr("ulimit -n"));
    }
    EXPECT_TRUE(plan_links({.max = 748, .others = 700}, 50));
}

}  // namespace
}  // namespace sennit::node
