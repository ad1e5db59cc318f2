// SPDX-License-Identifier: MIT
#include <algorithm>

#include "chain/registry.hpp"
#include "chain/reserved.hpp"
#include "crypto/keccak.hpp"
#include "engine/parts.hpp"
#include "primitives/sign.hpp"

namespace sennit::engine {

namespace {

/// One offence of each member of a full set; more keys than that never have stake at once.
constexpr std::size_t kCasesMax = 256;
/// Everybody who heard of an offence could bring it, and all but the first would pay for nothing:
/// each waits its own number of slots below this one, and a slot or two suffice to be in a block.
constexpr std::uint64_t kTurns = 8;

constexpr std::string_view kPrefix = "evidence/";

Bytes row_key(const ValidatorKey& offender) {
    Writer key;
    key.text(kPrefix).hash(offender);
    return std::move(key).take();
}

Bytes encode_row(const Evidence& evidence) {
    Writer row;
    row.le(static_cast<std::uint32_t>(evidence.first.size())).raw(evidence.first);
    return std::move(row.raw(evidence.second)).take();
}

Result<Evidence> decode_row(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto size, in.le<std::uint32_t>());
    SENNIT_TRY(const auto first, in.take(size));
    SENNIT_TRY(const auto second, in.take(in.remaining()));
    return Evidence{to_bytes(first), to_bytes(second)};
}

}  // namespace

Result<std::vector<KeptEvidence>> load_evidence(const chain::Store& store) {
    std::vector<KeptEvidence> out;
    std::optional<Error> broken;
    SENNIT_TRY(store.scan(
        chain::Column::validator, as_bytes(kPrefix), [&](BytesView key, BytesView value) {
            const auto text = as_text(key);
            if (!text.starts_with(kPrefix) || key.size() != kPrefix.size() + ValidatorKey::kSize)
                return false;
            auto evidence = decode_row(value);
            if (!evidence) {
                broken = evidence.error();
                return false;
            }
            out.push_back({ValidatorKey::from(key.subspan(kPrefix.size())), *std::move(evidence)});
            return out.size() < kCasesMax;
        }));
    if (broken) return *broken;
    return out;
}

void Reporter::restore(std::vector<KeptEvidence> kept) {
    for (auto& one : kept) cases_.try_emplace(one.offender, open(one.offender, one.evidence));
}

Reporter::Case Reporter::open(const ValidatorKey& offender, Evidence evidence) const {
    Case found;
    found.evidence = std::move(evidence);
    found.due = core_.slot_now();
    if (core_.options.account) {
        Writer turn;
        turn.hash(core_.options.account->address()).hash(offender);
        found.due = found.due + crypto::keccak256(turn.bytes()).bytes[0] % kTurns;
    }
    return found;
}

bool Reporter::may_accuse(const ValidatorKey& offender) const {
    if (cases_.contains(offender) || cases_.size() == kCasesMax) return false;
    const auto state = chain::prosecution(*core_.base_view, offender);
    if (!state) core_.halt(state.error().text());
    return state && *state == chain::Prosecution::open;
}

void Reporter::on_offence(const ValidatorKey& offender, Evidence evidence,
                          const std::string& what) {
    if (!may_accuse(offender)) return;
    core_.notify(Notify::Level::warning, "validator " + to_hex(offender) + " " + what);
    chain::Batch batch;
    batch.put(chain::Column::validator, row_key(offender), encode_row(evidence));
    core_.store(std::move(batch), chain::Durability::buffered);
    protocol::Evidences news{{evidence}};
    cases_.emplace(offender, open(offender, std::move(evidence)));
    const protocol::Outgoing outgoing{protocol::make_message(std::move(news)),
                                      protocol::Priority::normal,
                                      {},
                                      {},
                                      {},
                                      protocol::key_of(offender)};
    core_.spread(outgoing, relay::item_of(offender), [](PeerRef, const protocol::PeerFacts& peer) {
        return peer.traits.says.has(protocol::Kind::evidences);
    });
}

void Reporter::tell(PeerRef peer) {
    protocol::Evidences news;
    for (const auto& [offender, found] : cases_) {
        if (news.items.size() == protocol::kEvidencesMax) break;
        if (core_.inventory.mark(peer, relay::item_of(offender)))
            news.items.push_back(found.evidence);
    }
    if (news.items.empty()) return;
    core_.send(
        peer,
        {protocol::make_message(std::move(news)), protocol::Priority::normal, {}, {}, {}, {}});
}

