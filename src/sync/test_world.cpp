// SPDX-License-Identifier: MIT
#include "sync/test_world.hpp"

#include <algorithm>

#include "chain/registry_abi.hpp"
#include "chain/reserved.hpp"
#include "crypto/ed25519.hpp"

namespace sennit::sync::fixture {

namespace {

using protocol::Form;
using protocol::make_message;
using protocol::MessagePtr;

/// A block above the finalised ones is the child of a certified one, so its own is never final yet.
constexpr std::uint64_t kCertifiers = 1;

bool signatures_hold(const Certificate& certificate, const Quorum& quorum, const BlockId& genesis) {
    const auto message = vote_signing_bytes(certificate.link, quorum.set_hash(), genesis);
    std::size_t next = 0;
    for (std::size_t bit = 0; bit < quorum.size(); ++bit) {
        if (!bit_set(certificate.bitmap, bit)) continue;
        const auto& signature = certificate.signatures.at(next++);
        if (!crypto::ed25519_verify(quorum.key(bit).view(), message, signature.view()))
            return false;
    }
    return true;
}

/// As the engine's workers do; an error is about the body, so its sender's fault.
Result<BlockPtr> open(const protocol::WireBlock& wire, std::uint64_t chain_id) {
    std::vector<TransactionPtr> transactions;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        auto tx = open_transaction(wire.transaction(i), chain_id);
        if (!tx) return Error{Errc::mismatch, tx.error().what};
        transactions.push_back(*std::move(tx));
    }
    if (transactions_root(transactions) != wire.header().txs_root) {
        return Error{Errc::mismatch, "body does not give the header's transactions root"};
    }
    return make_block(wire.header(), std::move(transactions));
}

/// As it looks when it came over a wire.
protocol::WireBlock foreign(const BlockPtr& block) {
    std::vector<protocol::WireTransaction> transactions;
    for (const auto& tx : block->transactions) {
        transactions.emplace_back(protocol::SharedSlice{tx->rlp}, std::nullopt);
    }
    return {protocol::WireHeader{block->header}, std::move(transactions)};
}

/// Nobody is away for half of a day here.
chain::Genesis patient_genesis() {
    auto genesis = chain::fixture::genesis({1, 1, 1, 1});
    genesis.stake.unbonding_seconds = 24 * 3600;
    return genesis;
}

}  // namespace

Source::Source(Shape shape)
    : shape_{shape},
      chain_{patient_genesis()},
      store_{chain::make_memory_store()},
      state_{chain_.open(*store_)} {
    blocks_.push_back(make_block(state_->genesis_header(), {}));
    heights_.emplace(blocks_.front()->id, Height{0});
    std::uint64_t transfers = 0;
    std::uint64_t stakes = 0;
    for (std::uint64_t h = 1; h <= shape.final_height + shape.unfinalised + kCertifiers; ++h) {
        blocks_.push_back(
            chain_.extend(*state_, blocks_.back()->id, transactions(h, transfers, stakes)));
        heights_.emplace(blocks_.back()->id, Height{h});
        SENNIT_ASSERT(state_->execute(blocks_.back()));
        if (h <= shape.final_height) SENNIT_ASSERT(state_->finalise(blocks_.back()->id));
    }
}

std::vector<TransactionPtr> Source::transactions(std::uint64_t height, std::uint64_t& transfers,
                                                 std::uint64_t& stakes) {
    std::vector<TransactionPtr> out;
    if (height % shape_.transfer_every == 0) {
        out.push_back(chain_.transfer(100, chain::fixture::address(7), 5, transfers++));
    }
    if (shape_.set_changes && height % chain_.genesis().stake.epoch_slots == 5) {
        Transaction tx;
        tx.nonce = stakes++;
        tx.gas_price = 1;
        tx.gas_limit = 200'000;
        tx.to = chain::kRegistryAddress;
        tx.value = chain::fixture::kCoin;
        Writer data;
        data.be(chain::abi::selector("stake()"));
        tx.data = std::move(data).take();
        out.push_back(chain_.sign(0, std::move(tx)));
    }
    return out;
}

std::optional<Height> Source::find(const BlockId& id) const {
    const auto found = heights_.find(id);
    return found == heights_.end() ? std::nullopt : std::optional{found->second};
}

CertificatePtr Source::finality(Height height) const {
    return chain_.certify(*state_, *facts(height + 1));
}

