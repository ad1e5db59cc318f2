// SPDX-License-Identifier: MIT
#include "libp2p/kad/routing_table.hpp"

#include <gtest/gtest.h>

#include "libp2p/kad/testing.hpp"

namespace sennit::libp2p::kad {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::address;
using testing::at;
using testing::in_bucket;
using testing::peer;
using testing::reachable;
using Heard = RoutingTable::Heard;

class KadRoutingTable : public ::testing::Test {
  protected:
    Heard hear(std::uint64_t n, Duration time = {}, const std::string& group = {}) {
        const auto outcome = table.heard(reachable(n), group, at(time));
        table.check_invariants();
        return outcome.heard;
    }
    void fail(std::uint64_t n, int times) {
        for (int i = 0; i < times; ++i) last = table.failed(peer(n), at(minutes{1}));
        table.check_invariants();
    }

    Key self{key_of(peer(0))};
    RoutingTable table{self, {}};
    std::optional<RoutingTable::Replaced> last;
};

TEST_F(KadRoutingTable, never_holds_ourselves_nor_whom_nobody_can_dial) {
    EXPECT_EQ(hear(0), Heard::refused);
    EXPECT_EQ(table.heard({peer(1), {}}, "", at({})).heard, Heard::refused);
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(hear(1), Heard::added);
    EXPECT_EQ(hear(1), Heard::known);
    EXPECT_EQ(table.size(), 1u);
    // Known, and says nothing of addresses: those it had stay.
    table.heard({peer(1), {}}, "", at({}));
    EXPECT_EQ(table.addresses(peer(1)), std::vector{address(1)});
}

TEST_F(KadRoutingTable, gives_the_closest_in_order) {
    std::vector<PeerId> all;
    for (std::uint64_t n = 1; n <= 300; ++n) {
        if (hear(n) == Heard::added) all.push_back(peer(n));
    }
    for (std::uint64_t n = 500; n < 520; ++n) {
        const auto key = key_of(peer(n));
        EXPECT_EQ(testing::ids(table.closest(key, 20)), testing::closest_of(all, key, 20));
    }
    EXPECT_EQ(table.closest(self, 1000).size(), table.size());
}

TEST_F(KadRoutingTable, keeps_old_peers_and_lets_newcomers_wait) {
    const auto all = in_bucket(self, 0, 30);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(hear(all[i]), Heard::added);
    for (std::size_t i = 20; i < 30; ++i) EXPECT_EQ(hear(all[i]), Heard::waits);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_TRUE(table.contains(peer(all[i])));
    EXPECT_EQ(table.size(), 20u);
}

TEST_F(KadRoutingTable, replaces_a_peer_that_failed_by_the_one_that_waits_and_was_heard_of_last) {
    const auto all = in_bucket(self, 0, 22);
    for (const auto n : all) hear(n);
    fail(all[3], 1);
    EXPECT_FALSE(last);
    EXPECT_TRUE(table.contains(peer(all[3])));
    fail(all[3], 1);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->removed, peer(all[3]));
    EXPECT_EQ(last->added, peer(all[21]));
    EXPECT_FALSE(table.contains(peer(all[3])));
    // One that waits and fails waits no more.
    fail(all[20], 1);
    fail(all[4], 5);
    EXPECT_TRUE(table.contains(peer(all[4])));
}

TEST_F(KadRoutingTable, forgives_failures_when_the_peer_answers_again) {
    const auto all = in_bucket(self, 0, 21);
    for (const auto n : all) hear(n);
    for (int i = 0; i < 5; ++i) {
        fail(all[0], 1);
        EXPECT_EQ(hear(all[0]), Heard::known);
    }
    EXPECT_TRUE(table.contains(peer(all[0])));
}

TEST_F(KadRoutingTable, keeps_a_stale_peer_for_bad_times_but_names_it_to_nobody) {
    hear(1);
    hear(2);
    fail(1, 5);
    EXPECT_EQ(testing::ids(table.closest(self, 20)), std::vector{peer(2)});
    fail(2, 5);
    EXPECT_EQ(table.closest(self, 20).size(), 2u);  // better than nobody
    EXPECT_EQ(table.size(), 2u);
}

TEST_F(KadRoutingTable, gives_the_place_of_a_stale_peer_to_a_newcomer) {
    const auto all = in_bucket(self, 0, 21);
    for (std::size_t i = 0; i < 20; ++i) hear(all[i]);
    fail(all[7], 2);
    const auto outcome = table.heard(reachable(all[20]), "", at({}));
    EXPECT_EQ(outcome.heard, Heard::added);
    EXPECT_EQ(outcome.removed, peer(all[7]));
    table.check_invariants();
}

