// SPDX-License-Identifier: MIT
/// What every protocol must do, whatever its carrier.
#include "protocol/conformance/suite.hpp"

#include <algorithm>

namespace sennit::protocol::conformance {
namespace {

using Common = Suite;
INSTANTIATE_TEST_SUITE_P(Protocols, Common, testing::ValuesIn(all_cases()), case_name);

TEST_P(Common, two_instances_exchange_transactions_blocks_and_votes) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    const auto tx = test_transaction(7);
    const auto vote = test_vote(3, a.chain());
    if (can(a, Kind::transactions)) {
        a.publish(make_message(Transactions{{WireTransaction{tx}}}), world->now());
        EXPECT_TRUE(run_until([&] { return b.transaction_ids().contains(tx->id); }));
        for (const auto& message : b.all<Transactions>()) {
            for (const auto& item : message.transactions) {
                EXPECT_TRUE(std::ranges::equal(item.bytes(), tx->rlp));
            }
        }
    }
    if (can(a, Kind::new_block)) {
        a.publish(make_message(NewBlock{a.chain().wire(17)}), world->now());
        EXPECT_TRUE(run_until([&] { return !b.all<NewBlock>().empty(); }));
        const auto block = b.all<NewBlock>().at(0).block;
        EXPECT_EQ(block.id(), a.chain().block(17)->id);
        ASSERT_EQ(block.size(), a.chain().block(17)->transactions.size());
        for (std::size_t i = 0; i < block.size(); ++i) {
            EXPECT_TRUE(std::ranges::equal(block.transaction(i),
                                           a.chain().block(17)->transactions[i]->rlp));
        }
    }
    if (can(a, Kind::votes)) {
        a.publish(make_message(Votes{{vote}}), world->now());
        EXPECT_TRUE(run_until([&] { return !b.all<Votes>().empty(); }));
        EXPECT_EQ(b.all<Votes>().at(0).votes, std::vector{vote});
    }
    EXPECT_TRUE(a.misbehaved.empty());
    EXPECT_TRUE(b.misbehaved.empty());
}

TEST_P(Common, a_node_without_blocks_fetches_the_chain_in_the_forms_there_are) {
    auto& client = add_node(0);
    auto& server = add_node();
    introduce();
    const auto& forms = client.peers().begin()->second.traits.answers;
    if (!forms.has(Form::blocks_by_height) && !forms.has(Form::blocks_by_id)) {
        GTEST_SKIP() << "has no form to ask for blocks";
    }
    const auto ids = sync(client, kServerLength);
    ASSERT_EQ(ids.size(), kServerLength);
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], server.chain().block(i + 1)->id);
    EXPECT_TRUE(client.misbehaved.empty());
    EXPECT_TRUE(server.misbehaved.empty());
}

TEST_P(Common, an_answer_after_its_cancellation_is_dropped_and_blames_nobody) {
    auto& client = add_node(0);
    auto& server = add_node();
    introduce();
    if (!client.peers().begin()->second.traits.answers.has(Form::blocks_by_height)) {
        GTEST_SKIP() << "has no blocks by height";
    }
    Outgoing outgoing;
    outgoing.message = make_message(GetBlocks{BlockRange{Height{1}, 4}});
    outgoing.asks = RequestId{99};
    EXPECT_TRUE(client.send(peer_of(client), outgoing, world->now()).refused.empty());
    world->input(client, Cancel{RequestId{99}});
    world->run_for(std::chrono::seconds{10});
    EXPECT_TRUE(client.all<Blocks>().empty());
    EXPECT_TRUE(client.misbehaved.empty());
    EXPECT_EQ(server.peers().size(), 1u);
}

TEST_P(Common, what_it_has_no_word_for_is_refused_and_not_sent) {
    auto& a = add_node();
    add_node();
    introduce();
    Outgoing outgoing;
    outgoing.message = make_message(Application{"conformance/1", Bytes{1, 2, 3}});
    if (a.protocol().traits().says.has(Kind::application)) GTEST_SKIP() << "has a word for it";
    const auto sent = a.send(peer_of(a), outgoing, world->now());
    ASSERT_EQ(sent.refused.size(), 1u);
    EXPECT_EQ(sent.refused[0].second, Refusal::unsupported);
    const auto nobody = a.send(PeerId{4'000'000}, outgoing, world->now());
    ASSERT_EQ(nobody.refused.size(), 1u);
    EXPECT_EQ(nobody.refused[0].second, Refusal::gone);
}

