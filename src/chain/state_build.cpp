// SPDX-License-Identifier: MIT
#include <algorithm>

#include "chain/chain_state.hpp"
#include "chain/schema.hpp"

namespace sennit::chain {

namespace {

Error broken(std::string_view rule, std::string detail) {
    return Error{Errc::invalid, rule, Error::kNowhere, std::move(detail)};
}

std::string have_want(BytesView have, BytesView want) {
    return "have " + to_hex(have) + " want " + to_hex(want);
}

/// Any fault of a transaction is the block's, except the disk's.
Error in_block(const Error& error, std::size_t index) {
    if (error.code == Errc::io) return error;
    return broken(error.what, "transaction " + std::to_string(index) +
                                  (error.detail.empty() ? std::string{} : ": " + error.detail));
}

std::vector<TxId> ids_of(const Block& block) {
    std::vector<TxId> ids;
    ids.reserve(block.transactions.size());
    for (const auto& tx : block.transactions) ids.push_back(tx->id);
    return ids;
}

Result<void> check_outcome(const Block& block, const BlockExecutor::Outcome& outcome) {
    const Header& header = block.header;
    if (outcome.gas_used != header.gas_used) {
        return broken("block's gas used is not what its transactions use",
                      "have " + std::to_string(header.gas_used) + " want " +
                          std::to_string(outcome.gas_used));
    }
    const Digest root = receipts_root(block.transactions, outcome.receipts);
    if (root != header.receipts_root) {
        return broken("block's receipts root is wrong",
                      have_want(header.receipts_root.view(), root.view()));
    }
    return {};
}

/// The block's facts as they are once it was executed.
FactsPtr executed_facts(const Facts& derived, const std::optional<Sets>& sets) {
    auto facts = std::make_shared<Facts>(derived);
    facts->executed = true;
    if (sets) facts->sets = *sets;
    return facts;
}

}  // namespace

/// The body against the header, then what needs no state. A body that is not the header's says
/// nothing against the block, so that comes first.
Result<void> ChainState::check_body(const Block& block) const {
    const Digest root = transactions_root(block.transactions);
    if (root != block.header.txs_root) {
        return Error{Errc::mismatch, "body is not its header's", Error::kNowhere,
                     have_want(root.view(), block.header.txs_root.view())};
    }
    if (const std::size_t size = luxtensor_size(block); size > genesis_.block_bytes_max) {
        return broken("block is too large", "have " + std::to_string(size) + " limit " +
                                                std::to_string(genesis_.block_bytes_max));
    }
    for (std::size_t i = 0; i < block.transactions.size(); ++i) {
        const SignedTransaction& tx = *block.transactions[i];
        if (auto checked = check_form(tx.tx, tx.rlp.size(), genesis_.chain_id); !checked) {
            return in_block(checked.error(), i);
        }
    }
    return {};
}

Result<FactsPtr> ChainState::derive(const Facts& parent, const Header& header, const BlockId& id,
                                    Ancestors& ancestors) {
    auto derived = derive_facts(parent, header, id, genesis_, ancestors.lookup());
    if (ancestors.failed()) return *ancestors.failed();
    return derived;
}

Result<ChainState::Execution> ChainState::run(const Block& block, const Facts& parent,
                                              const RowReader& before, Ancestors& ancestors) {
    SENNIT_TRY(check_body(block));
    SENNIT_TRY(const auto derived, derive(parent, block.header, block.id, ancestors));
    const auto context = make_context(*derived, parent, block.header, ancestors.lookup());
    const RowState state{before};
    Overlay overlay{state};
    BlockExecutor executor{overlay, genesis_, genesis_id_, context};
    SENNIT_TRY(executor.begin());
    for (std::size_t i = 0; i < block.transactions.size(); ++i) {
        if (auto receipt = executor.add(*block.transactions[i]); !receipt)
            return in_block(receipt.error(), i);
    }
    SENNIT_TRY(auto outcome, executor.finish());
    SENNIT_TRY(check_outcome(block, outcome));
    SENNIT_TRY(auto settled, settle(before, overlay));
    if (settled.state_root != block.header.state_root) {
        return broken("block's state root is wrong",
                      have_want(block.header.state_root.view(), settled.state_root.view()));
    }
    return Execution{executed_facts(*derived, outcome.sets), std::move(outcome.receipts),
                     std::move(settled)};
}

Result<ExecutedBlock> ChainState::execute(const BlockPtr& block, Room room) {
    if (const auto known = layers_.find(block->id); known != layers_.end()) {
        const LayerContent& content = known->second->content();
        return ExecutedBlock{content.facts, content.receipts, content.touched};
    }
    SENNIT_TRY(const auto parent, place(block->header.previous_hash));
    const bool full =
        layers_.size() >= limits_.layers_max || layers_bytes_ >= limits_.layers_bytes_max;
    if (full && room == Room::limited) {
        return Error{Errc::busy, "too many blocks wait for finality"};
    }
    Ancestors ancestors{*this};
    SENNIT_TRY(auto done, run(*block, *parent.facts, LayeredRows{parent.layer, rows_}, ancestors));

    auto content = std::make_shared<LayerContent>();
    content->facts = done.facts;
    content->rows = sorted(std::move(done.settled.rows));
    content->receipts = std::move(done.receipts);
    content->touched = std::move(done.settled.touched);
    content->transactions = ids_of(*block);

    Batch batch;
    batch.put(Column::headers, block->id.view(), block->header_bytes);
    put_body(batch, *block, content->receipts);
    finalised_.write(batch, *content->facts, parent.facts.get());
    batch.put(Column::layers, block->id.view(), encode_layer(*content));
    SENNIT_TRY(store_.write(batch, Durability::buffered));

    const auto under = layers_.find(block->header.previous_hash);
    add_layer(
        std::make_shared<const Layer>(content, under == layers_.end() ? nullptr : under->second));
    return ExecutedBlock{content->facts, content->receipts, content->touched};
}

/// Blocks at the front that were executed already are only merged; how many.
Result<std::size_t> ChainState::finalise_known(std::span<const BlockPtr> blocks) {
    std::size_t known = 0;
    while (known < blocks.size() && layers_.contains(blocks[known]->id) &&
           blocks[known]->header.previous_hash ==
               (known == 0 ? base_->id : blocks[known - 1]->id)) {
        ++known;
    }
    if (known > 0) SENNIT_TRY(finalise(blocks[known - 1]->id));
    return known;
}

Result<State::Appended> ChainState::append_final(std::span<const BlockPtr> blocks) {
    Appended appended;
    std::map<Address, TouchedAccount> touched;
    for (const BlockPtr& block : blocks) {
        const auto layer = layers_.find(block->id);
        if (layer == layers_.end()) break;
        for (const auto& account : layer->second->content().touched)
            touched[account.address] = account;
    }
    SENNIT_TRY(appended.applied, finalise_known(blocks));

    Batch batch;
    Ancestors ancestors{*this};
    std::vector<FactsPtr> fresh;
    FactsPtr tip = base_;
    for (const BlockPtr& block : blocks.subspan(appended.applied)) {
        auto done = run(*block, *tip, rows_, ancestors);
        if (!done) {
            appended.error = done.error();
            break;
        }
        for (Row& row : done->settled.rows) rows_.set(row.column, row.key, std::move(row.value));
        for (const auto& account : done->settled.touched) touched[account.address] = account;
        put_body(batch, *block, done->receipts);
        finalised_.write(batch, *done->facts, tip.get());
        put_final(batch, *done->facts, block->header_bytes, ids_of(*block));
        tip = done->facts;
        ancestors.add(tip);
        fresh.push_back(tip);
    }
    if (appended.error && appended.error->code == Errc::io) {
        rows_.discard();
        return *appended.error;
    }
    SENNIT_TRY(commit_appended(batch, fresh));
    appended.applied += fresh.size();
    appended.base = base_;
    for (const auto& [address, account] : touched) appended.touched.push_back(account);
    return appended;
}

/// Nothing that was executed before descends from a block that was not: all layers go.
Result<void> ChainState::commit_appended(Batch& batch, std::span<const FactsPtr> fresh) {
    if (fresh.empty()) return {};
    for (const auto& [id, layer] : layers_) drop_block(batch, id);
    batch.put(Column::meta, as_bytes(schema::kBaseKey), fresh.back()->id.view());
    rows_.write_to(batch);
    if (auto written = store_.write(batch, Durability::buffered); !written) {
        rows_.discard();
        return written;
    }
    rows_.commit();
    for (const FactsPtr& facts : fresh) finalised_.remember(facts);
    base_ = fresh.back();
    layers_.clear();
    layers_bytes_ = 0;
    return {};
}

/// Chooses transactions for a block: what fits in, and what can be in no block on this state.
class ChainState::Selection {
  public:
    Selection(const ChainState& state, const StateReader& parent, Overlay& overlay,
              BlockExecutor& executor, std::size_t bytes_left)
        : genesis_{state.genesis_},
          parent_{parent},
          overlay_{overlay},
          executor_{executor},
          bytes_left_{bytes_left},
          gas_left_{state.genesis_.gas_limit} {}

