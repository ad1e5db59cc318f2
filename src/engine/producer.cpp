// SPDX-License-Identifier: MIT
#include <algorithm>

#include "engine/parts.hpp"

namespace sennit::engine {

namespace {

chain::Batch record_batch(const validator::SlashingRecord& record) {
    chain::Batch batch;
    batch.put(chain::Column::validator, as_bytes("record"), validator::encode(record));
    return batch;
}

}  // namespace

/// Who holds a quorum alone needs nobody, and nobody may ever come.
void Producer::on_company() {
    if (!core_.validator) return;
    const auto& peers = core_.meeting->facts();
    const bool any = std::any_of(peers.begin(), peers.end(),
                                 [](const auto& peer) { return peer.second.traits.sennit; });
    const auto& set = *core_.head->sets.at(core_.slot_now()).current;
    const auto own = set.index_of(core_.validator->key());
    const bool alone =
        own && Uint128{set.members[*own].weight} * 3 > Uint128{set.total_weight()} * 2;
    core_.validator->on_company(any || alone, core_.now.wall);
    if (core_.validator->waits_for_company() && !told_to_wait_) {
        core_.notify(Notify::Level::info,
                     "validator waits for a peer: it signs when it has watched two slots");
    }
    told_to_wait_ = core_.validator->waits_for_company();
}

void Producer::on_wake() {
    if (!core_.validator || core_.tree.fault()) return;
    on_company();
    const bool transactions = !core_.pool.empty() || core_.intake->has_transactions();
    auto duty = core_.validator->on_time(core_.now.wall, core_.tree, transactions);
    // A block may have been executed before its slot began, when no vote for it was allowed yet.
    for (const auto& block : core_.tree.executed_at(core_.slot_now())) on_executed(*block);
    // A node that is catching up would propose on a head that everybody else has left behind.
    if (!duty || core_.sync.syncing()) return;
    if (duty->certificate) {
        // Votes that came after the quorum was full: each of them pays (rule 24).
        if (const auto fullest = core_.votes.fullest(duty->justified->id))
            core_.ballots->certify(fullest);
        duty->certificate = core_.tree.certificate(duty->justified->id);
        duty->extra.bitmap = duty->certificate->bitmap;
    }
    build(*std::move(duty));
}

std::optional<Instant> Producer::deadline() const {
    if (!core_.validator) return {};
    return core_.at_wall(core_.validator->next_wake(core_.now.wall));
}

/// While finality waits, each block with transactions stays in memory for good. Full blocks up to
/// half of what may be held, then fewer and fewer transactions, at the end empty ones, which keep
/// the chain alive at a thousandth of the cost.
std::size_t Producer::transactions_max() const {
    const auto most = core_.options.block_transactions_max;
    const auto limit = core_.options.layers_bytes_max;
    const auto used = core_.layers_bytes;
    if (used <= limit / 2) return most;
    if (used >= limit) return 0;
    return static_cast<std::size_t>(static_cast<double>(most) * static_cast<double>(limit - used) /
                                    static_cast<double>(limit - limit / 2));
}

void Producer::build(validator::Validator::ProposeDuty duty) {
    chain::BuildOrder order{duty.parent->id, duty.slot, core_.validator->key(), encode(duty.extra),
                            core_.pool.best(transactions_max(), core_.genesis.block_bytes_max)};
    core_.run(BuildBlock{std::move(order)}, [this, duty = std::move(duty)](JobResult&& result) {
        auto& built = std::get<BlockBuilt>(result).result;
        if (!built) {
            if (built.error().code == Errc::io) return core_.halt(built.error().text());
            return core_.notify(Notify::Level::error, "no block built: " + built.error().text());
        }
        for (const auto& [id, why] : built->refused) {
            core_.notify(Notify::Level::debug,
                         "transaction " + to_hex(id) + " left the pool: " + why.text());
            core_.pool.remove(id);
        }
        sign(duty, *std::move(built));
    });
}

void Producer::sign(const validator::Validator::ProposeDuty& duty, chain::BuiltBlock&& built) {
    const auto signature = core_.validator->sign_proposal(built.header, duty.slot);
    if (!signature) return;
    built.header.signature = signature->signature;
    auto block = make_block(std::move(built.header), std::move(built.transactions));
    core_.store(record_batch(signature->record), chain::Durability::synced,
                [this, block = std::move(block), certificate = duty.certificate] {
                    core_.intake->produced(block, certificate);
                });
}

void Producer::on_executed(const chain::Facts& block) {
    if (!core_.validator || core_.tree.fault()) return;
    auto vote = core_.validator->vote_for(block, core_.tree, core_.now.wall);
    if (!vote) return;
    core_.store(record_batch(vote->record), chain::Durability::synced,
                [this, signed_vote = vote->vote] { core_.ballots->own(signed_vote); });
}

void Producer::on_foreign_signature(const ValidatorKey& key, Slot slot) {
    if (!core_.validator || core_.validator->key() != key) return;
    if (auto why = core_.validator->on_own_signature(slot))
        core_.notify(Notify::Level::error, *why);
}

}  // namespace sennit::engine
