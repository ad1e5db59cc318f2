// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>

#include "base/time.hpp"
#include "chain/genesis.hpp"

namespace sennit::mempool {

/// Transactions that wait for a block: by sender and nonce, ranked by what they pay.
///
/// Pure: signatures and senders are settled before a transaction comes here, and the accounts'
/// states are told, not looked up. Never over its limits, and never a worse transaction for a
/// better one: a sender whose price is lowest loses the last of its queue, so that nothing else
/// comes to depend on a hole.
///
/// A sender's transactions are *ready* up to the first gap in its nonces and as far as its balance
/// pays for all of them together; only ready ones are offered to a block.
class Mempool {
  public:
    struct Limits {
        std::size_t transactions_max{1000};
        std::size_t bytes_max{1'000'000};
        std::size_t per_sender_max{64};
        /// A nonce further than this above the account's is refused: it could wait for ever.
        std::uint64_t nonce_gap_max{64};
        std::uint32_t replacement_percent{10};
        Duration stale_after{std::chrono::hours{1}};  ///< for transactions that are not ready
    };
    struct AccountState {
        std::uint64_t nonce{0};
        Amount balance{0};
    };

    Mempool(const chain::Genesis& genesis, Limits limits);

    struct Added {
        std::vector<TransactionPtr> removed;  ///< replaced or evicted to make room
        bool ready{false};
    };
    /// `account` is the sender's at the head. Errors, with geth's texts: duplicate ("already
    /// known"), invalid ("nonce too low: ...", "insufficient funds for gas * price + value",
    /// "intrinsic gas too low", "exceeds block gas limit"), busy ("replacement transaction
    /// underpriced", "transaction underpriced" when the pool is full of better ones, "too many
    /// transactions of this sender").
    Result<Added> add(TransactionPtr tx, const AccountState& account, Now now);

    /// A block became part of the head's branch, or left it: new account states; drops what is
    /// mined or can no longer be.
    void on_account(const Address& address, const AccountState& account);
    void remove(const TxId& id);
    void on_time(Now now);

    TransactionPtr find(const TxId& id) const;
    bool contains(const TxId& id) const { return find(id) != nullptr; }
    /// The next nonce for a sender whose account has `nonce`: counts the ready transactions.
    std::uint64_t next_nonce(const Address& sender, std::uint64_t nonce) const;
    /// Ready transactions, best price first, each sender's in nonce order; at most so many.
    std::vector<TransactionPtr> best(std::size_t count_max, std::size_t bytes_max) const;
    std::vector<TransactionPtr> all() const;

    std::size_t size() const { return by_id_.size(); }
    std::size_t bytes() const { return bytes_; }
    bool empty() const { return by_id_.empty(); }
    void check_invariants() const;

  private:
    struct Entry {
        TransactionPtr tx;
        Instant since;
    };
    struct Sender {
        AccountState account;
        std::map<std::uint64_t, Entry> by_nonce;
        std::size_t ready{0};  ///< how many from the front
    };
    /// Orders the older first among equals that are ranked from the greatest down.
    struct Reverse {
        Instant at;
        auto operator<=>(const Reverse& other) const { return other.at <=> at; }
        bool operator==(const Reverse&) const = default;
    };

    Result<void> check(const SignedTransaction& tx, const AccountState& account) const;
    /// Evicts what must go so that `tx` fits, or refuses it and evicts nothing.
    Result<std::vector<TransactionPtr>> make_room(const SignedTransaction& tx,
                                                  const TransactionPtr& replaced);
    void erase(const TxId& id);
    void refresh(const Address& address);

    chain::Genesis genesis_;
    Limits limits_;
    std::map<TxId, std::pair<Address, std::uint64_t>> by_id_;
    std::map<Address, Sender> senders_;
    std::set<std::tuple<std::uint64_t, Reverse, TxId>>
        by_price_;  ///< worst first, the newest of equals
    std::size_t bytes_{0};
};

}  // namespace sennit::mempool
