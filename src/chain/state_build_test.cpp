// SPDX-License-Identifier: MIT
#include "chain/state_fixture.hpp"

// Building, executing and appending must be one set of rules: what was built executes, and what
// was appended leaves the very rows that execution and finality leave.

namespace sennit::chain {
namespace {

using fixture::address;
using fixture::balance;
using fixture::dump;
using fixture::StateTest;
using fixture::TestChain;

using Wrong = std::function<void(Header&)>;

TEST_F(StateTest, what_was_built_executes_to_the_same_roots) {
    std::uint64_t nonce = 0;
    const auto epoch = chain.genesis().stake.epoch_slots;
    BlockId tip = base();
    while (state->facts(tip)->slot.value < epoch + 3) {
        tip = execute(tip, {chain.transfer(kRich, address(7), 1, nonce++)})->id;
    }
    EXPECT_TRUE(balance(**state->view(tip), address(7)) == nonce);
    EXPECT_TRUE(balance(**state->view(tip), chain.genesis().validators[0].payout) > 0)
        << "leaders are paid";
}

TEST_F(StateTest, a_wrong_field_condemns_the_block) {
    const auto good = chain.extend(*state, base(), {chain.transfer(kRich, address(7), 5, 0)});
    const std::vector<std::pair<std::string_view, Wrong>> wrongs{
        {"gas", [](Header& h) { h.gas_used += 1; }},
        {"receipts", [](Header& h) { h.receipts_root.bytes[0] ^= 1; }},
        {"state root", [](Header& h) { h.state_root.bytes[31] ^= 1; }},
        {"gas limit", [](Header& h) { h.gas_limit += 1; }},
        {"height", [](Header& h) { ++h.height; }},
        {"timestamp", [](Header& h) { h.timestamp += 1; }},
        {"version", [](Header& h) { h.version = 2; }},
        {"extra_data", [](Header& h) { h.extra_data.push_back(1); }},
    };
    const auto before = dump(store);
    for (const auto& [name, wrong] : wrongs) {
        Header header = good->header;
        wrong(header);
        const auto done = state->execute(chain.seal(header, good->transactions));
        ASSERT_FALSE(done) << name;
        EXPECT_TRUE(done.error().code == Errc::invalid || name == "extra_data")
            << name << done.error().text();
        EXPECT_NE(done.error().code, Errc::mismatch) << name;
    }
    EXPECT_EQ(dump(store), before) << "nothing of a refused block is kept";
    EXPECT_TRUE(state->execute(good));
}

TEST_F(StateTest, a_body_that_is_not_the_headers_condemns_only_its_sender) {
    const auto good = chain.extend(*state, base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto other = chain.seal(good->header, {chain.transfer(kRich, address(7), 6, 0)});
    ASSERT_EQ(other->id, good->id);
    EXPECT_EQ(state->execute(other).error().code, Errc::mismatch);
    EXPECT_EQ(state->execute(chain.seal(good->header, {})).error().code, Errc::mismatch);
    EXPECT_TRUE(state->execute(good));
}

TEST_F(StateTest, a_block_over_its_bytes_is_refused_and_never_built) {
    auto genesis = chain.genesis();
    genesis.block_bytes_max = 2000;
    const TestChain small{genesis};
    const auto roomy_store = make_memory_store();
    const auto tight_store = make_memory_store();
    const auto tight = small.open(*tight_store);
    std::vector<TransactionPtr> transactions;
    for (std::uint64_t i = 0; i < 20; ++i)
        transactions.push_back(small.transfer(kRich, address(7), 1, i));
    auto built =
        tight->build(small.order(*tight, {tight->genesis_id(), Slot{1}, nullptr, transactions}));
    ASSERT_TRUE(built);
    EXPECT_TRUE(built->refused.empty());
    const auto fits = small.seal(built->header, built->transactions);
    EXPECT_LE(luxtensor_size(*fits), 2000u);
    EXPECT_GT(luxtensor_size(*fits), 2000u - 2 * luxtensor_size(transactions[0]->tx));
    EXPECT_TRUE(tight->execute(fits));

    Header header = built->header;
    header.txs_root = transactions_root(transactions);
    const auto too_large = tight->execute(small.seal(header, transactions));
    ASSERT_FALSE(too_large);
    EXPECT_EQ(too_large.error().code, Errc::invalid);
    EXPECT_THAT(too_large.error().text(), testing::HasSubstr("too large"));
}

TEST_F(StateTest, a_transaction_that_breaks_a_rule_condemns_the_block) {
    const auto good = chain.extend(*state, base(), {chain.transfer(kRich, address(7), 5, 0)});
    for (const auto& tx :
         {chain.transfer(kRich, address(7), 5, 1), chain.transfer(1000, address(7), 5, 0)}) {
        Header header = good->header;
        header.txs_root = transactions_root(std::vector{tx});
        const auto done = state->execute(chain.seal(header, {tx}));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::invalid) << done.error().text();
        EXPECT_THAT(done.error().text(), testing::HasSubstr("transaction 0"));
    }
}

TEST_F(StateTest, a_replayed_transaction_of_another_chain_condemns_the_block) {
    auto foreign = std::make_shared<SignedTransaction>(*chain.transfer(kRich, address(7), 5, 0));
    foreign->tx.v += 2;
    foreign->rlp = encode(foreign->tx);
    foreign->id = transaction_id(foreign->rlp);
    const auto good = chain.extend(*state, base());
    Header header = good->header;
    const std::vector<TransactionPtr> transactions{foreign};
    header.txs_root = transactions_root(transactions);
    EXPECT_EQ(state->execute(chain.seal(header, transactions)).error().code, Errc::invalid);
}

/// n - s: the other signature of the same sender, which anybody can compute.
Word other_s(const Word& s) {
    const auto order =
        *hash_from_hex<Word>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    Word out;
    int borrow = 0;
    for (std::size_t i = Word::kSize; i-- > 0;) {
        const int digit = order.bytes[i] - s.bytes[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        out.bytes[i] = static_cast<std::uint8_t>(digit);
    }
    return out;
}

TEST_F(StateTest, a_twin_with_a_high_s_condemns_the_block) {
    auto twin = std::make_shared<SignedTransaction>(*chain.transfer(kRich, address(7), 5, 0));
    twin->tx.s = other_s(twin->tx.s);
    twin->tx.v = twin->tx.recovery_id() == 0 ? twin->tx.v + 1 : twin->tx.v - 1;
    twin->rlp = encode(twin->tx);
    twin->id = transaction_id(twin->rlp);
    ASSERT_EQ(*recover_sender(twin->tx), twin->sender);
    const auto good = chain.extend(*state, base(), {chain.transfer(kRich, address(7), 5, 0)});
    const std::vector<TransactionPtr> transactions{twin};
    Header header = good->header;
    header.txs_root = transactions_root(transactions);
    const auto done = state->execute(chain.seal(header, transactions));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text(), testing::HasSubstr("upper half"));
}

TEST_F(StateTest, a_block_without_its_parent_is_not_found) {
    const auto block = chain.extend(*state, base());
    Header header = block->header;
    header.previous_hash.bytes[0] ^= 1;
    EXPECT_EQ(state->execute(chain.seal(header, {})).error().code, Errc::not_found);
    EXPECT_EQ(state
                  ->build({.parent = BlockId{{1}},
                           .slot = Slot{1},
                           .validator = {},
                           .extra_data = {},
                           .candidates = {}})
                  .error()
                  .code,
              Errc::not_found);
}

TEST_F(StateTest, candidates_are_taken_in_order_and_hopeless_ones_named) {
    const auto first = execute(base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto used = chain.transfer(kRich, address(7), 5, 0);
    const auto next = chain.transfer(kRich, address(7), 5, 1);
    const auto replacement = chain.transfer(kRich, address(7), 6, 1, 2);
    const auto gap = chain.transfer(kRich, address(7), 5, 3);
    const auto poor = chain.transfer(1000, address(7), 5, 0);
    const auto funds = chain.transfer(kRich + 1, chain.transfer(1001, address(7), 0, 0)->sender,
                                      fixture::kCoin, 0);
    const auto funded = chain.transfer(1001, address(7), 5, 0);
    Transaction greedy;
    greedy.nonce = 2;
    greedy.gas_price = 1;
    greedy.gas_limit = chain.genesis().gas_limit + 1;
    const auto over = chain.sign(kRich, greedy);

    const auto order = chain.order(
        *state,
        {first->id, Slot{9}, nullptr, {used, next, replacement, gap, poor, funds, funded, over}});
    const auto built = state->build(order);
    ASSERT_TRUE(built) << built.error().text();
    EXPECT_THAT(built->transactions, testing::ElementsAre(next, funds, funded));
    std::vector<TxId> refused;
    for (const auto& [id, why] : built->refused) refused.push_back(id);
    EXPECT_THAT(refused, testing::ElementsAre(used->id, poor->id, over->id));
    EXPECT_TRUE(state->execute(chain.seal(built->header, built->transactions)));
}

TEST_F(StateTest, appending_leaves_the_rows_that_execution_and_finality_leave) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 150, nonce);
    for (std::size_t i = 0; i < blocks.size(); i += 7) ASSERT_TRUE(state->finalise(blocks[i]->id));
    ASSERT_TRUE(state->finalise(blocks.back()->id));
    const auto expected = dump(store);

