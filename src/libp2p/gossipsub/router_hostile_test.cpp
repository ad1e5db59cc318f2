// SPDX-License-Identifier: MIT
/// What hostile peers try on a router. The first eight mirror the list of spam tests that go's
/// pubsub has; the others are defects that implementations have had.
#include "libp2p/gossipsub/router.hpp"
#include "libp2p/gossipsub/testing.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HostileTest : public RouterTest {
  protected:
    void SetUp() override {
        auto with = config();
        with.scores = strict_scores();
        start(with);
        ASSERT_TRUE(router->join("t", {.ask = false}, now));
        evil = add_in_topic(1);
        honest = add_in_topic(2);
        heard(evil);
        heard(honest);
    }
    Message forged(std::uint64_t seqno, std::string_view data = "forged") {
        auto out = signed_message(9, "t", data, seqno);
        out.signature->front() ^= 1;
        return out;
    }
    static std::vector<MessageId> ids(std::uint64_t first, std::size_t count) {
        std::vector<MessageId> out;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(std::move(Writer{8}.be(first + i)).take());
        return out;
    }

    PeerId evil;
    PeerId honest;
};

// The eight.

TEST_F(HostileTest, answers_iwant_for_one_message_three_times_and_then_no_more) {
    const auto message = signed_message(9, "t", "hello", 1);
    bring(honest, message);
    heard(evil);
    std::size_t sent = 0;
    for (int i = 0; i < 50; ++i) {
        say(evil, Control{.iwant = {id_of(message)}});
        sent += heard(evil).publish.size();
    }
    EXPECT_EQ(sent, 3u);
}

TEST_F(HostileTest, looks_at_ten_ihave_rpcs_and_asks_for_5000_ids_a_heartbeat) {
    for (std::uint64_t i = 0; i < 20; ++i) say(evil, Control{.ihave = {{"t", ids(i * 100, 10)}}});
    EXPECT_THAT(heard(evil).control.iwant, SizeIs(100));
    pass(1s);
    say(evil, Control{.ihave = {{"t", ids(1'000'000, 9000)}}});
    EXPECT_THAT(heard(evil).control.iwant, SizeIs(5000));
    say(evil, Control{.ihave = {{"t", ids(2'000'000, 10)}}});
    EXPECT_THAT(heard(evil).control.iwant, IsEmpty());
    // Another peer's gossip is looked at as before.
    say(honest, Control{.ihave = {{"t", ids(3'000'000, 10)}}});
    EXPECT_THAT(heard(honest).control.iwant, SizeIs(10));
}

TEST_F(HostileTest, remembers_1000_idontwant_ids_a_heartbeat) {
    const auto message = signed_message(9, "t", "hello", 1);
    say(evil, Control{.idontwant = ids(0, 1000)});
    say(evil, Control{.idontwant = {id_of(message)}});
    bring(honest, message);
    EXPECT_THAT(heard(evil).publish, SizeIs(1)) << "one too many is as if never said";
    pass(4s);
    say(evil, Control{.idontwant = {id_of(signed_message(9, "t", "next", 2))}});
    bring(honest, signed_message(9, "t", "next", 2));
    EXPECT_THAT(heard(evil).publish, IsEmpty());
}

TEST_F(HostileTest, charges_a_graft_within_the_back_off_and_twice_at_once_after_the_prune) {
    say(evil, Control{.prune = {{"t", {}, 60}}});
    pass(20s);
    say(evil, Control{.graft = {"t"}});
    EXPECT_FALSE(in_mesh(evil));
    EXPECT_DOUBLE_EQ(score(evil), -10) << "1 squared, times -10";
    const auto answer = heard(evil).control.prune;
    ASSERT_THAT(answer, SizeIs(1));
    EXPECT_THAT(answer[0].peers, IsEmpty()) << "no addresses for a spammer";
    say(evil, Control{.graft = {"t"}});
    EXPECT_DOUBLE_EQ(score(evil), -90) << "two more: 3 squared, times -10";
    // It is not listened to any more, and another pays nothing for it.
    say(evil, Control{.graft = {"t"}});
    EXPECT_EQ(router->counters().graylisted, 1u);
    EXPECT_TRUE(in_mesh(honest));
    EXPECT_EQ(score(honest), 0);
}

TEST_F(HostileTest, does_not_even_answer_a_graft_for_an_unknown_topic) {
    for (int i = 0; i < 100; ++i) say(evil, Control{.graft = {"unknown" + std::to_string(i)}});
    const auto rpc = heard(evil);
    EXPECT_TRUE(rpc.control.empty());
    EXPECT_THAT(router->subscribers("unknown1"), IsEmpty());
}

