// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/score.hpp"

#include <gmock/gmock.h>

#include "libp2p/gossipsub/fixture.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using fixture::at;
using fixture::peer;
using std::chrono::milliseconds;

const std::string kTopic = "blocks";

ScoreParams params(TopicScoreParams topic = {}) {
    topic.weight = 1;
    return {.topics = {{kTopic, topic}}};
}

class ScoreTest : public testing::Test {
  protected:
    void make(ScoreParams p) { scores.emplace(std::move(p)); }
    void connect(int n, std::string address = {}) {
        scores->on_connected(peer(n), std::move(address), at(0));
    }
    double score(int n, double seconds = 0) {
        scores->check_invariants();
        return scores->score(peer(n), at(seconds));
    }
    std::optional<PeerScore> scores{params()};
};

TEST_F(ScoreTest, strangers_and_topics_that_do_not_count_are_worth_nothing) {
    connect(1);
    scores->on_first_delivery(peer(1), "weather", at(0));
    scores->on_invalid(peer(1), "weather");
    scores->on_invalid(peer(2), kTopic);
    EXPECT_EQ(score(1), 0);
    EXPECT_EQ(score(2), 0);
    EXPECT_TRUE(scores->explain(peer(1), at(0)).empty());
    EXPECT_EQ(scores->size(), 1u);
}

TEST_F(ScoreTest, time_in_the_mesh_counts_to_its_cap_and_only_there) {
    connect(1);
    scores->on_grafted(peer(1), kTopic, at(0));
    EXPECT_DOUBLE_EQ(score(1, 4), 4);
    EXPECT_DOUBLE_EQ(score(1, 4000), 10);
    scores->on_pruned(peer(1), kTopic, at(5));
    EXPECT_EQ(score(1, 5), 0);
}

TEST_F(ScoreTest, first_deliveries_count_and_fade) {
    connect(1);
    for (int i = 0; i < 4; ++i) scores->on_first_delivery(peer(1), kTopic, at(0));
    EXPECT_DOUBLE_EQ(score(1), 4);
    scores->on_time(at(1));
    EXPECT_DOUBLE_EQ(score(1, 1), 2);
    scores->on_time(at(10));
    EXPECT_EQ(score(1, 10), 0) << "a counter under decay_to_zero is none";
    for (int i = 0; i < 400; ++i) scores->on_first_delivery(peer(1), kTopic, at(10));
    EXPECT_DOUBLE_EQ(score(1, 10), 50);
}

TEST_F(ScoreTest, invalid_messages_count_squared) {
    connect(1);
    for (int i = 0; i < 5; ++i) scores->on_invalid(peer(1), kTopic);
    EXPECT_DOUBLE_EQ(score(1), -25);
    const auto parts = scores->explain(peer(1), at(0));
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].name, "P4 invalid messages");
    EXPECT_EQ(parts[0].topic, kTopic);
    EXPECT_DOUBLE_EQ(parts[0].value, 25);
}

class DeficitTest : public ScoreTest {
  protected:
    DeficitTest() {
        make(params({.time_in_mesh_weight = 0,
                     .first_deliveries_weight = 0,
                     .mesh_deliveries_weight = -1,
                     .mesh_deliveries_decay = 1,
                     .mesh_deliveries_threshold = 5,
                     .mesh_failure_weight = -1,
                     .mesh_failure_decay = 0.5}));
        connect(1);
        scores->on_grafted(peer(1), kTopic, at(0));
    }
};

TEST_F(DeficitTest, a_mesh_peer_that_brings_too_little_is_punished_once_it_had_its_time) {
    scores->on_time(at(4));
    EXPECT_EQ(score(1, 4), 0);
    scores->on_time(at(6));
    EXPECT_DOUBLE_EQ(score(1, 6), -25);
    for (int i = 0; i < 3; ++i) scores->on_first_delivery(peer(1), kTopic, at(6));
    EXPECT_DOUBLE_EQ(score(1, 6), -4);
}

TEST_F(DeficitTest, copies_count_only_while_the_message_is_fresh) {
    scores->on_time(at(6));
    scores->on_duplicate(peer(1), kTopic, milliseconds{0}, at(6));
    scores->on_duplicate(peer(1), kTopic, milliseconds{10}, at(6));
    scores->on_duplicate(peer(1), kTopic, milliseconds{11}, at(6));
    EXPECT_DOUBLE_EQ(score(1, 6), -9);
}

TEST_F(DeficitTest, leaving_the_mesh_does_not_wash_a_deficit_away) {
    scores->on_time(at(6));
    scores->on_pruned(peer(1), kTopic, at(6));
    EXPECT_DOUBLE_EQ(score(1, 6), -25);
    scores->on_grafted(peer(1), kTopic, at(6));
    EXPECT_DOUBLE_EQ(score(1, 6), -25);
    scores->on_time(at(7));
    EXPECT_DOUBLE_EQ(score(1, 7), -12.5);
}