    for (const std::size_t span : {1u, 7u, 64u, 150u}) {
        const auto other = make_memory_store();
        const auto appending = chain.open(*other, {.cache_bytes = 32 * 1024});
        for (std::size_t at = 0; at < blocks.size(); at += span) {
            const auto part = std::span{blocks}.subspan(at, std::min(span, blocks.size() - at));
            const auto done = appending->append_final(part);
            ASSERT_TRUE(done) << done.error().text();
            ASSERT_FALSE(done->error) << done->error->text();
            EXPECT_EQ(done->applied, part.size());
            EXPECT_EQ(done->base->id, part.back()->id);
            EXPECT_FALSE(done->touched.empty());
        }
        EXPECT_EQ(dump(*other), expected) << span;
        EXPECT_TRUE(check_state(*other));
    }
}

TEST_F(StateTest, appending_stops_at_the_first_bad_block_and_keeps_those_before) {
    std::uint64_t nonce = 0;
    auto blocks = grow(base(), 10, nonce);
    Header header = blocks[6]->header;
    header.state_root.bytes[0] ^= 1;
    blocks[6] = chain.seal(header, blocks[6]->transactions);
    const auto other = make_memory_store();
    const auto appending = chain.open(*other);
    const auto done = appending->append_final(blocks);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->applied, 6u);
    ASSERT_TRUE(done->error);
    EXPECT_EQ(done->error->code, Errc::invalid);
    EXPECT_EQ(appending->base()->id, blocks[5]->id);
    EXPECT_TRUE(check_state(*other));
    EXPECT_EQ(*stored_header(*other, blocks[6]->id), std::nullopt);
}

