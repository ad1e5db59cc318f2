// SPDX-License-Identifier: MIT
#include "engine/job.hpp"

#include <algorithm>

namespace sennit::engine {

namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // clang 14 wants it said

bool holds(const protocol::SignatureCheck& check) {
    return crypto::ed25519_verify(check.key.view(), check.message, check.signature.view());
}

Result<BlockPtr> open_body(const protocol::WireBlock& wire, const JobContext& context) {
    if (wire.opened()) return wire.opened();
    std::vector<TransactionPtr> transactions;
    transactions.reserve(wire.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        bytes += wire.transaction(i).size();
        if (bytes > context.genesis.block_bytes_max) {
            return Error{Errc::oversized, "body larger than the chain allows"};
        }
        SENNIT_TRY(auto tx, open_transaction(wire.transaction(i), context.genesis.chain_id));
        transactions.push_back(std::move(tx));
    }
    if (transactions_root(transactions) != wire.header().txs_root) {
        return Error{Errc::mismatch, "body does not give the header's transactions root"};
    }
    return make_block(wire.header(), std::move(transactions));
}

BlockChecked check(const protocol::WireBlock& block, const JobContext& context) {
    BlockChecked out;
    const auto& header = block.header();
    out.signature = crypto::ed25519_verify(header.validator.view(),
                                           header_signing_bytes(header, context.genesis_id),
                                           header.signature.view());
    // A forged header is not worth recovering its senders for: that costs a hundred times more.
    if (out.signature) out.block = open_body(block, context);
    return out;
}

JobResult run_one(const CheckSignatures& job, const JobContext&) {
    SignaturesChecked out;
    out.verdicts.reserve(job.checks.size());
    bool failed = false;
    for (const auto& one : job.checks) {
        const bool right = !(failed && job.all) && holds(one);
        failed = failed || !right;
        out.verdicts.push_back(right);
    }
    return out;
}

JobResult run_one(const JudgeEvidence& job, const JobContext& context) {
    EvidenceJudged out;
    for (const auto& item : job.items) {
        out.offences.push_back(
            chain::judge(item.first, item.second, context.genesis, context.genesis_id));
    }
    return out;
}

JobResult run_one(const CheckBlock& job, const JobContext& context) {
    auto out = check(job.block, context);
    out.certificate =
        out.signature && std::all_of(job.certificate.begin(), job.certificate.end(), holds);
    return out;
}

JobResult run_one(const CheckBlocks& job, const JobContext& context) {
    BlocksChecked out;
    out.blocks.reserve(job.blocks.size());
    for (const auto& block : job.blocks) out.blocks.push_back(check(block, context));
    return out;
}

Result<TransactionsOpened::Opened> open(BytesView rlp, const OpenTransactions& job,
                                        const JobContext& context) {
    SENNIT_TRY(auto tx, open_transaction(rlp, context.genesis.chain_id));
    SENNIT_TRY(auto account, job.state->account(tx->sender));
    const auto known = account.value_or(Account{});
    return TransactionsOpened::Opened{std::move(tx), {known.nonce, known.balance}};
}

JobResult run_one(const OpenTransactions& job, const JobContext& context) {
    TransactionsOpened out;
    out.transactions.reserve(job.rlp.size());
    for (const auto& rlp : job.rlp) out.transactions.push_back(open(rlp.view(), job, context));
    return out;
}

/// What a range means, in the order asked for, as far as it is on the finalised chain.
Result<std::vector<chain::StoredHeader>> resolve(const protocol::BlockRange& range, bool downwards,
                                                 const chain::Snapshot& db) {
    if (range.max == 0) return std::vector<chain::StoredHeader>{};
    if (!downwards) return chain::stored_headers(db, range.from, range.max);
    const auto low = range.from.value - std::min(std::uint64_t{range.max} - 1, range.from.value);
    const auto count = range.from.value - low + 1;
    SENNIT_TRY(auto headers, chain::stored_headers(db, Height{low}, count));
    // The topmost is not there, and so nothing below it is an answer.
    if (headers.size() < count) headers.clear();
    std::reverse(headers.begin(), headers.end());
    return headers;
}

Result<BlocksLoaded> load_headers(const LoadBlocks& job, const chain::Snapshot& db) {
    BlocksLoaded out;
    std::size_t bytes = 0;
    const auto& range = std::get<protocol::BlockRange>(job.which);
    SENNIT_TRY(auto stored, resolve(range, job.downwards, db));
    out.headers.reserve(stored.size());
    for (const auto& one : stored) {
        if (bytes > job.bytes_max) break;
        bytes += one.bytes.size();
        SENNIT_TRY(auto header, decode_header(one.bytes));
        out.headers.emplace_back(std::move(header), one.id);
    }
    return out;
}

Result<std::vector<BlockId>> ids_of(const LoadBlocks& job, const chain::Snapshot& db) {
    if (const auto* ids = std::get_if<std::vector<BlockId>>(&job.which)) return *ids;
    const auto& range = std::get<protocol::BlockRange>(job.which);
    SENNIT_TRY(const auto headers, resolve(range, job.downwards, db));
    std::vector<BlockId> ids;
    for (const auto& one : headers) ids.push_back(one.id);
    return ids;
}

Result<BlocksLoaded> load(const LoadBlocks& job, const chain::Snapshot& db) {
    if (job.what == LoadBlocks::What::headers) return load_headers(job, db);
    BlocksLoaded out;
    std::size_t bytes = 0;
    SENNIT_TRY(auto ids, ids_of(job, db));
    for (const auto& id : ids) {
        if (bytes > job.bytes_max) break;
        SENNIT_TRY(auto block, chain::stored_block(db, id));
        if (!block) break;
        bytes += luxtensor_size(*block);
        out.blocks.push_back(std::move(block));
    }
    return out;
}

JobResult run_one(const LoadBlocks& job, const JobContext& context) {
    const auto db = context.store.snapshot();
    auto loaded = load(job, *db);
    if (!loaded) return std::move(loaded).error();
    return *std::move(loaded);
}

JobResult run_one(const LoadRows& job, const JobContext& context) {
    RowsLoaded out;
    const auto scanned =
        context.store.snapshot()->scan(job.column, job.from, [&](BytesView key, BytesView value) {
            if (out.rows.size() == job.count_max) return false;
            out.rows.emplace_back(to_bytes(key), to_bytes(value));
            return true;
        });
    if (!scanned) return scanned.error();
    return out;
}

chain::StateViewPtr view_or_null(chain::State& state, const BlockId& id) {
    auto view = state.view(id);
    return view ? *view : nullptr;
}

JobResult run_one(const ExecuteBlock& job, const JobContext& context) {
    BlockExecuted out;
    out.result = context.state.execute(job.block, job.room);
    if (out.result) out.view = view_or_null(context.state, job.block->id);
    out.layers_bytes = context.state.layers_bytes();
    return out;
}

JobResult run_one(const FinaliseBlock& job, const JobContext& context) {
    BlockFinalised out;
    out.result = context.state.finalise(job.id);
    if (out.result) out.view = view_or_null(context.state, job.id);
    out.layers_bytes = context.state.layers_bytes();
    return out;
}

JobResult run_one(const AppendBlocks& job, const JobContext& context) {
    BlocksAppended out;
    const auto before = context.state.base();
    out.result = context.state.append_final(job.blocks);
    if (!out.result) return out;
    const auto base = context.state.base();
    out.between = recent_ancestors(context.state, *base, before.get());
    out.view = view_or_null(context.state, base->id);
    out.layers_bytes = context.state.layers_bytes();
    return out;
}

JobResult run_one(const BuildBlock& job, const JobContext& context) {
    return BlockBuilt{context.state.build(job.order)};
}

}  // namespace

