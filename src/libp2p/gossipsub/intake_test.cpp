// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/intake.hpp"

#include "libp2p/gossipsub/testing.hpp"

namespace sennit::libp2p::gossipsub {
namespace {

using namespace std::chrono_literals;
using fixture::at;
using fixture::peer;
using ::testing::ElementsAre;
using testing::id_of;
using testing::signed_message;

class IntakeTest : public ::testing::Test {
  protected:
    void TearDown() override { intake.check_invariants(); }

    static Intake::Entry entry(int from, const Message& message) {
        return {.message = std::make_shared<const Message>(message),
                .encoded = std::make_shared<const Bytes>(encode_message(message)),
                .id = id_of(message),
                .from = peer(from)};
    }
    Ticket add(int from, std::uint64_t seqno) {
        return intake.add(entry(from, signed_message(9, "t", "x", seqno)));
    }

    Intake intake{{.unverified_count_max = 3,
                   .unverified_bytes_max = 1 << 20,
                   .undecided_count_max = 2,
                   .undecided_bytes_max = 1 << 20}};
};

TEST_F(IntakeTest, gives_each_peer_its_turn) {
    const auto a1 = add(1, 1), a2 = add(1, 2), a3 = add(1, 3);
    const auto b1 = add(2, 4), c1 = add(3, 5);
    std::vector<Ticket> order;
    while (const auto job = intake.poll_job()) order.push_back(job->ticket);
    EXPECT_THAT(order, ElementsAre(a1, b1, c1, a2, a3));
}

TEST_F(IntakeTest, has_room_again_when_signatures_are_checked) {
    std::vector<Ticket> tickets{add(1, 1), add(1, 2), add(1, 3)};
    EXPECT_FALSE(intake.has_room(peer(1)));
    EXPECT_TRUE(intake.has_room(peer(2)));
    intake.poll_job();
    EXPECT_FALSE(intake.has_room(peer(1))) << "a check under way still counts";
    intake.remove(tickets[0]);
    EXPECT_TRUE(intake.has_room(peer(1)));
}

TEST_F(IntakeTest, tells_messages_with_one_id_apart_until_one_is_verified) {
    const auto one = signed_message(9, "t", "one", 1);
    const auto two = signed_message(9, "t", "two", 1);
    const auto first = intake.add(entry(1, one));
    EXPECT_NE(intake.find_same(id_of(one), encode_message(one)), nullptr);
    EXPECT_EQ(intake.find_same(id_of(two), encode_message(two)), nullptr);
    const auto second = intake.add(entry(2, two));
    intake.poll_job();
    intake.poll_job();
    bool dropped = false;
    EXPECT_NE(intake.to_application(first, at(30).at, dropped), nullptr);
    EXPECT_EQ(intake.to_application(second, at(30).at, dropped), nullptr);
    EXPECT_FALSE(dropped);
    EXPECT_THAT(intake.find(first)->copies, ElementsAre(peer(2)));
    EXPECT_NE(intake.find_same(id_of(two), encode_message(two)), nullptr);
}

TEST_F(IntakeTest, drops_what_the_application_has_no_room_for) {
    bool dropped = false;
    for (std::uint64_t i = 0; i < 3; ++i) {
        const auto ticket = add(1, i);
        intake.poll_job();
        intake.to_application(ticket, at(30).at, dropped);
        EXPECT_EQ(dropped, i == 2);
    }
    EXPECT_EQ(intake.undecided(), 2u);
    EXPECT_EQ(intake.size(), 2u);
    EXPECT_FALSE(intake.overdue(at(29)));
    EXPECT_TRUE(intake.overdue(at(31)));
}

TEST_F(IntakeTest, keeps_of_a_peer_that_went_what_others_brought_too) {
    const auto shared = signed_message(9, "t", "shared", 1);
    intake.add(entry(1, shared));
    add(1, 2);
    intake.add_copy(id_of(shared), encode_message(shared), peer(2));
    intake.on_peer_gone(peer(1));
    intake.check_invariants();
    EXPECT_EQ(intake.size(), 1u);
    const auto job = intake.poll_job();
    ASSERT_TRUE(job);
    EXPECT_EQ(intake.find(job->ticket)->from, peer(2));
    EXPECT_FALSE(intake.poll_job());
}

TEST_F(IntakeTest, bounds_what_copies_that_others_verify_leave_behind) {
    // Peer 1's turn never comes: its messages are checked in the turns of peers that bring copies.
    std::vector<Ticket> live;
    for (int other = 2; other < 400; ++other) {
        const auto message = signed_message(9, "t", "x", static_cast<std::uint64_t>(other));
        const auto ticket = intake.add(entry(1, message));
        intake.add_copy(id_of(message), encode_message(message), peer(other));
        live.push_back(ticket);
        if (live.size() < 3) continue;
        intake.remove(live.front());
        live.erase(live.begin());
        intake.check_invariants();  // a queue of 12 tickets at most
    }
    std::size_t jobs = 0;
    while (intake.poll_job()) ++jobs;
    EXPECT_EQ(jobs, 2u);
}

TEST_F(IntakeTest, counts_the_messages_that_one_peer_brings_under_one_name) {
    intake.add(entry(1, signed_message(9, "t", "one", 1)));
    intake.add(entry(1, signed_message(9, "t", "two", 1)));
    intake.add(entry(2, signed_message(9, "t", "three", 1)));
    EXPECT_EQ(intake.variants(id_of(signed_message(9, "t", "", 1)), peer(1)), 2u);
}

}  // namespace
}  // namespace sennit::libp2p::gossipsub
