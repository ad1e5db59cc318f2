// SPDX-License-Identifier: MIT
#include "chain/state.hpp"

#include "chain/state_fixture.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {
namespace {

using fixture::address;
using fixture::balance;
using fixture::dump;
using fixture::FailingStore;
using fixture::StateTest;
using fixture::TestChain;

TEST_F(StateTest, an_empty_store_receives_the_genesis) {
    EXPECT_EQ(state->base()->height, Height{0});
    EXPECT_EQ(state->base()->id, state->genesis_id());
    EXPECT_TRUE(state->layers().empty());
    EXPECT_EQ(**stored_id(store, Height{0}), state->genesis_id());
    const auto view = state->view(base());
    ASSERT_TRUE(view);
    for (const auto& [who, amount] : chain.genesis().alloc)
        EXPECT_TRUE(balance(**view, who) == amount);
    const auto checked = check_state(store);
    EXPECT_TRUE(checked) << checked.error().text();
}

TEST_F(StateTest, another_chains_database_is_refused_with_both_ids) {
    auto genesis = chain.genesis();
    genesis.gas_limit += 1;
    const TestChain other{genesis};
    const auto opened = State::open(store, genesis);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::mismatch);
    EXPECT_THAT(opened.error().text(), testing::HasSubstr(to_hex(chain.genesis_id())));
    EXPECT_THAT(opened.error().text(), testing::HasSubstr(to_hex(other.genesis_id())));
}

TEST_F(StateTest, another_version_of_the_database_is_refused) {
    Batch batch;
    batch.put(Column::meta, as_bytes("version"), Bytes{9, 0, 0, 0});
    ASSERT_TRUE(store.write(batch, Durability::buffered));
    EXPECT_EQ(State::open(store, chain.genesis()).error().code, Errc::unsupported);
}