TEST_P(Common, a_rejected_receipt_is_blamed_on_its_sender_even_after_it_left) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    if (!can(a, Kind::transactions)) GTEST_SKIP() << "carries no transactions";
    std::vector<ReceiptId> open;
    b.judge = [&](const TestNode::Inbound& inbound) -> std::optional<Verdict> {
        if (!std::holds_alternative<Transactions>(*inbound.message)) return Verdict::accept;
        open.push_back(inbound.receipt);
        return std::nullopt;
    };
    for (std::uint64_t i = 0; i < 2; ++i) {
        a.publish(make_message(Transactions{{WireTransaction{test_transaction(i)}}}), world->now());
        ASSERT_TRUE(run_until([&] { return open.size() == i + 1; }));
    }
    b.settle(open[0], Verdict::reject, world->now());
    world->run_for(std::chrono::milliseconds{1});
    ASSERT_EQ(b.misbehaved.size(), 1u);
    EXPECT_EQ(b.misbehaved[0].offence, Offence::rejected);
    EXPECT_EQ(b.misbehaved[0].peer, peer_of(b));

    world->input(b, Disconnect{peer_of(b), "test"});
    ASSERT_TRUE(run_until([&] { return !b.downs.empty(); }));
    b.settle(open[1], Verdict::reject, world->now());
    world->run_for(std::chrono::milliseconds{1});
    ASSERT_EQ(b.misbehaved.size(), 2u);
    EXPECT_FALSE(b.misbehaved[1].peer.has_value());
    EXPECT_EQ(b.misbehaved[1].identity, b.misbehaved[0].identity);
    EXPECT_EQ(b.misbehaved[1].address, b.misbehaved[0].address);
}

TEST_P(Common, a_full_queue_refuses_as_busy_and_later_says_ready) {
    Faults faults;
    faults.window = 300 * 1024;
    make_world(faults);
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    if (a.protocol().traits().fans_out) GTEST_SKIP() << "its announcements have a budget instead";
    if (!can(a, Kind::transactions)) GTEST_SKIP() << "carries no transactions";
    Outgoing outgoing;
    outgoing.message = make_message(Transactions{{WireTransaction{test_transaction(1, 30'000)}}});
    std::size_t taken = 0;
    for (; taken < 10'000; ++taken) {
        const auto sent = a.protocol().send(std::vector{peer_of(a)}, outgoing, world->now());
        if (sent.refused.empty()) continue;
        EXPECT_EQ(sent.refused[0].second, Refusal::busy);
        break;
    }
    EXPECT_LT(taken * 30'000, 16u * 1024 * 1024) << "a peer that takes nothing costs too much";
    EXPECT_TRUE(run_until([&] { return !a.ready.empty(); }));
    EXPECT_TRUE(run_until([&] { return b.all<Transactions>().size() == taken; }));
}

TEST_P(Common, after_stop_every_link_closes_and_every_peer_is_down) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    const auto before = a.peers().size();
    world->input(a, Stop{});
    EXPECT_TRUE(run_until([&] { return a.peers().empty(); }, std::chrono::seconds{5}));
    EXPECT_EQ(a.downs.size(), before);
    if (GetParam().carrier == Carrier::stream) {
        EXPECT_TRUE(run_until([&] { return b.peers().empty(); }, std::chrono::seconds{5}));
    }
    world->input(b, Stop{});
    EXPECT_TRUE(run_until([&] { return world->open_links() == 0; }, std::chrono::seconds{30}));
    world->input(a, Connect{{"tcp", "10.0.0.2", 20'000}});
    world->run_for(std::chrono::minutes{20});
    EXPECT_EQ(world->open_links(), 0u) << "a stopped node opened a link";
}

TEST_P(Common, a_peer_that_fell_silent_goes) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    if (GetParam().carrier == Carrier::exchange) GTEST_SKIP() << "peers are a register's members";
    world->silence(true);
    EXPECT_TRUE(
        run_until([&] { return a.peers().empty() && b.peers().empty(); }, std::chrono::hours{1}));
}

TEST_P(Common, the_same_seed_gives_the_same_run) {
    std::vector<Bytes> runs;
    for (int run = 0; run < 2; ++run) {
        Faults faults;
        faults.cut_max = 700;
        make_world(faults, 42);
        Bytes all;
        world->tap = [&](const TestNode&, BytesView bytes, std::string_view) {
            all.insert(all.end(), bytes.begin(), bytes.end());
        };
        auto& a = add_node();
        add_node();
        introduce();
        if (can(a, Kind::transactions)) {
            a.publish(make_message(Transactions{{WireTransaction{test_transaction(1)}}}),
                      world->now());
        }
        world->run_for(std::chrono::minutes{3});
        runs.push_back(std::move(all));
    }
    EXPECT_FALSE(runs[0].empty());
    EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace sennit::protocol::conformance