    Result<void> offer(const TransactionPtr& tx);

    std::vector<TransactionPtr> taken;
    std::vector<std::pair<TxId, Error>> refused;

  private:
    Result<bool> hopeless(const SignedTransaction& tx);

    const Genesis& genesis_;
    const StateReader& parent_;
    Overlay& overlay_;
    BlockExecutor& executor_;
    std::size_t bytes_left_;
    std::uint64_t gas_left_;
};

Result<void> ChainState::Selection::offer(const TransactionPtr& tx) {
    if (auto checked = check_form(tx->tx, tx->rlp.size(), genesis_.chain_id); !checked) {
        refused.emplace_back(tx->id, checked.error());
        return {};
    }
    if (tx->tx.gas_limit > genesis_.gas_limit) {
        refused.emplace_back(tx->id, Error{Errc::invalid, "exceeds block gas limit"});
        return {};
    }
    const std::size_t size = luxtensor_size(tx->tx);
    if (size > bytes_left_ || tx->tx.gas_limit > gas_left_) return {};
    auto receipt = executor_.add(*tx);
    if (!receipt) {
        if (receipt.error().code == Errc::io) return receipt.error();
        // Other codes than `invalid` speak of the transaction alone, whatever the state.
        bool final_answer = receipt.error().code != Errc::invalid;
        if (!final_answer) {
            SENNIT_TRY(final_answer, hopeless(*tx));
        }
        if (final_answer) refused.emplace_back(tx->id, receipt.error());
        return {};
    }
    bytes_left_ -= size;
    gas_left_ -= receipt->gas_used;
    taken.push_back(tx);
    return {};
}

/// Whether what was refused here is refused in the next block too: its nonce is used, or it is the
/// sender's next and nothing in this block stands against it.
Result<bool> ChainState::Selection::hopeless(const SignedTransaction& tx) {
    SENNIT_TRY(const auto stored, parent_.account(tx.sender));
    const Account before = stored.value_or(Account{});
    if (tx.tx.nonce < before.nonce) return true;
    SENNIT_TRY(const Account now, overlay_.account(tx.sender));
    return tx.tx.nonce == before.nonce && now == before;
}

Result<BuiltBlock> ChainState::build(const BuildOrder& order) {
    SENNIT_TRY(const auto parent, place(order.parent));
    BuiltBlock built;
    Header& header = built.header;
    header.height = parent.facts->height + 1;
    header.timestamp = Schedule{genesis_}.timestamp(order.slot);
    header.previous_hash = order.parent;
    header.validator = order.validator;
    header.gas_limit = genesis_.gas_limit;
    header.extra_data = order.extra_data;

    // Neither facts nor context depend on the roots that are still missing, or on the id.
    Ancestors ancestors{*this};
    SENNIT_TRY(const auto derived, derive(*parent.facts, header, BlockId{}, ancestors));
    const auto context = make_context(*derived, *parent.facts, header, ancestors.lookup());
    const LayeredRows rows{parent.layer, rows_};
    const RowState state{rows};
    Overlay overlay{state};
    BlockExecutor executor{overlay, genesis_, genesis_id_, context};
    SENNIT_TRY(executor.begin());

    const std::size_t empty_size = luxtensor_size(*make_block(header, {}));
    if (empty_size > genesis_.block_bytes_max)
        return broken("block is too large", "even without transactions");
    Selection selection{*this, state, overlay, executor,
                        static_cast<std::size_t>(genesis_.block_bytes_max) - empty_size};
    for (const auto& tx : order.candidates) SENNIT_TRY(selection.offer(tx));
    SENNIT_TRY(auto outcome, executor.finish());
    SENNIT_TRY(auto settled, settle(rows, overlay));

    built.transactions = std::move(selection.taken);
    built.refused = std::move(selection.refused);
    header.gas_used = outcome.gas_used;
    header.txs_root = transactions_root(built.transactions);
    header.receipts_root = receipts_root(built.transactions, outcome.receipts);
    header.state_root = settled.state_root;
    return built;
}

}  // namespace sennit::chain
