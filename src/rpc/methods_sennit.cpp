// SPDX-License-Identifier: MIT
#include <cmath>

#include "rpc/method.hpp"
#include "rpc/quantity.hpp"

namespace sennit::rpc {

namespace {

using json::Value;

/// JSON has no infinity, which a rate of nothing makes of a time.
Value finite(double value) {
    return std::isfinite(value) ? Value{value} : Value{};
}

Value progress_json(const StatusAnswer& status) {
    auto out = Value::object({{"state", status.sync_phase},
                              {"stage", status.sync_stage},
                              {"current", status.sync_current.value},
                              {"target", status.sync_target.value},
                              {"percent", finite(status.sync_percent)},
                              {"perSecond", finite(status.sync_per_second)},
                              {"secondsLeft", nullptr},
                              {"error", nullptr}});
    if (!status.sync_error.empty()) out.set("error", status.sync_error);
    if (status.sync_seconds_left) out.set("secondsLeft", finite(*status.sync_seconds_left));
    return out;
}

void status(Backend& backend, Params, Reply reply) {
    const auto status = backend.status();
    auto out = Value::object({{"version", status.version},
                              {"chainId", status.chain_id},
                              {"genesis", hex_data(status.genesis)},
                              {"head", status.head.value},
                              {"headHash", hex_data(status.head_id)},
                              {"safe", status.safe.value},
                              {"finalized", status.finalized.value},
                              {"finalizedHash", hex_data(status.finalized_id)},
                              {"checkpoint", status.checkpoint},
                              {"slot", status.slot_now.value},
                              {"slotSeconds", status.slot_seconds},
                              {"peers", std::uint64_t{status.peers}},
                              {"pool", std::uint64_t{status.pool_transactions}},
                              {"sync", progress_json(status)},
                              {"validator", nullptr},
                              {"fault", nullptr}});
    if (status.validator) out.set("validator", hex_data(*status.validator));
    if (status.fault) out.set("fault", *status.fault);
    reply(std::move(out));
}

Value peers_json(const std::vector<PeerAnswer>& peers) {
    auto out = Value::array();
    for (const auto& peer : peers) {
        auto one = Value::object({{"protocol", peer.protocol},
                                  {"address", peer.address},
                                  {"direction", peer.inbound ? "inbound" : "outbound"},
                                  {"nodeId", nullptr},
                                  {"proven", peer.proven},
                                  {"sennit", peer.sennit},
                                  {"agent", peer.agent},
                                  {"height", peer.height},
                                  {"score", peer.score},
                                  {"tier", peer.tier}});
        if (peer.id) one.set("nodeId", hex_data(*peer.id));
        auto reasons = Value::array();
        for (const auto& reason : peer.reasons) {
            reasons.push(Value::object(
                {{"deed", reason.deed}, {"delta", reason.delta}, {"what", reason.what}}));
        }
        one.set("reasons", std::move(reasons));
        out.push(std::move(one));
    }
    return out;
}

Value bans_json(const std::vector<BanAnswer>& bans) {
    auto out = Value::array();
    for (const auto& ban : bans) {
        out.push(
            Value::object({{"identity", ban.identity}, {"until", ban.until}, {"why", ban.why}}));
    }
    return out;
}

Value pool_json(const PoolAnswer& pool) {
    auto best = Value::array();
    for (const auto& tx : pool.best) {
        best.push(Value::object({{"hash", hex_data(tx->id)},
                                 {"from", hex_data(tx->sender)},
                                 {"nonce", tx->tx.nonce},
                                 {"gasPrice", quantity(tx->tx.gas_price)}}));
    }
    return Value::object({{"transactions", std::uint64_t{pool.transactions}},
                          {"bytes", std::uint64_t{pool.bytes}},
                          {"best", std::move(best)}});
}

/// What a list becomes: made when it comes, since many may ask for it at once.
template <class T>
Shared<T> as_json(Reply reply, Value (*make)(const T&)) {
    return [reply = std::move(reply), make](const Result<T>& answer) {
        if (!answer) return reply(refused(answer.error()));
        reply(Later{[&] { return make(*answer); }});
    };
}

void peers(Backend& backend, Params, Reply reply) {
    backend.peers(as_json(std::move(reply), peers_json));
}

void bans(Backend& backend, Params, Reply reply) {
    backend.bans(as_json(std::move(reply), bans_json));
}

void pool(Backend& backend, Params, Reply reply) {
    backend.pool(as_json(std::move(reply), pool_json));
}

void validators(Backend& backend, Params, Reply reply) {
    auto out = Value::array();
    for (const auto& set : backend.validators()) {
        auto members = Value::array();
        for (const auto& member : set->members) {
            members.push(Value::object({{"account", hex_data(member.account)},
                                        {"payout", hex_data(member.payout)},
                                        {"key", hex_data(member.key)},
                                        {"weight", quantity(member.weight)}}));
        }
        out.push(Value::object({{"version", set->version},
                                {"firstSlot", set->first_slot.value},
                                {"totalWeight", quantity(set->total_weight())},
                                {"members", std::move(members)}}));
    }
    reply(std::move(out));
}

void finality(Backend& backend, Params, Reply reply) {
    const auto certificate = backend.finality();
    if (!certificate) return reply(Value{});
    const auto checkpoint = [](const Checkpoint& at) {
        return Value::object({{"slot", at.slot.value}, {"hash", hex_data(at.id)}});
    };
    reply(Value::object({{"finalized", checkpoint(certificate->link.source)},
                         {"certified", checkpoint(certificate->link.target)},
                         {"setVersion", certificate->set_version},
                         {"joint", certificate->joint},
                         {"signers", std::uint64_t{certificate->signatures.size()}},
                         {"certificate", hex_data(encode(*certificate))}}));
}

void health(Backend& backend, Params, Reply reply) {
    const auto status = backend.status();
    reply(Value::object({{"peers", std::uint64_t{status.peers}},
                         {"isSyncing", status.sync_phase == "SYNCING"},
                         {"shouldHavePeers", true}}));
}

void methods(Backend&, Params, Reply reply) {
    auto out = Value::object();
    for (const auto table : {eth_methods(), sennit_methods()}) {
        for (const auto& method : table)
            out.set(std::string{method.name}, std::string{method.help});
    }
    reply(std::move(out));
}

}  // namespace

std::span<const Method> sennit_methods() {
    static constexpr Method kMethods[] = {
        {"sennit_status", "where this node stands: heights, slot, peers, pool, sync", 0, 0, status},
        {"sennit_peers", "connected peers, with scores and why they are what they are", 0, 0,
         peers},
        {"sennit_bans", "who may not connect, until when, and why", 0, 0, bans},
        {"sennit_pool", "size of the pool and its best transactions", 0, 0, pool},
        {"sennit_syncProgress", "state, percent, rate and time left", 0, 0,
         [](Backend& b, Params, Reply r) { r(progress_json(b.status())); }},
        {"sennit_validators", "the sets in force, the newest first", 0, 0, validators},
        {"sennit_finality", "the newest proof of finality", 0, 0, finality},
        {"sennit_methods", "every method with one line of help", 0, 0, methods},
        {"system_health", "peers and sync, as Substrate answers it", 0, 0, health},
    };
    return kMethods;
}

}  // namespace sennit::rpc
