// SPDX-License-Identifier: MIT
/// What every protocol over streams must do.
#include "protocol/conformance/suite.hpp"

namespace sennit::protocol::conformance {
namespace {

using Stream = Suite;
INSTANTIATE_TEST_SUITE_P(Protocols, Stream, testing::ValuesIn(cases_of(Carrier::stream)),
                         case_name);

TEST_P(Stream, bytes_may_be_cut_anywhere) {
    for (const std::size_t cut : {1u, 2u, 3u, 7u, 1000u, 65'536u}) {
        Faults faults;
        faults.cut_max = cut;
        faults.cut_fixed = true;
        make_world(faults, cut);
        auto& a = add_node();
        auto& b = add_node();
        introduce();
        for (std::uint64_t i = 0; i < 5; ++i) {
            if (!can(a, Kind::transactions)) break;
            a.publish(make_message(Transactions{{WireTransaction{test_transaction(i, 100 * i)}}}),
                      world->now());
        }
        if (can(a, Kind::new_block)) {
            a.publish(make_message(NewBlock{a.chain().wire(5)}), world->now());
        }
        world->run_for(std::chrono::seconds{5});
        EXPECT_EQ(b.transaction_ids().size(), can(a, Kind::transactions) ? 5u : 0u) << cut;
        EXPECT_EQ(b.all<NewBlock>().size(), can(a, Kind::new_block) ? 1u : 0u) << cut;
        EXPECT_TRUE(b.misbehaved.empty()) << cut << ": " << b.misbehaved[0].what.text();
    }
}

TEST_P(Stream, a_stranger_that_says_nothing_is_hung_up_on) {
    auto& node = add_node();
    world->run_for(std::chrono::milliseconds{10});
    auto& stranger = world->stranger(node, Carrier::stream);
    const bool closed = run_until([&] { return stranger.closed; }, std::chrono::minutes{1});
    // A protocol without handshake makes a peer of it at once, and drops it when silence says so.
    EXPECT_TRUE(closed || !node.peers().empty());
}

TEST_P(Stream, noise_ends_in_a_reasoned_hang_up_or_is_ignored) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        make_world({}, seed);
        auto& node = add_node();
        world->run_for(std::chrono::milliseconds{10});
        auto& stranger = world->stranger(node, Carrier::stream);
        Rng rng{seed};
        for (int i = 0; i < 20 && !stranger.closed; ++i) {
            Bytes noise(rng.below(2000));
            rng.fill(noise);
            world->stranger_sends(stranger, noise);
            world->run_for(std::chrono::milliseconds{10});
        }
        world->run_for(std::chrono::minutes{5});
        EXPECT_TRUE(!stranger.closed || !stranger.why.empty());
    }
}

TEST_P(Stream, a_reset_link_takes_its_peer_and_its_requests_along) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    b.serves = false;
    Outgoing outgoing;
    outgoing.message = make_message(GetBlocks{BlockRange{Height{1}, 4}});
    outgoing.asks = RequestId{7};
    a.send(peer_of(a), outgoing, world->now());
    world->run_for(std::chrono::seconds{1});
    world->reset_links("reset by peer");
    world->run_for(std::chrono::seconds{1});
    EXPECT_TRUE(a.peers().empty());
    EXPECT_TRUE(b.peers().empty());
    EXPECT_EQ(a.downs.size(), 1u);
    EXPECT_EQ(a.protocol().stats().at("links"), 0u);
    world->input(a, Cancel{RequestId{7}});
    introduce();
    EXPECT_EQ(a.peers().size(), 1u) << "it can be dialled again";
}

TEST_P(Stream, a_dial_to_nobody_is_reported_once) {
    auto& node = add_node();
    world->run_for(std::chrono::milliseconds{10});
    const NetAddress nowhere{"tcp", "10.0.0.77", 9};
    world->input(node, Connect{nowhere});
    world->input(node, Connect{nowhere});
    world->run_for(std::chrono::minutes{1});
    ASSERT_EQ(node.unreachable.size(), 1u);
    EXPECT_EQ(node.unreachable[0].address, nowhere);
}

TEST_P(Stream, connecting_to_itself_leads_to_no_peer) {
    auto& node = add_node();
    world->run_for(std::chrono::milliseconds{10});
    world->input(node, Connect{*world->listening(node)});
    world->run_for(std::chrono::minutes{1});
    EXPECT_TRUE(node.peers().empty());
    EXPECT_EQ(world->open_links(), 0u);
    EXPECT_EQ(node.unreachable.size(), 1u);
}

TEST_P(Stream, unsettled_receipts_stop_the_reading_and_settling_resumes_it) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    if (!can(a, Kind::transactions)) GTEST_SKIP() << "carries no transactions";
    b.judge = [](const TestNode::Inbound&) { return std::nullopt; };
    Outgoing outgoing;
    outgoing.message = make_message(Transactions{{WireTransaction{test_transaction(1, 60'000)}}});
    std::size_t taken = 0;
    const auto push = [&] {
        while (a.protocol().send(std::vector{peer_of(a)}, outgoing, world->now()).refused.empty()) {
            ++taken;
        }
    };
    for (int i = 0; i < 40; ++i) {
        push();
        world->run_for(std::chrono::milliseconds{500});
    }
    const auto seen = b.received.size();
    EXPECT_LT(seen * 60'000, kUnsettledBytesMax + 512 * 1024);
    EXPECT_GT(seen * 60'000, kUnsettledBytesMax / 2);

    b.judge = [](const TestNode::Inbound&) { return Verdict::accept; };
    for (const auto receipt : std::set{b.unsettled})
        b.settle(receipt, Verdict::accept, world->now());
    EXPECT_TRUE(run_until([&] { return b.received.size() == taken; }));
    EXPECT_TRUE(b.unsettled.empty());
    EXPECT_EQ(b.protocol().stats().at("unsettled_receipts"), 0u);
}

}  // namespace
}  // namespace sennit::protocol::conformance
