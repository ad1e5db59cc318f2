// SPDX-License-Identifier: MIT
#include "protocol/framing/frame_reader.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace sennit::protocol {
namespace {

/// u8 type, u24 big-endian length; type 9 takes 10 bytes, type 8 ends the link.
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
                const auto got = reader.feed(piece);
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
    ASSERT_TRUE(reader.feed(head));
    BytesView last = BytesView{bytes}.subspan(3, 1);
    const auto refused = reader.feed(last);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::oversized);
    const auto good = frame(1, 1);
    BytesView again = good;
    EXPECT_FALSE(reader.feed(again));
}

TEST(FrameReader, a_promise_costs_nothing_and_bytes_received_are_drawn_from_the_budget) {
    const TestLayout layout;
    FrameBudget budget{100'000};
    const auto bytes = frame(1, 200'000);
    FrameReader first{layout, budget};
    BytesView head = BytesView{bytes}.first(4);
    ASSERT_TRUE(first.feed(head));
    EXPECT_EQ(first.partial(), 4u);
    EXPECT_EQ(budget.used(), 0u);

    BytesView part = BytesView{bytes}.subspan(4, 140'000);
    ASSERT_TRUE(first.feed(part));
    EXPECT_EQ(budget.used(), 140'004 - FrameBudget::kFree);
    {
        FrameReader second{layout, budget};
        BytesView much = BytesView{bytes}.first(140'000);
        const auto refused = second.feed(much);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::busy);
        EXPECT_EQ(second.partial(), 0u);
    }
    EXPECT_EQ(budget.used(), 140'004 - FrameBudget::kFree);
}

TEST(FrameReader, a_frame_that_is_done_or_whose_reader_ends_gives_its_budget_back) {
    const TestLayout layout;
    FrameBudget budget;
    const auto bytes = frame(1, 200'000);
    {
        FrameReader reader{layout, budget};
        for (int i = 0; i < 3; ++i) {
            BytesView start = BytesView{bytes}.first(100'000);
            ASSERT_TRUE(reader.feed(start));
            BytesView rest = BytesView{bytes}.subspan(100'000);
            const auto whole = reader.feed(rest);
            ASSERT_TRUE(whole && *whole);
        }
        BytesView start = BytesView{bytes}.first(100'000);
        ASSERT_TRUE(reader.feed(start));
        EXPECT_EQ(budget.used(), 100'000 - FrameBudget::kFree);
    }
    EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace sennit::protocol
