// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/router.hpp"

#include "crypto/sha256.hpp"
#include "libp2p/gossipsub/testing.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Topics.

TEST_F(RouterTest, tells_a_new_peer_what_it_is_subscribed_to) {
    ASSERT_TRUE(router->join("a", {}, now));
    ASSERT_TRUE(router->join("b", {}, now));
    const auto peer = add(1);
    EXPECT_THAT(heard(peer).subscriptions,
                ElementsAre(Subscription{true, "a"}, Subscription{true, "b"}));
    router->leave("a", now);
    EXPECT_THAT(heard(peer).subscriptions, ElementsAre(Subscription{false, "a"}));
}

TEST_F(RouterTest, tells_a_peer_again_where_it_is_when_the_stream_to_it_is_new) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1);
    heard(peer);
    add(1);
    const auto rpc = heard(peer);
    EXPECT_THAT(rpc.subscriptions, ElementsAre(Subscription{true, "t"}));
    EXPECT_THAT(rpc.control.graft, ElementsAre("t"));
    EXPECT_THAT(router->subscribers("t"), SizeIs(1)) << "what it said holds still";
}

TEST_F(RouterTest, says_only_the_last_word_on_a_topic_that_waited) {
    const auto peer = add(1);
    heard(peer);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(router->join("a", {}, now));
        router->leave("a", now);
    }
    EXPECT_THAT(heard(peer).subscriptions, ElementsAre(Subscription{false, "a"}));
}

TEST_F(RouterTest, refuses_a_topic_twice_and_a_name_that_is_too_long) {
    ASSERT_TRUE(router->join("a", {}, now));
    EXPECT_EQ(router->join("a", {}, now).error().code, Errc::duplicate);
    EXPECT_EQ(router->join(std::string(257, 'x'), {}, now).error().code, Errc::oversized);
}

// The mesh.

TEST_F(RouterTest, grafts_at_once_when_it_joins) {
    const auto peer = add_in_topic(1);
    ASSERT_TRUE(router->join("t", {}, now));
    EXPECT_TRUE(in_mesh(peer));
    const auto rpc = heard(peer);
    EXPECT_THAT(rpc.control.graft, ElementsAre("t"));
    EXPECT_THAT(rpc.subscriptions, ElementsAre(Subscription{true, "t"}));
}

TEST_F(RouterTest, grafts_at_once_who_comes_to_a_thin_mesh_and_no_more_than_it_needs) {
    ASSERT_TRUE(router->join("t", {}, now));
    for (int i = 1; i <= 20; ++i) add_in_topic(i);
    EXPECT_EQ(router->mesh("t").size(), 5u) << "the rest is for the heartbeat, by lot";
    EXPECT_THAT(router->subscribers("t"), SizeIs(20));
}

TEST_F(RouterTest, never_grafts_a_floodsub_peer) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto old = add_in_topic(1, Version::floodsub);
    pass(3s);
    EXPECT_FALSE(in_mesh(old));
    EXPECT_THAT(heard(old).control.graft, IsEmpty());
}

TEST_F(RouterTest, makes_a_mesh_that_is_too_large_smaller_and_keeps_those_it_dialled) {
    ASSERT_TRUE(router->join("t", {}, now));
    std::vector<PeerId> all;
    for (int i = 1; i <= 16; ++i) {
        all.push_back(add_in_topic(i, Version::v1_2, i > 13));
        say(all.back(), Control{.graft = {"t"}});
    }
    // Twelve came in as they liked; of the later ones those that we dialled.
    EXPECT_EQ(router->mesh("t").size(), 15u);
    pass(1s);
    EXPECT_EQ(router->mesh("t").size(), 6u);
    std::size_t outbound = 0;
    for (int i = 13; i < 16; ++i) outbound += in_mesh(all[static_cast<std::size_t>(i)]) ? 1 : 0;
    EXPECT_GE(outbound, 2u);
    // Who had to go learns where others are, and for how long to stay away.
    for (const auto& one : all) {
        const auto said = heard(one).control.prune;
        if (in_mesh(one)) {
            EXPECT_THAT(said, IsEmpty());
        } else {
            ASSERT_THAT(said, SizeIs(1));
            EXPECT_EQ(said[0].back_off, 60u);
            EXPECT_THAT(said[0].peers, SizeIs(::testing::Ge(12)));
        }
    }
}

