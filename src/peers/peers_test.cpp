// SPDX-License-Identifier: MIT
#include "peers/peers.hpp"

#include <gtest/gtest.h>

namespace sennit::peers {
namespace {

constexpr InstanceId kInstance{1};
constexpr PeerRef ref(std::uint64_t n) {
    return {kInstance, PeerId{n}};
}
Now at(int seconds) {
    return {Instant{std::chrono::seconds{1000 + seconds}},
            UnixTime{std::chrono::seconds{1'700'000'000 + seconds}}};
}
NetAddress tcp(std::string host, std::uint16_t port = 30303) {
    return {"tcp", std::move(host), port};
}

Peers::Connected peer(std::uint64_t n, const NetAddress& address, bool inbound = false) {
    Peers::Connected out;
    out.ref = ref(n);
    out.identity.address = address;
    out.address = address;
    out.listens = address;
    out.inbound = inbound;
    return out;
}
NodeId node(std::uint8_t n) {
    NodeId id;
    id.bytes[31] = n;
    return id;
}

class PeersTest : public testing::Test {
  protected:
    ~PeersTest() override { peers.check_invariants(); }
    Peers peers{{}, Rng{std::uint64_t{3}}};
};

TEST_F(PeersTest, bans_whoever_reaches_zero_and_says_until_when_and_why) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    const auto verdict = peers.on_deed(ref(1), Deed::invalid_block, "state root", at(1));
    EXPECT_TRUE(verdict.banned);
    peers.on_down(ref(1), "banned", at(1));
    const auto again = peers.on_up(peer(2, tcp("8.8.8.8", 999), true), at(60));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().detail, "banned for 10 more minutes: invalid block: state root");
    const auto bans = peers.bans(at(1));
    ASSERT_EQ(bans.size(), 1u);
    EXPECT_EQ(bans[0].why, "invalid block: state root");
    EXPECT_TRUE(peers.bans(at(3600)).empty()) << "a ban ends";
    EXPECT_TRUE(peers.on_up(peer(3, tcp("8.8.8.8")), at(602)));
}

TEST_F(PeersTest, counts_what_a_banned_peer_did_besides_as_the_same_ban) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    EXPECT_TRUE(peers.on_deed(ref(1), Deed::invalid_block, "first", at(1)).banned);
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(peers.on_deed(ref(1), Deed::invalid_block, "more", at(2)).banned);
    peers.on_down(ref(1), "banned", at(2));
    EXPECT_EQ(peers.bans(at(3))[0].why, "invalid block: first");
    EXPECT_TRUE(peers.on_up(peer(2, tcp("8.8.8.8")), at(602)));
}

TEST_F(PeersTest, bans_longer_each_time) {
    int now = 0;
    for (const int minutes : {10, 20, 40}) {
        const auto n = static_cast<std::uint64_t>(now) + 1;
        ASSERT_TRUE(peers.on_up(peer(n, tcp("8.8.8.8")), at(now)));
        peers.on_deed(ref(n), Deed::equivocation, "x", at(now));
        peers.on_down(ref(n), "", at(now));
        EXPECT_FALSE(peers.on_up(peer(n + 1, tcp("8.8.8.8")), at(now + minutes * 60 - 1)));
        now += minutes * 60 + 1;
    }
}

TEST_F(PeersTest, keeps_a_proven_identitys_score_across_addresses) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    ASSERT_TRUE(peers.on_proven(ref(1), node(7), at(0)));
    EXPECT_TRUE(peers.on_deed(ref(1), Deed::invalid_block, "x", at(0)).banned);
    peers.on_down(ref(1), "", at(0));
    EXPECT_TRUE(
        peers.on_up(peer(2, tcp("9.9.9.9")), at(1)));  // unproven: somebody else for all we know
    EXPECT_FALSE(peers.on_proven(ref(2), node(7), at(1)));
}

TEST_F(PeersTest, blames_a_peer_that_has_left_by_its_identity) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    peers.on_down(ref(1), "", at(1));
    EXPECT_TRUE(peers.on_deed(ref(1), Deed::invalid_block, "late", at(2)).banned);
    EXPECT_FALSE(peers.on_up(peer(2, tcp("8.8.8.8")), at(3)));
}

TEST_F(PeersTest, limits_public_networks_and_leaves_loopback_alone) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.1")), at(0)));
    ASSERT_TRUE(peers.on_up(peer(2, tcp("8.8.8.2")), at(0)));
    EXPECT_EQ(peers.on_up(peer(3, tcp("8.8.8.3")), at(0)).error().code, Errc::busy);
    ASSERT_TRUE(peers.on_up(peer(4, tcp("8.8.9.1")), at(0)));
    ASSERT_TRUE(peers.on_up(peer(5, tcp("8.8.10.1")), at(0)));
    EXPECT_FALSE(peers.on_up(peer(6, tcp("8.8.11.1")), at(0)));
    for (std::uint16_t n = 10; n < 30; ++n) {
        ASSERT_TRUE(peers.on_up(peer(n, tcp("127.0.0.1", n)), at(0)));
    }
}