void Reporter::on_evidence(PeerRef peer, protocol::ReceiptId receipt,
                           const protocol::Evidences& message) {
    JudgeEvidence job;
    for (const auto& item : message.items) {
        const auto offender = chain::accused(item.first);
        if (!offender) {
            core_.judge(peer, peers::Deed::malformed, "evidence: " + offender.error().text());
            return core_.settle(peer, receipt, protocol::Verdict::reject);
        }
        core_.inventory.mark(peer, relay::item_of(*offender));
        if (may_accuse(*offender)) job.items.push_back(item);
    }
    if (job.items.empty()) return core_.settle(peer, receipt, protocol::Verdict::ignore);
    auto items = job.items;
    core_.run(std::move(job),
              [this, peer, receipt, items = std::move(items)](JobResult&& result) mutable {
                  on_judged(peer, receipt, std::move(items), std::get<EvidenceJudged>(result));
              });
}

void Reporter::on_judged(PeerRef peer, protocol::ReceiptId receipt, std::vector<Evidence> items,
                         const EvidenceJudged& judged) {
    auto verdict = protocol::Verdict::accept;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& offence = judged.offences[i];
        if (offence) {
            on_offence(offence->key, std::move(items[i]), "is accused by a peer, with evidence");
            continue;
        }
        core_.judge(peer, peers::Deed::malformed, "evidence: " + offence.error().text());
        verdict = protocol::Verdict::reject;
    }
    core_.settle(peer, receipt, verdict);
}

void Reporter::on_wake() {
    const auto slot = core_.slot_now();
    if (cases_.empty() || slot == looked_) return;
    looked_ = slot;
    for (auto at = cases_.begin(); at != cases_.end();) {
        at = pursue(at->first, at->second) ? std::next(at) : close(at);
        if (core_.stopping) return;
    }
}

std::optional<Instant> Reporter::deadline() const {
    if (cases_.empty()) return {};
    return core_.at_wall(from_unix_seconds(core_.schedule.timestamp(core_.slot_now() + 1)));
}

Reporter::Cases::iterator Reporter::close(Cases::iterator at) {
    chain::Batch batch;
    batch.erase(chain::Column::validator, row_key(at->first));
    core_.store(std::move(batch), chain::Durability::buffered);
    return cases_.erase(at);
}

/// False: the chain has judged for good, or never will.
bool Reporter::pursue(const ValidatorKey& offender, Case& found) {
    using chain::Prosecution;
    const auto final_state = chain::prosecution(*core_.base_view, offender);
    const auto head_state = chain::prosecution(*core_.head_view, offender);
    if (!final_state || !head_state) {
        core_.halt((final_state ? head_state : final_state).error().text());
        return true;
    }
    if (*final_state != Prosecution::open && *head_state != Prosecution::open) return false;
    const bool waits = *head_state != Prosecution::open || core_.slot_now() < found.due;
    if (waits || !core_.options.account || core_.sync.syncing() ||
        brought_by_another(offender, found))
        return true;
    bring(found);
    found.due = core_.slot_now() + kTurns;
    return true;
}

bool Reporter::brought_by_another(const ValidatorKey& offender, const Case& found) const {
    const auto names = [&](const TransactionPtr& tx) {
        if (tx->tx.to != chain::kRegistryAddress || (found.brought && tx->id == found.brought->id))
            return false;
        const auto key = offender.view();
        return std::search(tx->tx.data.begin(), tx->tx.data.end(), key.begin(), key.end()) !=
               tx->tx.data.end();
    };
    const auto all = core_.pool.all();
    return std::any_of(all.begin(), all.end(), names);
}

void Reporter::bring(Case& found) {
    Transaction tx;
    tx.to = chain::kRegistryAddress;
    tx.data = chain::evidence_call(found.evidence);
    tx.gas_limit = chain::estimate_gas(tx.to, tx.data);
    const auto account = core_.head_view->account(core_.options.account->address());
    if (!account) return core_.halt(account.error().text());
    if (found.brought && core_.pool.contains(found.brought->id)) {
        // Nobody took it at that price.
        tx.nonce = found.brought->tx.nonce;
        tx.gas_price = found.brought->tx.gas_price + found.brought->tx.gas_price / 4 + 1;
    } else {
        tx.nonce = core_.pool.next_nonce(core_.options.account->address(),
                                         account->value_or(Account{}).nonce);
        tx.gas_price = core_.genesis.min_gas_price;
    }
    auto opened =
        open_transaction(sign_transaction(tx, core_.genesis.chain_id, *core_.options.account),
                         core_.genesis.chain_id);
    SENNIT_ASSERT(opened.has_value());
    found.brought = *opened;
    core_.traffic->submit(
        found.brought->rlp, [this, id = found.brought->id](const Result<TxId>& taken) {
            if (taken) {
                core_.notify(Notify::Level::info, "evidence brought in transaction " + to_hex(id));
            } else {
                core_.notify(Notify::Level::warning,
                             "evidence not brought: " + taken.error().text() + "; account " +
                                 to_hex(core_.options.account->address()) + " pays for it");
            }
        });
}

void Reporter::check_invariants() const {
    SENNIT_ASSERT(cases_.size() <= kCasesMax);
}

}  // namespace sennit::engine
