// SPDX-License-Identifier: MIT
#include "sync/sync.hpp"

#include "sync/core.hpp"

namespace sennit::sync {

using protocol::Verdict;

namespace {

/// Proven headers that were not on disk, this often in a row: something is wrong with it.
constexpr std::size_t kDiskFailuresMax = 3;

}  // namespace

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::idle: return "IDLE";
        case Phase::syncing: return "SYNCING";
        case Phase::synced: return "SYNCED";
        case Phase::behind: return "BEHIND";
        case Phase::error: return "ERROR";
    }
    return "IDLE";
}

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::none: return "none";
        case Stage::proofs: return "proofs";
        case Stage::headers: return "headers";
        case Stage::blocks: return "blocks";
        case Stage::branch: return "branch";
    }
    return "none";
}

Sync::Sync(const chain::Genesis& genesis, BlockId genesis_id, Options options, Rng rng)
    : core_{std::make_unique<Core>(genesis, genesis_id, options, std::move(rng))} {}

Sync::~Sync() = default;
Sync::Sync(Sync&&) noexcept = default;

void Sync::set_known(std::function<bool(const BlockId&)> known) {
    core_->known = std::move(known);
}

void Sync::on_local(const Local& local, Now now) {
    SENNIT_ASSERT(local.base);
    const bool taken = core_->local && core_->local->head_height < local.head_height;
    if (taken && core_->stage == Stage::branch) {
        core_->meter.add(now.at, local.head_height - core_->local->head_height);
    }
    core_->local = local;
    core_->proofs.on_base(*local.base);
    core_->blocks.on_base(*local.base);
    core_->advance(now);
}

void Sync::on_peer(PeerRef peer, const protocol::PeerTraits& traits, Now now) {
    core_->exchange.sources().on_peer(peer, traits);
    core_->advance(now);
}

void Sync::on_peer_gone(PeerRef peer, Now now) {
    while (const auto id = core_->exchange.of(peer)) {
        const auto request = core_->exchange.take(*id);
        core_->exchange.out(Forget{*id});
        core_->fail(*request, false, now);
    }
    core_->exchange.sources().on_gone(peer);
    core_->advance(now);
}

void Sync::on_status(PeerRef peer, const protocol::Status& status, Now now) {
    core_->exchange.sources().on_status(peer, status);
    core_->advance(now);
}

void Sync::on_sent(protocol::RequestId request, Instant overdue) {
    core_->exchange.on_sent(request, overdue);
}

void Sync::on_refused(protocol::RequestId id, protocol::Refusal why, Now now) {
    const auto request = core_->exchange.take(id);
    if (!request) return;
    const bool busy = why == protocol::Refusal::busy;
    if (auto* source = core_->exchange.sources().find(request->peer)) {
        if (busy) {
            core_->exchange.sources().busy(*source, now.at);
        } else {
            core_->exchange.sources().shun(*source, now.at);
        }
    }
    core_->fail(*request, busy, now);
    core_->advance(now);
}

void Sync::on_ready(PeerRef peer, Now now) {
    if (auto* source = core_->exchange.sources().find(peer)) source->busy_until.reset();
    core_->advance(now);
}

Verdict Sync::on_answer(protocol::RequestId id, PeerRef peer, const protocol::Message& answer,
                        Now now) {
    const auto request = core_->exchange.take(id, peer);
    if (!request) return Verdict::ignore;
    if (const auto* refused = std::get_if<protocol::Refused>(&answer)) {
        core_->refused(*request, *refused, now);
        core_->advance(now);
        return Verdict::ignore;
    }
    const auto took = now.at - request->sent;
    const auto judged = core_->judge(*request, answer, now);
    auto verdict = Verdict::accept;
    if (judged) {
        const auto work =
            std::holds_alternative<ForHeaders>(request->purpose) ? Work::headers : Work::bodies;
        const bool measured =
            work == Work::headers || std::holds_alternative<ForBodies>(request->purpose);
        auto* source = core_->exchange.sources().find(peer);
        if (measured && source != nullptr)
            core_->exchange.sources().served(*source, work, *judged, took);
        if (work == Work::headers) core_->meter.add(now.at, *judged);
        if (*judged > 0) core_->exchange.out(Praise{peer, took, *judged});
    } else {
        core_->disappoint(peer, judged.error(), now);
        verdict = judged.error().code == Errc::not_found ? Verdict::ignore : Verdict::reject;
        const auto* headers = std::get_if<ForHeaders>(&request->purpose);
        const bool anchor = headers != nullptr && headers->anchor;
        if (anchor || std::holds_alternative<ForProofs>(request->purpose)) core_->restart(now);
    }
    core_->advance(now);
    return verdict;
}