protocol::Status Source::status(Height finalised, Height head) const {
    protocol::Status status;
    status.chain_id = chain_.genesis().chain_id;
    status.genesis = chain_.genesis_id();
    status.head = block(head)->id;
    status.head_height = head;
    status.certified = facts(head)->justified;
    status.certified_height = Height{head.value == 0 ? 0 : head.value - 1};
    status.finalised = facts(finalised)->checkpoint();
    status.finalised_height = finalised;
    return status;
}

protocol::Certificates Source::proofs(std::uint32_t version, Height finalised) const {
    protocol::Certificates out;
    std::uint32_t last = version == 0 ? 0 : version - 1;
    for (Height h{1}; h <= finalised; ++h) {
        const auto target = facts(h + 1);
        const auto& set = target->sets.at(target->slot).current;
        if (set->version <= last) continue;
        last = set->version;
        out.sets.push_back(set);
        out.certificates.push_back(finality(h));
    }
    if (finalised.value > 0) out.certificates.push_back(finality(finalised));
    return out;
}

protocol::PeerTraits full_traits() {
    protocol::PeerTraits traits;
    traits.says = protocol::KindSet::all();
    traits.answers = protocol::FormSet::all();
    traits.sennit = true;
    traits.finalised_only = false;
    traits.headers_max = 2048;
    traits.blocks_max = 128;
    return traits;
}

World::World(const Source& source, Options options, std::uint64_t seed)
    : source_{source},
      store{chain::make_memory_store()},
      state{source.keys().open(*store)},
      options_{options},
      seed_{seed} {
    start();
}

void World::start() {
    ++runs_;
    events_.clear();
    disk_free_ = now.at;
    in_flight_.clear();
    appending = 0;
    appends_valid_from_ = appends_;
    sync.emplace(source_.keys().genesis(), source_.keys().genesis_id(), options_,
                 Rng{seed_ + runs_});
    sync->set_known([this](const BlockId& id) { return state->view(id).has_value(); });
    head = state->base()->id;
    tell_local();
    settle();
}

void World::restart() {
    sync.reset();
    start();
    for (auto& [ref, peer] : peers) {
        sync->on_peer(ref, peer.traits, now);
        sync->on_status(ref, chain_of(peer).status(peer.finalised, peer.head), now);
    }
    settle();
}

Peer& World::add(Height finalised, Height head_height) {
    const PeerRef ref{InstanceId{1}, PeerId{next_peer_++}};
    auto& peer = peers[ref];
    peer.ref = ref;
    peer.traits = full_traits();
    peer.finalised = finalised;
    peer.head = head_height;
    // Only once the test had its chance to bend it.
    after(Duration{0}, [this, ref] {
        if (!peers.contains(ref)) return;
        auto& up = peers.at(ref);
        sync->on_peer(ref, up.traits, now);
        sync->on_status(ref, chain_of(up).status(up.finalised, up.head), now);
    });
    return peer;
}

void World::remove(PeerRef ref) {
    peers.erase(ref);
    sync->on_peer_gone(ref, now);
    settle();
}

void World::tell(Peer& peer, Height finalised, Height head_height) {
    peer.finalised = finalised;
    peer.head = head_height;
    sync->on_status(peer.ref, chain_of(peer).status(finalised, head_height), now);
    settle();
}

void World::tell_local() {
    const auto facts = state->facts(head);
    sync->on_local({state->base(), head, facts->height, facts->justified.slot}, now);
}

void World::settle() {
    if (settling_) return;
    settling_ = true;
    while (auto output = sync->poll()) {
        std::visit([this](const auto& one) { carry_out(one); }, *output);
        sync->check_invariants();
    }
    settling_ = false;
    const auto held = sync->held();
    most.requests = std::max(most.requests, held.requests);
    most.header_pieces = std::max(most.header_pieces, held.header_pieces);
    most.header_writes = std::max(most.header_writes, held.header_writes);
    most.window_blocks = std::max(most.window_blocks, held.window_blocks);
    most.window_bytes = std::max(most.window_bytes, held.window_bytes);
    most.branch_ids = std::max(most.branch_ids, held.branch_ids);
    most.branch_bytes = std::max(most.branch_bytes, held.branch_bytes);
}

