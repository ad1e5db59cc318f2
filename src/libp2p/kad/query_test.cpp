// SPDX-License-Identifier: MIT
#include "libp2p/kad/query.hpp"

#include <gmock/gmock.h>

#include "libp2p/kad/testing.hpp"

namespace sennit::libp2p::kad {
namespace {

using testing::address;
using testing::at;
using ::testing::ElementsAre;
using testing::peer;
using testing::reachable;

class KadQuery : public ::testing::Test {
  protected:
    /// The `n`th closest of the peers 1 to 100 to the target, as a number.
    std::uint64_t nth(std::size_t n) const { return order[n]; }
    PeerAddresses near(std::size_t n) const { return reachable(order[n]); }
    std::vector<PeerAddresses> near(std::size_t from, std::size_t to) const {
        std::vector<PeerAddresses> out;
        for (auto i = from; i < to; ++i) out.push_back(near(i));
        return out;
    }
    /// Asks and lets answer with nothing, until nobody is left.
    std::vector<PeerId> ask_all(Query& query) {
        std::vector<PeerId> out;
        while (const auto one = query.next()) {
            out.push_back(one->id);
            query.answered(one->id, {});
            query.check_invariants();
        }
        return out;
    }

    void SetUp() override {
        for (std::uint64_t n = 1; n <= 100; ++n) order.push_back(n);
        std::ranges::sort(order, {}, [&](auto n) { return distance(target, key_of(peer(n))); });
    }