TEST_F(StateTest, executing_again_gives_the_same_answer) {
    const auto block = chain.extend(*state, base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto first = state->execute(block);
    ASSERT_TRUE(first);
    store.writes_left = 0;
    const auto second = state->execute(block);
    ASSERT_TRUE(second) << "nothing is written a second time";
    EXPECT_EQ(first->facts, second->facts);
    EXPECT_EQ(first->receipts, second->receipts);
    EXPECT_EQ(first->receipts.size(), 1u);
    ASSERT_EQ(first->touched.size(), second->touched.size());
    EXPECT_TRUE(std::ranges::any_of(first->touched, [](const auto& account) {
        return account.address == address(7) && account.balance == 5;
    }));
}

TEST_F(StateTest, each_tip_of_a_fork_has_its_own_state) {
    const auto trunk = execute(base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto left = execute(trunk->id, {chain.transfer(kRich, address(8), 1, 1)});
    const auto right_slot = state->facts(trunk->id)->slot + 2;
    const auto right =
        chain.propose(*state, {.parent = trunk->id,
                               .slot = right_slot,
                               .justified = nullptr,
                               .transactions = {chain.transfer(kRich, address(8), 2, 1)}});
    ASSERT_TRUE(state->execute(right));
    EXPECT_TRUE(balance(**state->view(left->id), address(8)) == 1);
    EXPECT_TRUE(balance(**state->view(right->id), address(8)) == 2);
    EXPECT_TRUE(balance(**state->view(right->id), address(7)) == 5);
    EXPECT_TRUE(balance(**state->view(trunk->id), address(8)) == 0);
    EXPECT_TRUE(balance(**state->view(base()), address(7)) == 0);
    EXPECT_EQ(state->layers().size(), 3u);
    EXPECT_EQ(state->layers().front()->id, trunk->id) << "parents come before children";
}

TEST_F(StateTest, finality_merges_the_branch_and_drops_its_siblings) {
    const auto trunk = execute(base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto kept = execute(trunk->id);
    const auto sibling =
        chain.propose(*state, {.parent = base(),
                               .slot = Slot{5},
                               .justified = nullptr,
                               .transactions = {chain.transfer(kRich, address(9), 5, 0)}});
    ASSERT_TRUE(state->execute(sibling));
    const auto nephew = execute(sibling->id);

    ASSERT_TRUE(state->finalise(trunk->id));
    EXPECT_EQ(base(), trunk->id);
    ASSERT_EQ(state->layers().size(), 1u);
    EXPECT_EQ(state->layers()[0]->id, kept->id);
    EXPECT_EQ(**stored_id(store, Height{1}), trunk->id);
    EXPECT_EQ((**stored_place(store, trunk->transactions[0]->id)).block, trunk->id);
    EXPECT_TRUE(check_state(store));
    for (const auto& gone : {sibling, nephew}) {
        EXPECT_EQ(state->facts(gone->id), nullptr);
        EXPECT_EQ(*stored_header(store, gone->id), std::nullopt);
        EXPECT_EQ(state->view(gone->id).error().code, Errc::not_found);
        EXPECT_EQ(state->execute(gone).error().code, Errc::not_found);
    }
    EXPECT_EQ(state->finalise(sibling->id).error().code, Errc::not_found);
    EXPECT_TRUE(state->finalise(trunk->id)) << "finalising the base again is no error";
    execute(kept->id);
}

TEST_F(StateTest, a_view_keeps_its_values_while_the_base_moves_on) {
    std::uint64_t nonce = 0;
    const auto at_genesis = *state->view(base());
    const auto blocks = grow(base(), 40, nonce);
    std::vector<StateViewPtr> views;
    for (const auto& block : blocks) views.push_back(*state->view(block->id));
    const auto check = [&] {
        EXPECT_TRUE(balance(*at_genesis, address(500)) == 0);
        for (std::uint32_t i = 0; i < views.size(); ++i) {
            for (std::uint32_t j = 0; j < views.size(); j += 2) {
                ASSERT_EQ(static_cast<int>(balance(*views[i], address(500 + j))), j <= i ? 1 : 0)
                    << i << ' ' << j;
            }
        }
    };
    check();
    ASSERT_TRUE(state->finalise(blocks[17]->id));
    check();
    for (const auto& block : grow(blocks.back()->id, 20, nonce))
        ASSERT_TRUE(state->finalise(block->id));
    check();
}

TEST_F(StateTest, a_restart_finds_everything) {
    std::uint64_t nonce = 0;
    const auto final_part = grow(base(), 5, nonce);
    ASSERT_TRUE(state->finalise(final_part.back()->id));
    const auto open_part = grow(base(), 20, nonce);
    const auto before = state->layers();
    const auto base_before = *state->base();
    const auto answer_before = *state->execute(open_part[2]);
    reopen();
    EXPECT_EQ(encode(*state->base()), encode(base_before));
    const auto after = state->layers();
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(encode(*after[i]), encode(*before[i]));
    EXPECT_TRUE(balance(**state->view(open_part.back()->id), address(500 + 18)) == 1);
    const auto answer = state->execute(open_part[2]);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->receipts, answer_before.receipts);
    EXPECT_EQ(answer->receipts.size(), 1u);
    EXPECT_EQ(answer->touched.size(), answer_before.touched.size());
    grow(open_part.back()->id, 3, nonce);
    EXPECT_TRUE(state->finalise(open_part.back()->id));
    EXPECT_TRUE(check_state(store));
}

TEST_F(StateTest, layers_that_do_not_descend_from_the_base_go_at_the_start) {
    const auto block = execute(base());
    const auto child = execute(block->id);
    Batch batch;
    batch.erase(Column::layers, block->id.view());
    ASSERT_TRUE(store.write(batch, Durability::buffered));
    reopen();
    EXPECT_TRUE(state->layers().empty());
    EXPECT_EQ(*store.get(Column::layers, child->id.view()), std::nullopt);
}

TEST_F(StateTest, too_many_layers_wait_for_finality) {
    state.reset();
    state = chain.open(store, {.layers_max = 2});
    const auto first = execute(base());
    const auto second = execute(first->id);
    const auto third = chain.extend(*state, second->id);
    EXPECT_EQ(state->execute(third).error().code, Errc::busy);
    EXPECT_TRUE(state->execute(second)) << "what is known is answered still";
    EXPECT_TRUE(state->execute(third, State::Room::needed));
    const auto fourth = chain.extend(*state, third->id);
    EXPECT_EQ(state->execute(fourth).error().code, Errc::busy);
    ASSERT_TRUE(state->finalise(second->id));
    EXPECT_TRUE(state->execute(fourth));
}

TEST_F(StateTest, facts_of_old_blocks_are_read_from_the_database) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 30, nonce);
    std::vector<Bytes> before;
    for (const auto& block : blocks) before.push_back(encode(*state->facts(block->id)));
    ASSERT_TRUE(state->finalise(blocks.back()->id));
    reopen();
    for (std::size_t i = 0; i < blocks.size(); ++i)
        EXPECT_EQ(encode(*state->facts(blocks[i]->id)), before[i]);
    EXPECT_EQ(state->facts(BlockId{{1, 2, 3}}), nullptr);
}