TEST_F(HostileTest, passes_no_invalid_message_on_and_stops_listening_to_who_brings_them) {
    for (std::uint64_t i = 0; i < 20; ++i) bring(evil, forged(i));
    EXPECT_THAT(received, IsEmpty());
    EXPECT_THAT(heard(honest).publish, IsEmpty());
    EXPECT_LT(score(evil), -80);
    EXPECT_GT(router->counters().graylisted, 0u);
    pass(1s);
    EXPECT_FALSE(in_mesh(evil)) << meshed.back().why;
    EXPECT_TRUE(in_mesh(honest));
}

TEST_F(HostileTest, charges_a_peer_that_says_ihave_and_never_sends) {
    say(evil, Control{.ihave = {{"t", ids(0, 100)}}});
    EXPECT_THAT(heard(evil).control.iwant, SizeIs(100));
    pass(4s);
    EXPECT_EQ(router->counters().broken_promises, 1u);
    EXPECT_LT(score(evil), 0);
    EXPECT_FALSE(in_mesh(evil));
}

TEST_F(HostileTest, charges_no_peer_for_what_was_asked_too_late_or_not_at_all) {
    // The IWANT does not leave: the peer reads nothing, or our stream to it has broken.
    say(honest, Control{.ihave = {{"t", ids(0, 10)}}});
    pass(10s);
    EXPECT_EQ(score(honest), 0);
    EXPECT_THAT(heard(honest).control.iwant, SizeIs(10));
    pass(2s);
    EXPECT_EQ(score(honest), 0) << "three seconds from now";
    router->on_peer_gone(honest, now);
    add_in_topic(2);
    pass(3s);
    EXPECT_EQ(score(honest), 0) << "it knows of no promise any more";
    EXPECT_EQ(router->counters().broken_promises, 0u);
}

TEST_F(HostileTest, looks_at_every_topic_of_one_ihave_rpc) {
    Rpc rpc;
    for (int i = 0; i < 20; ++i) {
        const auto topic = "x" + std::to_string(i);
        ASSERT_TRUE(router->join(topic, {}, now));
        rpc.control.ihave.push_back({topic, ids(static_cast<std::uint64_t>(i), 1)});
    }
    heard(honest);
    say(honest, rpc);
    EXPECT_THAT(heard(honest).control.iwant, SizeIs(20));
}

TEST_F(HostileTest, takes_no_author_that_is_no_peer_id_and_no_key_or_signature_of_any_length) {
    auto message = signed_message(9, "t", "x", 1);
    message.from = Bytes(500'000, 1);
    bring(evil, message);
    message = signed_message(9, "t", "x", 1);
    message.signature = Bytes(3000, 1);
    bring(evil, message);
    message = signed_message(9, "t", "x", 1);
    message.key = Bytes(5000, 1);
    bring(evil, message);
    EXPECT_FALSE(router->poll_job());
    EXPECT_DOUBLE_EQ(score(evil), -4.5) << "three, squared, times a half";
    EXPECT_EQ(router->counters().invalid, 3u);
}

TEST_F(HostileTest, charges_invalid_messages_in_topics_that_nobody_gave_numbers_for) {
    ASSERT_TRUE(router->join("plain", {.ask = false}, now));
    auto message = signed_message(9, "plain", "x", 1);
    message.signature->front() ^= 1;
    bring(evil, message);
    EXPECT_DOUBLE_EQ(score(evil), -0.5);
}

TEST_F(HostileTest, checks_two_messages_of_one_name_and_no_more) {
    Rpc flood;
    flood.publish.assign(100, signed_message(9, "t", "x", 5));
    for (std::size_t i = 0; i < flood.publish.size(); ++i) flood.publish[i].data = Bytes(1 + i, 1);
    ASSERT_TRUE(router->on_rpc(evil, encode_rpc(flood), now));
    std::size_t jobs = 0;
    while (const auto job = router->poll_job()) {
        router->on_verified(job->ticket, job->run(), now);
        ++jobs;
    }
    EXPECT_EQ(jobs, 2u);
    bring(honest, signed_message(9, "t", "x", 5));
    EXPECT_THAT(received, SizeIs(1)) << "and the true one is taken all the same";
}

TEST_F(HostileTest, finds_its_own_topics_among_the_thousands_of_a_peer) {
    ASSERT_TRUE(router->join("zz", {}, now));
    Rpc rpc;
    for (int i = 0; i < 500; ++i) rpc.subscriptions.push_back({true, "x" + std::to_string(i)});
    rpc.subscriptions.push_back({true, "zz"});
    say(evil, rpc);
    EXPECT_THAT(router->subscribers("zz"), SizeIs(1));
}

TEST_F(HostileTest, charges_control_that_is_no_protobuf) {
    const auto wrong = router->on_rpc(evil, Bytes{0x1a, 0x05, 0xff}, now);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::truncated);
    EXPECT_LT(score(evil), 0);
    EXPECT_EQ(score(honest), 0);
}