TEST_F(RouterTest, stays_away_from_who_pruned_it_for_as_long_as_it_was_told) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1);
    ASSERT_TRUE(in_mesh(peer));
    say(peer, Control{.prune = {{"t", {}, 20}}});
    EXPECT_FALSE(in_mesh(peer));
    pass(21s);
    EXPECT_FALSE(in_mesh(peer)) << "a little longer, as its PRUNE may have been slow";
    pass(3s);
    EXPECT_TRUE(in_mesh(peer));
}

TEST_F(RouterTest, tells_nobody_of_messages_that_its_frames_do_not_take) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto bringer = add_in_topic(1);
    const auto away = add_in_topic(2);
    say(away, Control{.prune = {{"t", {}, 60}}});
    heard(away);
    const auto large = signed_message(9, "t", std::string(100'000, 'x'), 1);
    bring(bringer, large);
    pass(1s);
    EXPECT_THAT(heard(away).control.ihave, IsEmpty());
    router->set_rpc_size_max(away, 1 << 20);
    pass(1s);
    EXPECT_THAT(heard(away).control.ihave, SizeIs(1));
    say(away, Control{.iwant = {id_of(large)}});
    EXPECT_THAT(heard(away).publish, SizeIs(1));
}

TEST_F(RouterTest, sends_what_a_peer_asks_for_though_it_did_not_want_it_before) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto bringer = add_in_topic(1);
    const auto other = add_in_topic(2);
    heard(other);
    const auto message = signed_message(9, "t", "hello", 1);
    say(other, Control{.idontwant = {id_of(message)}});
    bring(bringer, message);
    EXPECT_THAT(heard(other).publish, IsEmpty());
    say(other, Control{.iwant = {id_of(message)}});
    EXPECT_THAT(heard(other).publish, SizeIs(1));
}

TEST_F(RouterTest, says_how_long_to_stay_away_when_it_leaves) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1);
    heard(peer);
    router->leave("t", now);
    const auto rpc = heard(peer);
    ASSERT_THAT(rpc.control.prune, SizeIs(1));
    EXPECT_EQ(rpc.control.prune[0].back_off, 10u);
    EXPECT_THAT(rpc.control.graft, IsEmpty()) << "the GRAFT was out already";
}

TEST_F(RouterTest, prunes_without_back_off_who_does_not_know_it) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1, Version::v1_0);
    heard(peer);
    router->leave("t", now);
    EXPECT_THAT(heard(peer).control.prune, ElementsAre(Prune{"t", {}, std::nullopt}));
}

TEST_F(RouterTest, takes_a_graft_as_a_subscription) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add(1);
    say(peer, Control{.graft = {"t"}});
    EXPECT_TRUE(in_mesh(peer));
}

TEST_F(RouterTest, drops_who_leaves_the_topic_or_the_network_from_the_mesh) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto one = add_in_topic(1);
    const auto two = add_in_topic(2);
    say(one, {.subscriptions = {{false, "t"}}});
    router->on_peer_gone(two, now);
    run();
    EXPECT_THAT(router->mesh("t"), IsEmpty());
    EXPECT_THAT(router->subscribers("t"), IsEmpty());
    ASSERT_THAT(meshed, SizeIs(4));
    EXPECT_EQ(meshed[2].why, "the peer left the topic");
    EXPECT_EQ(meshed[3].why, "the peer has gone");
}

TEST_F(RouterTest, looks_for_better_peers_when_its_mesh_is_mediocre) {
    auto with = config();
    with.scores = strict_scores();
    start(with);
    for (int i = 1; i <= 6; ++i) add_in_topic(i);
    ASSERT_TRUE(router->join("t", {}, now));
    ASSERT_THAT(router->mesh("t"), SizeIs(6));
    const auto good = add_in_topic(7);
    router->set_application_score(good, 3);
    pass(58s);
    EXPECT_FALSE(in_mesh(good));
    pass(3s);
    EXPECT_TRUE(in_mesh(good));
    EXPECT_EQ(meshed.back().why, "better than the median");
}

// Messages.

