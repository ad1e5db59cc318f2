// SPDX-License-Identifier: MIT
#include "chain/tree.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"
#include "chain/block_fixture.hpp"

namespace sennit::chain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A tree on genesis of four equal validators. Blocks are made, added and executed in one call;
/// the invariants are checked after every step.
class TreeTest : public testing::Test {
  protected:
    TreeTest() : maker_{{1, 1, 1, 1}}, tree_{maker_.genesis(), maker_.root(), {}, {}} {}

    fixture::Proposal made(const FactsPtr& parent, std::uint64_t slot,
                           const FactsPtr& justified = {}, std::uint64_t salt = 0) {
        return maker_.block(parent, slot, tree_.lookup(), justified, salt);
    }
    FactsPtr grown(const FactsPtr& parent, std::uint64_t slot, const FactsPtr& justified = {},
                   std::uint64_t salt = 0) {
        const auto block = made(parent, slot, justified, salt);
        const auto added = tree_.add(block.facts, block.header, Tree::Origin::wanted);
        EXPECT_TRUE(added.has_value()) << (added ? "" : added.error().text());
        tree_.on_executed(fixture::executed(block.facts));
        tree_.check_invariants();
        return tree_.find(block.facts->id);
    }
    bool certified(const FactsPtr& target) {
        const auto result = tree_.certify(maker_.certificate(*target, tree_.lookup()));
        EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
        tree_.check_invariants();
        return result && *result;
    }
    std::vector<BlockId> applied(const FactsPtr& block) {
        auto gone = tree_.on_applied(block->id);
        tree_.check_invariants();
        return gone;
    }

    fixture::BlockMaker maker_;
    Tree tree_;
};

TEST_F(TreeTest, begins_with_the_root_as_head_certified_and_final) {
    const auto root = maker_.root();
    EXPECT_EQ(tree_.head(), root);
    EXPECT_EQ(tree_.certified_at(root->id), root);
    EXPECT_EQ(tree_.finalised_known(), root);
    EXPECT_EQ(tree_.to_apply(), nullptr);
    EXPECT_EQ(tree_.standing(root->id), Tree::Standing::finalised);
    EXPECT_EQ(tree_.size(), 1u);
}

TEST_F(TreeTest, follows_the_longest_chain_where_nothing_is_certified) {
    const auto a = grown(maker_.root(), 1);
    const auto b = grown(maker_.root(), 2);
    const auto b2 = grown(b, 3);
    EXPECT_EQ(tree_.head(), b2);
    EXPECT_TRUE(tree_.descends(b2->id, b->id));
    EXPECT_FALSE(tree_.descends(b2->id, a->id));
    EXPECT_TRUE(tree_.descends(b->id, b->id));
}

TEST_F(TreeTest, breaks_ties_by_the_smaller_id) {
    const auto a = grown(maker_.root(), 1, {}, 1);
    const auto b = grown(maker_.root(), 1, {}, 2);
    EXPECT_EQ(tree_.head(), a->id < b->id ? a : b);
}

TEST_F(TreeTest, prefers_a_higher_certified_slot_to_length) {
    const auto a = grown(maker_.root(), 1);
    const auto a2 = grown(a, 4);
    const auto b = grown(maker_.root(), 2);
    grown(grown(b, 3), 5);
    EXPECT_TRUE(certified(a));
    EXPECT_EQ(tree_.head(), a2);
    EXPECT_EQ(tree_.certified_at(a2->id), a);
    EXPECT_TRUE(certified(b));
    EXPECT_EQ(tree_.head()->slot, Slot{5});
}

TEST_F(TreeTest, knows_only_executed_blocks_as_heads) {
    const auto a = grown(maker_.root(), 1);
    const auto block = made(a, 2);
    ASSERT_TRUE(tree_.add(block.facts, block.header));
    EXPECT_EQ(tree_.head(), a);
    ASSERT_TRUE(tree_.certify(maker_.certificate(*block.facts, tree_.lookup())));
    EXPECT_EQ(tree_.head(), a);
    tree_.on_executed(fixture::executed(block.facts));
    EXPECT_EQ(tree_.head()->id, block.facts->id);
    EXPECT_EQ(tree_.certified_at(block.facts->id)->id, block.facts->id);
}

TEST_F(TreeTest, a_late_certificate_in_the_middle_does_not_hide_a_higher_one) {
    const auto a = grown(maker_.root(), 1);
    const auto b = grown(a, 2);
    const auto c = grown(b, 3);
    EXPECT_TRUE(certified(b));
    EXPECT_TRUE(certified(a));
    EXPECT_EQ(tree_.certified_at(c->id), b);
    EXPECT_EQ(tree_.certified_at(a->id), a);
}