// More.

TEST_F(HostileTest, a_forgery_that_comes_first_does_not_keep_the_true_message_out) {
    auto message = signed_message(9, "t", "true", 1);
    auto wrong = message;
    wrong.data = to_bytes(as_bytes("false"));
    const auto take = [&](const PeerId& from, const Message& one) {
        ASSERT_TRUE(router->on_rpc(from, encode_rpc({.publish = {one}}), now));
    };
    take(evil, wrong);
    take(honest, message);
    take(evil, wrong);
    run();
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(*received[0].message, message);
    EXPECT_LT(score(evil), 0);
    EXPECT_EQ(score(honest), 0);
}

TEST_F(HostileTest, a_key_that_is_not_the_authors_signs_nothing) {
    auto message = signed_message(9, "t", "hello", 1);
    const auto other = identity(8);
    message.signature = other.sign(signed_bytes(message));
    message.key = other.public_key().encode();
    bring(evil, message);
    EXPECT_THAT(received, IsEmpty());
    message.signature = identity(9).sign(signed_bytes(message));
    message.key = identity(9).public_key().encode();
    bring(honest, message);
    EXPECT_THAT(received, SizeIs(1)) << "js sends the key though the id holds it";
}

TEST_F(HostileTest, who_repeats_a_rejected_message_pays_as_who_brought_it) {
    router->leave("t", now);
    ASSERT_TRUE(router->join("t", {}, now));
    const auto message = signed_message(9, "t", "bad", 1);
    bring(evil, message);
    decide(Router::Verdict::reject);
    EXPECT_DOUBLE_EQ(score(evil), -0.5);
    bring(evil, message);
    EXPECT_DOUBLE_EQ(score(evil), -2);
    EXPECT_THAT(received, SizeIs(1));
    EXPECT_THAT(heard(honest).publish, IsEmpty());
}

