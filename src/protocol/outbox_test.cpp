// SPDX-License-Identifier: MIT
#include "protocol/outbox.hpp"

#include <gtest/gtest.h>

namespace sennit::protocol {
namespace {

constexpr std::size_t kAll = 1'000'000;
constexpr Instant kNow{};

SharedBytes filled(std::size_t size, std::uint8_t with) {
    return std::make_shared<const Bytes>(size, with);
}

bool push(Outbox& outbox, Priority priority, std::size_t size, std::uint8_t with,
          std::optional<Instant> expires = {}) {
    const auto bytes = filled(size, with);
    const bool taken = outbox.push(priority, {&bytes, 1}, expires);
    outbox.check_invariants();
    return taken;
}

TEST(Outbox, a_higher_class_overtakes_between_frames_and_not_inside_one) {
    Outbox outbox;
    push(outbox, Priority::bulk, 100, 'b');
    push(outbox, Priority::bulk, 100, 'B');
    EXPECT_EQ(*outbox.pop(60, 10, true, kNow), Bytes(60, 'b'));
    push(outbox, Priority::control, 10, 'c');
    EXPECT_EQ(*outbox.pop(kAll, 10, true, kNow), Bytes(40, 'b'));
    EXPECT_EQ(*outbox.pop(kAll, 10, true, kNow), Bytes(10, 'c'));
    EXPECT_EQ(*outbox.pop(kAll, 10, true, kNow), Bytes(100, 'B'));
    EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, a_frame_that_fits_is_shared_and_one_that_must_stay_whole_waits) {
    Outbox outbox;
    const auto bytes = filled(100, 'x');
    outbox.push(Priority::normal, {&bytes, 1}, std::nullopt);
    EXPECT_EQ(outbox.pop(99, 1, false, kNow), nullptr);
    EXPECT_EQ(outbox.pop(9, 10, true, kNow), nullptr) << "a piece below the least size";
    EXPECT_EQ(outbox.pop(100, 1, false, kNow), bytes);
}

TEST(Outbox, a_full_class_refuses_and_is_ready_when_half_empty) {
    Outbox outbox{{1000, 1000, 1000, 1000}};
    EXPECT_TRUE(push(outbox, Priority::normal, 5000, 'x')) << "an empty class takes any message";
    EXPECT_FALSE(push(outbox, Priority::normal, 1, 'x'));
    EXPECT_TRUE(push(outbox, Priority::bulk, 800, 'y')) << "another class has its own bound";
    EXPECT_FALSE(outbox.take_ready());
    outbox.pop(4400, 1, true, kNow);
    EXPECT_FALSE(outbox.take_ready());
    outbox.pop(300, 1, true, kNow);
    EXPECT_TRUE(outbox.take_ready());
    EXPECT_FALSE(outbox.take_ready()) << "said once";
}

TEST(Outbox, small_frames_count_what_they_cost) {
    Outbox outbox{{10'000, 10'000, 10'000, 10'000}};
    std::size_t taken = 0;
    while (push(outbox, Priority::control, 5, 'p')) ++taken;
    EXPECT_LT(taken, 100u) << "in memory each takes above a hundred bytes";
    while (outbox.pop(kAll, 1, true, kNow)) outbox.check_invariants();
    EXPECT_EQ(outbox.cost(), 0u);
}

TEST(Outbox, what_is_pushed_once_waits_once) {
    Outbox outbox;
    const auto pong = filled(5, 'p');
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(outbox.push_once(pong));
    push(outbox, Priority::control, 5, 'c');
    outbox.pop(2, 1, true, kNow);
    EXPECT_TRUE(outbox.push_once(pong));
    outbox.check_invariants();
    EXPECT_EQ(*outbox.pop(kAll, 1, true, kNow), Bytes(3, 'p'));
    EXPECT_TRUE(outbox.push_once(pong)) << "the first has left";
    EXPECT_EQ(*outbox.pop(kAll, 1, true, kNow), Bytes(5, 'c'));
    EXPECT_EQ(*outbox.pop(kAll, 1, true, kNow), Bytes(5, 'p'));
    EXPECT_TRUE(outbox.empty());
    outbox.push_once(pong);
    outbox.clear();
    outbox.check_invariants();
    outbox.push_once(pong);
    EXPECT_FALSE(outbox.empty());
}

TEST(Outbox, what_has_expired_does_not_leave_unless_it_was_begun) {
    Outbox outbox;
    const Instant later = kNow + std::chrono::seconds{1};
    const std::vector<SharedBytes> two{filled(10, 'a'), filled(10, 'b')};
    outbox.push(Priority::normal, two, later);
    push(outbox, Priority::normal, 10, 'c');
    EXPECT_EQ(*outbox.pop(kAll, 1, true, later), Bytes(10, 'c')) << "both frames are dropped";
    EXPECT_EQ(outbox.expired(), 1u);
    push(outbox, Priority::normal, 10, 'd', later);
    outbox.pop(4, 1, true, kNow);
    EXPECT_EQ(*outbox.pop(kAll, 1, true, later), Bytes(6, 'd'));
    outbox.check_invariants();
}

TEST(Outbox, a_goodbye_keeps_control_and_the_rest_of_what_was_begun) {
    Outbox outbox;
    push(outbox, Priority::bulk, 100, 'b');
    push(outbox, Priority::bulk, 100, 'B');
    outbox.pop(30, 1, true, kNow);
    push(outbox, Priority::urgent, 10, 'u');
    push(outbox, Priority::control, 5, 'c');
    outbox.drop_all_but_control();
    outbox.check_invariants();
    Bytes left;
    while (const auto piece = outbox.pop(kAll, 1, true, kNow)) {
        left.insert(left.end(), piece->begin(), piece->end());
    }
    Bytes expected(70, 'b');
    expected.insert(expected.end(), 5, 'c');
    EXPECT_EQ(left, expected);
}

}  // namespace
}  // namespace sennit::protocol
