// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

using protocol::Verdict;

void Traffic::on_transactions(PeerRef peer, protocol::ReceiptId receipt,
                              const protocol::Transactions& message) {
    OpenTransactions job;
    job.state = core_.head_view;
    std::vector<std::optional<Address>> claims;  // protocols with a `from` field say who sent it
    for (const auto& wire : message.transactions) {
        const auto id = wire.id();
        core_.inventory.mark(peer, relay::item_of(id));
        if (core_.pool.contains(id)) continue;
        job.rlp.push_back(wire.rlp);
        claims.push_back(wire.sender);
    }
    if (job.rlp.empty()) return core_.settle(peer, receipt, Verdict::ignore);
    core_.run(std::move(job),
              [this, peer, receipt, claims = std::move(claims)](JobResult&& result) {
                  bool accepted = false;
                  bool wrong = false;
                  auto claim = claims.begin();
                  for (auto& opened : std::get<TransactionsOpened>(result).transactions) {
                      const auto& claimed = *claim++;
                      if (!opened || (claimed && *claimed != opened->tx->sender)) {
                          wrong = true;
                          core_.judge(peer, peers::Deed::invalid_transaction,
                                      opened ? "sender is not who signed" : opened.error().text());
                          continue;
                      }
                      // What the pool refuses is not the peer's fault: it may see another head.
                      const auto added = core_.pool.add(opened->tx, opened->account, core_.now);
                      if (!added) continue;
                      accepted = true;
                      relay(opened->tx);
                  }
                  core_.settle(peer, receipt,
                               wrong      ? Verdict::reject
                               : accepted ? Verdict::accept
                                          : Verdict::ignore);
                  core_.publish_due = core_.publish_due || accepted;
              });
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