    Key target{key_of(peer(7777))};
    PeerId self{peer(0)};
    std::vector<std::uint64_t> order;
};

TEST_F(KadQuery, without_anybody_to_ask_is_done) {
    Query query{target, self, {}, at({})};
    EXPECT_FALSE(query.next());
    EXPECT_TRUE(query.done(at({})));
}

TEST_F(KadQuery, asks_the_closest_first_and_alpha_at_once) {
    Query query{target, self, {}, at({})};
    for (std::size_t i = 0; i < 30; ++i) query.seed(near(29 - i));
    EXPECT_EQ(query.next()->id, near(0).id);
    EXPECT_EQ(query.next()->id, near(1).id);
    EXPECT_EQ(query.next()->id, near(2).id);
    EXPECT_FALSE(query.next());
    EXPECT_FALSE(query.done(at({})));
    query.failed(near(1).id);
    EXPECT_EQ(query.next()->id, near(3).id);
    query.check_invariants();
}

TEST_F(KadQuery, ends_when_the_k_closest_have_answered_and_asks_nobody_beyond) {
    Query query{target, self, {.k = 5}, at({})};
    for (const auto& one : near(0, 30)) query.seed(one);
    EXPECT_EQ(ask_all(query).size(), 5u);
    EXPECT_TRUE(query.done(at({})));
    EXPECT_EQ(query.closest(), near(0, 5));
}

TEST_F(KadQuery, replaces_those_that_fail_by_the_next) {
    Query query{target, self, {.k = 5}, at({})};
    for (const auto& one : near(0, 30)) query.seed(one);
    for (int i = 0; i < 3; ++i) query.failed(query.next()->id);
    ask_all(query);
    EXPECT_TRUE(query.done(at({})));
    EXPECT_EQ(query.closest(), near(3, 8));
}

TEST_F(KadQuery, follows_answers_to_closer_peers) {
    Query query{target, self, {.k = 3}, at({})};
    query.seed(near(90));
    query.answered(query.next()->id, near(50, 55));
    EXPECT_EQ(query.next()->id, near(50).id);
    query.answered(near(50).id, near(0, 3));
    EXPECT_THAT(ask_all(query), ElementsAre(near(0).id, near(1).id, near(2).id));
    EXPECT_TRUE(query.done(at({})));
}

TEST_F(KadQuery, leaves_out_ourselves_and_the_source) {
    Query query{target, self, {}, at({})};
    query.seed(near(5));
    query.answered(query.next()->id, {reachable(0), near(5)});
    EXPECT_FALSE(query.next());
    EXPECT_TRUE(query.done(at({})));
    EXPECT_EQ(query.closest(), near(5, 6));
}

TEST_F(KadQuery, ignores_answers_of_whom_it_did_not_ask) {
    Query query{target, self, {}, at({})};
    query.seed(near(5));
    query.answered(near(5).id, near(0, 3));
    query.failed(near(5).id);
    query.answered(near(9).id, near(0, 3));
    EXPECT_THAT(ask_all(query), ElementsAre(near(5).id));
}

TEST_F(KadQuery, believes_no_more_in_a_source_whose_names_fail) {
    Query query{target, self, {.k = 5}, at({})};
    query.seed(near(80));
    query.seed(near(81));
    const auto liar = query.next()->id;
    const auto honest = query.next()->id;
    query.answered(liar, near(0, 6));  // nobody is there
    query.answered(honest, near(10, 15));
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_EQ(query.next()->id, near(i).id);
        query.failed(near(i).id);
    }
    // The others that only the liar named are passed over.
    for (std::size_t i = 10; i < 15; ++i) {
        ASSERT_EQ(query.next()->id, near(i).id);
        query.answered(near(i).id, {});
    }
    // Before the end it may fail as often again, and no more.
    for (std::size_t i = 3; i < 6; ++i) {
        EXPECT_FALSE(query.done(at({})));
        ASSERT_EQ(query.next()->id, near(i).id);
        query.failed(near(i).id);
    }
    EXPECT_FALSE(query.next());
    EXPECT_TRUE(query.done(at({})));
    EXPECT_EQ(query.closest(), near(10, 15));
}

TEST_F(KadQuery, asks_whom_a_liar_named_when_an_honest_one_names_it_too) {
    Query query{target, self, {.k = 5}, at({})};
    query.seed(near(80));
    query.seed(near(81));
    const auto liar = query.next()->id;
    const auto honest = query.next()->id;
    query.answered(liar, near(0, 5));
    for (std::size_t i = 0; i < 3; ++i) query.failed(query.next()->id);
    EXPECT_FALSE(query.next());  // the honest one is still to answer
    query.answered(honest, {near(4)});
    EXPECT_EQ(query.next()->id, near(4).id);
}

TEST_F(KadQuery, tries_again_at_an_address_that_another_source_names) {
    Query query{target, self, {}, at({})};
    query.seed(near(80));
    query.seed(near(81));
    query.seed(near(82));
    const auto a = query.next()->id;
    const auto b = query.next()->id;
    const auto wrong = address("/ip4/45.1.1.1/tcp/1");
    query.answered(a, {{near(0).id, {wrong}}});
    EXPECT_THAT(query.next()->addresses, ElementsAre(wrong));
    query.failed(near(0).id);
    query.answered(b, {near(0)});
    const auto again = query.next();
    EXPECT_EQ(again->id, near(0).id);
    EXPECT_THAT(again->addresses, ElementsAre(address(nth(0))));
    query.answered(near(0).id, {});
    ask_all(query);
    // Where it answered is told, and nothing else.
    EXPECT_EQ(query.closest().front(), near(0));
}

TEST_F(KadQuery, gives_one_source_half_of_a_peers_addresses) {
    Query query{target, self, {}, at({})};
    query.seed(near(80));
    query.seed(near(81));
    const auto a = query.next()->id;
    const auto b = query.next()->id;
    PeerAddresses many{near(0).id, {}};
    for (std::uint64_t i = 0; i < 20; ++i) many.addresses.push_back(address(5000 + i));
    query.answered(a, {many});
    query.answered(b, {near(0)});
    const auto asked = query.next();
    EXPECT_EQ(asked->addresses.size(), 5u);
    EXPECT_EQ(asked->addresses.back(), address(nth(0)));
}

TEST_F(KadQuery, stays_within_its_limits_whatever_is_named) {
    Query query{target, self, {.k = 100, .requests_max = 50, .waiting_max = 40}, at({})};
    query.seed(near(80));
    std::uint64_t made_up = 100'000;
    std::size_t asked = 0;
    while (const auto one = query.next()) {
        ++asked;
        std::vector<PeerAddresses> crowd;
        for (int i = 0; i < 1000; ++i) crowd.push_back({peer(++made_up), {address(1)}});
        query.answered(one->id, crowd);
        query.check_invariants();
    }
    EXPECT_EQ(asked, 50u);
    EXPECT_TRUE(query.done(at({})));
}

TEST_F(KadQuery, ends_at_its_time_with_what_is_there) {
    Query query{target, self, {}, at({})};
    query.seed(near(1));
    query.seed(near(2));
    query.answered(query.next()->id, {});
    (void)query.next();
    EXPECT_FALSE(query.done(at(std::chrono::seconds{89})));
    EXPECT_TRUE(query.done(at(std::chrono::seconds{90})));
    EXPECT_EQ(query.closest(), near(1, 2));
}

TEST_F(KadQuery, tells_where_the_target_itself_is) {
    Query query{key_of(peer(7777)), self, {}, at({})};
    EXPECT_FALSE(query.target_peer());
    query.seed(near(1));
    query.answered(query.next()->id, {reachable(7777)});
    EXPECT_EQ(query.target_peer(), reachable(7777));
}

}  // namespace
}  // namespace sennit::libp2p::kad
