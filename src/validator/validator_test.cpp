// SPDX-License-Identifier: MIT
#include "validator/validator.hpp"

#include <gmock/gmock.h>

#include "chain/block_fixture.hpp"

namespace sennit::validator {
namespace {

using chain::FactsPtr;
using chain::Tree;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// One validator alone, with all the weight, so that it leads every slot: S = 3 s, D = 1 s.
class ValidatorTest : public testing::Test {
  protected:
    ValidatorTest() : maker_{{1, 1, 1, 1}}, tree_{maker_.genesis(), maker_.root(), {}, {}} {}

    UnixTime at(std::uint64_t slot, milliseconds offset = {}) const {
        return from_unix_seconds(maker_.schedule().timestamp(Slot{slot})) + offset;
    }
    ValidatorKey leader(std::uint64_t slot) const {
        return leader_of(*maker_.root()->sets.current, Slot{slot}).key;
    }
    Validator validator(const ValidatorKey& key, UnixTime now,
                        Validator::Options options = {true, false},
                        std::optional<SlashingRecord> record = {}) const {
        return {maker_.key(key), maker_.root()->id, maker_.schedule(), record, options, {{}, now}};
    }
    FactsPtr grown(const FactsPtr& parent, std::uint64_t slot, const FactsPtr& justified = {},
                   std::uint64_t salt = 0) {
        const auto block = maker_.block(parent, slot, tree_.lookup(), justified, salt);
        const auto added = tree_.add(block.facts, block.header);
        EXPECT_TRUE(added.has_value()) << (added ? "" : added.error().text());
        tree_.on_executed(chain::fixture::executed(block.facts));
        return tree_.find(block.facts->id);
    }
    void certified(const FactsPtr& target) {
        EXPECT_TRUE(tree_.certify(maker_.certificate(*target, tree_.lookup())).has_value());
    }
    ValidatorKey voter() const { return maker_.root()->quorum->key(0); }

