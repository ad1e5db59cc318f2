// SPDX-License-Identifier: MIT
#include "chain/registry_sets.hpp"

#include <gmock/gmock.h>

#include "chain/ledger_fixture.hpp"

namespace sennit::chain {
namespace {

using fixture::kCoin;
using fixture::Ledger;

constexpr Slot kFirst{128};

/// One unit of stake is one unit of weight here; account and key follow from the number.
Contender contender(std::uint32_t number, std::uint64_t weight) {
    ValidatorKey key;
    for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return {.member = {.account = fixture::address(number),
                       .payout = fixture::address(number),
                       .key = key,
                       .weight = weight},
            .stake = kWeightUnit * weight};
}

ValidatorSet set_of(const std::vector<Contender>& contenders) {
    ValidatorSet set;
    for (const auto& c : contenders) set.members.push_back(c.member);
    return set;
}

/// "number:weight ..." in the set's order, or "same".
std::string next(const ValidatorSet& current, std::vector<Contender> contenders,
                 std::size_t max = 100) {
    const auto set = next_set(current, std::move(contenders), max, kFirst);
    if (!set) return "same";
    EXPECT_EQ(set->version, current.version + 1);
    EXPECT_EQ(set->first_slot, kFirst);
    std::string out;
    for (const auto& member : set->members) {
        out += std::to_string(member.account.bytes[19]) + ":" + std::to_string(member.weight) + " ";
    }
    return out;
}

TEST(NextSet, changes_nothing_without_a_reason) {
    const auto current = set_of({contender(1, 10), contender(2, 10)});
    EXPECT_EQ(next(current, {contender(1, 10), contender(2, 10)}), "same");
    EXPECT_EQ(next(current, {}), "same") << "an empty wish would stop the chain";
    EXPECT_EQ(next(current, {contender(1, 10), contender(2, 10), contender(3, 9)}, 2), "same")
        << "the third has no place";
}

TEST(NextSet, leavers_and_decreases_come_at_once) {
    const auto current = set_of({contender(1, 10), contender(2, 10), contender(3, 10)});
    EXPECT_EQ(next(current, {contender(1, 10)}), "1:10 ");
    EXPECT_EQ(next(current, {contender(1, 1), contender(2, 2), contender(3, 3)}), "1:1 2:2 3:3 ");
}

TEST(NextSet, entrants_and_increases_stop_at_a_quarter_by_rank) {
    const auto current = set_of({contender(1, 40), contender(2, 40)});  // cap 20
    EXPECT_EQ(
        next(current, {contender(1, 40), contender(2, 40), contender(3, 12), contender(4, 8)}),
        "1:40 2:40 3:12 4:8 ");
    EXPECT_EQ(
        next(current, {contender(1, 40), contender(2, 40), contender(3, 12), contender(4, 9)}),
        "1:40 2:40 3:12 ");
    EXPECT_EQ(next(current, {contender(1, 50), contender(2, 50), contender(3, 1)}), "1:50 2:50 ");
    EXPECT_EQ(next(current, {contender(1, 45), contender(2, 40), contender(3, 15)}),
              "1:45 2:40 3:15 ");
}

TEST(NextSet, one_enters_however_heavy_and_nobody_beside_it) {
    const auto current = set_of({contender(1, 40), contender(2, 40)});
    EXPECT_EQ(
        next(current, {contender(1, 40), contender(2, 40), contender(3, 900), contender(4, 1)}),
        "1:40 2:40 3:900 ");
}

TEST(NextSet, another_key_of_one_account_is_an_entrant) {
    const auto current = set_of({contender(1, 40), contender(2, 40)});
    auto changed = contender(1, 100);
    changed.member.key = contender(9, 1).member.key;
    const auto set = next_set(current, {changed, contender(2, 41)}, 100, kFirst);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->members[0].key, changed.member.key);
    EXPECT_EQ(set->members[1].weight, 40u) << "the entrant had the whole step";
}

TEST(NextSet, outranked_members_keep_their_place_until_it_is_needed) {
    const auto current =
        set_of({contender(1, 10), contender(2, 10), contender(3, 10), contender(4, 10)});
    const std::vector<Contender> all = {contender(1, 10), contender(2, 10), contender(3, 10),
                                        contender(4, 10), contender(5, 11), contender(6, 11)};
    const auto first = next_set(current, all, 4, kFirst);
    ASSERT_TRUE(first);
    EXPECT_EQ(next(current, all, 4), "1:10 2:10 3:10 5:11 ") << "the least by rank gives way";
    EXPECT_EQ(next(*first, all, 4), "1:10 2:10 5:11 6:11 ");
}

/// The case of docs/adr/validator-set-changes.md.
TEST(NextSet, newcomer_with_more_stake_than_all_does_not_take_the_next_set) {
    std::vector<Contender> members;
    for (std::uint32_t i = 0; i < 100; ++i) members.push_back(contender(i, 10));
    auto set = set_of(members);
    auto all = members;
    for (std::uint32_t i = 100; i < 200; ++i) all.push_back(contender(i, 11));
    const auto share_of_newcomers = [](const ValidatorSet& s) {
        std::uint64_t weight = 0;
        for (const auto& member : s.members) weight += member.weight == 11 ? 11 : 0;
        return static_cast<double>(weight) / static_cast<double>(s.total_weight());
    };
    EXPECT_LT(share_of_newcomers(*next_set(set, all, 100, kFirst)), 0.25);
    int changes = 0;
    while (auto changed = next_set(set, all, 100, kFirst)) {
        set = *changed;
        ASSERT_LE(set.members.size(), 100u);
        ++changes;
    }
    EXPECT_EQ(share_of_newcomers(set), 1.0) << "the wish is reached in the end";
    EXPECT_EQ(changes, 5);
}

/// Validators 0 to 3 with 100 coins each; accounts 100 to 103 may register.
class EpochTest : public testing::Test {
  protected:
    EpochTest() : ledger_{fixture::genesis({100, 100, 100, 100})} {}

