// SPDX-License-Identifier: MIT
#include "chain/overlay.hpp"

#include "chain/ledger_fixture.hpp"

namespace sennit::chain {
namespace {

constexpr Word kKey{{1}};
constexpr Word kOne{{0, 1}};
constexpr Word kTwo{{0, 2}};

TEST(Overlay, reads_through_to_the_base_and_never_writes_it) {
    fixture::MemoryState base;
    const auto who = fixture::address(1);
    base.accounts[who] = {.nonce = 3, .balance = 10};
    base.slots[{who, kKey}] = kOne;
    Overlay overlay{base};
    EXPECT_EQ(overlay.account(who)->balance, 10u);
    EXPECT_EQ(*overlay.slot(who, kKey), kOne);
    EXPECT_EQ(*overlay.account(fixture::address(2)), Account{});
    EXPECT_TRUE(overlay.changes().empty()) << "reading is no change";

    overlay.set_account(who, {.nonce = 4, .balance = 9});
    overlay.set_slot(who, kKey, kTwo);
    EXPECT_EQ(overlay.account(who)->nonce, 4u);
    EXPECT_EQ(*overlay.slot(who, kKey), kTwo);
    EXPECT_EQ(base.accounts[who].nonce, 3u);
    EXPECT_EQ(overlay.changes().size(), 1u);
}

TEST(Overlay, inner_level_is_kept_or_thrown_away_whole) {
    fixture::MemoryState base;
    const auto who = fixture::address(1);
    Overlay overlay{base};
    overlay.set_account(who, {.nonce = 1, .balance = 1});
    overlay.set_slot(who, kKey, kOne);

    overlay.begin();
    overlay.set_account(who, {.nonce = 2, .balance = 2});
    overlay.set_slot(who, kKey, Word{});
    EXPECT_EQ(overlay.account(who)->nonce, 2u);
    EXPECT_EQ(*overlay.slot(who, kKey), Word{}) << "a zero hides the level below";
    overlay.rollback();
    EXPECT_EQ(overlay.account(who)->nonce, 1u);
    EXPECT_EQ(*overlay.slot(who, kKey), kOne);

    overlay.begin();
    overlay.set_slot(who, kKey, kTwo);
    overlay.commit();
    EXPECT_EQ(*overlay.slot(who, kKey), kTwo);
    EXPECT_EQ(overlay.account(who)->nonce, 1u) << "what the inner level left alone stays";
}

TEST(Overlay, passes_on_the_error_of_the_disk) {
    fixture::MemoryState base;
    base.broken = true;
    Overlay overlay{base};
    EXPECT_EQ(overlay.slot(fixture::address(1), kKey).error().code, Errc::io);
}

}  // namespace
}  // namespace sennit::chain
