// SPDX-License-Identifier: MIT
/// What every protocol over topics must do.
#include "protocol/conformance/skeletons/topics_skeleton.hpp"
#include "protocol/conformance/suite.hpp"

namespace sennit::protocol::conformance {
namespace {

using Topics = Suite;
INSTANTIATE_TEST_SUITE_P(Protocols, Topics, testing::ValuesIn(cases_of(Carrier::topics)),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Topics);

MessagePtr transaction_message(std::uint64_t seed) {
    return make_message(Transactions{{WireTransaction{test_transaction(seed)}}});
}

TEST_P(Topics, doubled_and_reordered_packets_give_the_same_messages) {
    Faults faults;
    faults.doubled_percent = 60;
    faults.jitter = std::chrono::seconds{2};
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        make_world(faults, seed);
        auto& a = add_node();
        auto& b = add_node();
        introduce();
        std::set<TxId> sent;
        for (std::uint64_t i = 0; i < 20; ++i) {
            a.publish(transaction_message(i), world->now());
            sent.insert(test_transaction(i)->id);
        }
        EXPECT_TRUE(run_until([&] { return b.transaction_ids() == sent; }));
        world->run_for(std::chrono::minutes{1});
        EXPECT_EQ(b.all<Transactions>().size(), sent.size()) << "something was delivered twice";
        EXPECT_TRUE(a.all<Transactions>().empty()) << "own echo was taken for a peer's";
        EXPECT_EQ(a.peers().size(), 1u);
    }
}

TEST_P(Topics, foreign_packets_are_dropped_counted_and_keep_the_link) {
    auto& a = add_node();
    auto& b = add_node();
    std::string topic;
    world->tap = [&](const TestNode&, BytesView, std::string_view label) { topic = label; };
    introduce();
    const auto before = b.protocol().stats();
    Rng rng{3};
    for (int i = 0; i < 300; ++i) {
        Bytes noise(rng.below(300));
        rng.fill(noise);
        world->publish(topic, noise);
        world->run_for(std::chrono::milliseconds{20});
    }
    EXPECT_NE(b.protocol().stats(), before);
    EXPECT_TRUE(b.received.empty() || b.all<Transactions>().empty());
    a.publish(transaction_message(1), world->now());
    EXPECT_TRUE(run_until([&] { return b.transaction_ids().size() == 1; }));
}

TEST_P(Topics, a_broker_that_restarts_is_dialled_again) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    world->reset_links("broker restarts");
    a.publish(transaction_message(1), world->now());
    EXPECT_TRUE(run_until([&] { return b.transaction_ids().size() == 1; }));
}

TEST_P(Topics, an_equal_key_replaces_a_withdrawn_item_does_not_leave_and_each_fate_is_told) {
    auto& a = add_node();
    auto& b = add_node();
    introduce();
    const auto announce = [&](std::uint64_t seed, std::uint8_t key, Duration lives) {
        Outgoing outgoing;
        outgoing.message = transaction_message(seed);
        outgoing.key.emplace().bytes.fill(key);
        outgoing.expires = world->now().at + lives;
        ASSERT_TRUE(a.protocol().announce(outgoing, {}, world->now()));
    };
    announce(1, 1, std::chrono::hours{1});  // leaves, or is replaced if it still waits
    announce(2, 2, std::chrono::hours{1});
    announce(3, 2, std::chrono::hours{1});
    announce(4, 4, std::chrono::hours{1});
    announce(5, 5, Duration{1});
    ItemKey withdrawn;
    withdrawn.bytes.fill(4);
    world->input(a, Withdraw{withdrawn});
    world->run_for(std::chrono::minutes{5});

    std::map<std::uint8_t, std::vector<Fate>> fates;
    for (const auto& ended : a.ended) fates[ended.key.bytes[0]].push_back(ended.fate);
    EXPECT_EQ(fates[1], std::vector{Fate::left});
    EXPECT_EQ(fates[2], (std::vector{Fate::replaced, Fate::left}));
    EXPECT_EQ(fates[4], std::vector{Fate::dropped});
    EXPECT_EQ(fates[5], std::vector{Fate::expired});
    EXPECT_EQ(b.transaction_ids(), (std::set{test_transaction(1)->id, test_transaction(3)->id}));
}

/// Goal: no packet id is used twice under one sender, whenever the node is killed. Method: kill it
/// after each number of packets, start it from what was saved by then, and compare all packets.
TEST_P(Topics, packet_ids_do_not_repeat_across_restarts) {
    if (GetParam().name != "topics_skeleton") GTEST_SKIP() << "reads the skeleton's packets";
    std::set<Bytes> heads;
    SavedValues saved;
    for (std::uint64_t life = 0; life < 12; ++life) {
        make_world({}, life + 1);
        world->tap = [&](const TestNode&, BytesView bytes, std::string_view) {
            EXPECT_TRUE(heads.insert(to_bytes(bytes.first(12))).second) << "an id was used twice";
        };
        auto& node = add_node(1, saved);
        for (std::uint64_t i = 0; i < life * 9; ++i) {
            node.publish(transaction_message(i), world->now());
        }
        world->run_for(std::chrono::milliseconds{200 * 9 * life});
        saved = node.saved;
    }
    EXPECT_GT(heads.size(), 400u);
}

TEST_P(Topics, nothing_leaves_before_its_id_is_durable) {
    if (GetParam().name != "topics_skeleton") GTEST_SKIP() << "reads the skeleton's packets";
    Faults faults;
    faults.disk = std::chrono::seconds{15};
    make_world(faults);
    std::uint32_t highest = 0;
    std::uint64_t packets = 0;
    TestNode* node = nullptr;
    world->tap = [&](const TestNode&, BytesView bytes, std::string_view) {
        Reader in{bytes.subspan(8)};
        highest = std::max(highest, *in.be<std::uint32_t>());
        ++packets;
        ASSERT_TRUE(node->saved.contains(kPacketIdKey));
        Reader reserved{node->saved.find(kPacketIdKey)->second};
        EXPECT_LT(highest, *reserved.le<std::uint32_t>());
    };
    node = &add_node(1);
    for (std::uint64_t i = 0; i < 300; ++i) node->publish(transaction_message(i), world->now());
    world->run_for(std::chrono::minutes{10});
    EXPECT_GT(packets, 300u);
}

}  // namespace
}  // namespace sennit::protocol::conformance