TEST_F(KadRoutingTable, takes_two_of_a_network_into_a_bucket_and_ten_in_all) {
    std::size_t added = 0;
    for (std::size_t bucket = 0; bucket < 8; ++bucket) {
        const auto some = in_bucket(self, bucket, 5);
        std::size_t here = 0;
        for (const auto n : some) here += hear(n, {}, "198.51.100.*") == Heard::added;
        EXPECT_EQ(here, added < 10 ? 2u : 0u);
        added += here;
    }
    EXPECT_EQ(added, 10u);
    EXPECT_EQ(hear(in_bucket(self, 7, 6)[5], {}, "203.0.113.*"), Heard::added);
    EXPECT_EQ(hear(in_bucket(self, 7, 7)[6], {}, ""), Heard::added);
    // A place that is free again may be taken again.
    table.remove(peer(in_bucket(self, 0, 1)[0]), at({}));
    EXPECT_EQ(hear(in_bucket(self, 7, 5)[4], {}, "198.51.100.*"), Heard::added);
}

TEST_F(KadRoutingTable, lets_no_network_crowd_out_who_waits) {
    const auto all = in_bucket(self, 0, 40);
    for (std::size_t i = 0; i < 20; ++i) hear(all[i]);
    EXPECT_EQ(hear(all[20], {}, "192.0.2.*"), Heard::waits);
    for (std::size_t i = 21; i < 40; ++i) hear(all[i], {}, "198.51.100.*");
    fail(all[0], 2);
    fail(all[1], 2);
    fail(all[2], 2);
    EXPECT_TRUE(table.contains(peer(all[20])));
}

TEST_F(KadRoutingTable, asks_after_the_silent_where_somebody_waits) {
    const auto all = in_bucket(self, 0, 21);
    for (std::size_t i = 0; i < 20; ++i) hear(all[i], seconds{i});
    EXPECT_TRUE(table.checks(at(minutes{60}), 3).empty());
    hear(all[20], seconds{30});
    EXPECT_TRUE(table.checks(at(minutes{4}), 3).empty());
    EXPECT_EQ(testing::ids(table.checks(at(minutes{6}), 3)), std::vector{peer(all[0])});
    hear(all[0], minutes{6});
    EXPECT_EQ(testing::ids(table.checks(at(minutes{6}), 3)), std::vector{peer(all[1])});
}

TEST_F(KadRoutingTable, tells_which_bucket_no_lookup_went_through) {
    EXPECT_FALSE(table.stale_bucket(at({}), minutes{10}, 10));
    hear(in_bucket(self, 2, 1)[0]);
    for (std::size_t bucket = 0; bucket < 3; ++bucket) {
        EXPECT_EQ(table.stale_bucket(at({}), minutes{10}, 10), bucket);
        table.touched(bucket, at({}));
    }
    EXPECT_FALSE(table.stale_bucket(at(minutes{9}), minutes{10}, 10));
    EXPECT_EQ(table.stale_bucket(at(minutes{10}), minutes{10}, 10), 0u);
    EXPECT_FALSE(table.stale_bucket(at(minutes{10}), minutes{10}, 0));
}

TEST(KadAddresses, groups_are_networks_of_public_hosts) {
    EXPECT_EQ(group_of(address("/ip4/93.184.216.34/tcp/1")),
              group_of(address("/ip4/93.184.216.9/tcp/2")));
    EXPECT_EQ(group_of(address("/ip6/::ffff:93.184.216.34/tcp/1")),
              group_of(address("/ip4/93.184.216.9/tcp/2")));
    EXPECT_NE(group_of(address("/ip4/93.184.216.34/tcp/1")),
              group_of(address("/ip4/93.184.217.34/tcp/1")));
    EXPECT_EQ(group_of(address("/ip6/2a00:1:2:3::4/tcp/1")),
              group_of(address("/ip6/2a00:1:2:9::5/tcp/1")));
    EXPECT_EQ(group_of(address("/ip4/127.0.0.1/tcp/1")), "");
    EXPECT_EQ(group_of(address("/ip4/10.0.0.1/tcp/1")), "");
}

TEST(KadAddresses, of_our_own_network_are_not_taken_from_strangers) {
    AddressPolicy policy;
    const std::vector<Multiaddr> named{address("/ip4/192.168.1.1/tcp/80"),
                                       address("/ip4/127.0.0.1/tcp/22"),
                                       address("/ip4/93.184.216.34/tcp/0"),
                                       address("/ip4/93.184.216.34/udp/1"),
                                       address("/ip4/224.0.0.1/tcp/1"),
                                       address("/ip4/93.184.216.34/tcp/1"),
                                       address("/ip4/93.184.216.34/tcp/1"),
                                       address("/dns4/example.org/tcp/1"),
                                       Multiaddr::of_peer(peer(1)),
                                       *address(5).encapsulate(Multiaddr::of_peer(peer(1))),
                                       *address(6).encapsulate(Multiaddr::of_peer(peer(2)))};
    const std::vector<Multiaddr> expected{address("/ip4/93.184.216.34/tcp/1"),
                                          address("/dns4/example.org/tcp/1"), address(5)};
    EXPECT_EQ(policy.usable(peer(1), named), expected);
    policy.private_hosts = true;
    EXPECT_EQ(policy.usable(peer(1), named).size(), 5u);
    policy.addresses_max = 2;
    EXPECT_EQ(policy.usable(peer(1), named).size(), 2u);
}

}  // namespace
}  // namespace sennit::libp2p::kad
