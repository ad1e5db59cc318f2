// SPDX-License-Identifier: MIT
#include "chain/overlay.hpp"

namespace sennit::chain {

Result<Account> Overlay::account(const Address& address) {
    for (const auto* level : {&inner_, &changes_}) {
        const auto found = level->find(address);
        if (found != level->end() && found->second.account) return *found->second.account;
    }
    SENNIT_TRY(auto account, base_.account(address));
    return account.value_or(Account{});
}

void Overlay::set_account(const Address& address, const Account& account) {
    (inside_ ? inner_ : changes_)[address].account = account;
}

Result<Word> Overlay::slot(const Address& address, const Word& key) {
    for (const auto* level : {&inner_, &changes_}) {
        const auto found = level->find(address);
        if (found == level->end()) continue;
        const auto value = found->second.slots.find(key);
        if (value != found->second.slots.end()) return value->second;
    }
    return base_.slot(address, key);
}

void Overlay::set_slot(const Address& address, const Word& key, const Word& value) {
    (inside_ ? inner_ : changes_)[address].slots[key] = value;
}

void Overlay::begin() {
    SENNIT_ASSERT(!inside_);
    inside_ = true;
}

void Overlay::commit() {
    SENNIT_ASSERT(inside_);
    for (auto& [address, change] : inner_) {
        auto& target = changes_[address];
        if (change.account) target.account = change.account;
        for (const auto& [key, value] : change.slots) target.slots[key] = value;
    }
    inner_.clear();
    inside_ = false;
}

void Overlay::rollback() {
    SENNIT_ASSERT(inside_);
    inner_.clear();
    inside_ = false;
}

}  // namespace sennit::chain