TEST_F(TreeTest, keeps_the_first_certificate_of_a_target) {
    const auto a = grown(maker_.root(), 1);
    const auto first = maker_.certificate(*a, tree_.lookup());
    EXPECT_TRUE(*tree_.certify(first));
    EXPECT_FALSE(*tree_.certify(maker_.certificate(*a, tree_.lookup(), {0x07})));
    EXPECT_EQ(tree_.certificate(a->id), first);
}

TEST_F(TreeTest, refuses_certificates_of_unknown_targets_and_of_other_links) {
    const auto a = grown(maker_.root(), 1);
    const auto unknown = made(a, 2);
    EXPECT_EQ(tree_.certify(maker_.certificate(*unknown.facts, tree_.lookup())).error().code,
              Errc::not_found);
    const auto spoiled = [&](auto&& change) {
        auto certificate = *maker_.certificate(*a, tree_.lookup());
        change(certificate);
        const auto result = tree_.certify(std::make_shared<const Certificate>(certificate));
        return result ? Errc::duplicate : result.error().code;
    };
    EXPECT_EQ(spoiled([](auto& c) { ++c.target_height; }), Errc::mismatch);
    EXPECT_EQ(spoiled([](auto& c) { ++c.link.target.slot; }), Errc::mismatch);
    EXPECT_EQ(spoiled([](auto& c) { c.link.source.id = {}; }), Errc::mismatch);
    EXPECT_EQ(spoiled([](auto& c) { c.link.source_digest = {}; }), Errc::mismatch);
    EXPECT_EQ(spoiled([](auto& c) { ++c.set_version; }), Errc::mismatch);
    EXPECT_EQ(spoiled([](auto& c) { c.joint = true; }), Errc::mismatch);
    EXPECT_EQ(tree_.certificate(a->id), nullptr);
}

TEST_F(TreeTest, holds_a_block_once) {
    const auto a = made(maker_.root(), 1);
    EXPECT_TRUE(tree_.add(a.facts, a.header).has_value());
    EXPECT_EQ(tree_.add(a.facts, a.header).error().code, Errc::duplicate);
    EXPECT_TRUE(tree_.holds(a.facts->id));
    EXPECT_TRUE(tree_.holds(maker_.root()->id));
}

TEST_F(TreeTest, names_the_executed_blocks_of_a_slot) {
    const auto a = grown(maker_.root(), 2, {}, 1);
    const auto b = grown(maker_.root(), 2, {}, 2);
    grown(a, 3);
    const auto c = made(maker_.root(), 2, {}, 3);
    ASSERT_TRUE(tree_.add(c.facts, c.header, Tree::Origin::wanted));
    EXPECT_THAT(tree_.executed_at(Slot{2}), UnorderedElementsAre(a, b));
    EXPECT_THAT(tree_.executed_at(Slot{1}), IsEmpty());
    EXPECT_THAT(tree_.executed_at(Slot{0}), IsEmpty());
}

/// The parent must be the root or above it: on an ancestor that is kept for J alone nothing grows.
TEST_F(TreeTest, nothing_grows_below_the_root) {
    const auto a = grown(maker_.root(), 1);
    certified(a);
    const auto b = grown(a, 2, a);
    certified(b);
    const auto late = made(maker_.root(), 9);
    applied(a);
    EXPECT_FALSE(tree_.holds(maker_.root()->id));
    EXPECT_EQ(tree_.add(late.facts, late.header).error().code, Errc::not_found);
}

TEST_F(TreeTest, a_link_over_one_slot_finalises_its_source) {
    const auto a = grown(maker_.root(), 2);
    EXPECT_TRUE(certified(a));  // source slot 0, target slot 2
    EXPECT_EQ(tree_.finalised_known(), maker_.root());
    const auto b = grown(a, 3, a);
    EXPECT_TRUE(certified(b));
    EXPECT_EQ(tree_.finalised_known(), a);
    EXPECT_EQ(tree_.to_apply(), a);
}

TEST_F(TreeTest, finality_over_a_gap_needs_two_slots_in_a_row) {
    const auto a = grown(maker_.root(), 2);
    certified(a);
    const auto b = grown(a, 4, a);
    certified(b);
    EXPECT_EQ(tree_.finalised_known(), maker_.root());
    const auto c = grown(b, 5, b);
    certified(c);
    EXPECT_EQ(tree_.finalised_known(), b);
}

