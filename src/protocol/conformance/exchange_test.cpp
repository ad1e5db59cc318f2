// SPDX-License-Identifier: MIT
/// What every protocol over exchanges must do.
#include "protocol/conformance/suite.hpp"

namespace sennit::protocol::conformance {
namespace {

using Exchange = Suite;
INSTANTIATE_TEST_SUITE_P(Protocols, Exchange, testing::ValuesIn(cases_of(Carrier::exchange)),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Exchange);

TEST_P(Exchange, every_request_gets_exactly_one_status_also_noise) {
    auto& node = add_node();
    add_node();
    introduce();
    Rng rng{7};
    for (int i = 0; i < 50; ++i) {
        auto& stranger = world->stranger(node, Carrier::exchange, "10.9.0." + std::to_string(i));
        Bytes noise(rng.below(400));
        rng.fill(noise);
        world->stranger_sends(stranger, noise, i % 3 == 0 ? "GET /nothing" : "POST /message");
        ASSERT_TRUE(run_until([&] { return stranger.closed; }, std::chrono::minutes{1}));
        ASSERT_EQ(stranger.codes.size(), 1u);
        EXPECT_GE(stranger.codes[0], 400);
    }
    EXPECT_TRUE(node.received.empty());
    EXPECT_EQ(world->exchanges_unanswered(), 0u);
}

TEST_P(Exchange, a_verdict_that_never_comes_still_ends_in_a_status) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    b.judge = [](const TestNode::Inbound&) { return std::nullopt; };
    a.publish(make_message(Transactions{{WireTransaction{test_transaction(1)}}}), world->now());
    ASSERT_TRUE(run_until([&] { return !b.received.empty(); }));
    EXPECT_EQ(world->exchanges_unanswered(), 1u);
    world->run_for(std::chrono::minutes{1});
    EXPECT_EQ(world->exchanges_unanswered(), 0u);
    b.settle(*b.unsettled.begin(), Verdict::accept, world->now());
}

TEST_P(Exchange, what_was_accepted_is_not_delivered_twice_and_what_was_forged_not_at_all) {
    Bytes genuine;
    std::string path;
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    world->tap = [&](const TestNode& from, BytesView bytes, std::string_view label) {
        if (&from != &a || !genuine.empty() || !label.starts_with("POST")) return;
        genuine = to_bytes(bytes);
        path = label;
    };
    world->silence(true);  // recorded, and never arrives
    a.publish(make_message(Transactions{{WireTransaction{test_transaction(1)}}}), world->now());
    world->run_for(std::chrono::minutes{1});
    world->silence(false);
    ASSERT_FALSE(genuine.empty());

    auto forged = genuine;
    forged[forged.size() - 5] ^= 1;
    auto& liar = world->stranger(b, Carrier::exchange, "10.9.9.1");
    auto& honest = world->stranger(b, Carrier::exchange, "10.9.9.2");
    auto& again = world->stranger(b, Carrier::exchange, "10.9.9.3");
    world->stranger_sends(liar, forged, path);
    world->stranger_sends(honest, genuine, path);
    world->stranger_sends(again, genuine, path);
    ASSERT_TRUE(run_until([&] { return liar.closed && honest.closed && again.closed; }));
    EXPECT_NE(liar.codes, std::vector{200});
    EXPECT_EQ(honest.codes, std::vector{200});
    EXPECT_EQ(again.codes, std::vector{200});
    EXPECT_EQ(b.all<Transactions>().size(), 1u) << "the forged copy suppressed the genuine one";
}

TEST_P(Exchange, a_rejected_message_is_answered_otherwise_than_an_accepted_one) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    std::vector<int> codes;
    b.judge = [](const TestNode::Inbound& inbound) -> std::optional<Verdict> {
        return std::holds_alternative<Votes>(*inbound.message) ? Verdict::reject : Verdict::accept;
    };
    a.publish(make_message(Votes{{test_vote(1, a.chain())}}), world->now());
    ASSERT_TRUE(run_until([&] { return !b.misbehaved.empty(); }));
    EXPECT_EQ(b.misbehaved[0].offence, Offence::rejected);
    EXPECT_TRUE(b.misbehaved[0].identity.proven);
}

TEST_P(Exchange, a_message_crosses_a_node_that_accepts_it_and_stops_at_one_that_does_not) {
    auto& a = add_node();
    auto& b = add_node();
    auto& c = add_node();
    introduce();
    // a is made to know b alone, so what c hears has been forwarded.
    for (const auto& [peer, facts] : std::map{a.peers()}) {
        if (facts.address.host == world->host_of(2)) world->input(a, Disconnect{peer, "test"});
    }
    b.judge = [](const TestNode::Inbound& inbound) -> std::optional<Verdict> {
        return std::holds_alternative<Votes>(*inbound.message) ? Verdict::ignore : Verdict::accept;
    };
    a.publish(make_message(Votes{{test_vote(1, a.chain())}}), world->now());
    a.publish(make_message(Transactions{{WireTransaction{test_transaction(1)}}}), world->now());
    ASSERT_TRUE(run_until([&] { return !c.all<Transactions>().empty(); }));
    world->run_for(std::chrono::minutes{1});
    EXPECT_EQ(b.all<Votes>().size(), 1u);
    EXPECT_TRUE(c.all<Votes>().empty());
}

}  // namespace
}  // namespace sennit::protocol::conformance
