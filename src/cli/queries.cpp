// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/rpc_client.hpp"
#include "rpc/quantity.hpp"

namespace sennit::cli {

namespace {

using json::Value;

std::string plain(const Value& value) {
    if (value.is_text()) return std::string{*value.as_text()};
    return json::write(value, json::Style::python);
}

/// Keys to the left, values to the right; lists and objects one level deeper.
void print(const Value& value, std::size_t indent) {
    const auto members = value.as_object();
    if (!members) return;
    for (const auto& [key, item] : *members) {
        std::printf("%*s%-22s", static_cast<int>(indent), "", key.c_str());
        if (item.is_object()) {
            std::printf("\n");
            print(item, indent + 2);
        } else if (item.is_array() && !item.as_array()->empty()) {
            std::printf("\n");
            for (const auto& one : *item.as_array()) {
                if (one.is_object()) {
                    print(one, indent + 2);
                    std::printf("\n");
                } else {
                    std::printf("%*s%s\n", static_cast<int>(indent) + 2, "", plain(one).c_str());
                }
            }
        } else {
            std::printf("%s\n", plain(item).c_str());
        }
    }
}

Result<Value> ask(const QueryOptions& options, std::string_view method, Value params) {
    SENNIT_TRY(auto rpc, RpcClient::open(options.rpc));
    return rpc.call(method, std::move(params));
}

void show(const QueryOptions& options, const Value& value) {
    if (options.json) {
        std::printf("%s\n", json::write(value, json::Style::compact).c_str());
    } else {
        print(value, 0);
    }
}

/// Fields that wallets want and that mean nothing on this chain: --json has them.
constexpr std::array<std::string_view, 8> kMeaningless{
    "nonce",      "mixHash", "difficulty", "totalDifficulty",
    "sha3Uncles", "uncles",  "logsBloom",  "contractAddress"};
/// Numbers on the wire of JSON-RPC, which writes them as it writes bytes.
constexpr std::array<std::string_view, 17> kQuantities{
    "number", "timestamp",   "gasLimit", "gasUsed",           "size",
    "nonce",  "blockNumber", "gas",      "transactionIndex",  "gasPrice",
    "value",  "chainId",     "type",     "cumulativeGasUsed", "effectiveGasPrice",
    "v",      "status"};

/// An Ethereum object as a person reads it: numbers in decimal, and nothing that says nothing.
Value readable(const Value& value, std::span<const std::string_view> without) {
    auto out = Value::object();
    for (const auto& [key, item] : *value.as_object()) {
        if (std::ranges::find(without, key) != without.end()) continue;
        if (item.is_array()) {
            auto list = Value::array();
            for (const auto& one : *item.as_array())
                list.push(one.is_object() ? readable(one, {}) : one);
            out.set(key, std::move(list));
            continue;
        }
        const bool is_number = std::ranges::find(kQuantities, key) != kQuantities.end();
        const auto number = is_number ? rpc::parse_quantity(item) : Error{Errc::not_found, ""};
        out.set(key, number ? Value{to_decimal(*number)} : item);
    }
    return out;
}

std::string utc(std::uint64_t unix_seconds) {
    const auto time = static_cast<std::time_t>(unix_seconds);
    std::tm parts{};
    char text[64];
    if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(unix_seconds);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

bool is_hash(std::string_view text) {
    return text.starts_with("0x") && text.size() == 66;
}

}  // namespace

Result<void> show_status(const QueryOptions& options) {
    SENNIT_TRY(auto status, ask(options, "sennit_status", Value::array()));
    show(options, status);
    return {};
}

Result<void> show_peers(const QueryOptions& options) {
    SENNIT_TRY(auto peers, ask(options, "sennit_peers", Value::array()));
    if (options.json) {
        show(options, peers);
        return {};
    }
    SENNIT_TRY(auto list, peers.as_array());
    std::printf("%-14s %-28s %-9s %8s %5s %-10s %s\n", "protocol", "address", "direction", "height",
                "score", "tier", "agent");
    for (const auto& peer : list) {
        const auto text = [&](const char* key) {
            return peer.find(key) ? plain(*peer.find(key)) : std::string{};
        };
        std::printf("%-14s %-28s %-9s %8s %5s %-10s %s\n", text("protocol").c_str(),
                    text("address").c_str(), text("direction").c_str(), text("height").c_str(),
                    text("score").c_str(), text("tier").c_str(), text("agent").c_str());
    }
    return {};
}

Result<void> show_bans(const QueryOptions& options) {
    SENNIT_TRY(auto bans, ask(options, "sennit_bans", Value::array()));
    if (options.json) {
        show(options, bans);
        return {};
    }
    SENNIT_TRY(auto list, bans.as_array());
    if (list.empty()) std::printf("nobody is banned\n");
    for (const auto& ban : list) {
        SENNIT_TRY(auto identity, ban.get_text("identity"));
        SENNIT_TRY(auto until, ban.get_u64("until"));
        SENNIT_TRY(auto why, ban.get_text("why"));
        std::printf("%-40s until %s  %s\n", std::string{identity}.c_str(), utc(until).c_str(),
                    std::string{why}.c_str());
    }
    return {};
}

Result<void> show_block(const QueryOptions& options) {
    std::string which = options.what;
    const auto tags = {"latest", "safe", "finalized", "earliest", "pending"};
    const bool number =
        !which.empty() && which.find_first_not_of("0123456789") == std::string::npos;
    if (number) {
        char hex[32];
        std::snprintf(hex, sizeof hex, "0x%llx", std::strtoull(which.c_str(), nullptr, 10));
        which = hex;
    } else if (!which.starts_with("0x") && std::ranges::find(tags, which) == tags.end()) {
        return Error{Errc::malformed, "not a block", Error::kNowhere,
                     which + "; expected a height, a hash, latest, safe, finalized or earliest"};
    }
    const auto* method = is_hash(which) ? "eth_getBlockByHash" : "eth_getBlockByNumber";
    SENNIT_TRY(auto block, ask(options, method, Value::array({which, true})));
    if (block.is_null())
        return Error{Errc::not_found, "no such block", Error::kNowhere, options.what};
    show(options, options.json ? block : readable(block, kMeaningless));
    return {};
}

Result<void> show_transaction(const QueryOptions& options) {
    SENNIT_TRY(auto tx, ask(options, "eth_getTransactionByHash", Value::array({options.what})));
    if (tx.is_null())
        return Error{Errc::not_found, "no such transaction", Error::kNowhere, options.what};
    SENNIT_TRY(auto receipt,
               ask(options, "eth_getTransactionReceipt", Value::array({options.what})));
    if (!options.json) {
        tx = readable(tx, {});
        if (!receipt.is_null()) receipt = readable(receipt, kMeaningless);
    }
    show(options, Value::object({{"transaction", std::move(tx)}, {"receipt", std::move(receipt)}}));
    return {};
}

}  // namespace sennit::cli