TEST_F(TreeTest, applies_known_finality_only_as_far_as_execution_came) {
    const auto a = grown(maker_.root(), 2);
    certified(a);
    // b and c are added without being executed: within an epoch the sets are known all the same.
    const auto b = made(a, 3, a);
    ASSERT_TRUE(tree_.add(b.facts, b.header));
    certified(b.facts);
    auto as_executed = fixture::executed(b.facts);
    const auto c = maker_.block(as_executed, 4, tree_.lookup(), b.facts);
    ASSERT_TRUE(tree_.add(c.facts, c.header));
    certified(c.facts);
    EXPECT_EQ(tree_.finalised_known()->id, b.facts->id);
    EXPECT_EQ(tree_.to_apply(), a);
    applied(a);
    EXPECT_EQ(tree_.to_apply(), nullptr);
    tree_.on_executed(as_executed);
    EXPECT_EQ(tree_.to_apply()->id, b.facts->id);
}

TEST_F(TreeTest, applying_drops_the_branches_that_lost_and_keeps_what_j_may_name) {
    const auto a = grown(maker_.root(), 1);
    certified(a);
    const auto b = grown(a, 2, a);
    const auto lost = grown(a, 3);
    const auto lost2 = grown(lost, 4);
    certified(b);
    const auto c = grown(b, 5, b);
    EXPECT_THAT(applied(a), IsEmpty());
    certified(c);
    const auto d = grown(c, 6, c);
    certified(d);
    EXPECT_EQ(tree_.to_apply(), c);
    EXPECT_THAT(applied(c), UnorderedElementsAre(lost->id, lost2->id));
    EXPECT_EQ(tree_.root().id, c->id);
    EXPECT_EQ(tree_.standing(lost->id), Tree::Standing::unknown);
    EXPECT_EQ(tree_.standing(b->id), Tree::Standing::finalised);
    EXPECT_EQ(tree_.size(), 2u);
    // J(c) = b, J(b) = a: below a nothing can be named any more.
    EXPECT_EQ(tree_.find(a->id), a);
    EXPECT_EQ(tree_.find(maker_.root()->id), nullptr);
    EXPECT_EQ(tree_.head(), d);
    EXPECT_EQ(tree_.certificate(c->id)->link.target.id, c->id);
}

TEST_F(TreeTest, certificates_of_the_root_and_below_are_known) {
    const auto a = grown(maker_.root(), 1);
    certified(a);
    const auto b = grown(a, 2, a);
    certified(b);
    const auto of_a = tree_.certificate(a->id);
    const auto of_b = tree_.certificate(b->id);
    const std::vector<FactsPtr> recent{maker_.root(), a};
    Tree restarted{maker_.genesis(), b, recent, {}};
    restarted.check_invariants();
    EXPECT_EQ(restarted.certificate(b->id), nullptr);
    EXPECT_FALSE(*restarted.certify(of_b));
    EXPECT_EQ(restarted.certificate(b->id), of_b);
    EXPECT_FALSE(*restarted.certify(of_a));
}

TEST_F(TreeTest, a_failed_block_condemns_its_descendants) {
    const auto a = grown(maker_.root(), 1);
    const auto bad = made(a, 2);
    ASSERT_TRUE(tree_.add(bad.facts, bad.header));
    const auto child = maker_.block(fixture::executed(bad.facts), 3, tree_.lookup());
    ASSERT_TRUE(tree_.add(child.facts, child.header));
    EXPECT_THAT(tree_.on_failed(bad.facts->id), ElementsAre(bad.facts->id, child.facts->id));
    tree_.check_invariants();
    EXPECT_EQ(tree_.standing(child.facts->id), Tree::Standing::failed);
    tree_.on_executed(fixture::executed(child.facts));  // was under way
    EXPECT_EQ(tree_.head(), a);
    const auto late = maker_.block(fixture::executed(bad.facts), 4, tree_.lookup());
    EXPECT_EQ(tree_.add(late.facts, late.header).error().code, Errc::invalid);
    EXPECT_EQ(tree_.add(bad.facts, bad.header).error().code, Errc::duplicate);
    EXPECT_FALSE(tree_.fault());
}

TEST_F(TreeTest, a_certified_block_that_fails_is_a_fault) {
    const auto bad = made(maker_.root(), 1);
    ASSERT_TRUE(tree_.add(bad.facts, bad.header));
    certified(bad.facts);
    tree_.on_failed(bad.facts->id);
    ASSERT_TRUE(tree_.fault());
    EXPECT_EQ(tree_.fault()->certificates.size(), 1u);
    tree_.check_invariants();
}