TEST_F(StateTest, blocks_and_receipts_are_served_as_they_were) {
    const auto full = execute(
        base(), {chain.transfer(kRich, address(7), 5, 0), chain.transfer(kRich, address(8), 6, 1)});
    const auto empty = execute(full->id);
    for (const auto& block : {full, empty}) {
        const auto stored = stored_block(store, block->id);
        ASSERT_TRUE(stored);
        EXPECT_EQ((*stored)->header, block->header);
        EXPECT_EQ((*stored)->header_bytes, block->header_bytes);
        EXPECT_EQ(**stored_header(store, block->id), block->header_bytes);
        ASSERT_EQ((*stored)->transactions.size(), block->transactions.size());
        for (std::size_t i = 0; i < block->transactions.size(); ++i) {
            EXPECT_EQ((*stored)->transactions[i]->sender, block->transactions[i]->sender);
            EXPECT_EQ((*stored)->transactions[i]->rlp, block->transactions[i]->rlp);
        }
        EXPECT_EQ((**stored_receipts(store, block->id)).size(), block->transactions.size());
    }
    EXPECT_EQ(*stored_block(store, BlockId{{7}}), nullptr);
    EXPECT_EQ(*stored_receipts(store, BlockId{{7}}), std::nullopt);
    EXPECT_EQ(*stored_id(store, Height{1}), std::nullopt) << "not final yet";
    ASSERT_TRUE(state->finalise(empty->id));
    EXPECT_EQ((**stored_place(store, full->transactions[1]->id)).index, 1u);
    EXPECT_EQ(*stored_place(store, TxId{{7}}), std::nullopt);
}

// Finality moves a header to its height; who asks by id does not notice.
TEST_F(StateTest, final_headers_are_served_by_id_and_by_height) {
    const auto first = execute(base(), {chain.transfer(kRich, address(7), 5, 0)});
    const auto second = execute(first->id);
    ASSERT_TRUE(state->finalise(first->id));
    for (const auto& block : {first, second}) {
        EXPECT_EQ(**stored_header(store, block->id), block->header_bytes);
        EXPECT_EQ((*stored_block(store, block->id))->header, block->header);
    }
    EXPECT_EQ(**stored_id(store, Height{1}), first->id);
    const auto run = *stored_headers(store, Height{0}, 9);
    ASSERT_EQ(run.size(), 2u) << "the second is not final";
    EXPECT_EQ(run[1].id, first->id);
    EXPECT_EQ(run[1].bytes, first->header_bytes);
    EXPECT_EQ(stored_headers(store, Height{0}, 1)->size(), 1u);
    EXPECT_EQ(stored_headers(store, Height{1}, 0)->size(), 0u);
    EXPECT_EQ(stored_headers(store, Height{2}, 9)->size(), 0u);
}

// Sets reach the facts of every later block, and must come back from the disk.
TEST_F(StateTest, validator_sets_survive_a_restart) {
    Transaction stake;
    stake.gas_price = 1;
    stake.gas_limit = 100'000;
    stake.to = kRegistryAddress;
    stake.value = fixture::kCoin * 3;
    const auto selector = crypto::keccak256(as_bytes("stake()"));
    stake.data = {selector.bytes.begin(), selector.bytes.begin() + 4};
    BlockId tip = execute(base(), {chain.sign(0, stake)})->id;
    const auto epoch = chain.genesis().stake.epoch_slots;
    while (state->facts(tip)->slot.value < 2 * epoch + 2) {
        tip = execute(tip)->id;
        if (state->facts(tip)->height.value % 10 != 0) continue;
        ASSERT_TRUE(state->finalise(tip));
    }
    ASSERT_EQ(state->facts(tip)->sets.current->version, 1u);
    const auto before = encode(*state->facts(tip));
    const auto quorum = state->facts(tip)->quorum->set_hash();
    reopen();
    EXPECT_EQ(encode(*state->facts(tip)), before);
    EXPECT_EQ(state->facts(tip)->quorum->set_hash(), quorum);
    tip = execute(tip)->id;
    ASSERT_TRUE(state->finalise(tip));
    EXPECT_TRUE(check_state(store));
}

}  // namespace
}  // namespace sennit::chain
