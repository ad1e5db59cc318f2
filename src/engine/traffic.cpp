// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

using protocol::Verdict;

namespace {

/// Some three milliseconds of one core.
constexpr std::size_t kOpenedAtOnce = 64;
/// A block's worth of transactions that came too late is honest; a stream of them is a flood. At
/// this rate checking them costs a fortieth of one core.
constexpr double kPatience = 5000;
constexpr double kPatiencePerSecond = 500;

}  // namespace

void Traffic::on_transactions(PeerRef peer, protocol::ReceiptId receipt,
                              const protocol::Transactions& message) {
    Arrived arrived;
    arrived.receipt = receipt;
    for (const auto& wire : message.transactions) {
        const auto id = wire.id();
        core_.inventory.mark(peer, relay::item_of(id));
        if (core_.pool.contains(id)) continue;
        arrived.rlp.push_back(wire.rlp);
        arrived.claims.push_back(wire.sender);
    }
    if (arrived.rlp.empty()) return core_.settle(peer, receipt, Verdict::ignore);
    auto& sender = senders_.try_emplace(peer, Sender{{}, kPatience, core_.now.at}).first->second;
    sender.arrived.push_back(std::move(arrived));
    if (sender.arrived.size() == 1) open_next(peer);
}

void Traffic::open_next(PeerRef peer) {
    const auto& front = senders_.at(peer).arrived.front();
    OpenTransactions job;
    job.state = core_.head_view;
    const auto end = std::min(front.rlp.size(), front.done + kOpenedAtOnce);
    for (auto i = front.done; i < end; ++i) job.rlp.push_back(front.rlp[i]);
    core_.run(std::move(job), [this, peer](JobResult&& result) {
        on_opened(peer, std::get<TransactionsOpened>(std::move(result)));
    });
}

void Traffic::on_opened(PeerRef peer, TransactionsOpened&& results) {
    const auto found = senders_.find(peer);
    auto& sender = found->second;
    auto& front = sender.arrived.front();
    for (auto& opened : results.transactions) {
        const auto& claimed = front.claims[front.done++];
        if (!opened || (claimed && *claimed != opened->tx->sender)) {
            front.wrong = true;
            core_.judge(peer, peers::Deed::invalid_transaction,
                        opened ? "sender is not who signed" : opened.error().text());
            continue;
        }
        // What the pool refuses is not the peer's fault: it may see another head. In numbers it is.
        if (!core_.pool.add(opened->tx, opened->account, core_.now)) {
            tire(peer, sender);
            continue;
        }
        front.accepted = true;
        relay(opened->tx);
    }
    core_.publish_due = core_.publish_due || front.accepted;
    if (front.done == front.rlp.size() || sender.gone) {
        core_.settle(peer, front.receipt,
                     front.wrong      ? Verdict::reject
                     : front.accepted ? Verdict::accept
                                      : Verdict::ignore);
        sender.arrived.pop_front();
    }
    if (!sender.arrived.empty()) return open_next(peer);
    if (sender.gone) senders_.erase(found);
}

void Traffic::tire(PeerRef peer, Sender& sender) {
    const auto passed = std::chrono::duration<double>(core_.now.at - sender.since).count();
    sender.since = core_.now.at;
    sender.patience = std::min(kPatience, sender.patience + passed * kPatiencePerSecond) - 1;
    if (sender.patience > 0) return;
    sender.patience = kPatiencePerSecond;
    core_.judge(peer, peers::Deed::spam, "transactions that are of no use, by the thousand");
}

void Traffic::on_down(PeerRef peer) {
    const auto found = senders_.find(peer);
    if (found == senders_.end()) return;
    auto& arrived = found->second.arrived;
    while (arrived.size() > 1) {
        core_.settle(peer, arrived.back().receipt, Verdict::ignore);
        arrived.pop_back();
    }
    found->second.gone = true;
    if (arrived.empty()) senders_.erase(found);
}

void Traffic::on_submit(Ticket ticket, Bytes rlp) {
    submit(std::move(rlp), [this, ticket](const Result<TxId>& result) {
        core_.actions.emplace_back(Answer{ticket, result});
    });
}

void Traffic::submit(Bytes rlp, std::function<void(const Result<TxId>&)> done) {
    OpenTransactions job{{protocol::SharedSlice{std::move(rlp)}}, core_.head_view};
    core_.run(std::move(job), [this, done = std::move(done)](JobResult&& result) {
        auto& opened = std::get<TransactionsOpened>(result).transactions.front();
        if (!opened) return done(opened.error());
        auto added = core_.pool.add(opened->tx, opened->account, core_.now);
        if (!added) return done(added.error());
        core_.publish_due = true;
        const auto tx = opened->tx;
        chain::Batch batch;
        batch.put(chain::Column::pool, tx->id.view(), tx->rlp);
        for (const auto& gone : added->removed) batch.erase(chain::Column::pool, gone->id.view());
        core_.store(std::move(batch), chain::Durability::synced, [this, done, tx] {
            done(tx->id);
            relay(tx);
        });
    });
}

void Traffic::restore(std::vector<Bytes> rlp) {
    if (rlp.empty()) return;
    OpenTransactions job;
    job.state = core_.head_view;
    for (auto& one : rlp) job.rlp.emplace_back(std::move(one));
    core_.run(std::move(job), [this](JobResult&& result) {
        for (auto& opened : std::get<TransactionsOpened>(result).transactions) {
            if (opened) (void)core_.pool.add(opened->tx, opened->account, core_.now);
        }
        core_.publish_due = true;
    });
}

void Traffic::relay(const TransactionPtr& tx) {
    protocol::Transactions news;
    news.transactions.emplace_back(tx);
    protocol::Outgoing outgoing{protocol::make_message(std::move(news)),
                                protocol::Priority::normal,
                                core_.now.at + std::chrono::minutes{1},
                                {},
                                {},
                                protocol::key_of(tx->id)};
    core_.spread(outgoing, relay::item_of(tx->id), [](PeerRef, const protocol::PeerFacts& peer) {
        return peer.traits.says.has(protocol::Kind::transactions);
    });
}

void Traffic::on_reorg(const std::vector<BlockPtr>& left, const std::vector<BlockPtr>& joined,
                       const std::set<Address>& touched) {
    const auto account =
        [&](const Address& address) -> std::optional<mempool::Mempool::AccountState> {
        const auto found = core_.head_view->account(address);
        if (!found) {
            core_.halt(found.error().text());
            return {};
        }
        const auto known = found->value_or(Account{});
        return mempool::Mempool::AccountState{known.nonce, known.balance};
    };
    chain::Batch mined;
    for (const auto& block : joined) {
        for (const auto& tx : block->transactions) {
            core_.pool.remove(tx->id);
            mined.erase(chain::Column::pool, tx->id.view());
        }
    }
    if (!mined.empty()) core_.store(std::move(mined), chain::Durability::buffered);
    for (const auto& address : touched) {
        if (const auto state = account(address)) core_.pool.on_account(address, *state);
    }
    // What the abandoned branch had mined is wanted again, unless the new one has it too.
    for (const auto& block : left) {
        for (const auto& tx : block->transactions) {
            if (const auto state = account(tx->sender)) (void)core_.pool.add(tx, *state, core_.now);
        }
    }
}

}  // namespace sennit::engine