    chain::fixture::BlockMaker maker_;
    Tree tree_;
};

TEST_F(ValidatorTest, wakes_at_freezes_and_at_starts_of_slots) {
    const auto v = validator(voter(), at(0));
    EXPECT_EQ(v.next_wake(at(0) - seconds{100}), at(0, seconds{2}));
    EXPECT_EQ(v.next_wake(at(3)), at(3, seconds{2}));
    EXPECT_EQ(v.next_wake(at(3, milliseconds{1999})), at(3, seconds{2}));
    EXPECT_EQ(v.next_wake(at(3, seconds{2})), at(4));
    EXPECT_EQ(v.next_wake(at(4) - std::chrono::microseconds{1}), at(4));
}

TEST_F(ValidatorTest, proposes_once_in_a_slot_that_it_leads_on_the_head_with_its_certificate) {
    const auto a = grown(maker_.root(), 1);
    certified(a);
    const auto b = grown(a, 2);
    auto v = validator(leader(3), at(2));
    EXPECT_FALSE(v.on_time(at(2, seconds{2}), tree_, false));
    const auto duty = v.on_time(at(3), tree_, false);
    ASSERT_TRUE(duty);
    EXPECT_EQ(duty->slot, Slot{3});
    EXPECT_EQ(duty->parent, b);
    EXPECT_EQ(duty->justified, a);
    EXPECT_EQ(duty->extra.distance, 2u);
    EXPECT_EQ(duty->certificate, tree_.certificate(a->id));
    EXPECT_EQ(duty->extra.bitmap, duty->certificate->bitmap);
    EXPECT_FALSE(v.on_time(at(3, milliseconds{1}), tree_, false));
}

TEST_F(ValidatorTest, names_the_parents_j_without_a_newer_certificate) {
    const auto a = grown(maker_.root(), 1);
    auto v = validator(leader(2), at(1));
    const auto duty = v.on_time(at(2), tree_, false);
    ASSERT_TRUE(duty);
    EXPECT_EQ(duty->parent, a);
    EXPECT_EQ(duty->justified, maker_.root());
    EXPECT_EQ(duty->extra.distance, 2u);
    EXPECT_TRUE(duty->extra.bitmap.empty());
    EXPECT_EQ(duty->certificate, nullptr);
}

TEST_F(ValidatorTest, never_names_a_root_whose_certificate_is_not_held) {
    const auto a = grown(maker_.root(), 1);
    certified(a);
    const std::vector<FactsPtr> recent{maker_.root()};
    Tree restarted{maker_.genesis(), a, recent, {}};
    auto v = validator(leader(2), at(1));
    const auto duty = v.on_time(at(2), restarted, false);
    ASSERT_TRUE(duty);
    EXPECT_EQ(duty->justified, maker_.root());
    EXPECT_TRUE(duty->extra.bitmap.empty());
}

TEST_F(ValidatorTest, proposes_neither_late_nor_in_another_leaders_slot_nor_under_a_fault) {
    auto late = validator(leader(1), at(0));
    EXPECT_FALSE(late.on_time(at(1, milliseconds{1001}), tree_, false));
    for (std::size_t bit = 0; bit < 4; ++bit) {
        const auto key = maker_.root()->quorum->key(bit);
        auto v = validator(key, at(0));
        EXPECT_EQ(v.on_time(at(1), tree_, false).has_value(), key == leader(1));
    }
    const auto bad = maker_.block(maker_.root(), 1, tree_.lookup());
    ASSERT_TRUE(tree_.add(bad.facts, bad.header));
    certified(bad.facts);
    tree_.on_failed(bad.facts->id);
    auto v = validator(leader(2), at(1));
    EXPECT_FALSE(v.on_time(at(2), tree_, false));
}

TEST_F(ValidatorTest, without_empty_blocks_it_waits_for_a_transaction_within_d) {
    auto v = validator(leader(1), at(0), {.empty_blocks = false, .watch_first = false});
    EXPECT_FALSE(v.on_time(at(1), tree_, false));
    EXPECT_TRUE(v.on_time(at(1, milliseconds{500}), tree_, true));
}

TEST_F(ValidatorTest, signs_one_header_a_slot_and_says_what_to_store_first) {
    const auto header = maker_.header(*maker_.root(), Slot{1}, *maker_.root(), {});
    auto v = validator(leader(1), at(0));
    const auto signature = v.sign_proposal(header, Slot{1});
    ASSERT_TRUE(signature);
    EXPECT_EQ(signature->record.proposed_last, Slot{1});
    EXPECT_EQ(signature->signature, header.signature);
    EXPECT_FALSE(v.sign_proposal(header, Slot{1}));
    auto restarted = validator(leader(1), at(0), {true, false}, signature->record);
    EXPECT_FALSE(restarted.on_time(at(1), tree_, false));
    EXPECT_FALSE(restarted.sign_proposal(header, Slot{1}));
}

TEST_F(ValidatorTest, votes_for_a_block_of_the_running_slot_and_signs_its_link) {
    auto v = validator(voter(), at(0));
    v.on_time(at(0, seconds{2}), tree_, false);
    const auto a = grown(maker_.root(), 1);
    const auto vote = v.vote_for(*a, tree_, at(1, milliseconds{900}));
    ASSERT_TRUE(vote);
    EXPECT_EQ(vote->record.target_last, Slot{1});
    EXPECT_EQ(vote->record.source_highest, Slot{0});
    EXPECT_EQ(vote->vote, maker_.vote(*a, voter(), tree_.lookup()));
    EXPECT_FALSE(v.vote_for(*a, tree_, at(1, milliseconds{900})));
    v.check_invariants();
}

TEST_F(ValidatorTest, never_votes_outside_start_and_start_plus_d) {
    const auto early = [&](UnixTime now) {
        auto v = validator(voter(), at(0));
        v.on_time(at(0, seconds{2}), tree_, false);
        const auto block = tree_.size() == 1 ? grown(maker_.root(), 1) : tree_.head();
        return v.vote_for(*block, tree_, now).has_value();
    };
    EXPECT_TRUE(early(at(1, seconds{1})));
    tree_ = Tree{maker_.genesis(), maker_.root(), {}, {}};
    EXPECT_FALSE(early(at(1, std::chrono::duration_cast<milliseconds>(seconds{1})) +
                       std::chrono::microseconds{1}));
    tree_ = Tree{maker_.genesis(), maker_.root(), {}, {}};
    EXPECT_FALSE(early(at(1) - std::chrono::microseconds{1}));
    tree_ = Tree{maker_.genesis(), maker_.root(), {}, {}};
    EXPECT_FALSE(early(at(2)));
    tree_ = Tree{maker_.genesis(), maker_.root(), {}, {}};
    EXPECT_TRUE(early(at(1)));
}

TEST_F(ValidatorTest, votes_only_for_blocks_that_exceed_the_frozen_head) {
    const auto a = grown(maker_.root(), 1);
    const auto b = grown(a, 2);
    auto v = validator(voter(), at(2));
    v.on_time(at(2, seconds{2}), tree_, false);  // K = (0, 2)
    const auto fork = grown(a, 3);               // (0, 2)
    EXPECT_FALSE(v.vote_for(*fork, tree_, at(3)));
    const auto longer = grown(b, 3, {}, 1);  // (0, 3)
    EXPECT_TRUE(v.vote_for(*longer, tree_, at(3)));
}

TEST_F(ValidatorTest, never_votes_without_having_frozen_for_that_slot) {
    auto v = validator(voter(), at(0));
    const auto a = grown(maker_.root(), 1);
    EXPECT_FALSE(v.vote_for(*a, tree_, at(1)));
    v.on_time(at(1), tree_, false);  // slept through the freeze: the block is in K already
    EXPECT_FALSE(v.vote_for(*a, tree_, at(1)));
}

TEST_F(ValidatorTest, never_votes_below_its_highest_source) {
    const auto a = grown(maker_.root(), 1);
    auto v = validator(voter(), at(1), {true, false}, SlashingRecord{Slot{0}, Slot{2}, Slot{1}});
    v.on_time(at(2, seconds{2}), tree_, false);
    const auto stale = grown(a, 3, {}, 1);  // source 0
    EXPECT_FALSE(v.vote_for(*stale, tree_, at(3)));
    certified(a);
    const auto good = grown(a, 3, a, 2);
    EXPECT_TRUE(v.vote_for(*good, tree_, at(3)));
}

TEST_F(ValidatorTest, a_clock_that_jumps_back_makes_it_sign_nothing_twice) {
    auto v = validator(voter(), at(0), {true, false}, SlashingRecord{Slot{50}, Slot{50}, Slot{0}});
    v.on_time(at(0, seconds{2}), tree_, false);
    const auto a = grown(maker_.root(), 1);
    EXPECT_FALSE(v.vote_for(*a, tree_, at(1)));
    auto leads =
        validator(leader(1), at(0), {true, false}, SlashingRecord{Slot{50}, Slot{50}, Slot{0}});
    EXPECT_FALSE(leads.on_time(at(1), tree_, false));
}

TEST_F(ValidatorTest, watches_two_whole_slots_before_it_signs) {
    const Validator::Options watching{true, true};
    const auto v = validator(voter(), at(7, seconds{1}), watching);
    EXPECT_TRUE(v.silent(at(10) - std::chrono::microseconds{1}));
    EXPECT_FALSE(v.silent(at(10)));
    EXPECT_FALSE(validator(voter(), at(7), watching).silent(at(9)));
    auto leads = validator(leader(1), at(0), watching);
    EXPECT_FALSE(leads.on_time(at(1), tree_, false));
}

TEST_F(ValidatorTest, an_empty_room_does_not_count_as_watched) {
    auto v = validator(voter(), at(7), {true, true});
    v.on_company(false, at(7));
    EXPECT_TRUE(v.silent(at(100)));
    EXPECT_TRUE(v.waits_for_company());
    v.on_company(true, at(100, seconds{1}));
    EXPECT_TRUE(v.silent(at(103) - std::chrono::microseconds{1}));
    EXPECT_FALSE(v.silent(at(103)));
}

TEST_F(ValidatorTest, company_that_leaves_before_the_end_does_not_count_and_later_it_may) {
    auto v = validator(voter(), at(7), {true, true});
    v.on_company(true, at(7));
    v.on_company(false, at(8));
    EXPECT_TRUE(v.silent(at(20)));
    v.on_company(true, at(20));
    v.on_company(false, at(22));
    EXPECT_FALSE(v.silent(at(22))) << "two slots were watched: alone, it goes on";
}

TEST_F(ValidatorTest, stops_for_good_when_it_hears_its_key_and_did_not_sign) {
    auto v = validator(voter(), at(7, seconds{1}), {true, true});
    EXPECT_FALSE(v.on_own_signature(Slot{7}));  // may be of the run before
    const auto sentence = v.on_own_signature(Slot{8});
    ASSERT_TRUE(sentence);
    EXPECT_THAT(*sentence, testing::HasSubstr("slot 8"));
    EXPECT_TRUE(v.silent(at(1000)));
    EXPECT_FALSE(v.on_own_signature(Slot{9}));  // said once
}

TEST_F(ValidatorTest, echoes_of_its_own_votes_are_no_alarm) {
    auto v = validator(voter(), at(0));
    v.on_time(at(0, seconds{2}), tree_, false);
    const auto a = grown(maker_.root(), 1);
    ASSERT_TRUE(v.vote_for(*a, tree_, at(1)));
    EXPECT_FALSE(v.on_own_signature(Slot{1}));
    EXPECT_TRUE(v.on_own_signature(Slot{2}));
}

TEST(SlashingRecord, survives_the_disk_and_refuses_what_it_did_not_write) {
    const SlashingRecord record{Slot{9}, Slot{8}, Slot{7}};
    const auto bytes = encode(record);
    EXPECT_EQ(*decode_slashing_record(bytes), record);
    EXPECT_EQ(*decode_slashing_record(encode(SlashingRecord{})), SlashingRecord{});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_slashing_record(BytesView{bytes}.first(size)));
    }
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_slashing_record(longer));
    EXPECT_FALSE(decode_slashing_record(encode(SlashingRecord{Slot{9}, Slot{8}, Slot{8}})));
    auto other = bytes;
    other[0] = 9;
    EXPECT_EQ(decode_slashing_record(other).error().code, Errc::unknown_type);
}

}  // namespace
}  // namespace sennit::validator