TEST_F(RouterTest, passes_a_message_on_when_it_is_accepted_but_not_to_who_has_it) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto author = add_in_topic(1);
    const auto bringer = add_in_topic(2);
    const auto other = add_in_topic(3);
    for (const auto& one : {author, bringer, other}) heard(one);
    const auto message = signed_message(1, "t", "hello", 1);
    bring(bringer, message);
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(received[0].from, bringer);
    EXPECT_EQ(*received[0].message, message);
    EXPECT_TRUE(received[0].ask);
    EXPECT_THAT(heard(other).publish, IsEmpty()) << "not before the verdict";

    decide(Router::Verdict::accept);
    EXPECT_THAT(heard(other).publish, ElementsAre(message));
    EXPECT_THAT(heard(author).publish, IsEmpty());
    EXPECT_THAT(heard(bringer).publish, IsEmpty());

    bring(other, message);
    EXPECT_THAT(received, SizeIs(1)) << "once is enough";
    EXPECT_EQ(router->counters().duplicates, 1u);
}

TEST_F(RouterTest, does_not_ask_where_the_topic_does_not) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto bringer = add_in_topic(1);
    const auto other = add_in_topic(2);
    heard(other);
    bring(bringer, signed_message(9, "t", "hello", 1));
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_FALSE(received[0].ask);
    EXPECT_THAT(heard(other).publish, SizeIs(1));
}

TEST_F(RouterTest, lets_an_ignored_message_come_again_after_a_heartbeat) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1);
    const auto message = signed_message(9, "t", "too early", 1);
    bring(peer, message);
    decide(Router::Verdict::ignore);
    bring(peer, message);
    EXPECT_THAT(received, SizeIs(1)) << "looked at once a heartbeat";
    pass(1s);
    bring(peer, message);
    EXPECT_THAT(received, SizeIs(2));
    decide(Router::Verdict::accept);
    pass(1s);
    bring(peer, message);
    EXPECT_THAT(received, SizeIs(2));
    EXPECT_EQ(score(peer), 0);
}

TEST_F(RouterTest, takes_no_answer_within_the_time_as_ignore) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto peer = add_in_topic(1);
    const auto message = signed_message(9, "t", "?", 1);
    bring(peer, message);
    const auto late = received.back().ticket;
    pass(32s);
    router->decide(late, Router::Verdict::accept, now);
    EXPECT_EQ(router->counters().accepted, 0u);
    bring(peer, message);
    EXPECT_THAT(received, SizeIs(2));
}

TEST_F(RouterTest, publishes_to_all_of_a_topic_with_a_signature_that_is_right) {
    ASSERT_TRUE(router->join("t", {}, now));
    std::vector<PeerId> all;
    for (int i = 1; i <= 20; ++i) all.push_back(add_in_topic(i));
    const auto done = router->publish("t", to_bytes(as_bytes("news")), now);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->peers, 20u);
    const auto sent = heard(all[3]).publish;
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(id_of(sent[0]), done->id);
    EXPECT_TRUE((VerifyJob{Ticket{1}, std::make_shared<const Message>(sent[0])}.run()));
    EXPECT_FALSE(sent[0].key) << "it lies in the author's id";
    const auto next = router->publish("t", {}, now);
    EXPECT_GT(next->id, done->id) << "numbers rise";
}

TEST_F(RouterTest, publishes_to_a_fan_out_where_it_is_no_member_and_grafts_it_later) {
    auto with = config();
    with.flood_publish = false;
    start(with);
    std::vector<PeerId> all;
    for (int i = 1; i <= 20; ++i) all.push_back(add_in_topic(i));
    const auto receivers = [&] {
        std::set<PeerId> out;
        for (const auto& one : all) {
            if (!heard(one).publish.empty()) out.insert(one);
        }
        return out;
    };
    ASSERT_EQ(router->publish("t", Bytes{1}, now)->peers, 6u);
    const auto first = receivers();
    EXPECT_EQ(first.size(), 6u);
    pass(5s);
    ASSERT_TRUE(router->publish("t", Bytes{2}, now));
    EXPECT_EQ(receivers(), first) << "the same ones for a minute";
    ASSERT_TRUE(router->join("t", {}, now));
    EXPECT_EQ(router->mesh("t"), first);
}

TEST_F(RouterTest, sends_a_floodsub_peer_everything_and_no_control) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto old = add_in_topic(1, Version::floodsub);
    const auto peer = add_in_topic(2);
    bring(peer, signed_message(9, "t", std::string(2000, 'x'), 1));
    pass(3s);
    const auto rpc = heard(old);
    EXPECT_THAT(rpc.publish, SizeIs(1));
    EXPECT_TRUE(rpc.control.empty());
}

