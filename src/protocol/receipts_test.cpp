// SPDX-License-Identifier: MIT
#include "protocol/receipts.hpp"

#include <gtest/gtest.h>

#include "protocol/hearsay.hpp"
#include "protocol/requests.hpp"

namespace sennit::protocol {
namespace {

constexpr PeerId kPeer{1};
constexpr Instant kNow{std::chrono::hours{1}};
const NetAddress kAddress{"tcp", "203.0.113.9", 30'303};

TEST(Receipts, what_is_unsettled_is_the_sum_of_what_was_issued_and_ends_with_settling) {
    Receipts receipts;
    receipts.peer_up(kPeer, {}, kAddress);
    const auto a = receipts.issue(kPeer, Kind::blocks, 1000, 7);
    const auto b = receipts.issue(kPeer, Kind::votes, 10);
    EXPECT_EQ(receipts.unsettled(kPeer), 1010 + 2 * Receipts::kOverhead);
    ASSERT_NE(receipts.find(a), nullptr);
    EXPECT_EQ(receipts.find(a)->tag, 7u);
    const auto settled = receipts.settle(a, Verdict::accept);
    ASSERT_TRUE(settled);
    EXPECT_FALSE(settled->blame);
    EXPECT_FALSE(receipts.settle(a, Verdict::accept)) << "once";
    EXPECT_TRUE(receipts.settle(b, Verdict::reject)->blame);
    EXPECT_EQ(receipts.unsettled(kPeer), 0u);
    receipts.check_invariants();
}

TEST(Receipts, a_peer_that_left_is_blamed_for_ten_minutes_and_then_forgotten) {
    Receipts receipts;
    NodeId id;
    id.bytes.fill(5);
    receipts.peer_up(kPeer, {id, true}, kAddress);
    const auto a = receipts.issue(kPeer, Kind::blocks, 1000);
    const auto b = receipts.issue(kPeer, Kind::blocks, 1000);
    receipts.peer_down(kPeer, kNow);
    receipts.expire(kNow + kBlameKept - Duration{1});
    const auto settled = receipts.settle(a, Verdict::reject);
    ASSERT_TRUE(settled && settled->blame);
    EXPECT_FALSE(settled->peer_is_up);
    EXPECT_FALSE(settled->blame->peer);
    EXPECT_EQ(settled->blame->identity, (Identity{id, true}));
    EXPECT_EQ(receipts.deadline(), kNow + kBlameKept);
    receipts.expire(kNow + kBlameKept);
    EXPECT_FALSE(receipts.settle(b, Verdict::reject));
    EXPECT_EQ(receipts.size(), 0u);
    EXPECT_FALSE(receipts.deadline());
    receipts.check_invariants();
}

TEST(Requests, an_answer_goes_to_the_oldest_that_was_not_claimed) {
    Requests requests;
    const auto ask = make_message(GetBlocks{BlockRange{Height{1}, 2}});
    requests.add(RequestId{1}, ask, 0);
    requests.add(RequestId{2}, ask, 0);
    EXPECT_EQ(requests.oldest(Kind::headers), nullptr);
    ASSERT_EQ(requests.oldest(Kind::blocks)->id, RequestId{1});
    requests.claim(RequestId{1});
    EXPECT_EQ(requests.oldest(Kind::blocks)->id, RequestId{2});
    EXPECT_TRUE(requests.take(RequestId{1}));
    EXPECT_FALSE(requests.take(RequestId{1}));
}

TEST(Requests, a_cancelled_one_is_known_for_a_minute) {
    Requests requests;
    requests.add(RequestId{1}, make_message(GetPeers{5}), 0);
    EXPECT_TRUE(requests.cancel(RequestId{1}, kNow));
    EXPECT_FALSE(requests.cancel(RequestId{1}, kNow));
    ASSERT_NE(requests.oldest(Kind::peers), nullptr);
    EXPECT_TRUE(requests.oldest(Kind::peers)->cancelled.has_value());
    requests.expire(kNow + Requests::kCancelledKept - Duration{1});
    EXPECT_EQ(requests.size(), 1u);
    requests.expire(kNow + Requests::kCancelledKept);
    EXPECT_EQ(requests.size(), 0u);
}

TEST(Hearsay, private_and_loopback_addresses_are_believed_from_their_own_kind_alone) {
    const NetAddress far{"tcp", "8.8.8.8", 30'303};
    const NetAddress near{"tcp", "192.168.1.2", 30'303};
    const NetAddress self{"tcp", "127.0.0.1", 30'303};
    EXPECT_TRUE(hearsay_allowed(far, far));
    EXPECT_TRUE(hearsay_allowed(far, near));
    EXPECT_FALSE(hearsay_allowed(near, far));
    EXPECT_FALSE(hearsay_allowed(self, far));
    EXPECT_FALSE(hearsay_allowed(self, near));
    EXPECT_TRUE(hearsay_allowed(near, self));
    EXPECT_TRUE(hearsay_allowed(self, self));
    EXPECT_FALSE(hearsay_allowed({"tcp", "printer.local", 80}, far));
    EXPECT_FALSE(hearsay_allowed({"tcp", "8.8.8.8", 0}, far));
}

}  // namespace
}  // namespace sennit::protocol
