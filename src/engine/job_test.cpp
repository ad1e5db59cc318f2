// SPDX-License-Identifier: MIT
#include "engine/job.hpp"

#include <gtest/gtest.h>

#include "chain/test_chain.hpp"
#include "chain/tree.hpp"

namespace sennit::engine {
namespace {

/// A chain whose votes come two slots late, so that J(J(b)) lies below J(b) with a block between.
class LateVotes : public testing::Test {
  protected:
    LateVotes() : store_{chain::make_memory_store()}, state_{chain_.open(*store_)} {
        facts_.push_back(state_->base());
        for (std::uint64_t slot = 1; slot <= 8; ++slot) {
            const auto justified = slot < 3 ? nullptr : facts_[slot - 2];
            const auto block =
                chain_.propose(*state_, {facts_.back()->id, Slot{slot}, justified, {}});
            facts_.push_back(state_->execute(block)->facts);
            blocks_.push_back(block);
        }
    }
    chain::fixture::TestChain chain_;
    std::unique_ptr<chain::Store> store_;
    std::unique_ptr<chain::State> state_;
    std::vector<chain::FactsPtr> facts_;  ///< by slot
    std::vector<BlockPtr> blocks_;
};

TEST_F(LateVotes, leave_no_ancestor_out_that_a_header_may_name) {
    ASSERT_TRUE(state_->finalise(facts_[8]->id));
    ASSERT_EQ(facts_[7]->justified.id, facts_[5]->id);
    const auto recent = recent_ancestors(*state_, *facts_[8]);
    chain::Tree tree{chain_.genesis(), facts_[8], recent, {}};
    tree.check_invariants();
    // Above the base with J = the block below the base.
    const auto block = chain_.propose(*state_, {facts_[8]->id, Slot{9}, facts_[7], {}});
    const auto facts =
        chain::derive_facts(*facts_[8], block->header, block->id, chain_.genesis(), tree.lookup());
    ASSERT_TRUE(facts.has_value());
    const auto link = chain::required_link(**facts, block->header, tree.lookup());
    ASSERT_TRUE(link.has_value());
    EXPECT_EQ(link->source.id, facts_[5]->id);
}

TEST_F(LateVotes, are_told_from_the_old_base_on_when_sync_moves_it) {
    ASSERT_TRUE(state_->finalise(facts_[5]->id));
    chain::Tree tree{chain_.genesis(), facts_[5], recent_ancestors(*state_, *facts_[5]), {}};
    const JobContext context{chain_.genesis(), state_->genesis_id(), *store_, *state_};
    const auto result = run(AppendBlocks{{blocks_[5], blocks_[6], blocks_[7]}}, context);
    const auto& appended = std::get<BlocksAppended>(result);
    ASSERT_EQ(appended.result->applied, 3u);
    EXPECT_EQ(appended.between.size(), 2u);
    tree.rebase(appended.result->base, appended.between);
    tree.check_invariants();
    EXPECT_EQ(tree.root().id, facts_[8]->id);
    EXPECT_NE(tree.find(facts_[4]->id), nullptr) << "J(J(base))";
}

}  // namespace
}  // namespace sennit::engine
