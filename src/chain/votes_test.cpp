// SPDX-License-Identifier: MIT
#include "chain/votes.hpp"

#include <gmock/gmock.h>

#include "chain/block_fixture.hpp"

namespace sennit::chain {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using What = Votes::Admission::What;

/// Four equal validators and one key that is in no set; the genesis, and votes about what grows
/// on it.
class VotesTest : public testing::Test {
  protected:
    VotesTest()
        : maker_{{1, 1, 1, 1}, 1},
          tree_{maker_.genesis(), maker_.root(), {}, {}},
          votes_{maker_.root()->id} {}

    fixture::Proposal made(const FactsPtr& parent, std::uint64_t slot,
                           const FactsPtr& justified = {}, std::uint64_t salt = 0) {
        return maker_.block(parent, slot, tree_.lookup(), justified, salt);
    }
    FactsPtr grown(const FactsPtr& parent, std::uint64_t slot, const FactsPtr& justified = {},
                   std::uint64_t salt = 0) {
        const auto block = made(parent, slot, justified, salt);
        EXPECT_TRUE(tree_.add(block.facts, block.header, Tree::Origin::wanted).has_value());
        tree_.on_executed(fixture::executed(block.facts));
        return tree_.find(block.facts->id);
    }
    ValidatorKey key(std::size_t bit) const { return maker_.root()->quorum->key(bit); }
    Vote vote(const FactsPtr& target, std::size_t bit) {
        return maker_.vote(*target, key(bit), tree_.lookup());
    }
    What admitted(const Vote& vote, std::uint64_t now = 10) {
        const auto what = votes_.admit(vote, tree_, Slot{now}).what;
        votes_.check_invariants();
        return what;
    }
    Votes::Added counted(const Vote& vote) {
        EXPECT_EQ(admitted(vote), What::verify);
        auto added = votes_.add(vote, tree_);
        votes_.check_invariants();
        return added;
    }
    Errc refusal(const Vote& vote) {
        const auto admission = votes_.admit(vote, tree_, Slot{10});
        EXPECT_EQ(admission.what, What::refused);
        return admission.why.code;
    }

