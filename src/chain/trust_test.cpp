// SPDX-License-Identifier: MIT
#include "chain/trust.hpp"

#include <gmock/gmock.h>

#include "chain/test_chain.hpp"

namespace sennit::chain {
namespace {

using testing::HasSubstr;

/// A chain of ten final blocks; stake unbonds in 1000 seconds, slots take 3.
class Trust : public testing::Test {
  protected:
    Trust() : store_{make_memory_store()}, state_{chain_.open(*store_)} {
        for (int i = 0; i < 10; ++i) {
            const auto block = chain_.extend(*state_, state_->base()->id);
            ids_.push_back(block->id);
            EXPECT_TRUE(state_->execute(block));
            EXPECT_TRUE(state_->finalise(block->id));
        }
    }
    UnixTime after_base(std::uint64_t seconds) const {
        return from_unix_seconds(chain_.schedule().timestamp(state_->base()->slot) + seconds);
    }
    Result<void> check(std::optional<Checkpoint> trusted, std::uint64_t age) const {
        return check_trust(chain_.genesis(), *store_, *state_->base(), trusted, after_base(age));
    }

    fixture::TestChain chain_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<State> state_;
    std::vector<BlockId> ids_;
};

TEST_F(Trust, a_base_younger_than_half_the_unbonding_time_needs_none) {
    EXPECT_TRUE(check({}, 0));
    EXPECT_TRUE(check({}, 500));
}

TEST_F(Trust, an_older_base_needs_a_block_and_the_error_says_which_and_how) {
    const auto refused = check({}, 501);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::timeout);
    EXPECT_THAT(refused.error().text(), HasSubstr("--trust slot:id"));
    EXPECT_THAT(refused.error().text(), HasSubstr("--trust 10:0x" + to_hex(ids_.back())));
}

TEST_F(Trust, a_block_of_our_own_chain_is_enough_however_old) {
    EXPECT_TRUE(check(Checkpoint{Slot{10}, ids_[9]}, 1'000'000));
    EXPECT_TRUE(check(Checkpoint{Slot{3}, ids_[2]}, 1'000'000));
    EXPECT_TRUE(check(Checkpoint{Slot{0}, chain_.genesis_id()}, 1'000'000));
}

TEST_F(Trust, a_block_that_our_chain_lacks_is_refused_even_when_the_base_is_young) {
    EXPECT_EQ(check(Checkpoint{Slot{3}, ids_[3]}, 0).error().code, Errc::mismatch);
    EXPECT_EQ(check(Checkpoint{Slot{4}, BlockId{{7}}}, 0).error().code, Errc::mismatch);
}

TEST_F(Trust, a_block_above_the_base_is_for_sync_to_find) {
    EXPECT_TRUE(check(Checkpoint{Slot{11}, BlockId{{7}}}, 1'000'000));
}

TEST_F(Trust, checkpoints_are_read_as_they_are_written) {
    const Checkpoint one{Slot{1234}, ids_[0]};
    for (const auto& text : {to_text(one), "1234:" + to_hex(ids_[0])}) {
        const auto read = parse_checkpoint(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, one);
    }
    for (const auto* wrong : {"", ":", "12", "12:", "12:0x55", "x:0x55", "-1:0x55", "1 :0x55"}) {
        EXPECT_FALSE(parse_checkpoint(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace sennit::chain
