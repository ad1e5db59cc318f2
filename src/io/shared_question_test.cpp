// SPDX-License-Identifier: MIT
#include "io/shared_question.hpp"

#include <gmock/gmock.h>

#include "io/testing.hpp"

namespace sennit::io {
namespace {

using ::testing::ElementsAre;
using Question = SharedQuestion<int>;

/// Whoever answers, by hand; what was answered, in order.
struct World {
    asio::io_context context;
    std::vector<Question::Then> asked;
    std::vector<int> answers;

    Question make(std::size_t waiting_max, Duration pause = std::chrono::milliseconds{1}) {
        return {context.get_executor(), pause, waiting_max,
                [this](Question::Then then) { asked.push_back(std::move(then)); }};
    }
    Question::Then take() {
        return [this](int answer) { answers.push_back(answer); };
    }
};

TEST(shared_question, is_asked_once_for_all_who_come_while_it_is_under_way) {
    World world;
    auto question = world.make(100);
    for (int n = 0; n < 100; ++n) EXPECT_TRUE(question.ask(world.take()));
    ASSERT_EQ(world.asked.size(), 1u);
    world.asked[0](1);
    EXPECT_THAT(world.answers, ElementsAre(1));  // the others came after it was asked
    EXPECT_TRUE(testing::run_until(world.context, [&] { return world.asked.size() == 2; }));
    world.asked[1](2);
    EXPECT_EQ(world.answers.size(), 100u);
    EXPECT_EQ(world.answers.back(), 2);
    world.context.run();
    EXPECT_EQ(world.asked.size(), 2u);
}

TEST(shared_question, pauses_before_it_is_asked_again) {
    World world;
    auto question = world.make(100, std::chrono::hours{1});
    EXPECT_TRUE(question.ask(world.take()));
    world.asked[0](1);
    EXPECT_TRUE(question.ask(world.take()));
    world.context.poll();
    EXPECT_EQ(world.asked.size(), 1u);
}

TEST(shared_question, refuses_more_than_may_wait) {
    World world;
    auto question = world.make(2);
    EXPECT_TRUE(question.ask(world.take()));  // under way
    EXPECT_TRUE(question.ask(world.take()));
    EXPECT_TRUE(question.ask(world.take()));
    EXPECT_FALSE(question.ask(world.take()));
}

TEST(shared_question, may_be_answered_at_once) {
    asio::io_context context;
    int answers = 0;
    Question question{context.get_executor(), std::chrono::milliseconds{1}, 2,
                      [](const Question::Then& then) { then(7); }};
    for (int n = 0; n < 2; ++n) question.ask([&](int answer) { answers += answer; });
    context.run();
    EXPECT_EQ(answers, 14);
}

}  // namespace
}  // namespace sennit::io