    fixture::BlockMaker maker_;
    Tree tree_;
    Votes votes_;
};

TEST_F(VotesTest, hands_out_the_bytes_that_the_voter_signed) {
    const auto a = grown(maker_.root(), 1);
    const auto mine = vote(a, 2);
    const auto admission = votes_.admit(mine, tree_, Slot{1});
    ASSERT_EQ(admission.what, What::verify);
    EXPECT_TRUE(crypto::ed25519_verify(mine.key.view(), admission.message, mine.signature.view()));
}

TEST_F(VotesTest, the_vote_that_fills_the_quorum_gives_a_certificate_in_bit_order) {
    const auto a = grown(maker_.root(), 1);
    EXPECT_TRUE(counted(vote(a, 3)).fresh);
    EXPECT_EQ(counted(vote(a, 0)).certificate, nullptr);
    EXPECT_EQ(votes_.fullest(a->id), nullptr);
    const auto certificate = counted(vote(a, 1)).certificate;
    ASSERT_NE(certificate, nullptr);
    EXPECT_TRUE(check_certificate_form(*certificate, *a->quorum).has_value());
    EXPECT_EQ(certificate->bitmap, Bytes{0x0b});
    ASSERT_THAT(certificate->signatures, SizeIs(3));
    EXPECT_EQ(certificate->signatures[0], vote(a, 0).signature);
    EXPECT_EQ(certificate->signatures[2], vote(a, 3).signature);
    EXPECT_TRUE(*tree_.certify(certificate));
    // A later vote makes no second one, but pays whoever names all four.
    EXPECT_EQ(counted(vote(a, 2)).certificate, nullptr);
    EXPECT_EQ(votes_.fullest(a->id)->bitmap, Bytes{0x0f});
    EXPECT_THAT(votes_.votes_for(a->id), SizeIs(4));
}

TEST_F(VotesTest, counts_a_vote_once_and_only_after_its_signature_held) {
    const auto a = grown(maker_.root(), 1);
    auto forged = vote(a, 0);
    forged.signature.bytes[0] ^= 1;
    EXPECT_EQ(admitted(forged), What::verify);  // and is never added
    EXPECT_TRUE(counted(vote(a, 0)).fresh);
    EXPECT_EQ(admitted(vote(a, 0)), What::known);
    EXPECT_EQ(admitted(forged), What::known);
    EXPECT_FALSE(votes_.add(vote(a, 0), tree_).fresh);
    EXPECT_EQ(votes_.size(), 1u);
}

TEST_F(VotesTest, refuses_another_link_version_or_key_than_the_targets) {
    const auto a = grown(maker_.root(), 1);
    auto wrong = vote(a, 0);
    wrong.link.source_digest = {};
    EXPECT_EQ(refusal(wrong), Errc::mismatch);
    wrong = vote(a, 0);
    wrong.link.source.id = a->id;
    EXPECT_EQ(refusal(wrong), Errc::mismatch);
    wrong = vote(a, 0);
    wrong.link.source.slot = Slot{1};
    EXPECT_EQ(refusal(wrong), Errc::invalid);
    wrong = vote(a, 0);
    ++wrong.link.target.slot;
    EXPECT_EQ(refusal(wrong), Errc::mismatch);
    wrong = vote(a, 0);
    wrong.set_version = 1;
    EXPECT_EQ(refusal(wrong), Errc::mismatch);
    wrong = vote(a, 0);
    wrong.key = fixture::validator_key(4).public_key<ValidatorKey>();
    EXPECT_EQ(refusal(wrong), Errc::mismatch);
    EXPECT_EQ(votes_.size(), 0u);
}

TEST_F(VotesTest, drops_votes_outside_the_slots_from_the_finalised_to_the_next) {
    const auto a = grown(maker_.root(), 3);
    EXPECT_EQ(admitted(vote(a, 0), 1), What::stale);
    EXPECT_EQ(admitted(vote(a, 0), 2), What::verify);
    ASSERT_TRUE(tree_.certify(maker_.certificate(*a, tree_.lookup())));
    const auto b = grown(a, 4, a);
    ASSERT_TRUE(tree_.certify(maker_.certificate(*b, tree_.lookup())));
    EXPECT_EQ(admitted(vote(a, 0)), What::stale);  // a is known to be final
    EXPECT_EQ(admitted(vote(b, 0)), What::verify);
}

TEST_F(VotesTest, two_votes_of_one_key_and_slot_are_evidence_and_a_third_is_refused) {
    const auto a = grown(maker_.root(), 1, {}, 1);
    const auto b = grown(maker_.root(), 1, {}, 2);
    const auto c = grown(maker_.root(), 1, {}, 3);
    EXPECT_FALSE(counted(vote(a, 0)).equivocation);
    const auto evidence = counted(vote(b, 0)).equivocation;
    ASSERT_TRUE(evidence);
    const auto& hash = a->quorum->set_hash();
    EXPECT_EQ(evidence->first, evidence_item(vote(a, 0), hash, maker_.root()->id));
    EXPECT_EQ(evidence->second, evidence_item(vote(b, 0), hash, maker_.root()->id));
    EXPECT_EQ(refusal(vote(c, 0)), Errc::busy);
    EXPECT_FALSE(counted(vote(c, 1)).equivocation);
    votes_.prune(Slot{1});
    votes_.check_invariants();
    EXPECT_EQ(votes_.size(), 0u);
}

TEST_F(VotesTest, a_vote_that_surrounds_another_is_evidence_in_either_order) {
    const auto a = grown(maker_.root(), 1);
    ASSERT_TRUE(tree_.certify(maker_.certificate(*a, tree_.lookup())));
    tree_.check_invariants();
    const auto inner = grown(a, 3, a);    // 1 -> 3
    const auto outer = grown(a, 5);       // 0 -> 5
    const auto beside = grown(inner, 6);  // 1 -> 6
    EXPECT_FALSE(counted(vote(inner, 0)).equivocation);
    EXPECT_TRUE(counted(vote(outer, 0)).equivocation);
    EXPECT_FALSE(counted(vote(outer, 1)).equivocation);
    EXPECT_TRUE(counted(vote(inner, 1)).equivocation);
    EXPECT_FALSE(counted(vote(inner, 2)).equivocation);
    EXPECT_FALSE(counted(vote(beside, 2)).equivocation);
}

TEST_F(VotesTest, votes_for_an_unknown_target_wait_for_it_two_for_each_key_and_slot) {
    const auto a = made(maker_.root(), 1, {}, 1);
    const auto b = made(maker_.root(), 1, {}, 2);
    const auto c = made(maker_.root(), 1, {}, 3);
    EXPECT_EQ(admitted(vote(a.facts, 0)), What::waiting);
    EXPECT_EQ(admitted(vote(a.facts, 0)), What::known);
    EXPECT_EQ(admitted(vote(b.facts, 0)), What::waiting);
    EXPECT_EQ(refusal(vote(c.facts, 0)), Errc::busy);
    EXPECT_EQ(admitted(vote(a.facts, 1)), What::waiting);
    EXPECT_THAT(votes_.take_waiting(a.facts->id), SizeIs(2));
    EXPECT_THAT(votes_.take_waiting(a.facts->id), IsEmpty());
    votes_.check_invariants();
    EXPECT_EQ(votes_.size(), 1u);
    auto stranger = vote(a.facts, 0);
    stranger.key = fixture::validator_key(4).public_key<ValidatorKey>();
    EXPECT_EQ(refusal(stranger), Errc::not_found);
}

TEST_F(VotesTest, a_wrong_slot_beside_the_right_one_costs_the_waiting_vote_nothing) {
    const auto a = made(maker_.root(), 5);
    auto wrong = vote(a.facts, 1);
    wrong.link.target.slot = Slot{2};
    EXPECT_EQ(admitted(wrong), What::waiting);
    EXPECT_EQ(admitted(vote(a.facts, 0)), What::waiting);
    votes_.prune(Slot{2});
    votes_.check_invariants();
    EXPECT_THAT(votes_.take_waiting(a.facts->id), testing::ElementsAre(vote(a.facts, 0)));
}

TEST_F(VotesTest, waiting_votes_are_bounded_and_newer_slots_come_first) {
    votes_ = Votes{maker_.root()->id, {.held_max = 8, .waiting_max = 2}};
    const auto old = made(maker_.root(), 1);
    const auto middle = made(maker_.root(), 2);
    const auto fresh = made(maker_.root(), 3);
    EXPECT_EQ(admitted(vote(middle.facts, 0)), What::waiting);
    EXPECT_EQ(admitted(vote(middle.facts, 1)), What::waiting);
    EXPECT_EQ(refusal(vote(old.facts, 0)), Errc::busy);
    EXPECT_EQ(admitted(vote(fresh.facts, 0)), What::waiting);
    EXPECT_THAT(votes_.take_waiting(fresh.facts->id), SizeIs(1));
}

TEST_F(VotesTest, gives_up_the_oldest_slots_when_finality_stalls) {
    votes_ = Votes{maker_.root()->id, {.held_max = 3, .waiting_max = 2}};
    auto parent = maker_.root();
    for (std::uint64_t slot = 1; slot <= 4; ++slot) {
        parent = grown(parent, slot);
        counted(vote(parent, 0));
    }
    EXPECT_EQ(votes_.size(), 3u);
    const auto first = tree_.find(tree_.find(tree_.find(parent->parent)->parent)->parent);
    EXPECT_EQ(first->slot, Slot{1});
    EXPECT_EQ(admitted(vote(first, 0)), What::stale);
}

}  // namespace
}  // namespace sennit::chain