TEST_F(RouterTest, names_messages_by_the_topics_function) {
    const auto by_content = [](const Message& message) {
        return to_bytes(crypto::sha256(*message.data).view());
    };
    ASSERT_TRUE(router->join("t", {.id = by_content, .ask = false}, now));
    const auto peer = add_in_topic(1);
    bring(peer, signed_message(8, "t", "same", 1));
    bring(peer, signed_message(9, "t", "same", 2));
    EXPECT_THAT(received, SizeIs(1));
    EXPECT_EQ(router->publish("t", to_bytes(as_bytes("same")), now).error().code, Errc::duplicate);
}

TEST_F(RouterTest, signs_nothing_and_takes_nothing_signed_under_strict_no_sign) {
    auto with = config();
    with.policy = SigningPolicy::strict_no_sign;
    with.scores = strict_scores();
    start(with);
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto peer = add_in_topic(1);
    Message plain;
    plain.topic = "t";
    plain.data = Bytes{1, 2};
    bring(peer, plain);
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(received[0].id, to_bytes(crypto::sha256(Bytes{1, 2}).view()));
    bring(peer, signed_message(1, "t", "signed", 1));
    EXPECT_THAT(received, SizeIs(1));
    EXPECT_LT(score(peer), 0);
    ASSERT_TRUE(router->publish("t", Bytes{3}, now));
    const auto sent = heard(peer).publish;
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_FALSE(sent[0].from || sent[0].seqno || sent[0].signature || sent[0].key);
}

// Gossip.

TEST_F(RouterTest, tells_peers_outside_of_the_mesh_what_there_was_and_sends_it_when_asked) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto bringer = add_in_topic(1);
    const auto away = add_in_topic(2);
    say(away, Control{.prune = {{"t", {}, 60}}});
    heard(away);
    const auto message = signed_message(9, "t", "hello", 1);
    bring(bringer, message);
    EXPECT_THAT(heard(away).publish, IsEmpty());
    pass(1s);
    EXPECT_THAT(heard(away).control.ihave, ElementsAre(IHave{"t", {id_of(message)}}));
    EXPECT_THAT(heard(bringer).control.ihave, IsEmpty()) << "the mesh has it";
    say(away, Control{.iwant = {id_of(message)}});
    EXPECT_THAT(heard(away).publish, ElementsAre(message));
    pass(6s);
    say(away, Control{.iwant = {id_of(message)}});
    EXPECT_THAT(heard(away).publish, IsEmpty()) << "its time is over";
}

TEST_F(RouterTest, asks_for_what_it_has_not_seen) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto peer = add_in_topic(1);
    heard(peer);
    const auto known = signed_message(9, "t", "known", 1);
    const auto unknown = signed_message(9, "t", "new", 2);
    bring(peer, known);
    say(peer, Control{.ihave = {{"t", {id_of(known), id_of(unknown)}}, {"other", {{1, 2, 3}}}}});
    EXPECT_THAT(heard(peer).control.iwant, ElementsAre(id_of(unknown)));
    bring(peer, unknown);
    pass(5s);
    EXPECT_EQ(score(peer), 0) << "it kept its word";
}

TEST_F(RouterTest, reaches_more_peers_with_gossip_when_there_are_more) {
    ASSERT_TRUE(router->join("t", {}, now));
    std::vector<PeerId> all;
    for (int i = 1; i <= 100; ++i) all.push_back(add_in_topic(i));
    pass(1s);
    ASSERT_TRUE(router->publish("t", Bytes{1}, now));
    pass(1s);
    std::size_t told = 0;
    for (const auto& one : all) told += heard(one).control.ihave.size();
    EXPECT_EQ(told, 24u) << "a quarter of the 94 that are not in the mesh";
}

TEST_F(RouterTest, says_idontwant_for_large_messages_that_are_verified_to_who_understands_it) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto bringer = add_in_topic(1);
    const auto fresh = add_in_topic(2);
    const auto old = add_in_topic(3, Version::v1_1);
    const auto large = signed_message(9, "t", std::string(2000, 'x'), 1);
    auto forged = signed_message(9, "t", std::string(2000, 'x'), 2);
    forged.signature->front() ^= 1;
    bring(bringer, large);
    bring(bringer, signed_message(9, "t", "small", 3));
    bring(bringer, forged);
    EXPECT_THAT(heard(fresh).control.idontwant, ElementsAre(id_of(large)));
    EXPECT_THAT(heard(old).control.idontwant, IsEmpty());
    EXPECT_THAT(heard(bringer).control.idontwant, IsEmpty());
}