TEST_F(PeersTest, takes_no_private_addresses_from_public_sources) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    ASSERT_TRUE(peers.on_up(peer(2, tcp("10.0.0.2")), at(0)));
    EXPECT_FALSE(peers.on_found(kInstance, tcp("192.168.1.1"), ref(1), at(0)));
    EXPECT_FALSE(peers.on_found(kInstance, tcp("127.0.0.1"), ref(1), at(0)));
    EXPECT_FALSE(peers.on_found(kInstance, tcp("0.0.0.0"), ref(2), at(0)));
    EXPECT_TRUE(peers.on_found(kInstance, tcp("192.168.1.1"), ref(2), at(0)));
    EXPECT_TRUE(peers.on_found(kInstance, tcp("9.9.9.9"), ref(1), at(0)));
}

TEST_F(PeersTest, tells_private_addresses_to_private_askers_only) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    ASSERT_TRUE(peers.on_up(peer(2, tcp("10.0.0.2")), at(0)));
    EXPECT_EQ(peers.share(kInstance, tcp("9.9.9.9"), 10), std::vector{tcp("8.8.8.8")});
    EXPECT_EQ(peers.share(kInstance, tcp("10.0.0.9"), 10).size(), 2u);
    EXPECT_EQ(peers.share(kInstance, tcp("10.0.0.9"), 1).size(), 1u);
}

TEST_F(PeersTest, dials_bootstraps_first_and_backs_off_after_failures) {
    peers.on_found(kInstance, tcp("9.9.9.9"), {}, at(0));
    peers.add_bootstrap(kInstance, tcp("127.0.0.1"));
    auto todo = peers.on_time(at(0));
    ASSERT_EQ(todo.connect.size(), 2u);
    EXPECT_EQ(todo.connect[0].second, tcp("127.0.0.1"));
    EXPECT_TRUE(peers.on_time(at(1)).connect.empty());  // under way
    peers.on_dial_failed(kInstance, tcp("127.0.0.1"), at(2));
    EXPECT_TRUE(peers.on_time(at(3)).connect.empty());
    EXPECT_EQ(peers.on_time(at(30)).connect.size(), 1u);
}

TEST_F(PeersTest, asks_one_peer_for_others_every_minute) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("127.0.0.1", 1)), at(0)));
    EXPECT_EQ(peers.on_time(at(0)).ask_for_peers.size(), 1u);
    EXPECT_EQ(peers.on_time(at(30)).ask_for_peers.size(), 0u);
    EXPECT_EQ(peers.on_time(at(61)).ask_for_peers.size(), 1u);
}

TEST_F(PeersTest, explains_a_score_and_forgives_with_time) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    peers.on_deed(ref(1), Deed::overdue, "headers from 7", at(0));
    EXPECT_EQ(peers.score(ref(1)), 45);
    ASSERT_EQ(peers.explain(ref(1)).size(), 1u);
    EXPECT_EQ(peers.explain(ref(1))[0].what, "headers from 7");
    peers.on_deed(ref(1), Deed::valid_transaction, "", at(100 * 3600));
    EXPECT_EQ(peers.score(ref(1)), 51);
}

TEST_F(PeersTest, chooses_by_score_height_and_latency_but_never_surely) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("127.0.0.1", 1)), at(0)));
    ASSERT_TRUE(peers.on_up(peer(2, tcp("127.0.0.1", 2)), at(0)));
    peers.on_status(ref(1), 1000);
    peers.on_latency(ref(1), std::chrono::milliseconds{5});
    peers.on_latency(ref(2), std::chrono::milliseconds{500});
    const std::array both{ref(1), ref(2)};
    int first = 0;
    for (int i = 0; i < 1000; ++i) first += peers.choose(both) == ref(1) ? 1 : 0;
    EXPECT_GT(first, 600);
    EXPECT_LT(first, 990);
    EXPECT_EQ(peers.best(), ref(1));
    for (int i = 0; i < 8; ++i) peers.on_deed(ref(2), Deed::overdue, "", at(0));
    EXPECT_EQ(peers.choose(std::span{both}.subspan(1)), std::nullopt);  // POOR is not asked
}

TEST_F(PeersTest, keeps_its_bans_whatever_others_called_an_address) {
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    for (const auto* host : {"a:b]c", "[a", "a\nb", "", "9.9.9.9 "})
        EXPECT_FALSE(peers.on_found(kInstance, tcp(host), ref(1), at(0))) << host;
    peers.on_deed(ref(1), Deed::invalid_block, "x", at(0));
    Peers next{{}, Rng{std::uint64_t{4}}};
    ASSERT_TRUE(next.restore(peers.save(at(1)), at(5)));
    EXPECT_EQ(next.bans(at(5)).size(), 1u);
}

TEST_F(PeersTest, remembers_addresses_and_bans_across_a_restart) {
    peers.on_found(kInstance, tcp("9.9.9.9"), {}, at(0));
    ASSERT_TRUE(peers.on_up(peer(1, tcp("8.8.8.8")), at(0)));
    peers.on_deed(ref(1), Deed::invalid_block, "x", at(0));
    Peers next{{}, Rng{std::uint64_t{4}}};
    const auto saved = peers.save(at(1));
    ASSERT_TRUE(next.restore(saved, at(5)));
    EXPECT_FALSE(next.on_up(peer(1, tcp("8.8.8.8")), at(10)));
    EXPECT_EQ(next.on_time(at(10)).connect.size(), 1u);
    for (std::size_t cut = 0; cut < saved.size(); ++cut) {
        Peers broken{{}, Rng{std::uint64_t{4}}};
        EXPECT_FALSE(broken.restore(BytesView{saved}.first(cut), at(5)));
    }
}

}  // namespace
}  // namespace sennit::peers
