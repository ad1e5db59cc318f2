// SPDX-License-Identifier: MIT
#include "mempool/mempool.hpp"

#include <algorithm>

namespace sennit::mempool {

namespace {

/// What a transaction can take from its sender at most; the form bounds both factors to 64 bits, so
/// that only the last sum can overflow, and then nobody can pay it.
std::optional<Amount> cost(const Transaction& tx) {
    return checked_add(tx.value, Amount{tx.gas_limit} * tx.gas_price);
}

Error insufficient(const Mempool::AccountState& account, const Transaction& tx) {
    const auto want = cost(tx);
    return {Errc::invalid, "insufficient funds for gas * price + value", Error::kNowhere,
            "have " + to_decimal(account.balance) + " want " +
                (want ? to_decimal(*want) : "more than 128 bits")};
}

}  // namespace

Mempool::Mempool(const chain::Genesis& genesis, Limits limits)
    : genesis_{genesis}, limits_{limits} {}

Result<void> Mempool::check(const SignedTransaction& signed_tx, const AccountState& account) const {
    const auto& tx = signed_tx.tx;
    if (tx.nonce < account.nonce) {
        return Error{Errc::invalid, "nonce too low", Error::kNowhere,
                     "next nonce " + std::to_string(account.nonce) + ", tx nonce " +
                         std::to_string(tx.nonce)};
    }
    if (tx.nonce - account.nonce > limits_.nonce_gap_max) {
        return Error{Errc::invalid, "nonce too high", Error::kNowhere,
                     "next nonce " + std::to_string(account.nonce) + ", tx nonce " +
                         std::to_string(tx.nonce)};
    }
    if (tx.gas_price < genesis_.min_gas_price) {
        return Error{Errc::invalid, "transaction underpriced", Error::kNowhere,
                     "gas price " + std::to_string(tx.gas_price) + ", minimum " +
                         std::to_string(genesis_.min_gas_price)};
    }
    if (tx.gas_limit > genesis_.gas_limit) return Error{Errc::invalid, "exceeds block gas limit"};
    if (const auto least = intrinsic_gas(tx.data); tx.gas_limit < least) {
        return Error{Errc::invalid, "intrinsic gas too low", Error::kNowhere,
                     "have " + std::to_string(tx.gas_limit) + ", want " + std::to_string(least)};
    }
    if (luxtensor_size(tx) + kHeaderSizeMin + kExtraDataSizeMax > genesis_.block_bytes_max) {
        return Error{Errc::oversized, "transaction does not fit a block"};
    }
    const auto want = cost(tx);
    if (!want || *want > account.balance) return insufficient(account, tx);
    return {};
}

Result<Mempool::Added> Mempool::add(TransactionPtr tx, const AccountState& account, Now now) {
    if (by_id_.contains(tx->id)) return Error{Errc::duplicate, "already known"};
    SENNIT_TRY(check(*tx, account));
    on_account(tx->sender, account);  // news of the account too: what it outdates goes first
    const auto nonce = tx->tx.nonce;
    auto found = senders_.find(tx->sender);
    TransactionPtr replaced;
    if (found != senders_.end()) {
        const auto same = found->second.by_nonce.find(nonce);
        if (same != found->second.by_nonce.end()) {
            const auto old = Uint128{same->second.tx->tx.gas_price};
            if (Uint128{tx->tx.gas_price} * 100 < old * (100 + limits_.replacement_percent)) {
                return Error{Errc::busy, "replacement transaction underpriced", Error::kNowhere,
                             "raise the gas price by at least " +
                                 std::to_string(limits_.replacement_percent) + " %"};
            }
            replaced = same->second.tx;
        } else if (found->second.by_nonce.size() >= limits_.per_sender_max) {
            return Error{Errc::busy, "too many transactions of this sender", Error::kNowhere,
                         std::to_string(limits_.per_sender_max) + " are waiting"};
        }
    }
    Added added;
    SENNIT_TRY(added.removed, make_room(*tx, replaced));
    if (replaced) {
        erase(replaced->id);
        added.removed.push_back(replaced);
    }
    auto& sender = senders_[tx->sender];
    sender.account = account;
    by_id_[tx->id] = {tx->sender, nonce};
    bytes_ += tx->rlp.size();
    by_price_.emplace(tx->tx.gas_price, Reverse{now.at}, tx->id);
    const auto address = tx->sender;
    sender.by_nonce[nonce] = {std::move(tx), now.at};
    refresh(address);
    const auto& after = senders_.at(address);
    added.ready = nonce < after.account.nonce + after.ready;
    return added;
}

Result<std::vector<TransactionPtr>> Mempool::make_room(const SignedTransaction& tx,
                                                       const TransactionPtr& replaced) {
    auto count = by_id_.size() + 1 - (replaced ? 1 : 0);
    auto bytes = bytes_ + tx.rlp.size() - (replaced ? replaced->rlp.size() : 0);
    std::vector<TransactionPtr> victims;
    std::map<Address, std::size_t> taken;
    for (auto at = by_price_.begin(); count > limits_.transactions_max || bytes > limits_.bytes_max;
         ++at) {
        if (at == by_price_.end() || std::get<0>(*at) >= tx.tx.gas_price) {
            return Error{Errc::busy, "transaction underpriced", Error::kNowhere,
                         "the pool is full of better ones"};
        }
        // From the end of the sender's queue: nothing else may come to depend on a hole.
        const auto& address = by_id_.at(std::get<2>(*at)).first;
        if (address == tx.sender) continue;
        const auto& queue = senders_.at(address).by_nonce;
        auto& used = taken[address];
        if (used == queue.size()) continue;
        const auto& last = std::prev(queue.end(), static_cast<std::ptrdiff_t>(used) + 1)->second.tx;
        if (last->tx.gas_price >= tx.tx.gas_price) continue;
        ++used;
        victims.push_back(last);
        --count;
        bytes -= last->rlp.size();
    }
    for (const auto& victim : victims) erase(victim->id);
    return victims;
}

void Mempool::erase(const TxId& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    const auto [address, nonce] = found->second;
    auto& sender = senders_.at(address);
    const auto entry = sender.by_nonce.find(nonce);
    bytes_ -= entry->second.tx->rlp.size();
    by_price_.erase({entry->second.tx->tx.gas_price, Reverse{entry->second.since}, id});
    sender.by_nonce.erase(entry);
    by_id_.erase(found);
    if (sender.by_nonce.empty()) {
        senders_.erase(address);
    } else {
        refresh(address);
    }
}

void Mempool::refresh(const Address& address) {
    auto& sender = senders_.at(address);
    sender.ready = 0;
    auto nonce = sender.account.nonce;
    auto balance = sender.account.balance;
    for (const auto& [at, entry] : sender.by_nonce) {
        const auto want = cost(entry.tx->tx);
        if (at != nonce || !want || *want > balance) break;
        balance -= *want;
        ++nonce;
        ++sender.ready;
    }
}

void Mempool::on_account(const Address& address, const AccountState& account) {
    const auto found = senders_.find(address);
    if (found == senders_.end()) return;
    found->second.account = account;
    std::vector<TxId> gone;
    for (const auto& [nonce, entry] : found->second.by_nonce) {
        const auto want = cost(entry.tx->tx);
        if (nonce < account.nonce || !want || *want > account.balance) gone.push_back(entry.tx->id);
    }
    refresh(address);
    for (const auto& id : gone) erase(id);
}

void Mempool::remove(const TxId& id) {
    erase(id);
}

void Mempool::on_time(Now now) {
    std::vector<TxId> stale;
    for (const auto& [address, sender] : senders_) {
        const auto ready_end = sender.account.nonce + sender.ready;
        for (auto at = sender.by_nonce.lower_bound(ready_end); at != sender.by_nonce.end(); ++at) {
            if (at->second.since + limits_.stale_after <= now.at)
                stale.push_back(at->second.tx->id);
        }
    }
    for (const auto& id : stale) erase(id);
}

TransactionPtr Mempool::find(const TxId& id) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return nullptr;
    return senders_.at(found->second.first).by_nonce.at(found->second.second).tx;
}

