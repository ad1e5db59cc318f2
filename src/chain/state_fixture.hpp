// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include "chain/test_chain.hpp"

/// What the tests of `State` share: stores that fail on demand, and whole databases as values.
namespace sennit::chain::fixture {

/// A store whose disk fails after so many writes or reads; what was written stays.
class FailingStore : public Store {
  public:
    static constexpr std::size_t kNever = ~std::size_t{0};

    Result<std::optional<Bytes>> get(Column column, BytesView key) const override {
        SENNIT_TRY(read());
        return inner_->get(column, key);
    }
    Result<void> scan(Column column, BytesView from,
                      const std::function<bool(BytesView, BytesView)>& visit) const override {
        SENNIT_TRY(read());
        return inner_->scan(column, from, visit);
    }
    Result<void> write(const Batch& batch, Durability durability) override {
        if (writes_left == 0) return Error{Errc::io, "the disk refuses"};
        if (writes_left != kNever) --writes_left;
        return inner_->write(batch, durability);
    }
    SnapshotPtr snapshot() const override { return inner_->snapshot(); }

    std::size_t writes_left{kNever};
    mutable std::size_t reads_left{kNever};

  private:
    Result<void> read() const {
        if (reads_left == 0) return Error{Errc::io, "the disk refuses"};
        if (reads_left != kNever) --reads_left;
        return {};
    }
    std::unique_ptr<Store> inner_ = make_memory_store();
};

using Dump = std::map<std::pair<std::string_view, Bytes>, Bytes>;

/// Every row of a database.
inline Dump dump(const Snapshot& db) {
    Dump rows;
    for (std::size_t i = 0; i < kColumns; ++i) {
        const auto column = static_cast<Column>(i);
        EXPECT_TRUE(db.scan(column, {}, [&](BytesView key, BytesView value) {
            rows.emplace(std::pair{to_string(column), to_bytes(key)}, to_bytes(value));
            return true;
        }));
    }
    return rows;
}

inline Amount balance(const StateReader& state, const Address& who) {
    const auto account = state.account(who);
    EXPECT_TRUE(account);
    return account->value_or(Account{}).balance;
}

/// A state in memory, and shortcuts to grow it.
class StateTest : public testing::Test {
  protected:
    static constexpr std::uint32_t kRich = 100;  ///< an account with a million coins

    BlockId base() const { return state->base()->id; }
    BlockPtr execute(const BlockId& parent, std::vector<TransactionPtr> transactions = {}) {
        auto block = chain.extend(*state, parent, std::move(transactions));
        const auto done = state->execute(block);
        EXPECT_TRUE(done) << done.error().text();
        return block;
    }
    /// `count` blocks on `parent`, a transfer of 1 in each second one.
    std::vector<BlockPtr> grow(BlockId parent, std::size_t count, std::uint64_t& nonce) {
        std::vector<BlockPtr> blocks;
        for (std::size_t i = 0; i < count; ++i) {
            std::vector<TransactionPtr> transactions;
            if (i % 2 == 0)
                transactions.push_back(chain.transfer(
                    kRich, address(500 + static_cast<std::uint32_t>(i)), 1, nonce++));
            blocks.push_back(execute(parent, std::move(transactions)));
            parent = blocks.back()->id;
        }
        return blocks;
    }
    void reopen() {
        state.reset();
        state = chain.open(store);
    }

    TestChain chain;
    FailingStore store;
    std::unique_ptr<State> state = chain.open(store);
};

}  // namespace sennit::chain::fixture
