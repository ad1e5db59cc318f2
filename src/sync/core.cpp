// SPDX-License-Identifier: MIT
#include "sync/core.hpp"

#include <algorithm>

namespace sennit::sync {

namespace {

using protocol::Form;

/// A head this little above ours arrives by itself: ask for it only when it does not.
constexpr std::uint64_t kHeadNear = 2;
constexpr Duration kHeadPatience = std::chrono::seconds{1};
/// A better head that waits so long while another's branch is being followed gets its turn.
constexpr Duration kTurnWait = std::chrono::seconds{5};
/// With nobody left who has the certified height, another anchor may do.
constexpr Duration kStallMax = std::chrono::seconds{30};
/// A claim that came to nothing so often does not make us think that we are behind.
constexpr std::uint32_t kEmptyClaims = 3;
/// A refusal may be an honest peer's; one after another it is no service.
constexpr std::uint32_t kRefusalsMax = 3;
constexpr int kStepsMax = 8;

}  // namespace

Sync::Core::Core(const chain::Genesis& genesis_, const BlockId& genesis_id_,
                 const Options& options_, Rng rng)
    : options{options_},
      genesis{genesis_},
      genesis_id{genesis_id_},
      exchange{std::move(rng)},
      proofs{exchange},
      headers{exchange, options},
      blocks{exchange, options, genesis.block_bytes_max},
      branch{exchange, options, chain::Schedule{genesis}, genesis.block_bytes_max} {}

bool Sync::Core::on_our_chain(const Source& source) const {
    return source.traits.sennit && source.status &&
           (source.status->genesis == genesis_id || source.status->genesis.is_zero());
}

bool Sync::Core::leads(const Source& source) const {
    return on_our_chain(source) &&
           source.status->finalised_height >= local->base->height + lead_min();
}

bool Sync::Core::knows(const BlockId& id) const {
    return id == local->base->id || id == local->head || (known && known(id));
}

bool Sync::Core::trusts_base() const {
    return !options.trusted || !local || options.trusted->slot <= local->base->slot;
}

bool Sync::Core::lacks_trust(Now now) const {
    return !options.trusted && chain::too_old_to_follow(genesis, local->base->slot, now.wall);
}

/// By the chain's own fork choice (CHAIN rule 10), as far as its status says.
bool Sync::Core::better(const Source& source) const {
    if (!on_our_chain(source) || source.status->head.is_zero() || knows(source.status->head))
        return false;
    return std::pair{source.status->certified.slot, source.status->head_height} >
           std::pair{local->certified_slot, local->head_height};
}

bool Sync::Core::branch_due(const Source& source, Now now) const {
    if (!source.ahead_since || !better(source)) return false;
    const bool near = source.status->head_height.value <= local->head_height.value + kHeadNear;
    return !near || *source.ahead_since + kHeadPatience <= now.at;
}

void Sync::Core::advance(Now now) {
    last = now;
    if (!local || !error.empty()) return;
    expire(now);
    for (int i = 0; i < kStepsMax && error.empty(); ++i) {
        const auto before = stage;
        step(now);
        if (stage == before) break;
    }
}

void Sync::Core::step(Now now) {
    switch (stage) {
        case Stage::none: return decide(now);
        case Stage::proofs: return step_proofs(now);
        case Stage::headers: return step_headers(now);
        case Stage::blocks: return step_blocks(now);
        case Stage::branch: return step_branch(now);
    }
}

void Sync::Core::watch_heads(Now now) {
    for (auto& [peer, source] : exchange.sources().all()) {
        if (!better(source)) {
            source.ahead_since.reset();
        } else if (!source.ahead_since) {
            source.ahead_since = now.at;
        }
    }
}

void Sync::Core::decide(Now now) {
    bool any = false;
    bool ahead = false;
    bool leading = false;
    watch_heads(now);
    for (const auto& [peer, source] : exchange.sources().all()) {
        if (!on_our_chain(source)) continue;
        any = true;
        leading = leading || leads(source);
        ahead =
            ahead || ((leads(source) || branch_due(source, now)) && source.failures < kEmptyClaims);
    }
    forced = forced && leading;
    advice.clear();
    if (leading && lacks_trust(now)) {
        advice =
            "peers are ahead, and the last final block here is too old to follow them by their "
            "word: restart with --trust slot:id of a recent final block";
    }
    if (start_anchored(now) || start_branch(now)) return;
    resting = !any ? Phase::idle : ahead || !advice.empty() ? Phase::behind : Phase::synced;
}

bool Sync::Core::can_anchor(const Source& source, Now now) const {
    return !lacks_trust(now) && leads(source) && source.serves_headers() &&
           (source.answers(Form::certificates_by_version) ||
            source.answers(Form::certificates_latest));
}

bool Sync::Core::can_branch(const Source& source, Now now) const {
    // Whose branch hangs on blocks that are final there has been asked for it once.
    if (!trusts_base() || (forced && leads(source))) return false;
    return branch_due(source, now) && source.answers(Form::headers_by_id) &&
           source.answers(Form::headers_newest_first) && source.answers(Form::blocks_by_id);
}

bool Sync::Core::start_anchored(Now now) {
    auto* source = exchange.sources().choose_ahead(
        now.at, [&](const Source& s) { return can_anchor(s, now); });
    if (source == nullptr) return false;
    proofs.start(lead_min());
    proofs.ask(*source, now);
    enter(Stage::proofs, now);
    return true;
}

bool Sync::Core::start_branch(Now now) {
    // Whoever has not disappointed yet comes first: each liar among them costs one turn.
    std::optional<std::uint32_t> fewest;
    for (const auto& [peer, source] : exchange.sources().all()) {
        if (source.rests(now.at) || !can_branch(source, now)) continue;
        fewest = std::min(fewest.value_or(source.failures), source.failures);
    }
    auto* source = exchange.sources().choose(Work::headers, now.at, [&](const Source& s) {
        return s.failures == fewest && can_branch(s, now);
    });
    if (source == nullptr) return false;
    branch.start(*source, *local->base, now);
    enter(Stage::branch, now);
    return true;
}

void Sync::Core::enter(Stage next, Now now) {
    stage = next;
    stalled_since.reset();
    if (next == Stage::proofs || next == Stage::branch) from = local->base->height;
    meter.start(now.at);
}

void Sync::Core::restart(Now now) {
    proofs.stop();
    headers.stop();
    blocks.stop();
    branch.stop();
    enter(Stage::none, now);
}

void Sync::Core::overtaken(Now now) {
    exchange.out(DropHeaders{local->base->height});
    restart(now);
}

void Sync::Core::halt(std::string why) {
    restart(last);
    exchange.forget_if([](const Request&) { return true; });
    error = std::move(why);
}

void Sync::Core::step_proofs(Now now) {
    if (auto found = proofs.take_anchor()) {
        anchor = *found;
        proofs.stop();
        if (anchor.height <= local->base->height) return restart(now);
        if (!trusts_base() && anchor.slot < options.trusted->slot) {
            // Honest, perhaps: the trusted block may be younger than what it knows to be final.
            disappoint(anchor.prover, {Errc::not_found, "finality below the trusted block"}, now);
            return restart(now);
        }
        forced = false;
        headers.start(*local->base, anchor, now);
        return enter(Stage::headers, now);
    }
    if (proofs.wants_more()) {
        auto* prover = exchange.sources().find(*proofs.prover());
        if (prover == nullptr || prover->rests(now.at)) return restart(now);
        return proofs.ask(*prover, now);
    }
    if (!proofs.under_way()) restart(now);
}

void Sync::Core::step_headers(Now now) {
    if (anchor.height <= local->base->height) return overtaken(now);
    if (auto asked = headers.advance(now); !asked) {
        disappoint(anchor.prover, asked.error(), now);
        return restart(now);
    }
    if (headers.complete()) {
        if (headers.lacks_trusted()) {
            disappoint(anchor.prover,
                       {Errc::mismatch, "a chain that does not contain the trusted block"}, now);
            return restart(now);
        }
        if (headers.conflicts())
            return halt("the certified chain does not contain our finalised block");
        // They are read back from there.
        if (headers.writes() > 0) return;
        headers.stop();
        blocks.start(*local->base, anchor.height);
        return enter(Stage::blocks, now);
    }
    if (!headers.stalled()) {
        stalled_since.reset();
    } else if (!stalled_since) {
        stalled_since = now.at;
    } else if (*stalled_since + kStallMax <= now.at) {
        restart(now);
    }
}

void Sync::Core::step_blocks(Now now) {
    if (anchor.height <= local->base->height) {
        disk_failures = 0;
        return overtaken(now);
    }
    blocks.advance(now);
}

void Sync::Core::step_branch(Now now) {
    branch.advance([this](const BlockId& id) { return knows(id); }, now);
    using End = BranchStage::End;
    watch_heads(now);
    const bool running = branch.end() == End::running;
    if (running && !turn_is_over(now)) return;
    if (auto* source = exchange.sources().find(*branch.peer())) {
        const bool final_there = source->status->finalised_height > local->base->height;
        if (branch.end() == End::done) {
            source->failures = 0;
        } else if (branch.end() == End::detached && final_there) {
            forced = true;
        } else if (running && branch.linked()) {
            exchange.sources().busy(*source, now.at);
        } else if (!source->shunned(now.at)) {
            exchange.sources().shun(*source, now.at);
        }
    }
    restart(now);
}

bool Sync::Core::turn_is_over(Now now) const {
    if (now.at < branch.turn_ends()) return false;
    const auto& all = exchange.sources().all();
    return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
        const auto& source = entry.second;
        if (source.peer == *branch.peer() || source.rests(now.at)) return false;
        if (can_anchor(source, now)) return true;
        return can_branch(source, now) && *source.ahead_since + kTurnWait <= now.at;
    });
}

