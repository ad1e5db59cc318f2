// SPDX-License-Identifier: MIT
#include "mempool/mempool.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "mempool/fixture.hpp"

namespace sennit::mempool {
namespace {

using AccountState = Mempool::AccountState;

using fixture::genesis;
using fixture::sender;
using fixture::transfer;

const AccountState kRich{0, Amount{1} << 100};
const Now kNow{Instant{std::chrono::seconds{100}}, {}};
Now later(Duration wait) {
    return {kNow.at + wait, {}};
}

class MempoolTest : public testing::Test {
  protected:
    Result<Mempool::Added> add(TransactionPtr tx, AccountState account = kRich, Now now = kNow) {
        auto added = pool.add(std::move(tx), account, now);
        pool.check_invariants();
        return added;
    }
    Mempool pool{genesis(), {}};
};

TEST_F(MempoolTest, says_why_a_transaction_is_refused_in_geths_words) {
    EXPECT_EQ(add(transfer(1, 4, 5), {5, 1000}).error().what, "nonce too low");
    EXPECT_EQ(add(transfer(1, 500, 5)).error().what, "nonce too high");
    EXPECT_EQ(add(transfer(1, 0, 5), {0, 100}).error().what,
              "insufficient funds for gas * price + value");
    EXPECT_EQ(add(transfer(1, 0, 0)).error().what, "transaction underpriced");
    auto cheap_gas = std::make_shared<SignedTransaction>(*transfer(1, 0, 5));
    cheap_gas->tx.gas_limit = 20999;
    EXPECT_EQ(add(cheap_gas).error().what, "intrinsic gas too low");
    ASSERT_TRUE(add(transfer(1, 0, 5)));
    EXPECT_EQ(add(transfer(1, 0, 5)).error().what, "already known");
}

TEST_F(MempoolTest, refuses_a_cost_that_overflows_128_bits) {
    auto tx = std::make_shared<SignedTransaction>(*transfer(1, 0, ~std::uint64_t{0}, ~Amount{0}));
    EXPECT_EQ(add(tx, {0, ~Amount{0}}).error().what, "insufficient funds for gas * price + value");
}

TEST_F(MempoolTest, replaces_only_for_ten_percent_more) {
    ASSERT_TRUE(add(transfer(1, 0, 100)));
    EXPECT_EQ(add(transfer(1, 0, 109)).error().what, "replacement transaction underpriced");
    const auto replaced = add(transfer(1, 0, 110));
    ASSERT_TRUE(replaced);
    EXPECT_EQ(replaced->removed.size(), 1u);
    EXPECT_EQ(pool.size(), 1u);
}

TEST_F(MempoolTest, offers_the_best_price_first_and_each_senders_nonces_in_order) {
    ASSERT_TRUE(add(transfer(1, 0, 10)));
    ASSERT_TRUE(add(transfer(1, 1, 90)));
    ASSERT_TRUE(add(transfer(2, 0, 50)));
    ASSERT_TRUE(add(transfer(3, 1, 99)));  // a hole at 0: not ready
    const auto best = pool.best(10, 100'000);
    ASSERT_EQ(best.size(), 3u);
    EXPECT_EQ(best[0]->tx.gas_price, 50u);
    EXPECT_EQ(best[1]->tx.gas_price, 10u);
    EXPECT_EQ(best[2]->tx.gas_price, 90u);
    EXPECT_EQ(pool.next_nonce(sender(1), 0), 2u);
    EXPECT_EQ(pool.next_nonce(sender(3), 0), 0u);
    EXPECT_EQ(pool.best(1, 100'000).size(), 1u);
    EXPECT_TRUE(pool.best(10, 1).empty());
}

TEST_F(MempoolTest, counts_a_senders_balance_over_its_whole_queue) {
    const AccountState account{0, 21000 * 10 + 5};
    EXPECT_TRUE(add(transfer(1, 0, 10, 1), account)->ready);
    EXPECT_FALSE(add(transfer(1, 1, 10, 1), account)->ready);
}

TEST_F(MempoolTest, drops_what_was_mined_and_keeps_what_follows) {
    ASSERT_TRUE(add(transfer(1, 0, 10)));
    ASSERT_TRUE(add(transfer(1, 1, 10)));
    pool.on_account(sender(1), {1, kRich.balance});
    pool.check_invariants();
    EXPECT_EQ(pool.size(), 1u);
    EXPECT_EQ(pool.best(10, 100'000).front()->tx.nonce, 1u);
    pool.on_account(sender(1), {1, 5});
    EXPECT_TRUE(pool.empty());
    pool.check_invariants();
}

TEST_F(MempoolTest, forgets_stale_transactions_but_not_ready_ones) {
    ASSERT_TRUE(add(transfer(1, 0, 10)));
    ASSERT_TRUE(add(transfer(2, 5, 10)));
    pool.on_time(later(std::chrono::minutes{59}));
    EXPECT_EQ(pool.size(), 2u);
    pool.on_time(later(std::chrono::minutes{61}));
    EXPECT_EQ(pool.size(), 1u);
    pool.check_invariants();
}

TEST(Mempool, never_evicts_a_better_transaction_for_a_worse_one) {
    Mempool pool{genesis(), {.transactions_max = 3}};
    for (std::uint8_t n = 1; n <= 3; ++n)
        ASSERT_TRUE(pool.add(transfer(n, 0, 10u * n), kRich, kNow));
    EXPECT_EQ(pool.add(transfer(9, 0, 10), kRich, kNow).error().what, "transaction underpriced");
    const auto added = pool.add(transfer(9, 0, 15), kRich, kNow);
    ASSERT_TRUE(added);
    ASSERT_EQ(added->removed.size(), 1u);
    EXPECT_EQ(added->removed[0]->tx.gas_price, 10u);
    pool.check_invariants();
}

TEST(Mempool, makes_room_for_a_large_one_without_ever_passing_its_bytes) {
    Mempool pool{genesis(), {.bytes_max = 700}};
    for (std::uint8_t n = 1; n <= 8; ++n) ASSERT_TRUE(pool.add(transfer(n, 0, 10), kRich, kNow));
    const auto added = pool.add(transfer(9, 0, 20, 1, 500), kRich, kNow);
    ASSERT_TRUE(added);
    EXPECT_GT(added->removed.size(), 1u);
    pool.check_invariants();
}

TEST(Mempool, holds_its_promises_under_random_use) {
    Mempool pool{genesis(), {.transactions_max = 40, .bytes_max = 8000, .per_sender_max = 8}};
    Rng rng{std::uint64_t{5}};
    for (int i = 0; i < 4000; ++i) {
        const auto from = static_cast<std::uint8_t>(rng.below(8));
        const AccountState account{rng.below(4), Amount{21000} * rng.below(4000)};
        switch (rng.below(4)) {
            case 0: pool.on_account(sender(from), account); break;
            case 1: pool.on_time(later(std::chrono::seconds{i})); break;
            default:
                (void)pool.add(transfer(from, rng.below(10), 1 + rng.below(200), 1, rng.below(200)),
                               account, later(std::chrono::seconds{i}));
        }
        pool.check_invariants();
        std::map<Address, std::uint64_t> next;
        for (const auto& tx : pool.best(100, 100'000)) {
            const auto [at, first] = next.try_emplace(tx->sender, tx->tx.nonce);
            ASSERT_EQ(tx->tx.nonce, at->second);
            ++at->second;
        }
    }
}

}  // namespace
}  // namespace sennit::mempool