bool World::step(Instant until) {
    const auto due = sync->deadline();
    const bool timer = due && (events_.empty() || *due < events_.begin()->first);
    if (!timer && events_.empty()) return false;
    const auto at = std::max(now.at, timer ? *due : events_.begin()->first);
    if (at > until) return false;
    now.wall += std::chrono::duration_cast<WallTimeline::duration>(at - now.at);
    now.at = at;
    if (timer) {
        sync->on_deadline(now);
        settle();
        // A deadline that has passed must not come again: a driver would spin.
        SENNIT_ASSERT(!sync->deadline() || *sync->deadline() > now.at);
    } else {
        auto event = events_.extract(events_.begin());
        event.mapped()();
    }
    settle();
    sync->check_invariants();
    return true;
}

bool World::run(const std::function<bool()>& done, Duration limit) {
    const auto until = now.at + limit;
    while (!done()) {
        if (!step(until)) return false;
    }
    return true;
}

void World::wait(Duration span) {
    const auto until = now.at + span;
    while (step(until)) {
    }
    now.wall += std::chrono::duration_cast<WallTimeline::duration>(until - now.at);
    now.at = until;
    sync->on_deadline(now);
    settle();
}

void World::overtake(Height height) {
    std::vector<BlockPtr> blocks;
    for (auto h = state->base()->height + 1; h <= height; ++h) blocks.push_back(source_.block(h));
    SENNIT_ASSERT(state->append_final(blocks)->applied == blocks.size());
    head = state->base()->id;
    tell_local();
    settle();
}

void World::ready(PeerRef peer) {
    sync->on_ready(peer, now);
    settle();
}

void World::say(PeerRef peer, const protocol::Status& status) {
    sync->on_status(peer, status, now);
    settle();
}

void World::hear(Height height) {
    SENNIT_ASSERT(state->execute(source_.block(height)));
    head = source_.block(height)->id;
    tell_local();
    settle();
}

std::size_t World::blamed(PeerRef peer, Blame::What what) const {
    return static_cast<std::size_t>(std::count_if(
        blames.begin(), blames.end(),
        [&](const Blame& blame) { return blame.peer == peer && blame.what == what; }));
}

std::size_t World::blamed(PeerRef peer) const {
    return static_cast<std::size_t>(std::count_if(
        blames.begin(), blames.end(), [&](const Blame& blame) { return blame.peer == peer; }));
}

MessagePtr World::answer(const Peer& peer, const protocol::Message& ask) const {
    const auto& chain = chain_of(peer);
    if (const auto* headers = std::get_if<protocol::GetHeaders>(&ask)) {
        protocol::Headers out;
        const auto* id = std::get_if<BlockId>(&headers->from);
        auto at = id == nullptr ? std::get<Height>(headers->from)
                                : chain.find(*id).value_or(Height{~0ull});
        // By height the finalised chain, by id the unfinalised branch: as the engine serves.
        const auto low = id == nullptr ? Height{0} : peer.finalised + 1;
        const auto high = id == nullptr ? peer.finalised : peer.head;
        while (low <= at && at <= high &&
               out.headers.size() < std::min<std::size_t>(headers->max, peer.items_max)) {
            out.headers.emplace_back(chain.block(at)->header);
            if (headers->newest_first && at.value == 0) break;
            at = headers->newest_first ? at - 1 : at + 1;
        }
        return make_message(std::move(out));
    }
    if (const auto* bodies = std::get_if<protocol::GetBodies>(&ask)) {
        protocol::Bodies out;
        for (const auto& id : bodies->ids) {
            const auto height = chain.find(id);
            if (!height || *height > peer.head || out.bodies.size() == peer.items_max) break;
            auto& body = out.bodies.emplace_back();
            body.id = id;
            const auto block = foreign(chain.block(*height));
            for (std::size_t i = 0; i < block.size(); ++i)
                body.transactions.push_back(block.wire_transaction(i));
        }
        return make_message(std::move(out));
    }
    if (const auto* blocks = std::get_if<protocol::GetBlocks>(&ask)) {
        protocol::Blocks out;
        std::vector<Height> heights;
        if (const auto* range = std::get_if<protocol::BlockRange>(&blocks->what)) {
            for (std::uint64_t i = 0; i < range->max && range->from + i <= peer.finalised; ++i) {
                heights.push_back(range->from + i);
            }
        } else {
            for (const auto& id : std::get<std::vector<BlockId>>(blocks->what)) {
                const auto height = chain.find(id);
                if (!height || *height > peer.head) break;
                heights.push_back(*height);
            }
        }
        for (const auto height : heights) {
            if (out.blocks.size() == peer.items_max) break;
            out.blocks.push_back(foreign(chain.block(height)));
        }
        return make_message(std::move(out));
    }
    if (const auto* certificates = std::get_if<protocol::GetCertificates>(&ask)) {
        const auto* from = std::get_if<protocol::FromSetVersion>(&certificates->what);
        auto proofs = chain.proofs(from == nullptr ? ~0u : from->version, peer.finalised);
        if (proofs.certificates.size() > peer.items_max) proofs.certificates.resize(peer.items_max);
        return make_message(std::move(proofs));
    }
    return make_message(protocol::Refused{Errc::unsupported, "no such request"});
}