TEST_F(TreeTest, a_certificate_for_a_failed_block_is_a_fault) {
    const auto bad = made(maker_.root(), 1);
    ASSERT_TRUE(tree_.add(bad.facts, bad.header));
    tree_.on_failed(bad.facts->id);
    certified(bad.facts);
    EXPECT_TRUE(tree_.fault());
}

TEST_F(TreeTest, certificates_that_finalise_conflicting_blocks_are_a_fault) {
    const auto a = grown(maker_.root(), 2);
    const auto b = grown(maker_.root(), 4);
    certified(a);
    certified(b);
    const auto a2 = grown(a, 3, a);
    const auto b2 = grown(b, 5, b);
    certified(a2);
    EXPECT_FALSE(tree_.fault());
    certified(b2);
    ASSERT_TRUE(tree_.fault());
    EXPECT_THAT(tree_.fault()->certificates,
                ElementsAre(tree_.certificate(a2->id), tree_.certificate(b2->id)));
    EXPECT_THAT(tree_.fault()->blocks, ElementsAre(a->id, b->id));
    EXPECT_EQ(tree_.to_apply(), nullptr);
}

TEST_F(TreeTest, a_conflict_shows_even_after_the_losing_branch_was_dropped) {
    const auto a = grown(maker_.root(), 2);
    const auto b = grown(maker_.root(), 4);
    certified(a);
    certified(b);
    const auto a2 = grown(a, 3, a);
    const auto b2 = grown(b, 5, b);
    const auto late = maker_.certificate(*b2, tree_.lookup());
    const auto harmless = maker_.certificate(*b, tree_.lookup());
    certified(a2);
    applied(a);
    EXPECT_FALSE(*tree_.certify(harmless));
    EXPECT_FALSE(tree_.fault());
    EXPECT_FALSE(*tree_.certify(late));
    ASSERT_TRUE(tree_.fault());
    EXPECT_THAT(tree_.fault()->certificates, ElementsAre(tree_.certificate(a2->id), late));
}

TEST_F(TreeTest, holds_two_relayed_blocks_of_a_leader_and_slot_and_any_that_it_asked_for) {
    const auto a = made(maker_.root(), 1, {}, 1);
    const auto b = made(maker_.root(), 1, {}, 2);
    const auto c = made(maker_.root(), 1, {}, 3);
    ASSERT_TRUE(tree_.add(a.facts, a.header));
    EXPECT_FALSE(tree_.double_proposal(*a.facts, a.header));
    const auto evidence = tree_.double_proposal(*b.facts, b.header);
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->first, encode(a.header));
    EXPECT_EQ(evidence->second, encode(b.header));
    ASSERT_TRUE(tree_.add(b.facts, b.header));
    EXPECT_EQ(tree_.add(c.facts, c.header).error().code, Errc::busy);
    EXPECT_TRUE(tree_.add(c.facts, c.header, Tree::Origin::wanted).has_value());
    tree_.check_invariants();
}

TEST_F(TreeTest, refuses_more_blocks_than_it_may_hold_but_for_those_that_contend_with_the_head) {
    Tree small{maker_.genesis(), maker_.root(), {}, {.blocks_max = 3}};
    const auto add = [&](const fixture::Proposal& block, Tree::Origin origin) {
        const auto done = small.add(block.facts, block.header, origin);
        if (done) small.on_executed(fixture::executed(block.facts));
        small.check_invariants();
        return done ? std::nullopt : std::optional{done.error().code};
    };
    auto parent = maker_.root();
    for (std::uint64_t slot = 1; slot <= 6; ++slot) {
        const auto next = maker_.block(parent, slot, small.lookup());
        EXPECT_EQ(add(next, Tree::Origin::relayed), std::nullopt) << "the chain goes on";
        parent = small.find(next.facts->id);
    }
    const auto low = maker_.block(maker_.root(), 2, small.lookup());
    EXPECT_EQ(add(low, Tree::Origin::relayed), Errc::busy);
    EXPECT_EQ(small.find(low.facts->id), nullptr);
    EXPECT_EQ(add(low, Tree::Origin::wanted), std::nullopt) << "a branch that we follow";
    EXPECT_FALSE(small.contends(low.facts->id));
    const auto rival = maker_.block(small.find(parent->parent), 7, small.lookup());
    EXPECT_EQ(add(rival, Tree::Origin::relayed), std::nullopt) << "as high as the head";
    EXPECT_TRUE(small.contends(rival.facts->id));
}