void Sync::Core::expire(Now now) {
    while (const auto id = exchange.overdue(now.at)) {
        const auto request = exchange.take(*id);
        exchange.out(Forget{*id});
        exchange.blame(request->peer, Blame::What::overdue, "no answer in time", now);
        fail(*request, false, now);
    }
}

void Sync::Core::fail(const Request& request, bool busy, Now now) {
    if (std::holds_alternative<ForProofs>(request.purpose)) return restart(now);
    if (const auto* ask = std::get_if<ForHeaders>(&request.purpose)) {
        if (!headers.on_failed(*ask, busy)) restart(now);
    } else if (const auto* bodies = std::get_if<ForBodies>(&request.purpose)) {
        blocks.on_failed(*bodies);
    } else {
        branch.on_failed(request.purpose, busy);
    }
}

void Sync::Core::refused(const Request& request, const protocol::Refused& why, Now now) {
    const bool busy = why.code == Errc::busy;
    if (auto* source = exchange.sources().find(request.peer)) {
        if (busy) {
            exchange.sources().busy(*source, now.at);
        } else if (source->failures >= kRefusalsMax) {
            exchange.blame(request.peer, Blame::What::overdue,
                           "refuses what it claims to have: " + why.why, now);
        } else {
            exchange.sources().shun(*source, now.at);
        }
    }
    fail(request, busy, now);
}