TEST_F(StateTest, appending_merges_what_was_executed_and_drops_what_is_not_its_branch) {
    std::uint64_t nonce = 0;
    const auto other_store = make_memory_store();
    const auto other = chain.open(*other_store);
    const auto blocks = grow(base(), 8, nonce);
    for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(other->execute(blocks[i]));
    const auto sibling = chain.propose(
        *other,
        {.parent = blocks[1]->id, .slot = Slot{60}, .justified = nullptr, .transactions = {}});
    ASSERT_TRUE(other->execute(sibling));
    const auto done = other->append_final(blocks);
    ASSERT_TRUE(done);
    EXPECT_FALSE(done->error);
    EXPECT_EQ(done->applied, 8u);
    EXPECT_EQ(other->base()->id, blocks.back()->id);
    EXPECT_TRUE(other->layers().empty());
    ASSERT_TRUE(state->finalise(blocks.back()->id));
    EXPECT_EQ(dump(*other_store), dump(store));
}

TEST_F(StateTest, appending_beside_a_layer_drops_it) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 2, nonce);
    const auto other_store = make_memory_store();
    const auto other = chain.open(*other_store);
    const auto sibling = chain.propose(
        *other, {.parent = base(), .slot = Slot{60}, .justified = nullptr, .transactions = {}});
    ASSERT_TRUE(other->execute(sibling));
    ASSERT_TRUE(other->append_final(blocks));
    EXPECT_TRUE(other->layers().empty());
    ASSERT_TRUE(state->finalise(blocks.back()->id));
    EXPECT_EQ(dump(*other_store), dump(store));
}

TEST_F(StateTest, appending_only_what_was_executed_keeps_the_layers_above) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 6, nonce);
    const auto done = state->append_final(std::span{blocks}.first(4));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->applied, 4u);
    EXPECT_EQ(state->layers().size(), 2u);
    EXPECT_TRUE(balance(**state->view(blocks[5]->id), address(504)) == 1);
}

TEST_F(StateTest, appending_a_stranger_applies_nothing) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 3, nonce);
    const auto other = make_memory_store();
    const auto appending = chain.open(*other);
    const auto before = dump(*other);
    const auto done = appending->append_final(std::span{blocks}.subspan(1));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->applied, 0u);
    EXPECT_TRUE(done->error);
    EXPECT_EQ(dump(*other), before);
}

}  // namespace
}  // namespace sennit::chain