void Sync::on_proof(std::uint64_t job, bool valid, Now now) {
    const auto prover = core_->proofs.prover();
    if (auto done = core_->proofs.on_proof(job, valid); !done) {
        if (prover) core_->disappoint(*prover, done.error(), now);
        core_->restart(now);
    }
    core_->advance(now);
}

void Sync::on_headers_kept(Now now) {
    core_->headers.on_kept();
    core_->advance(now);
}

void Sync::on_headers_loaded(Height from, std::vector<Bytes> headers, Now now,
                             std::optional<Height> first) {
    if (core_->stage == Stage::headers) {
        core_->headers.on_loaded(from, first.value_or(from), headers);
    }
    if (first && *first != from) headers.clear();
    if (core_->stage == Stage::blocks) {
        if (auto loaded = core_->blocks.on_loaded(from, headers); !loaded) {
            core_->restart(now);
            if (++core_->disk_failures == kDiskFailuresMax) core_->halt(loaded.error().text());
        }
    }
    core_->advance(now);
}

void Sync::on_appended(const chain::State::Appended& result, Now now) {
    if (!core_->local) return;
    auto& base = core_->local->base;
    const auto before = base->height;
    if (result.base && base->height < result.base->height) base = result.base;
    if (core_->stage == Stage::blocks) {
        core_->meter.add(now.at, result.applied);
        if (auto done = core_->blocks.on_appended(result, now); !done) {
            core_->halt("the certified chain is invalid: " + done.error().text());
        }
    }
    if (before < base->height || result.applied > 0) core_->exchange.out(DropHeaders{base->height});
    core_->advance(now);
}

void Sync::on_offer_done(const BlockId& id, bool accepted, Now now) {
    core_->branch.on_offer_done(id, accepted, now);
    if (core_->stage == Stage::branch) core_->advance(now);
}

std::optional<Output> Sync::poll() {
    return core_->exchange.poll();
}

std::optional<Instant> Sync::deadline() const {
    return core_->deadline();
}

void Sync::on_deadline(Now now) {
    core_->advance(now);
}

Stage Sync::stage() const {
    return core_->stage;
}

Progress Sync::progress(Now now) const {
    return core_->progress(now);
}

bool Sync::trusts_base() const {
    return core_->trusts_base();
}

bool Sync::syncing() const {
    // A handful of unfinalised blocks is nothing to stop for.
    constexpr std::size_t kBranchShort = 16;
    const bool far = core_->from.value + core_->options.anchor_gap < core_->anchor.height.value;
    switch (core_->stage) {
        case Stage::none:
        case Stage::proofs: return false;
        case Stage::headers: return far && core_->headers.confirmed();
        case Stage::blocks: return far;
        case Stage::branch:
            return core_->branch.size() > kBranchShort && core_->branch.accepted() > 0;
    }
    return false;
}

Sync::Held Sync::held() const {
    const auto* chain = core_->headers.chain();
    return {.requests = core_->exchange.in_flight().size(),
            .header_pieces = chain == nullptr ? 0 : chain->pieces(),
            .header_writes = core_->headers.writes(),
            .window_blocks = core_->blocks.window().size(),
            .window_bytes = core_->blocks.window().bytes(),
            .branch_ids = core_->branch.size(),
            .branch_bytes = core_->branch.bytes()};
}

void Sync::check_invariants() const {
    core_->exchange.check_invariants();
    core_->headers.check_invariants();
    core_->blocks.check_invariants();
    core_->branch.check_invariants();
    SENNIT_ASSERT(core_->stage == Stage::headers || count_for<ForHeaders>(core_->exchange) == 0);
    SENNIT_ASSERT(core_->stage == Stage::blocks || count_for<ForBodies>(core_->exchange) == 0);
    SENNIT_ASSERT(core_->stage == Stage::proofs || count_for<ForProofs>(core_->exchange) == 0);
    SENNIT_ASSERT(core_->blocks.running() == (core_->stage == Stage::blocks));
    SENNIT_ASSERT(core_->branch.running() == (core_->stage == Stage::branch));
}

}  // namespace sennit::sync
