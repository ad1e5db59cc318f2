// SPDX-License-Identifier: MIT
#include "chain/state_fixture.hpp"

// A kill between any two batches, and a disk that fails at any read or write: whatever is on the
// disk then opens, and going on from there ends in the database that an undisturbed run leaves.

namespace sennit::chain {
namespace {

using fixture::address;
using fixture::dump;
using fixture::FailingStore;
using fixture::StateTest;
using fixture::TestChain;

/// A short life of a node: a fork, finality, an appended part, more blocks. Every step may be done
/// already, as after a restart.
class Life {
  public:
    explicit Life(const TestChain& chain) : chain_{chain} {
        const auto store = make_memory_store();
        const auto state = chain.open(*store);
        std::uint64_t nonce = 0;
        BlockId tip = state->genesis_id();
        for (std::uint32_t i = 0; i < 12; ++i) {
            trunk_.push_back(
                chain.extend(*state, tip, {chain.transfer(100, address(i), 1, nonce++)}));
            SENNIT_ASSERT(state->execute(trunk_.back()).has_value());
            tip = trunk_.back()->id;
        }
        side_ = chain.propose(
            *state,
            {.parent = trunk_[1]->id, .slot = Slot{40}, .justified = nullptr, .transactions = {}});
    }

    Result<void> run(Store& store) const {
        SENNIT_TRY(const auto state, State::open(store, chain_.genesis()));
        for (std::size_t i = 0; i < 4; ++i) SENNIT_TRY(execute(*state, trunk_[i]));
        SENNIT_TRY(execute(*state, side_));
        SENNIT_TRY(finalise(*state, trunk_[1]));
        SENNIT_TRY(finalise(*state, trunk_[2]));
        SENNIT_TRY(append(*state, 3, 8));
        for (std::size_t i = 8; i < 12; ++i) SENNIT_TRY(execute(*state, trunk_[i]));
        return finalise(*state, trunk_[9]);
    }

  private:
    static Result<void> execute(State& state, const BlockPtr& block) {
        if (block->height() <= state.base()->height) return {};
        if (auto done = state.execute(block); !done) {
            // The sibling's place may be below the base by now.
            if (done.error().code != Errc::not_found) return done.error();
        }
        return {};
    }
    static Result<void> finalise(State& state, const BlockPtr& block) {
        if (block->height() <= state.base()->height) return {};
        return state.finalise(block->id);
    }
    Result<void> append(State& state, std::size_t first, std::size_t end) const {
        while (first < end && trunk_[first]->height() <= state.base()->height) ++first;
        if (first == end) return {};
        SENNIT_TRY(const auto done,
                   state.append_final(std::span{trunk_}.subspan(first, end - first)));
        if (done.error) return *done.error;
        return {};
    }

    const TestChain& chain_;
    std::vector<BlockPtr> trunk_;
    BlockPtr side_;
};

TEST(StateOnDisk, a_kill_between_any_two_batches_changes_nothing_in_the_end) {
    const TestChain chain;
    const Life life{chain};
    FailingStore undisturbed;
    ASSERT_TRUE(life.run(undisturbed));
    const auto expected = dump(undisturbed);
    EXPECT_TRUE(check_state(undisturbed));

    std::size_t killed = 0;
    for (std::size_t writes = 0;; ++writes) {
        FailingStore store;
        store.writes_left = writes;
        const auto first = life.run(store);
        if (first) break;
        ++killed;
        EXPECT_EQ(first.error().code, Errc::io);
        store.writes_left = FailingStore::kNever;
        const auto second = life.run(store);
        ASSERT_TRUE(second) << writes << ": " << second.error().text();
        EXPECT_EQ(dump(store), expected) << writes;
    }
    EXPECT_GE(killed, 12u);
}

TEST(StateOnDisk, a_disk_that_fails_at_any_read_is_reported_and_nothing_else) {
    const TestChain chain;
    const Life life{chain};
    FailingStore undisturbed;
    ASSERT_TRUE(life.run(undisturbed));
    const auto expected = dump(undisturbed);

    // From the beginning, and from a restart in the middle, when ancestors are not in memory.
    for (const std::size_t writes_before : {0u, 6u, 9u}) {
        std::size_t failed = 0;
        for (std::size_t reads = 0;; ++reads) {
            FailingStore store;
            store.writes_left = writes_before;
            ASSERT_FALSE(life.run(store));
            store.writes_left = FailingStore::kNever;
            store.reads_left = reads;
            const auto first = life.run(store);
            store.reads_left = FailingStore::kNever;
            if (first) break;
            ++failed;
            ASSERT_EQ(first.error().code, Errc::io) << reads << ": " << first.error().text();
            const auto second = life.run(store);
            ASSERT_TRUE(second) << reads << ": " << second.error().text();
            ASSERT_EQ(dump(store), expected) << reads;
        }
        EXPECT_GE(failed, 12u);
    }
}

TEST_F(StateTest, a_failed_write_leaves_the_state_in_memory_as_it_was) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 4, nonce);
    const auto next = chain.extend(*state, blocks.back()->id);
    store.writes_left = 0;
    EXPECT_EQ(state->execute(next).error().code, Errc::io);
    EXPECT_EQ(state->finalise(blocks[2]->id).error().code, Errc::io);
    EXPECT_EQ(state->layers().size(), 4u);
    EXPECT_EQ(base(), state->genesis_id());
    const auto undisturbed_store = make_memory_store();
    const auto undisturbed = chain.open(*undisturbed_store);
    EXPECT_EQ(chain.extend(*state, base())->id, chain.extend(*undisturbed, base())->id)
        << "what could not be finalised is not in the base's state";
    store.writes_left = FailingStore::kNever;
    EXPECT_TRUE(fixture::balance(**state->view(blocks[3]->id), address(502)) == 1);
    EXPECT_TRUE(state->execute(next));
    EXPECT_TRUE(state->finalise(blocks[2]->id));
    EXPECT_TRUE(check_state(store));
}