TEST_F(RouterTest, does_not_send_what_a_peer_does_not_want_even_if_it_waits_already) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto bringer = add_in_topic(1);
    const auto other = add_in_topic(2);
    heard(other);
    const auto first = signed_message(9, "t", "1", 1);
    const auto second = signed_message(9, "t", "2", 2);
    const auto third = signed_message(9, "t", "3", 3);
    bring(bringer, first);
    say(other, Control{.idontwant = {id_of(first), id_of(second)}});
    bring(bringer, second);
    bring(bringer, third);
    EXPECT_THAT(heard(other).publish, ElementsAre(third));
}

TEST_F(RouterTest, does_not_send_a_message_back_that_crossed_with_ours) {
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    const auto one = add_in_topic(1);
    const auto two = add_in_topic(2);
    heard(two);
    const auto message = signed_message(9, "t", "hello", 1);
    bring(one, message);
    bring(two, message);
    EXPECT_THAT(heard(two).publish, IsEmpty());
}

// Explicit peers.

TEST_F(RouterTest, sends_explicit_peers_everything_whatever_their_score_and_grafts_them_never) {
    auto with = config();
    const auto id = identity(1).peer_id();
    with.explicit_peers = {id, identity(2).peer_id()};
    start(with);
    ASSERT_TRUE(router->join("t", {.ask = false}, now));
    add_in_topic(1);
    const auto other = add_in_topic(3);
    router->set_application_score(id, -1000);
    say(id, Control{.graft = {"t"}});
    EXPECT_FALSE(in_mesh(id));
    bring(other, signed_message(9, "t", "hello", 1));
    const auto rpc = heard(id);
    EXPECT_THAT(rpc.publish, SizeIs(1));
    EXPECT_THAT(rpc.control.prune, SizeIs(1));
    pass(2s);
    EXPECT_THAT(missing, ElementsAre(identity(2).peer_id()));
}

// Peer exchange.

TEST_F(RouterTest, hears_of_other_peers_from_well_scored_ones_only) {
    ASSERT_TRUE(router->join("t", {}, now));
    const auto good = add_in_topic(1);
    const auto plain = add_in_topic(2);
    router->set_application_score(good, 2);
    const Prune prune{"t", std::vector<Prune::Peer>(40, Prune::Peer{Bytes{1}, Bytes{2}}), 60};
    say(plain, Control{.prune = {prune}});
    EXPECT_THAT(offered, IsEmpty());
    say(good, Control{.prune = {prune}});
    ASSERT_THAT(offered, SizeIs(1));
    EXPECT_EQ(offered[0].by, good);
    EXPECT_THAT(offered[0].peers, SizeIs(16));
}

TEST(RouterConfig, never_means_never_and_each_heartbeat_each) {
    for (const auto ticks : {std::uint64_t{0}, std::uint64_t{1}}) {
        Config config{.identity = identity(1)};
        config.explicit_peers = {identity(2).peer_id()};
        config.redial_ticks = config.opportunistic_ticks = ticks;
        Router router{std::move(config), Rng{1}, fixture::at(0)};
        std::size_t missing = 0;
        for (int beat = 1; beat <= 5; ++beat) {
            router.on_time(fixture::at(2 * beat));
            while (router.poll_event()) ++missing;
        }
        EXPECT_EQ(missing, 5 * ticks);
    }
}

TEST(RouterConfig, names_the_rule_that_its_numbers_break) {
    Config config{.identity = identity(1)};
    EXPECT_TRUE(check(config));
    config.mesh.d_out = 4;
    EXPECT_EQ(check(config).error().what, "gossipsub: d_out < d_low, and at most half of d");
    config.mesh.d_out = 2;
    config.scores.behaviour_weight = 1;
    EXPECT_EQ(check(config).error().what, "gossipsub: a score's weight has the wrong sign");
    config.scores.behaviour_weight = -1;
    config.thresholds.gossip = 1;
    EXPECT_EQ(check(config).error().what, "gossipsub: graylist <= publish <= gossip <= 0");
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