TEST_F(TreeTest, a_block_that_could_not_be_executed_goes_and_may_come_again) {
    const auto a = made(maker_.root(), 1);
    ASSERT_TRUE(tree_.add(a.facts, a.header));
    tree_.withdraw(a.facts->id);
    tree_.check_invariants();
    EXPECT_EQ(tree_.standing(a.facts->id), Tree::Standing::unknown);
    EXPECT_TRUE(tree_.add(a.facts, a.header));
}

TEST_F(TreeTest, begins_anew_on_a_base_that_moved_over_blocks_that_it_never_saw) {
    const auto a = grown(maker_.root(), 1);
    ASSERT_TRUE(certified(a));
    const auto b = grown(a, 2, a);
    const auto lost = grown(a, 3, a, 1);
    // b to e came by sync: a is J of them all, and J(a) the genesis.
    Tree there{maker_.genesis(), maker_.root(), std::vector<FactsPtr>{}, {}};
    std::vector<FactsPtr> between{a, b};
    auto parent = b;
    for (std::uint64_t slot = 4; slot <= 6; ++slot) {
        parent = fixture::executed(maker_
                                       .block(
                                           parent, slot,
                                           [&](const BlockId& id) -> FactsPtr {
                                               for (const auto& one : between)
                                                   if (one->id == id) return one;
                                               return tree_.find(id);
                                           },
                                           a)
                                       .facts);
        between.push_back(parent);
    }
    between.pop_back();
    tree_.rebase(parent, between);
    tree_.check_invariants();
    EXPECT_EQ(tree_.head(), parent);
    EXPECT_EQ(tree_.size(), 1u);
    EXPECT_EQ(tree_.standing(b->id), Tree::Standing::finalised);
    EXPECT_EQ(tree_.standing(lost->id), Tree::Standing::unknown);
    EXPECT_NE(tree_.find(maker_.root()->id), nullptr) << "J(J(root)), which a link may name";
    const auto next = grown(parent, 7, b);
    EXPECT_TRUE(certified(next));
}

TEST_F(TreeTest, keeps_the_finality_link_with_the_lowest_target_for_each_version) {
    const auto a = grown(maker_.root(), 1);
    const auto b = grown(a, 2, {});
    const auto c = grown(b, 3, {});
    EXPECT_THAT(tree_.first_links(), IsEmpty());
    certified(b);
    const auto d = grown(c, 4, b);
    certified(c);  // source 0, target 3: certifies, finalises nothing
    EXPECT_THAT(tree_.first_links(), IsEmpty());
    const auto e = grown(c, 5, c);
    certified(e);
    const auto f = grown(e, 6, e);
    certified(f);
    EXPECT_THAT(tree_.first_links(), ElementsAre(tree_.certificate(f->id)));
    certified(a);
    EXPECT_THAT(tree_.first_links(), ElementsAre(tree_.certificate(a->id)));
    EXPECT_NE(d, nullptr);
}

/// Goal: what the tree keeps up step by step equals what can be worked out anew, over random
/// trees with certificates in any order. Method: the ranking by definition, compared at each step.
TEST_F(TreeTest, head_and_certified_ancestors_equal_their_definitions_on_random_trees) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Rng rng{seed};
        tree_ = Tree{maker_.genesis(), maker_.root(), {}, {}};
        std::vector<FactsPtr> blocks{maker_.root()};
        for (std::uint64_t slot = 1; slot < 40; ++slot) {
            const auto parent =
                blocks[blocks.size() - 1 - rng.below(std::min<std::size_t>(blocks.size(), 4))];
            const auto justified = rng.chance(1, 2) ? tree_.certified_at(parent->id) : nullptr;
            blocks.push_back(grown(parent, slot * 2, justified));
            if (rng.chance(1, 2)) certified(blocks[1 + rng.below(blocks.size() - 1)]);
            const auto highest = [&](FactsPtr at) {
                while (at->slot.value != 0 && !tree_.certificate(at->id))
                    at = tree_.find(at->parent);
                return at;
            };
            FactsPtr best = blocks.front();
            for (const auto& block : blocks) {
                EXPECT_EQ(tree_.certified_at(block->id), highest(block));
                const auto left = std::pair{highest(block)->slot, block->height};
                const auto right = std::pair{highest(best)->slot, best->height};
                if (left > right || (left == right && block->id < best->id)) best = block;
            }
            EXPECT_EQ(tree_.head(), best);
        }
    }
}

}  // namespace
}  // namespace sennit::chain
