// SPDX-License-Identifier: MIT
#include "io/deadlines.hpp"

#include <gmock/gmock.h>

#include "io/clock.hpp"
#include "io/testing.hpp"

namespace sennit::io {
namespace {

using ::testing::ElementsAre;

struct DeadlinesTest : ::testing::Test {
    void SetUp() override { now = system_now().at; }
    void TearDown() override { testing::run(context, tasks.join()); }

    asio::io_context context;
    TaskGroup tasks{context.get_executor(), 1,
                    [](std::string_view, std::string_view what) { ADD_FAILURE() << what; }};
    std::vector<std::uint64_t> reached;
    Deadlines deadlines{context.get_executor(), tasks,
                        [this](std::uint64_t id) { reached.push_back(id); }};
    Instant now;
    static constexpr std::chrono::milliseconds kTick{2};
};

TEST_F(DeadlinesTest, come_in_the_order_of_time_not_of_setting) {
    deadlines.set(1, now + 3 * kTick);
    context.poll();
    deadlines.set(2, now + kTick);
    deadlines.set(3, now + 2 * kTick);
    EXPECT_TRUE(deadlines.has(3));
    ASSERT_TRUE(testing::run_until(context, [&] { return reached.size() == 3; }));
    EXPECT_THAT(reached, ElementsAre(2, 3, 1));
    EXPECT_FALSE(deadlines.has(3));
}

TEST_F(DeadlinesTest, a_dropped_one_never_comes_and_a_moved_one_comes_once) {
    deadlines.set(1, now + kTick);
    deadlines.set(2, now + kTick);
    deadlines.set(2, now + 3 * kTick);
    deadlines.drop(1);
    deadlines.set(3, now + 4 * kTick);
    ASSERT_TRUE(testing::run_until(context, [&] { return reached.size() == 2; }));
    EXPECT_THAT(reached, ElementsAre(2, 3));
}

TEST_F(DeadlinesTest, dropping_the_last_ends_the_waiting_and_a_new_one_starts_it_again) {
    deadlines.set(1, now + std::chrono::hours{1});
    deadlines.drop(1);
    testing::run(context, tasks.join());
    deadlines.set(2, now + kTick);
    ASSERT_TRUE(testing::run_until(context, [&] { return reached.size() == 1; }));
}

}  // namespace
}  // namespace sennit::io
