// SPDX-License-Identifier: MIT
#include "node/backend.hpp"

#include <algorithm>

#include "chain/facts_store.hpp"
#include "chain/trust.hpp"
#include "io/clock.hpp"

namespace sennit::node {

namespace {

Error pruned(Height wanted, Height oldest) {
    return {Errc::not_found, "state is pruned", Error::kNowhere,
            "state of block " + std::to_string(wanted.value) + " is pruned, oldest is " +
                std::to_string(oldest.value)};
}

/// How long the engine's thread has rest from a kind of list, whose copy may take milliseconds.
constexpr auto kListPause = std::chrono::milliseconds{100};
/// Ten clients with a full batch each.
constexpr std::size_t kListWaitingMax = 1024;

/// As docs/rpc.md promises.
constexpr std::size_t kPoolShownMax = 100;

rpc::PeerAnswer peer_answer(engine::Engine::PeerLine line) {
    rpc::PeerAnswer out{line.protocol,
                        line.facts.address.text(),
                        line.facts.agent,
                        line.facts.identity.id,
                        line.facts.identity.proven,
                        line.facts.inbound,
                        line.facts.traits.sennit,
                        line.height,
                        line.score,
                        line.tier,
                        {}};
    for (auto& reason : line.reasons) {
        out.reasons.push_back(
            {std::string{peers::to_string(reason.deed)}, reason.delta, std::move(reason.what)});
    }
    return out;
}

template <class T>
using Answered = std::function<void(const Result<T>&)>;

void ask_peers(EngineDoor& door, Answered<std::vector<rpc::PeerAnswer>> then) {
    using Lines = std::vector<engine::Engine::PeerLine>;
    door.ask<Lines>([](const engine::Engine& engine) { return engine.peer_lines(); },
                    [then = std::move(then)](Result<Lines> lines) {
                        if (!lines) return then(lines.error());
                        std::vector<rpc::PeerAnswer> out;
                        out.reserve(lines->size());
                        for (auto& line : *lines) out.push_back(peer_answer(std::move(line)));
                        then(std::move(out));
                    });
}

void ask_bans(EngineDoor& door, Answered<std::vector<rpc::BanAnswer>> then) {
    using Bans = std::vector<peers::Peers::Ban>;
    door.ask<Bans>(
        [](const engine::Engine& engine) { return engine.peers().bans(io::system_now()); },
        [then = std::move(then)](Result<Bans> bans) {
            if (!bans) return then(bans.error());
            std::vector<rpc::BanAnswer> out;
            out.reserve(bans->size());
            for (auto& ban : *bans) {
                out.push_back(
                    {std::move(ban.identity), unix_seconds(ban.until), std::move(ban.why)});
            }
            then(std::move(out));
        });
}

void ask_pool(EngineDoor& door, Answered<rpc::PoolAnswer> then) {
    door.ask<rpc::PoolAnswer>(
        [](const engine::Engine& engine) {
            const auto& pool = engine.pool();
            return rpc::PoolAnswer{pool.size(), pool.bytes(),
                                   pool.best(kPoolShownMax, pool.bytes())};
        },
        [then = std::move(then)](const Result<rpc::PoolAnswer>& answer) { then(answer); });
}

std::string upper(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

}  // namespace

Backend::Backend(const chain::Genesis& genesis, const chain::Store& store, LatestView view,
                 EngineDoor& door, boost::asio::any_io_executor rpc,
                 const std::optional<crypto::Ed25519Key>& validator)
    : genesis_{genesis},
      store_{store},
      view_{std::move(view)},
      door_{door},
      schedule_{genesis},
      peers_{rpc, kListPause, kListWaitingMax, [this](auto then) { ask_peers(door_, then); }},
      bans_{rpc, kListPause, kListWaitingMax, [this](auto then) { ask_bans(door_, then); }},
      pool_{rpc, kListPause, kListWaitingMax, [this](auto then) { ask_pool(door_, then); }} {
    if (validator) validator_ = validator->public_key<ValidatorKey>();
}

std::string Backend::client_version() const {
    return version_text() + "/linux";
}

rpc::StatusAnswer Backend::status() const {
    const auto view = view_();
    rpc::StatusAnswer out;
    out.version = version_text();
    out.chain_id = genesis_.chain_id;
    out.head = view->head->height;
    out.head_id = view->head->id;
    out.safe = view->certified->height;
    out.finalized = view->finalised->height;
    out.finalized_id = view->finalised->id;
    out.checkpoint = chain::to_text(view->finalised->checkpoint());
    const auto seconds = unix_seconds(io::system_now().wall);
    out.slot_now = Slot{seconds < genesis_.genesis_time
                            ? 0
                            : (seconds - genesis_.genesis_time) / genesis_.stake.slot_seconds};
    out.slot_seconds = genesis_.stake.slot_seconds;
    out.peers = view->peers;
    out.pool_transactions = view->pool_transactions;
    out.sync_phase = upper(sync::to_string(view->sync.phase));
    out.sync_stage = sync::to_string(view->sync.stage);
    out.sync_current = view->sync.current;
    out.sync_target = view->sync.target;
    out.sync_percent = view->sync.percent;
    out.sync_per_second = view->sync.per_second;
    if (view->sync.left)
        out.sync_seconds_left = std::chrono::duration<double>(*view->sync.left).count();
    out.sync_error = view->sync.error;
    out.validator = validator_;
    out.fault = view->fault;
    if (auto genesis_id = chain::stored_id(store_, Height{0}); genesis_id && *genesis_id)
        out.genesis = **genesis_id;
    return out;
}

Result<std::optional<BlockId>> Backend::resolve(const engine::View& view,
                                                const rpc::BlockRef& which) const {
    if (const auto* id = std::get_if<BlockId>(&which)) return std::optional{*id};
    Height height{0};
    if (const auto* tag = std::get_if<rpc::Tag>(&which)) {
        switch (*tag) {
            case rpc::Tag::latest:
            case rpc::Tag::pending: return std::optional{view.head->id};
            case rpc::Tag::safe: return std::optional{view.certified->id};
            case rpc::Tag::finalized: return std::optional{view.finalised->id};
            case rpc::Tag::earliest: break;
        }
    } else {
        height = std::get<Height>(which);
    }
    const auto above = std::find_if(view.branch.begin(), view.branch.end(),
                                    [&](const auto& one) { return one.first == height; });
    if (above != view.branch.end()) return std::optional{above->second};
    return chain::stored_id(store_, height);
}

Result<Address> Backend::miner_of(const Block& block) const {
    if (block.height().value == 0) return Address{};
    chain::FactsStore facts{store_};
    SENNIT_TRY(auto known, facts.read(block.id));
    const auto slot = schedule_.slot_of(block.header.timestamp);
    if (!known || !slot) return Address{};
    const auto set = known->sets.at(*slot).current;
    const auto index = set->index_of(block.header.validator);
    return index ? set->members[*index].payout : Address{};
}

Result<std::optional<rpc::BlockAnswer>> Backend::answer(const BlockId& id) const {
    SENNIT_TRY(auto block, chain::stored_block(store_, id));
    if (!block) return std::optional<rpc::BlockAnswer>{};
    SENNIT_TRY(auto miner, miner_of(*block));
    SENNIT_TRY(auto receipts, chain::stored_receipts(store_, id));
    return std::optional{rpc::BlockAnswer{std::move(block), miner,
                                          std::move(receipts).value_or(std::vector<Receipt>{})}};
}

Result<std::optional<rpc::BlockAnswer>> Backend::block(const rpc::BlockRef& which) const {
    SENNIT_TRY(auto id, resolve(*view_(), which));
    if (!id) return std::optional<rpc::BlockAnswer>{};
    return answer(*id);
}

Result<std::optional<rpc::TransactionAnswer>> Backend::mined(const TxId& id) const {
    const auto found = [&](const BlockId& block_id,
                           std::uint32_t index) -> Result<std::optional<rpc::TransactionAnswer>> {
        SENNIT_TRY(auto block, answer(block_id));
        if (!block || index >= block->block->transactions.size())
            return std::optional<rpc::TransactionAnswer>{};
        auto tx = block->block->transactions[index];
        return std::optional{rpc::TransactionAnswer{std::move(tx), std::move(block), index}};
    };
    const auto view = view_();
    for (const auto& [height, block_id] : view->branch) {
        const auto block = view->unfinalised.find(block_id);
        if (block == view->unfinalised.end()) continue;
        const auto& transactions = block->second->transactions;
        const auto at = std::find_if(transactions.begin(), transactions.end(),
                                     [&](const auto& tx) { return tx->id == id; });
        if (at != transactions.end())
            return found(block_id, static_cast<std::uint32_t>(at - transactions.begin()));
    }
    SENNIT_TRY(auto place, chain::stored_place(store_, id));
    if (!place) return std::optional<rpc::TransactionAnswer>{};
    return found(place->block, place->index);
}

void Backend::transaction(
    const TxId& id, std::function<void(Result<std::optional<rpc::TransactionAnswer>>)> then) const {
    auto answer = mined(id);
    if (!answer || *answer) return then(std::move(answer));
    door_.ask<TransactionPtr>(
        [id](const engine::Engine& engine) { return engine.pool().find(id); },
        [then = std::move(then)](Result<TransactionPtr> tx) {
            if (!tx) return then(tx.error());
            if (!*tx) return then(std::optional<rpc::TransactionAnswer>{});
            then(std::optional{rpc::TransactionAnswer{*std::move(tx), {}, 0}});
        });
}

Result<chain::StateViewPtr> Backend::state_at(const rpc::BlockRef& at) const {
    const auto view = view_();
    SENNIT_TRY(auto id, resolve(*view, at));
    if (!id) return Error{Errc::not_found, "header not found"};
    if (*id == view->head->id) return view->state;
    if (const auto found = view->states.find(*id); found != view->states.end())
        return found->second;
    // The base is the last finalised block, and it is all that is kept below the layers.
    if (*id == view->finalised->id) return view->base_state;
    SENNIT_TRY(auto header, chain::stored_header(store_, *id));
    if (!header) return Error{Errc::not_found, "header not found"};
    SENNIT_TRY(auto decoded, decode_header(*header));
    return pruned(decoded.height, view->finalised->height);
}

Result<std::optional<Account>> Backend::account(const Address& address,
                                                const rpc::BlockRef& at) const {
    SENNIT_TRY(auto state, state_at(at));
    return state->account(address);
}

void Backend::pending_nonce(const Address& address,
                            std::function<void(Result<std::uint64_t>)> then) const {
    auto account = this->account(address, rpc::Tag::latest);
    if (!account) return then(account.error());
    const auto nonce = account->value_or(Account{}).nonce;
    door_.ask<std::uint64_t>(
        [address, nonce](const engine::Engine& engine) {
            return engine.pool().next_nonce(address, nonce);
        },
        std::move(then));
}

Result<Bytes> Backend::call(const Address& to, BytesView data, const rpc::BlockRef& at) const {
    SENNIT_TRY(auto state, state_at(at));
    return chain::call_view(*state, genesis_, to, data);
}

std::uint64_t Backend::estimate_gas(const Address& to, BytesView data) const {
    return chain::estimate_gas(to, data);
}

bool Backend::reserved(const Address& address) const {
    return address == chain::kRegistryAddress || address == chain::kRoundsAddress;
}

void Backend::submit(Bytes rlp, std::function<void(Result<TxId>)> then) {
    door_.submit(std::move(rlp), std::move(then));
}

namespace {

/// `then` is called, whether or not there was room for it.
template <class T>
void ask_shared(io::SharedQuestion<Result<T>>& question, const rpc::Shared<T>& then) {
    if (question.ask(then)) return;
    then(Error{Errc::busy, "too many ask for this list; try again"});
}

}  // namespace

void Backend::peers(rpc::Shared<std::vector<rpc::PeerAnswer>> then) const {
    ask_shared(peers_, then);
}

void Backend::bans(rpc::Shared<std::vector<rpc::BanAnswer>> then) const {
    ask_shared(bans_, then);
}

void Backend::pool(rpc::Shared<rpc::PoolAnswer> then) const {
    ask_shared(pool_, then);
}

std::vector<ValidatorSetPtr> Backend::validators() const {
    const auto view = view_();
    const auto sets = view->head->sets.at(std::max(view->head->slot, status().slot_now));
    std::vector<ValidatorSetPtr> out{sets.current};
    if (sets.previous) out.push_back(sets.previous);
    return out;
}

}  // namespace sennit::node