void World::carry_out(const Ask& ask) {
    const auto found = peers.find(ask.peer);
    SENNIT_ASSERT(found != peers.end());
    auto& peer = found->second;
    ++peer.asked;
    ++asks[std::string{protocol::to_string(protocol::kind_of(*ask.message))}];
    SENNIT_ASSERT(peer.traits.answers.has_all(protocol::forms_of(*ask.message)));
    if (peer.refuses) return sync->on_refused(ask.request, *peer.refuses, now);
    sync->on_sent(ask.request, now.at + std::chrono::seconds{10});
    in_flight_.insert(ask.request);
    auto sent = answer(peer, *ask.message);
    if (peer.bend) sent = peer.bend(*ask.message, std::move(sent));
    if (!sent) return;
    after(peer.latency, [this, ask, sent, ref = peer.ref] {
        if (in_flight_.erase(ask.request) == 0 || !peers.contains(ref)) return;
        (void)sync->on_answer(ask.request, ref, *sent, now);
    });
}

void World::carry_out(const VerifyProof& verify) {
    const bool valid =
        signatures_hold(*verify.certificate, *verify.quorum, source_.keys().genesis_id());
    after(std::chrono::milliseconds{1},
          [this, job = verify.job, valid] { sync->on_proof(job, valid, now); });
}

void World::carry_out(const KeepHeaders& keep) {
    write([this, keep] {
        for (const auto& [height, bytes] : keep.headers) rows[height] = bytes;
        sync->on_headers_kept(now);
    });
}

void World::carry_out(const LoadHeaders& load) {
    std::vector<Bytes> loaded;
    auto row = rows.lower_bound(load.from);
    const auto first = row == rows.end() ? std::nullopt : std::optional{row->first};
    for (; row != rows.end() && loaded.size() < load.count; ++row) {
        if (row->first != *first + loaded.size()) break;
        loaded.push_back(row->second);
        if (damage_rows) loaded.back()[50] ^= 1;
    }
    ++loads;
    after(std::chrono::milliseconds{1},
          [this, from = load.from, loaded = std::move(loaded), first] {
              sync->on_headers_loaded(from, loaded, now, first);
          });
}

void World::carry_out(const DropHeaders& drop) {
    write([this, drop] { rows.erase(rows.begin(), rows.upper_bound(drop.up_to)); });
}

/// One after another, as the daemon's thread for the disk does.
void World::write(Event event) {
    disk_free_ = std::max(now.at, disk_free_) + disk_latency;
    after(disk_free_ - now.at, std::move(event));
}

void World::carry_out(const Append& append) {
    SENNIT_ASSERT(append.blocks.size() == append.senders.size());
    ++appending;
    after(std::chrono::milliseconds{20}, [this, append, number = ++appends_] {
        --appending;
        if (number <= appends_valid_from_) return;  // dropped with the one before it
        std::vector<BlockPtr> blocks;
        std::optional<Error> error;
        for (const auto& wire : append.blocks) {
            auto block = open(wire, source_.keys().genesis().chain_id);
            if (!block) {
                error = block.error();
                break;
            }
            blocks.push_back(*std::move(block));
        }
        auto result = state->append_final(blocks);
        SENNIT_ASSERT(result.has_value());
        if (!result->error) result->error = error;
        if (result->error) appends_valid_from_ = appends_;
        if (result->applied > 0) {
            head = state->base()->id;
            tell_local();
        }
        sync->on_appended(*result, now);
    });
}

void World::carry_out(const Offer& offer) {
    ++offers;
    after(offer_latency, [this, block = offer.block] {
        auto opened = open(block, source_.keys().genesis().chain_id);
        const bool taken = !refuse_offers && opened && state->execute(*opened);
        if (taken) {
            head = block.id();
            tell_local();
        }
        sync->on_offer_done(block.id(), taken, now);
    });
}

}  // namespace sennit::sync::fixture