TEST_F(StateTest, a_failed_append_leaves_the_base_where_it_was) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 4, nonce);
    FailingStore other;
    const auto appending = chain.open(other, {.cache_bytes = 0});
    other.writes_left = 0;
    EXPECT_EQ(appending->append_final(blocks).error().code, Errc::io);
    EXPECT_EQ(appending->base()->height, Height{0});
    other.writes_left = FailingStore::kNever;
    const auto child = chain.extend(*state, base())->id;
    std::size_t reads = 0;
    for (bool failed = true; failed; ++reads) {
        FailingStore flaky;
        const auto tried = chain.open(flaky, {.cache_bytes = 0});
        flaky.reads_left = reads;
        const auto done = tried->append_final(blocks);
        flaky.reads_left = FailingStore::kNever;
        failed = !done;
        if (failed) {
            EXPECT_EQ(chain.extend(*tried, tried->base()->id)->id, child) << reads;
        }
    }
    EXPECT_GT(reads, 10u);
    const auto done = appending->append_final(blocks);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->applied, 4u);
    EXPECT_TRUE(check_state(other));
}

TEST_F(StateTest, an_ancestor_that_cannot_be_read_is_the_disks_fault_and_not_the_blocks) {
    BlockId tip = base();
    FactsPtr justified;
    for (std::uint64_t slot = 1; slot <= 6; ++slot) {
        const auto block = chain.propose(
            *state, {.parent = tip, .slot = Slot{slot}, .justified = nullptr, .transactions = {}});
        ASSERT_TRUE(state->execute(block));
        tip = block->id;
        if (slot == 3) justified = state->facts(tip);
    }
    const auto block = chain.propose(
        *state, {.parent = tip, .slot = Slot{7}, .justified = justified, .transactions = {}});
    ASSERT_TRUE(state->finalise(tip));
    reopen();
    store.reads_left = 1;
    EXPECT_EQ(state->execute(block).error().code, Errc::io);
    store.reads_left = FailingStore::kNever;
    const auto done = state->execute(block);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(done->facts->justified, justified->checkpoint());
}

TEST_F(StateTest, a_damaged_state_is_found) {
    std::uint64_t nonce = 0;
    const auto blocks = grow(base(), 4, nonce);
    ASSERT_TRUE(state->finalise(blocks.back()->id));
    ASSERT_TRUE(check_state(store));
    const auto rows = dump(store);
    for (const Column column : {Column::accounts, Column::trie_nodes, Column::slots}) {
        const auto row = std::ranges::find(rows, to_string(column),
                                           [](const auto& entry) { return entry.first.first; });
        ASSERT_NE(row, rows.end());
        Bytes value = row->second;
        value.back() ^= 1;
        Batch damage;
        damage.put(column, row->first.second, value);
        ASSERT_TRUE(store.write(damage, Durability::buffered));
        EXPECT_FALSE(check_state(store)) << to_string(column);
        Batch repair;
        repair.put(column, row->first.second, row->second);
        ASSERT_TRUE(store.write(repair, Durability::buffered));
        ASSERT_TRUE(check_state(store));
    }
    Batch stray;
    stray.put(Column::trie_nodes, Bytes{0, 15, 15, 15, 15}, Bytes(40));
    ASSERT_TRUE(store.write(stray, Durability::buffered));
    EXPECT_EQ(check_state(store).error().code, Errc::mismatch);
}

}  // namespace
}  // namespace sennit::chain