Lane lane_of(const Job& job) {
    return std::visit(Overloaded{[](const ExecuteBlock&) { return Lane::chain; },
                                 [](const FinaliseBlock&) { return Lane::chain; },
                                 [](const AppendBlocks&) { return Lane::chain; },
                                 [](const BuildBlock&) { return Lane::chain; },
                                 [](const auto&) { return Lane::worker; }},
                      job);
}

bool is_urgent(const Job& job) {
    return std::visit(
        Overloaded{[](const CheckSignatures&) { return true; },
                   [](const CheckBlock&) { return true; }, [](const auto&) { return false; }},
        job);
}

JobResult run(const Job& job, const JobContext& context) {
    return std::visit([&](const auto& one) { return run_one(one, context); }, job);
}

std::vector<chain::FactsPtr> recent_ancestors(const chain::State& state, const chain::Facts& base,
                                              const chain::Facts* above) {
    std::vector<chain::FactsPtr> out;
    if (base.height.value == 0) return out;
    const auto justified = state.facts(base.justified.id);
    const auto oldest = justified ? justified->justified.slot : base.justified.slot;
    // Without a gap: a later block may name any of them that is not older than J(base), and the
    // link of that one names its own J.
    for (auto at = state.facts(base.parent); at && at->slot >= oldest;) {
        if (above != nullptr && at->id == above->id) break;
        out.push_back(at);
        if (at->height.value == 0) break;
        at = state.facts(at->parent);
    }
    return out;
}

std::vector<protocol::SignatureCheck> signature_checks(const Certificate& certificate,
                                                       const Quorum& quorum,
                                                       const BlockId& genesis_id) {
    const auto message = vote_signing_bytes(certificate.link, quorum.set_hash(), genesis_id);
    std::vector<protocol::SignatureCheck> out;
    out.reserve(certificate.signatures.size());
    for (std::size_t bit = 0; bit < quorum.size(); ++bit) {
        if (!bit_set(certificate.bitmap, bit)) continue;
        SENNIT_ASSERT(out.size() < certificate.signatures.size());
        out.push_back(
            {NodeId::from(quorum.key(bit).view()), message, certificate.signatures[out.size()]});
    }
    return out;
}

}  // namespace sennit::engine
