// SPDX-License-Identifier: MIT
#include "sync/header_chain.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"

namespace sennit::sync {
namespace {

/// Block `height` of chain `chain`.
BlockId id(std::uint64_t height, std::uint8_t chain = 0) {
    BlockId out;
    out.bytes[0] = chain;
    out.bytes[1] = static_cast<std::uint8_t>(height >> 8);
    out.bytes[2] = static_cast<std::uint8_t>(height);
    return out;
}

PeerRef peer(std::uint64_t number) {
    return {InstanceId{1}, PeerId{number}};
}

HeaderChain::Piece piece(const Range& range, std::uint64_t sender, std::uint8_t chain = 0) {
    return {range, id(range.high.value, chain), id(range.low.value - 1, chain), peer(sender)};
}

Range range(std::uint64_t low, std::uint64_t high) {
    return {Height{low}, Height{high}};
}

class HeaderChainTest : public testing::Test {
  protected:
    Range take(std::uint64_t max, std::uint64_t reach = 100) {
        const auto taken = chain_.take(Height{reach}, max);
        SENNIT_ASSERT(taken);
        return *taken;
    }

    HeaderChain chain_{Height{10}, Height{100}, id(100)};
};

TEST_F(HeaderChainTest, hands_out_ranges_from_the_top) {
    EXPECT_EQ(take(30), range(71, 100));
    EXPECT_EQ(take(30), range(41, 70));
    EXPECT_EQ(take(60), range(11, 40));
    EXPECT_FALSE(chain_.take(Height{100}, 1));
}

TEST_F(HeaderChainTest, hands_out_no_more_than_a_peer_reaches) {
    EXPECT_EQ(take(20, 50), range(31, 50));
    EXPECT_EQ(take(20), range(81, 100));
    EXPECT_EQ(take(50), range(51, 80));
    EXPECT_FALSE(chain_.take(Height{10}, 1));
}

TEST_F(HeaderChainTest, joins_what_is_given_back) {
    const auto high = take(30);
    const auto low = take(30);
    chain_.give_back(high);
    chain_.give_back(low);
    chain_.check_invariants();
    EXPECT_EQ(take(90), range(11, 100));
}

TEST_F(HeaderChainTest, proves_from_the_top_whatever_comes_first) {
    const auto high = take(30);
    const auto middle = take(30);
    const auto low = take(30);
    EXPECT_TRUE(chain_.add(piece(low, 1)).empty());
    EXPECT_TRUE(chain_.add(piece(middle, 2)).empty());
    EXPECT_EQ(chain_.front(), Height{100});
    EXPECT_TRUE(chain_.add(piece(high, 3)).empty());
    EXPECT_TRUE(chain_.complete());
    EXPECT_EQ(chain_.expected(), id(10));
    EXPECT_EQ(chain_.pieces(), 0U);
}

TEST_F(HeaderChainTest, returns_what_does_not_link_to_the_proven_part) {
    const auto high = take(30);
    const auto middle = take(30);
    const auto low = take(30);
    // The middle is a liar's; the lowest is right and waits.
    EXPECT_TRUE(chain_.add(piece(low, 1)).empty());
    EXPECT_TRUE(chain_.add(piece(middle, 2, 9)).empty());
    const auto refused = chain_.add(piece(high, 3));
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused.front().sender, peer(2));
    EXPECT_EQ(chain_.front(), Height{70});
    EXPECT_EQ(take(100), middle);
    EXPECT_TRUE(chain_.add(piece(middle, 4)).empty());
    EXPECT_TRUE(chain_.complete());
}

TEST_F(HeaderChainTest, tells_at_once_what_cannot_fit) {
    const auto high = take(30);
    EXPECT_FALSE(chain_.fits(piece(high, 1, 9)));
    EXPECT_TRUE(chain_.fits(piece(high, 1)));
    EXPECT_TRUE(chain_.fits(piece(take(30), 1, 9))) << "not known yet";
}

TEST_F(HeaderChainTest, keeps_one_sender_s_run_as_one_piece) {
    (void)take(1);
    for (int i = 0; i < 80; ++i) chain_.add(piece(take(1), 7));
    EXPECT_EQ(chain_.pieces(), 1U);
    EXPECT_EQ(chain_.held(), 80U);
}

TEST(HeaderChainBounds, waits_for_the_front_when_pieces_are_many) {
    HeaderChain chain{Height{0}, Height{5000}, id(5000)};
    const auto front = chain.take(Height{5000}, 2);
    std::uint64_t sender = 0;
    while (const auto next = chain.take(Height{5000}, 2)) {
        chain.add(piece(*next, ++sender));
        chain.check_invariants();
    }
    EXPECT_EQ(chain.pieces(), HeaderChain::kPiecesMax);
    EXPECT_FALSE(chain.highest_open());
    chain.give_back(*front);
    EXPECT_EQ(chain.take(Height{5000}, 100), *front);
    EXPECT_TRUE(chain.add(piece(*front, 1)).empty());
    EXPECT_EQ(chain.pieces(), 0U);
    EXPECT_TRUE(chain.highest_open());
}

TEST(HeaderChainProperty, ends_complete_whoever_lies_in_whatever_order) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Rng rng{seed};
        HeaderChain chain{Height{3}, Height{400}, id(400)};
        std::vector<Range> asked;
        std::size_t blamed = 0;
        std::size_t lies = 0;
        for (int step = 0; step < 20'000 && !chain.complete(); ++step) {
            if (asked.size() < 6) {
                if (auto next = chain.take(Height{400 - rng.below(3) * 100}, 1 + rng.below(40)))
                    asked.push_back(*next);
            }
            if (asked.empty()) continue;
            std::swap(asked[rng.below(asked.size())], asked.back());
            const auto range = asked.back();
            asked.pop_back();
            if (rng.chance(1, 5)) {
                chain.give_back(range);
                continue;
            }
            const bool lie = rng.chance(1, 4);
            auto got = range;
            if (rng.chance(1, 3)) {
                got.low = Height{range.high.value - rng.below(range.count())};
                if (range.low < got.low) chain.give_back({range.low, got.low - 1});
            }
            const auto one = piece(got, lie ? 1 : 2, lie ? 5 : 0);
            lies += lie;
            if (!chain.fits(one)) {
                EXPECT_TRUE(lie);
                ++blamed;
                chain.give_back(got);
            } else {
                for (const auto& refused : chain.add(one)) {
                    EXPECT_EQ(refused.sender, peer(1));
                    ++blamed;
                }
            }
            chain.check_invariants();
        }
        ASSERT_TRUE(chain.complete()) << "seed " << seed;
        EXPECT_EQ(chain.expected(), id(3));
        EXPECT_LE(blamed, lies);
        EXPECT_GT(blamed, 0U);
    }
}

}  // namespace
}  // namespace sennit::sync
