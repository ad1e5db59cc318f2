// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "primitives/account.hpp"

namespace sennit::chain {

/// Accounts and storage of the state after some block. An error is the disk's.
class StateReader {
  public:
    virtual ~StateReader() = default;
    /// nullopt: no such account.
    virtual Result<std::optional<Account>> account(const Address& address) const = 0;
    /// Zero if nothing is stored there.
    virtual Result<Word> slot(const Address& address, const Word& key) const = 0;
};

/// Changes on top of a state, kept apart until they are wanted: one block's, with an inner level
/// that a failing transaction throws away.
class Overlay {
  public:
    explicit Overlay(const StateReader& base) : base_{base} {}

    Result<Account> account(const Address& address);
    void set_account(const Address& address, const Account& account);
    Result<Word> slot(const Address& address, const Word& key);
    void set_slot(const Address& address, const Word& key, const Word& value);

    /// Starts, keeps or throws away the inner level. There is one level, not a stack.
    void begin();
    void commit();
    void rollback();

    struct AccountChanges {
        std::optional<Account>
            account;  ///< set if nonce or balance changed; the storage root is the trie's matter
        std::map<Word, Word> slots;
    };
    /// Everything that differs from the base, ordered. Values may equal the base's.
    const std::map<Address, AccountChanges>& changes() const { return changes_; }

  private:
    const StateReader& base_;
    std::map<Address, AccountChanges> changes_;
    std::map<Address, AccountChanges> inner_;
    bool inside_{false};
};

}  // namespace sennit::chain
