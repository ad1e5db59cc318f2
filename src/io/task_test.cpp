// SPDX-License-Identifier: MIT
#include "io/task.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "io/testing.hpp"
#include "io/timer.hpp"

namespace sennit::io {
namespace {

using testing::run;
using testing::run_until;

struct Failures {
    std::vector<std::string> seen;
    TaskGroup::OnFailure callback() {
        return [this](std::string_view task, std::string_view what) {
            seen.push_back(std::string{task} + ": " + std::string{what});
        };
    }
};

Task<void> set(bool& flag) {
    flag = true;
    co_return;
}

Task<void> sleep_for_ever() {
    co_await sleep_for(std::chrono::hours{1});
}

Task<void> fail_after_a_turn() {
    co_await sleep_for(Duration::zero());
    throw std::runtime_error{"disk on fire"};
}

TEST(task_group, runs_a_task_and_forgets_it) {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 4, failures.callback()};
    bool ran = false;
    EXPECT_TRUE(group.spawn(set(ran), "set"));
    run(context, group.join());
    EXPECT_TRUE(ran);
    EXPECT_EQ(group.size(), 0u);
    EXPECT_TRUE(failures.seen.empty());
}

TEST(task_group, refuses_more_tasks_than_its_maximum) {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 2, failures.callback()};
    EXPECT_TRUE(group.spawn(sleep_for_ever(), "one"));
    EXPECT_TRUE(group.spawn(sleep_for_ever(), "two"));
    EXPECT_FALSE(group.spawn(sleep_for_ever(), "three"));
    group.close();
    run(context, group.join());
}

TEST(task_group, close_cancels_every_task_and_cancellation_is_no_failure) {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 100, failures.callback()};
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(group.spawn(sleep_for_ever(), "sleeper"));
    context.poll();
    group.close();
    EXPECT_FALSE(group.spawn(sleep_for_ever(), "late"));
    run(context, group.join());
    EXPECT_TRUE(failures.seen.empty());
}

TEST(task_group, a_task_that_is_cancelled_before_its_first_step_ends_as_well) {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 4, failures.callback()};
    EXPECT_TRUE(group.spawn(sleep_for_ever(), "sleeper"));
    group.close();
    run(context, group.join());
    EXPECT_TRUE(failures.seen.empty());
}

TEST(task_group, an_escaped_exception_is_reported_once_and_brings_the_group_down) {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 4, failures.callback()};
    EXPECT_TRUE(group.spawn(sleep_for_ever(), "sleeper"));
    EXPECT_TRUE(group.spawn(fail_after_a_turn(), "storage"));
    run(context, group.join());
    EXPECT_FALSE(group.is_open());
    EXPECT_THAT(failures.seen, ::testing::ElementsAre("storage: disk on fire"));
}

void destroy_a_group_with_a_live_task() {
    asio::io_context context;
    Failures failures;
    TaskGroup group{context.get_executor(), 4, failures.callback()};
    group.spawn(sleep_for_ever(), "sleeper");
}

TEST(task_group_death, destroying_a_group_with_a_live_task_is_our_own_bug) {
    EXPECT_DEATH(destroy_a_group_with_a_live_task(), "assertion failed: tasks_.empty");
}

}  // namespace
}  // namespace sennit::io