void Sync::Core::disappoint(PeerRef peer, const Error& why, Now now) {
    if (why.code != Errc::not_found && why.code != Errc::timeout) {
        return exchange.blame(peer, Blame::What::wrong_answer, why.text(), now);
    }
    auto* source = exchange.sources().find(peer);
    if (source != nullptr && !source->shunned(now.at)) exchange.sources().shun(*source, now.at);
}

Result<std::size_t> Sync::Core::judge(const Request& request, const protocol::Message& answer,
                                      Now now) {
    if (std::holds_alternative<ForProofs>(request.purpose))
        return proofs.on_answer(request, answer);
    if (std::holds_alternative<ForHeaders>(request.purpose))
        return headers.on_answer(request, answer, now);
    if (std::holds_alternative<ForBodies>(request.purpose))
        return blocks.on_answer(request, answer);
    return branch.on_answer(
        request, answer, [this](const BlockId& id) { return knows(id); }, now);
}

std::optional<Instant> Sync::Core::deadline() const {
    if (!error.empty()) return std::nullopt;
    auto first = exchange.next_overdue();
    // What has passed was dealt with by the input that came then.
    const auto take = [&](const std::optional<Instant>& at) {
        if (at && last.at < *at) first = first ? std::min(*first, *at) : *at;
    };
    take(exchange.sources().next_wake(last.at));
    take(headers.deadline());
    take(blocks.deadline());
    take(branch.deadline());
    if (stalled_since) take(*stalled_since + kStallMax);
    const bool branching = stage == Stage::branch;
    if (!branching && stage != Stage::none) return first;
    if (branching) take(branch.turn_ends());
    const auto wait = branching ? kTurnWait : kHeadPatience;
    for (const auto& [peer, source] : exchange.sources().all()) {
        if (source.ahead_since) take(*source.ahead_since + wait);
    }
    return first;
}

Progress Sync::Core::progress(Now now) const {
    Progress out;
    out.error = error.empty() ? advice : error;
    out.stage = stage;
    out.from = from;
    if (!error.empty()) out.phase = Phase::error;
    if (!local || !error.empty()) return out;
    const bool stalled = headers.stalled() || blocks.stalled();
    out.phase = stage == Stage::none ? resting : stalled ? Phase::behind : Phase::syncing;
    out.current = out.target = local->head_height;
    for (const auto& [peer, source] : exchange.sources().all()) {
        if (on_our_chain(source) && source.failures < kEmptyClaims) {
            out.target = std::max(out.target, source.status->head_height);
        }
    }
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    if (stage == Stage::proofs) {
        total = 1;
    } else if (stage == Stage::headers) {
        out.current = headers.chain()->front();
        out.target = anchor.height;
        done = headers.chain()->held();
        total = headers.chain()->total();
    } else if (stage == Stage::blocks) {
        out.current = local->base->height;
        out.target = anchor.height;
        done = out.current - from;
        total = out.target - from;
    } else if (stage == Stage::branch) {
        done = branch.accepted();
        total = branch.size();
    }
    if (total > 0) out.percent = 100.0 * static_cast<double>(done) / static_cast<double>(total);
    out.per_second = meter.per_second(now.at);
    if (out.per_second > 0 && total > done) {
        const auto seconds = static_cast<double>(total - done) / out.per_second;
        out.left = std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(std::min(seconds, 1e9)));
    }
    return out;
}

}  // namespace sennit::sync
