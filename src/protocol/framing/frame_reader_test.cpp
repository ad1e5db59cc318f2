// SPDX-License-Identifier: MIT
#include "protocol/framing/frame_reader.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/rng.hpp"

namespace sennit::protocol {
namespace {

constexpr Instant kNow{};

/// u8 type, u24 big-endian length; type 9 takes 10 bytes, type 8 ends the link, nobody wants 7.
class TestLayout : public FrameLayout {
  public:
    Result<std::optional<FrameHead>> parse(BytesView prefix) const override {
        if (prefix.empty()) return std::optional<FrameHead>{};
        if (prefix[0] == 8) return Error{Errc::unknown_type, "type 8", 0, {}};
        if (prefix.size() < 4) return std::optional<FrameHead>{};
        const std::size_t size = static_cast<std::size_t>(prefix[1]) << 16 |
                                 static_cast<std::size_t>(prefix[2]) << 8 | prefix[3];
        return std::optional{FrameHead{prefix[0], 4, size}};
    }
    Result<std::size_t> payload_size_max(std::uint8_t type) const override {
        return std::size_t{type == 9 ? 10u : 1'000'000u};
    }
    bool is_wanted(std::uint8_t type) const override { return type != 7; }
};

Bytes frame(std::uint8_t type, std::size_t size) {
    Bytes out{type, static_cast<std::uint8_t>(size >> 16), static_cast<std::uint8_t>(size >> 8),
              static_cast<std::uint8_t>(size)};
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(i * 31 + type));
    return out;
}

TEST(FrameReader, any_cut_gives_the_same_frames) {
    Bytes stream;
    for (const std::size_t size : {0u, 1u, 10u, 300u, 0u, 70'000u, 5u}) {
        const auto next = frame(static_cast<std::uint8_t>(size % 7), size);
        stream.insert(stream.end(), next.begin(), next.end());
    }
    const TestLayout layout;
    Rng rng{std::uint64_t{5}};
    for (int run = 0; run < 200; ++run) {
        FrameBudget budget;
        FrameReader reader{layout, budget};
        Bytes seen;
        BytesView left = stream;
        const auto cut_max = run == 0 ? 1 : 1 + rng.below(run < 100 ? 10 : 100'000);
        while (!left.empty()) {
            BytesView piece =
                left.first(std::min<std::size_t>(left.size(), 1 + rng.below(cut_max)));
            left = left.subspan(piece.size());
            while (!piece.empty()) {
                const auto got = reader.feed(piece, kNow);
                ASSERT_TRUE(got);
                if (!*got) continue;
                seen.push_back((*got)->type);
                const auto size = (*got)->payload.size();
                EXPECT_EQ((*got)->wire_size, size + 4);
                for (const int shift : {16, 8, 0}) {
                    seen.push_back(static_cast<std::uint8_t>(size >> shift));
                }
                seen.insert(seen.end(), (*got)->payload.begin(), (*got)->payload.end());
            }
        }
        ASSERT_EQ(seen, stream);
    }
}

TEST(FrameReader, a_frame_above_the_limit_of_its_type_is_refused_at_its_head_and_for_good) {
    const TestLayout layout;
    FrameBudget budget;
    FrameReader reader{layout, budget};
    const auto bytes = frame(9, 11);
    BytesView head = BytesView{bytes}.first(3);
    ASSERT_TRUE(reader.feed(head, kNow));
    BytesView last = BytesView{bytes}.subspan(3, 1);
    const auto refused = reader.feed(last, kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::oversized);
    const auto good = frame(1, 1);
    BytesView again = good;
    EXPECT_FALSE(reader.feed(again, kNow));
}

TEST(FrameReader, a_promise_costs_nothing_and_bytes_received_are_drawn_from_the_budget) {
    const TestLayout layout;
    FrameBudget budget{100'000};
    const auto bytes = frame(1, 200'000);
    FrameReader first{layout, budget};
    BytesView head = BytesView{bytes}.first(4);
    ASSERT_TRUE(first.feed(head, kNow));
    EXPECT_EQ(first.partial(), 4u);
    EXPECT_EQ(budget.used(), 0u);

    BytesView part = BytesView{bytes}.subspan(4, 140'000);
    ASSERT_TRUE(first.feed(part, kNow));
    EXPECT_EQ(budget.used(), 140'004 - FrameBudget::kFree);
    FrameReader second{layout, budget};
    BytesView more = BytesView{bytes}.first(140'000);
    ASSERT_TRUE(second.feed(more, kNow));
    budget.check_invariants();
    EXPECT_EQ(budget.used(), 140'000 - FrameBudget::kFree);
    EXPECT_EQ(first.partial(), 0u) << "the older one gave way";
    BytesView rest = BytesView{bytes}.subspan(140'004);
    const auto refused = first.feed(rest, kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::busy);
    EXPECT_FALSE(first.feed(rest, kNow)) << "for good";
}

TEST(FrameReader, the_oldest_gives_way_first_and_who_needs_room_last) {
    const TestLayout layout;
    FrameBudget budget{100'000};
    const auto bytes = frame(1, 300'000);
    const auto whole_part = BytesView{bytes}.first(FrameBudget::kFree + 40'000);
    std::deque<FrameReader> readers;
    for (int i = 0; i < 3; ++i) {
        auto part = whole_part;
        ASSERT_TRUE(readers.emplace_back(layout, budget).feed(part, kNow));
        budget.check_invariants();
    }
    EXPECT_EQ(readers[0].partial(), 0u);
    // The second is now the oldest, and needs room: the third goes.
    auto more = BytesView{bytes}.first(40'000);
    ASSERT_TRUE(readers[1].feed(more, kNow));
    EXPECT_EQ(readers[1].partial(), FrameBudget::kFree + 80'000);
    EXPECT_EQ(readers[2].partial(), 0u);
    // Nobody can give way to what is larger than all.
    auto too_much = BytesView{bytes}.first(40'000);
    EXPECT_FALSE(readers[1].feed(too_much, kNow));
    EXPECT_EQ(budget.used(), 0u);
    budget.check_invariants();
}

TEST(FrameReader, a_large_frame_must_be_whole_in_a_time_that_grows_with_its_size) {
    using namespace std::chrono_literals;
    const TestLayout layout;
    FrameBudget budget;
    FrameReader reader{layout, budget};
    const auto small = frame(1, 60'000);
    BytesView part = BytesView{small}.first(50'000);
    ASSERT_TRUE(reader.feed(part, kNow));
    EXPECT_EQ(reader.deadline(), std::nullopt) << "a small one costs no more than a link does";
    BytesView rest = BytesView{small}.subspan(50'000);
    ASSERT_TRUE(reader.feed(rest, kNow));

    const auto large = frame(1, 10 * 65'536 - 4);
    part = BytesView{large}.first(4);
    ASSERT_TRUE(reader.feed(part, kNow));
    EXPECT_EQ(reader.deadline(), kNow + 40s);
    part = BytesView{large}.subspan(4, 500'000);
    ASSERT_TRUE(reader.feed(part, kNow + 20s));
    EXPECT_EQ(reader.deadline(), kNow + 40s) << "bytes buy no time";
    reader.restart_clock(kNow + 30s);
    EXPECT_EQ(reader.deadline(), kNow + 70s);
    rest = BytesView{large}.subspan(500'004);
    const auto done = reader.feed(rest, kNow + 31s);
    ASSERT_TRUE(done && *done);
    EXPECT_EQ(reader.deadline(), std::nullopt);
}

TEST(FrameReader, what_nobody_wants_is_passed_over_and_costs_nothing) {
    const TestLayout layout;
    FrameBudget budget;
    auto bytes = frame(7, 200'000);
    const auto next = frame(1, 5);
    bytes.insert(bytes.end(), next.begin(), next.end());
    for (const std::size_t cut : {1u, 3u, 5u, 65'536u, 1'000'000u}) {
        FrameReader reader{layout, budget};
        std::vector<Frame> got;
        for (BytesView left = bytes; !left.empty();) {
            auto piece = left.first(std::min(left.size(), cut));
            left = left.subspan(piece.size());
            while (true) {
                const auto one = reader.feed(piece, kNow);
                ASSERT_TRUE(one);
                if (!*one) break;
                got.push_back(**one);
            }
            EXPECT_LE(reader.partial(), FrameLayout::kHeadSizeMax);
            EXPECT_EQ(reader.deadline(), std::nullopt);
        }
        ASSERT_EQ(got.size(), 2u) << cut;
        EXPECT_TRUE(got[0].passed_over);
        EXPECT_TRUE(got[0].payload.empty());
        EXPECT_EQ(got[0].wire_size, 200'004u);
        EXPECT_FALSE(got[1].passed_over);
    }
}

TEST(FrameReader, a_frame_that_is_done_or_whose_reader_ends_gives_its_budget_back) {
    const TestLayout layout;
    FrameBudget budget;
    const auto bytes = frame(1, 200'000);
    {
        FrameReader reader{layout, budget};
        for (int i = 0; i < 3; ++i) {
            BytesView start = BytesView{bytes}.first(100'000);
            ASSERT_TRUE(reader.feed(start, kNow));
            BytesView rest = BytesView{bytes}.subspan(100'000);
            const auto whole = reader.feed(rest, kNow);
            ASSERT_TRUE(whole && *whole);
        }
        BytesView start = BytesView{bytes}.first(100'000);
        ASSERT_TRUE(reader.feed(start, kNow));
        EXPECT_EQ(budget.used(), 100'000 - FrameBudget::kFree);
    }
    EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace sennit::protocol