    void join(std::uint32_t number, std::uint64_t coins) {
        const auto data = fixture::registration(ledger_.genesis, number, fixture::address(number));
        ASSERT_EQ(ledger_.call(fixture::account_key(number), data, kCoin * coins), 1);
    }
    void expect_sets_on_disk() {
        Overlay overlay{ledger_.state};
        RegistryStore store{overlay};
        const auto stored = read_sets(store);
        ASSERT_TRUE(stored);
        const auto same = [](const ValidatorSetPtr& a, const ValidatorSetPtr& b) {
            return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
        };
        EXPECT_TRUE(same(stored->previous, ledger_.sets.previous));
        EXPECT_TRUE(same(stored->current, ledger_.sets.current));
        EXPECT_TRUE(same(stored->next, ledger_.sets.next));
        EXPECT_EQ(*store.set_hash(), (Quorum{ledger_.sets.current, nullptr}.set_hash()));
        EXPECT_EQ(store.head()->version, ledger_.sets.current->version);
        EXPECT_EQ(store.head()->first_slot, ledger_.sets.current->first_slot);
    }
    bool elected(const ValidatorSetPtr& set, std::uint32_t number) const {
        return set && set->index_of(fixture::validator_key(number).public_key<ValidatorKey>());
    }

    Ledger ledger_;
};

TEST_F(EpochTest, entrant_is_decided_in_one_epoch_and_in_force_in_the_next) {
    join(100, 50);
    EXPECT_FALSE(elected(ledger_.sets.current, 100));
    ledger_.next_epoch();
    ASSERT_NE(ledger_.sets.next, nullptr);
    EXPECT_TRUE(elected(ledger_.sets.next, 100));
    EXPECT_EQ(ledger_.sets.next->version, 1u);
    EXPECT_EQ(ledger_.sets.next->first_slot, Slot{128});
    EXPECT_EQ(ledger_.sets.current->version, 0u);
    expect_sets_on_disk();

    ledger_.next_epoch();
    EXPECT_EQ(ledger_.sets.current->version, 1u);
    EXPECT_EQ(ledger_.sets.previous->version, 0u);
    EXPECT_EQ(ledger_.sets.next, nullptr);
    expect_sets_on_disk();
}

TEST_F(EpochTest, ring_of_three_lists_goes_round) {
    for (std::uint32_t i = 0; i < 8; ++i) {
        // Sets grow and shrink, so that a shorter list overwrites a longer one.
        if (i < 4) {
            join(100 + i, 20 + i);
        } else {
            ASSERT_EQ(
                ledger_.call(fixture::account_key(96 + i), fixture::unstaking(kCoin * (16 + i))),
                1);
        }
        ledger_.next_epoch();
        expect_sets_on_disk();
        ledger_.next_epoch();
        expect_sets_on_disk();
        EXPECT_EQ(ledger_.sets.current->version, i + 1);
    }
    EXPECT_EQ(ledger_.sets.current->members.size(), 4u);
}

TEST(RegistryStorage, shorter_list_leaves_no_words_of_a_longer_one) {
    fixture::MemoryState state;
    const auto freeze = [&](ValidatorSet set, std::uint32_t version) {
        set.version = version;
        Overlay overlay{state};
        RegistryStore store{overlay};
        ASSERT_TRUE(store.freeze(set));
        EXPECT_EQ(**store.frozen(version), set);
        state.apply(overlay);
    };
    freeze(set_of({contender(1, 1), contender(2, 2), contender(3, 3)}), 1);
    EXPECT_EQ(state.slots.size(), 2u + 3 * 3);
    freeze(set_of({contender(1, 1)}), 4);
    EXPECT_EQ(state.slots.size(), 2u + 3);
    Overlay overlay{state};
    EXPECT_EQ(*RegistryStore{overlay}.frozen(1), std::nullopt) << "its place is taken";
}

TEST_F(EpochTest, without_finality_sets_are_frozen) {
    join(100, 50);
    ledger_.next_epoch();
    join(101, 50);
    ledger_.finalised = Slot{100};
    ledger_.block(Slot{128});
    EXPECT_EQ(ledger_.sets.current->version, 1u) << "what was decided comes into force";
    EXPECT_EQ(ledger_.sets.next, nullptr);
    ledger_.finalised = Slot{127};
    ledger_.block(Slot{192});
    EXPECT_EQ(ledger_.sets.next, nullptr) << "version 1 is not final yet";
    ledger_.finalised = Slot{128};
    ledger_.block(Slot{256});
    ASSERT_NE(ledger_.sets.next, nullptr);
    EXPECT_TRUE(elected(ledger_.sets.next, 101));
    expect_sets_on_disk();
}

TEST_F(EpochTest, only_the_first_block_of_an_epoch_changes_sets) {
    join(100, 50);
    const auto outcome = ledger_.block(Slot{63});
    EXPECT_EQ(outcome.sets, std::nullopt);
    EXPECT_TRUE(ledger_.block(Slot{70}).sets.has_value()) << "wherever it stands";
    EXPECT_EQ(ledger_.block(Slot{71}).sets, std::nullopt);
}

TEST_F(EpochTest, unbonding_clock_waits_for_a_final_version_without_the_stake) {
    const auto key = fixture::account_key(0);
    const auto account = key.address();
    ASSERT_EQ(ledger_.call(key, fixture::unstaking(kCoin * 100)), 1);
    EXPECT_EQ(ledger_.candidate(account).unbonding_since, 0u);

    ledger_.next_epoch();  // 64: version 1 without it is decided
    EXPECT_FALSE(elected(ledger_.sets.next, 0));
    EXPECT_EQ(ledger_.candidate(account).unbonding_since, 0u) << "version 0 still counts on it";
    ledger_.next_epoch();  // 128: version 1 in force, not final
    EXPECT_EQ(ledger_.candidate(account).unbonding_since, 0u);
    ledger_.finalised = Slot{127};
    ledger_.block(Slot{192});
    EXPECT_EQ(ledger_.candidate(account).unbonding_since, 0u);
    EXPECT_EQ(ledger_.call(key, fixture::call_data("withdraw()")), 0);
    ledger_.next_epoch();  // 256
    const auto since = ledger_.candidate(account).unbonding_since;
    EXPECT_EQ(since, (Schedule{ledger_.genesis}.timestamp(Slot{256})));
    EXPECT_FALSE(ledger_.candidate(account).listed);

    // 1000 seconds are 333 slots and a third.
    ledger_.block(Slot{256 + 332});
    EXPECT_EQ(ledger_.call(key, fixture::call_data("withdraw()")), 0);
    EXPECT_EQ(ledger_.call(key, fixture::call_data("withdraw()")), 1);
    EXPECT_EQ(ledger_.candidate(account), Candidate{});
    EXPECT_EQ(ledger_.balance(kRegistryAddress), kCoin * 300);
    EXPECT_EQ(ledger_.call(key, fixture::call_data("withdraw()")), 0) << "nothing is left";
}

TEST_F(EpochTest, second_unstake_restarts_the_clock_for_all) {
    const auto key = fixture::account_key(0);
    ASSERT_EQ(ledger_.call(key, fixture::unstaking(kCoin * 10)), 1);
    for (int i = 0; i < 3; ++i) ledger_.next_epoch();
    const auto first = ledger_.candidate(key.address()).unbonding_since;
    EXPECT_NE(first, 0u) << "version 1 has it with 90 and is final";
    EXPECT_TRUE(ledger_.candidate(key.address()).listed);
    ASSERT_EQ(ledger_.call(key, fixture::unstaking(kCoin * 10)), 1);
    EXPECT_EQ(ledger_.candidate(key.address()).unbonding_since, 0u);
    for (int i = 0; i < 3; ++i) ledger_.next_epoch();
    EXPECT_GT(ledger_.candidate(key.address()).unbonding_since, first);
    EXPECT_EQ(ledger_.candidate(key.address()).unbonding, kCoin * 20);
}

TEST_F(EpochTest, last_validator_cannot_leave_the_chain_without_a_set) {
    for (std::uint32_t i = 0; i < 4; ++i) {
        ASSERT_EQ(ledger_.call(fixture::account_key(i), fixture::unstaking(kCoin * 100)), 1);
    }
    for (int i = 0; i < 4; ++i) ledger_.next_epoch();
    EXPECT_EQ(ledger_.sets.current->version, 0u);
    EXPECT_EQ(ledger_.candidate(fixture::account_key(0).address()).unbonding_since, 0u)
        << "who still votes cannot withdraw";
}

}  // namespace
}  // namespace sennit::chain