TEST_F(HostileTest, a_back_off_of_centuries_is_an_hour) {
    for (const auto seconds :
         {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{10'000'000'000}})
        say(evil, Control{.prune = {{"t", {}, seconds}}});
    pass(59min);
    EXPECT_FALSE(in_mesh(evil));
    pass(2min);
    EXPECT_TRUE(in_mesh(evil));
}

TEST_F(HostileTest, remembers_128_topics_of_a_peer) {
    Rpc rpc;
    for (int i = 0; i < 1000; ++i) rpc.subscriptions.push_back({true, "x" + std::to_string(i)});
    say(evil, rpc);
    EXPECT_THAT(router->subscribers("x10"), SizeIs(1));
    EXPECT_THAT(router->subscribers("x500"), IsEmpty());
    rpc.subscriptions.resize(1000, {true, "y"});
    rpc.subscriptions.push_back({true, "z"});
    EXPECT_EQ(router->on_rpc(evil, encode_rpc(rpc), now).error().code, Errc::oversized);
}

TEST_F(HostileTest, reads_no_more_from_a_flood_and_gives_others_their_turn) {
    Rpc flood;
    for (std::uint64_t i = 0; i < 300; ++i) flood.publish.push_back(forged(i));
    ASSERT_TRUE(router->on_rpc(evil, encode_rpc(flood), now));
    EXPECT_FALSE(router->has_room(evil));
    EXPECT_TRUE(router->has_room(honest));
    const auto message = signed_message(9, "t", "news", 1000);
    ASSERT_TRUE(router->on_rpc(honest, encode_rpc({.publish = {message}}), now));
    for (int jobs = 0; jobs < 2; ++jobs) {
        const auto job = router->poll_job();
        router->on_verified(job->ticket, job->run(), now);
    }
    EXPECT_EQ(router->counters().accepted, 1u) << "behind one of 300 forgeries, not all";
    run();
    EXPECT_TRUE(router->has_room(evil));
}

TEST_F(HostileTest, a_message_sent_first_by_a_peer_with_a_long_queue_does_not_wait_in_it) {
    Rpc flood;
    for (std::uint64_t i = 0; i < 200; ++i) flood.publish.push_back(forged(i));
    const auto message = signed_message(9, "t", "news", 1000);
    flood.publish.push_back(message);
    ASSERT_TRUE(router->on_rpc(evil, encode_rpc(flood), now));
    ASSERT_TRUE(router->on_rpc(honest, encode_rpc({.publish = {message}}), now));
    for (int jobs = 0; jobs < 2; ++jobs) {
        const auto job = router->poll_job();
        router->on_verified(job->ticket, job->run(), now);
    }
    EXPECT_EQ(router->counters().accepted, 1u);
}

TEST_F(HostileTest, who_sends_a_message_and_leaves_does_not_take_it_along) {
    const auto message = signed_message(9, "t", "news", 1);
    for (const auto& one : {evil, honest})
        ASSERT_TRUE(router->on_rpc(one, encode_rpc({.publish = {message, forged(5)}}), now));
    router->on_peer_gone(evil, now);
    router->check_invariants();
    run();
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(received[0].from, honest);
}

TEST_F(HostileTest, a_slow_peer_costs_a_fixed_amount_and_nobody_else_anything) {
    // 6 MB, and evil reads nothing.
    for (std::uint64_t i = 0; i < 100; ++i) {
        bring(honest, signed_message(9, "t", std::string(60'000, 'x'), i));
        if (i % 10 == 0) pass(1s);
    }
    EXPECT_EQ(router->counters().accepted, 100u);
    EXPECT_GT(router->counters().send_full, 20u);
    router->check_invariants();
    pass(6s);
    EXPECT_THAT(heard(evil).publish, IsEmpty()) << "what waited too long is not sent";
    EXPECT_GT(router->counters().send_late, 20u);
}

TEST_F(HostileTest, the_application_that_is_behind_loses_messages_that_may_come_again) {
    auto with = config();
    with.limits.undecided_count_max = 2;
    start(with);
    ASSERT_TRUE(router->join("t", {}, now));
    evil = add_in_topic(1);
    for (std::uint64_t i = 0; i < 3; ++i) bring(evil, signed_message(9, "t", "x", i));
    EXPECT_THAT(received, SizeIs(2));
    EXPECT_EQ(router->counters().dropped_full, 1u);
    decide(Router::Verdict::accept);
    bring(evil, signed_message(9, "t", "x", 2));
    EXPECT_THAT(received, SizeIs(3));
}

TEST_F(HostileTest, nothing_of_a_peer_is_left_when_it_has_gone) {
    for (int i = 10; i < 200; ++i) {
        const auto peer = add_in_topic(i);
        say(peer, Control{.graft = {"t"}});
        say(peer, Control{.ihave = {{"t", ids(1, 50)}}, .idontwant = ids(1, 50)});
        router->on_peer_gone(peer, now);
        router->check_invariants();
    }
    EXPECT_EQ(router->peers(), 2u);
    EXPECT_THAT(router->subscribers("t"), SizeIs(2));
    pass(5s);
    EXPECT_EQ(score(identity(10).peer_id()), 0) << "who left in good standing is forgotten";
}

TEST_F(HostileTest, leaving_clears_neither_score_nor_back_off) {
    say(evil, Control{.prune = {{"t", {}, 60}}});
    for (std::uint64_t i = 0; i < 5; ++i) bring(evil, forged(i));
    const auto before = score(evil);
    ASSERT_LT(before, 0);
    router->on_peer_gone(evil, now);
    pass(10s);
    add_in_topic(1);
    EXPECT_LE(score(evil), before / 100) << "decayed at most since it is back";
    EXPECT_FALSE(in_mesh(evil));
    say(evil, Control{.graft = {"t"}});
    EXPECT_FALSE(in_mesh(evil));
}

TEST_F(HostileTest, a_message_longer_than_the_topic_takes_is_invalid_before_it_is_verified) {
    router->leave("t", now);
    ASSERT_TRUE(router->join("t", {.ask = false, .data_size_max = 10}, now));
    bring(evil, signed_message(9, "t", "eleven bytes", 1));
    EXPECT_LT(score(evil), 0);
    EXPECT_FALSE(router->poll_job());
    EXPECT_EQ(router->publish("t", Bytes(11), now).error().code, Errc::oversized);
}

TEST_F(HostileTest, our_own_message_that_comes_back_is_not_news) {
    ASSERT_TRUE(router->publish("t", Bytes{1}, now));
    const auto sent = heard(evil).publish;
    pass(5min);
    bring(evil, sent.at(0));
    EXPECT_THAT(received, IsEmpty());
    EXPECT_THAT(heard(honest).publish, IsEmpty());
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