std::uint64_t Mempool::next_nonce(const Address& sender, std::uint64_t nonce) const {
    const auto found = senders_.find(sender);
    if (found == senders_.end()) return nonce;
    return std::max(nonce, found->second.account.nonce + found->second.ready);
}

std::vector<TransactionPtr> Mempool::best(std::size_t count_max, std::size_t bytes_max) const {
    // The head of every sender's queue competes; whoever is taken is followed by its next.
    using Head = std::tuple<std::uint64_t, Reverse, TxId, const Sender*, std::uint64_t>;
    std::vector<Head> heap;
    const auto push = [&](const Sender& sender, std::uint64_t nonce) {
        const auto entry = sender.by_nonce.find(nonce);
        if (entry == sender.by_nonce.end() || nonce >= sender.account.nonce + sender.ready) return;
        const auto& tx = entry->second.tx;
        heap.emplace_back(tx->tx.gas_price, Reverse{entry->second.since}, tx->id, &sender, nonce);
        std::push_heap(heap.begin(), heap.end());
    };
    for (const auto& [address, sender] : senders_) push(sender, sender.account.nonce);
    std::vector<TransactionPtr> out;
    std::size_t bytes = 0;
    while (!heap.empty() && out.size() < count_max) {
        std::pop_heap(heap.begin(), heap.end());
        const auto [price, since, id, sender, nonce] = heap.back();
        heap.pop_back();
        const auto& tx = sender->by_nonce.at(nonce).tx;
        // One that does not fit ends its sender's turn: the next nonce cannot go before it.
        if (bytes + tx->rlp.size() > bytes_max) continue;
        bytes += tx->rlp.size();
        out.push_back(tx);
        push(*sender, nonce + 1);
    }
    return out;
}

std::vector<TransactionPtr> Mempool::all() const {
    std::vector<TransactionPtr> out;
    out.reserve(by_id_.size());
    for (const auto& [address, sender] : senders_) {
        for (const auto& [nonce, entry] : sender.by_nonce) out.push_back(entry.tx);
    }
    return out;
}

void Mempool::check_invariants() const {
    SENNIT_ASSERT(by_id_.size() <= limits_.transactions_max);
    SENNIT_ASSERT(bytes_ <= limits_.bytes_max);
    SENNIT_ASSERT(by_id_.size() == by_price_.size());
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (const auto& [address, sender] : senders_) {
        SENNIT_ASSERT(!sender.by_nonce.empty());
        SENNIT_ASSERT(sender.by_nonce.size() <= limits_.per_sender_max);
        SENNIT_ASSERT(sender.ready <= sender.by_nonce.size());
        for (const auto& [nonce, entry] : sender.by_nonce) {
            const auto found = by_id_.find(entry.tx->id);
            SENNIT_ASSERT(found != by_id_.end() && found->second == std::pair(address, nonce));
            SENNIT_ASSERT(nonce >= sender.account.nonce);
            bytes += entry.tx->rlp.size();
            ++count;
        }
    }
    SENNIT_ASSERT(bytes == bytes_ && count == by_id_.size());
}

}  // namespace sennit::mempool
