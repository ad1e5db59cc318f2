// SPDX-License-Identifier: MIT
#include "engine/parts.hpp"

namespace sennit::engine {

using protocol::Verdict;

namespace {

constexpr Duration kTellEvery = std::chrono::milliseconds{250};

Bytes height_key(Height height) {
    Writer key;
    key.be(height.value);
    return std::move(key).take();
}

/// Of a key that height_key() made.
Height height_of(BytesView key) {
    const auto height = Reader{key}.be<std::uint64_t>();
    SENNIT_ASSERT(height);
    return Height{*height};
}

}  // namespace

void Catching::drain() {
    while (auto output = core_.sync.poll()) {
        std::visit([&](const auto& one) { carry_out(one); }, *output);
        if (core_.stopping) return;
    }
    tell_progress();
}

/// Headers come for minutes without a change of the chain: who asks sees how far they are.
void Catching::tell_progress() {
    const auto stage = core_.sync.stage();
    const bool under_way = stage != sync::Stage::none;
    if (stage == told_stage_ && !(under_way && core_.now.at >= told_at_ + kTellEvery)) return;
    told_stage_ = stage;
    told_at_ = core_.now.at;
    core_.publish_due = true;
}

bool Catching::on_answer(PeerRef peer, const protocol::Received& received) {
    if (!received.answers || received.answers->value >= kOwnRequestsFrom) return false;
    const auto found = asked_.extract(*received.answers);
    if (found.empty()) {
        core_.settle(peer, received.receipt, Verdict::ignore);
        return true;
    }
    const auto verdict =
        core_.sync.on_answer(*received.answers, peer, *received.message, core_.now);
    core_.settle(peer, received.receipt, verdict);
    return true;
}

void Catching::carry_out(const sync::Ask& ask) {
    auto* protocol = core_.protocol_of(ask.peer);
    if (protocol == nullptr)
        return core_.sync.on_refused(ask.request, protocol::Refusal::gone, core_.now);
    asked_[ask.request] = ask.peer;
    protocol::Outgoing outgoing{ask.message, protocol::Priority::control, {}, ask.request, {}, {}};
    const auto sent = protocol->send(std::span{&ask.peer.peer, 1}, outgoing, core_.now);
    if (sent.refused.empty()) return core_.sync.on_sent(ask.request, sent.overdue);
    asked_.erase(ask.request);
    core_.sync.on_refused(ask.request, sent.refused.front().second, core_.now);
}

void Catching::carry_out(const sync::Forget& forget) {
    const auto found = asked_.extract(forget.request);
    if (found.empty()) return;
    if (auto* protocol = core_.protocol_of(found.mapped())) {
        protocol->handle(protocol::Cancel{forget.request}, core_.now);
    }
}

void Catching::carry_out(const sync::VerifyProof& verify) {
    CheckSignatures job{signature_checks(*verify.certificate, *verify.quorum, core_.genesis_id),
                        true};
    core_.run(std::move(job), [this, verify](JobResult&& result) {
        bool valid = true;
        for (const bool verdict : std::get<SignaturesChecked>(result).verdicts)
            valid = valid && verdict;
        if (valid) {
            auto set = std::make_shared<const ValidatorSet>(verify.quorum->current());
            core_.ballots->keep_proof({std::move(set), verify.certificate});
            proven_ = verify.certificate;
        }
        core_.sync.on_proof(verify.job, valid, core_.now);
    });
}

void Catching::carry_out(const sync::KeepHeaders& keep) {
    chain::Batch batch;
    for (const auto& [height, bytes] : keep.headers)
        batch.put(chain::Column::unlinked, height_key(height), bytes);
    core_.store(std::move(batch), chain::Durability::buffered,
                [this] { core_.sync.on_headers_kept(core_.now); });
}

void Catching::carry_out(const sync::LoadHeaders& load) {
    core_.run(LoadRows{chain::Column::unlinked, height_key(load.from), load.count},
              [this, from = load.from](JobResult&& result) {
                  auto& rows = std::get<RowsLoaded>(result).rows;
                  std::optional<Height> first;
                  if (!rows.empty()) first = height_of(rows.front().first);
                  std::vector<Bytes> headers;
                  for (auto& [key, row] : rows) {
                      if (key != height_key(*first + headers.size())) break;
                      headers.push_back(std::move(row));
                  }
                  core_.sync.on_headers_loaded(from, std::move(headers), core_.now, first);
              });
}

void Catching::carry_out(const sync::DropHeaders& drop) {
    chain::Batch batch;
    const auto from =
        std::max(dropped_up_to_,
                 drop.up_to.value > protocol::kIdsMax ? drop.up_to - protocol::kIdsMax : Height{0});
    for (auto height = from; height < drop.up_to; ++height) {
        batch.erase(chain::Column::unlinked, height_key(height + 1));
    }
    dropped_up_to_ = drop.up_to;
    core_.store(std::move(batch), chain::Durability::buffered);
}

void Catching::carry_out(const sync::Append& append) {
    auto entry = std::make_shared<Appending>();
    appending_.push_back(entry);
    core_.run(CheckBlocks{append.blocks}, [this, entry](JobResult&& result) {
        entry->checked = true;
        for (auto& block : std::get<BlocksChecked>(result).blocks) {
            if (!block.signature) {
                entry->error = Error{Errc::invalid, "block signature does not verify"};
            } else if (!block.block) {
                // Whatever is wrong with a body, only who sent it is to blame.
                entry->error = Error{Errc::mismatch, block.block.error().what, Error::kNowhere,
                                     block.block.error().detail};
            }
            if (entry->error) break;
            entry->blocks.push_back(*std::move(block.block));
        }
        append_next();
    });
}

void Catching::append_next() {
    if (append_running_ || core_.finalising() || appending_.empty() || !appending_.front()->checked)
        return;
    append_running_ = true;
    const auto front = appending_.front();
    core_.run(AppendBlocks{front->blocks}, [this, front](JobResult&& result) {
        append_running_ = false;
        appending_.pop_front();
        on_appended(*front, std::get<BlocksAppended>(std::move(result)));
        append_next();
    });
}

void Catching::on_appended(const Appending& front, BlocksAppended&& appended) {
    if (!appended.result) return core_.halt("sync: " + appended.result.error().text());
    auto& result = *appended.result;
    if (result.error && result.error->code == Errc::io)
        return core_.halt("sync: " + result.error->text());
    if (!result.error) result.error = front.error;
    // Held to be told on only when its source is here: whoever shows a proof answers for the
    // header below it.
    if (proven_ && result.base && result.base->id == proven_->link.source.id) {
        core_.ballots->keep_finality(std::exchange(proven_, nullptr));
    }
    core_.layers_bytes = appended.layers_bytes;
    if (result.applied > 0) {
        core_.rebase(result.base, appended.between, std::move(appended.view));
    } else {
        core_.chain_changed();  // finality may have waited for this
    }
    for (const auto& account : result.touched)
        core_.pool.on_account(account.address, {account.nonce, account.balance});
    // What was asked for after a block that failed cannot be applied either.
    if (result.error) appending_.clear();
    core_.sync.on_appended(result, core_.now);
}

void Catching::carry_out(const sync::Offer& offer) {
    core_.intake->offer(offer.peer, {}, offer.block);
}

void Catching::carry_out(const sync::Blame& blame) {
    using What = sync::Blame::What;
    const auto deed = blame.what == What::overdue        ? peers::Deed::overdue
                      : blame.what == What::wrong_answer ? peers::Deed::wrong_answer
                                                         : peers::Deed::invalid_block;
    core_.judge(blame.peer, deed, blame.why);
}

void Catching::carry_out(const sync::Praise& praise) {
    core_.peers.on_latency(praise.peer, praise.took);
    core_.judge(praise.peer, peers::Deed::useful_answer, std::to_string(praise.items) + " items");
}

}  // namespace sennit::engine