TEST_F(ScoreTest, the_topics_sum_is_capped_so_that_what_is_bad_outweighs_it) {
    auto p = params({.first_deliveries_cap = 1000});
    p.topic_cap = 20;
    make(p);
    connect(1);
    for (int i = 0; i < 500; ++i) scores->on_first_delivery(peer(1), kTopic, at(0));
    EXPECT_DOUBLE_EQ(score(1), 20);
    scores->on_misbehaviour(peer(1), 2);
    EXPECT_DOUBLE_EQ(score(1), 20 - 40);
}

TEST_F(ScoreTest, the_application_has_its_say) {
    connect(1);
    scores->set_application(peer(1), -3);
    EXPECT_DOUBLE_EQ(score(1), -30);
}

TEST_F(ScoreTest, many_behind_one_address_count_squared_above_the_threshold) {
    for (int n = 1; n <= 12; ++n) connect(n, "203.0.113.9");
    connect(20, "203.0.113.10");
    for (int n = 30; n < 60; ++n) connect(n, "");
    EXPECT_DOUBLE_EQ(score(1), -20);
    EXPECT_EQ(score(20), 0);
    EXPECT_EQ(score(30), 0) << "loopback and private networks have no group";
}

TEST_F(ScoreTest, misbehaviour_counts_squared_above_its_threshold_and_fades) {
    auto p = params();
    p.behaviour_threshold = 2;
    make(p);
    connect(1);
    scores->on_misbehaviour(peer(1), 2);
    EXPECT_EQ(score(1), 0);
    scores->on_misbehaviour(peer(1), 3);
    EXPECT_DOUBLE_EQ(score(1), -90);
    scores->on_time(at(1));
    EXPECT_EQ(score(1, 1), 0) << "5 times 0.2 is not above 2";
}

TEST_F(ScoreTest, who_leaves_with_a_bad_score_finds_it_again) {
    connect(1);
    for (int i = 0; i < 3; ++i) scores->on_invalid(peer(1), kTopic);
    scores->on_first_delivery(peer(1), kTopic, at(0));
    scores->on_disconnected(peer(1), at(0));
    scores->on_time(at(1000));
    EXPECT_DOUBLE_EQ(score(1, 1000), -9) << "what is kept are the sins, and they do not fade";
    scores->on_connected(peer(1), "8.8.8.8", at(1000));
    EXPECT_DOUBLE_EQ(score(1, 1000), -9);
    scores->on_disconnected(peer(1), at(1001));
    scores->on_time(at(1001 + 3600));
    EXPECT_EQ(scores->size(), 0u);
    EXPECT_EQ(score(1, 4601), 0);
}

TEST_F(ScoreTest, who_leaves_with_a_good_score_cannot_save_it_up) {
    connect(1);
    connect(2);
    scores->on_first_delivery(peer(1), kTopic, at(0));
    scores->on_disconnected(peer(1), at(0));
    scores->on_disconnected(peer(2), at(0));
    EXPECT_EQ(scores->size(), 0u);
}

TEST_F(ScoreTest, remembers_a_bounded_number_of_those_who_left) {
    for (int n = 0; n < static_cast<int>(PeerScore::kRetainedMax) + 50; ++n) {
        connect(n, "203.0.113." + std::to_string(n % 200));
        scores->on_invalid(peer(n), kTopic);
        scores->on_disconnected(peer(n), at(n));
    }
    EXPECT_EQ(scores->size(), PeerScore::kRetainedMax);
    EXPECT_EQ(score(0), 0);
    scores->check_invariants();
}

TEST_F(ScoreTest, a_clock_that_jumped_is_not_walked_through) {
    connect(1);
    scores->on_invalid(peer(1), kTopic);
    scores->on_time(at(1e9));
    EXPECT_EQ(score(1, 1e9), 0);
    scores->on_invalid(peer(1), kTopic);
    scores->on_time(at(1e9 + 1));
    EXPECT_DOUBLE_EQ(score(1, 1e9 + 1), -0.09);
}

TEST_F(ScoreTest, the_components_add_up_to_the_score) {
    connect(1, "203.0.113.9");
    scores->on_grafted(peer(1), kTopic, at(0));
    scores->on_first_delivery(peer(1), kTopic, at(0));
    scores->on_invalid(peer(1), kTopic);
    scores->on_misbehaviour(peer(1), 1);
    scores->set_application(peer(1), 2);
    double sum = 0;
    for (const auto& part : scores->explain(peer(1), at(3))) sum += part.score;
    EXPECT_DOUBLE_EQ(score(1, 3), sum);
    EXPECT_DOUBLE_EQ(sum, 3 + 1 - 1 - 10 + 20);
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
