// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/commands.hpp"
#include "cli/keys.hpp"
#include "cli/rpc_client.hpp"
#include "primitives/sign.hpp"
#include "rpc/quantity.hpp"

namespace sennit::cli {

namespace {

/// A transfer is in a block after one slot and final two later; slots on radio last minutes.
constexpr auto kPatience = std::chrono::minutes{10};

Result<std::uint64_t> ask_number(const RpcClient& rpc, std::string_view method,
                                 json::Value params) {
    SENNIT_TRY(auto answer, rpc.call(method, std::move(params)));
    return rpc::parse_quantity64(answer);
}

Result<json::Value> wait_for_receipt(const RpcClient& rpc, const std::string& hash) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
        SENNIT_TRY(auto receipt, rpc.call("eth_getTransactionReceipt", json::Value::array({hash})));
        if (!receipt.is_null()) return receipt;
        std::this_thread::sleep_for(std::chrono::milliseconds{250});
    }
    return Error{Errc::timeout, "not in a block yet", Error::kNowhere,
                 hash + "; ask later with: sennit tx " + hash};
}

Result<Transaction> prepare(const RpcClient& rpc, const SendOptions& options, const Address& from) {
    Transaction tx;
    auto to = hash_from_hex<Address>(options.to);
    if (!to) return Error{Errc::malformed, "bad --to", Error::kNowhere, to.error().text()};
    tx.to = *to;
    SENNIT_TRY(tx.value, parse_amount(options.value));
    SENNIT_TRY(tx.data, parse_data(options.data));
    const auto address = "0x" + to_hex(from);
    if (options.nonce) {
        tx.nonce = *options.nonce;
    } else {
        SENNIT_TRY(tx.nonce, ask_number(rpc, "eth_getTransactionCount",
                                        json::Value::array({address, "pending"})));
    }
    if (options.gas_price) {
        tx.gas_price = *options.gas_price;
    } else {
        SENNIT_TRY(tx.gas_price, ask_number(rpc, "eth_gasPrice", json::Value::array()));
    }
    if (options.gas_limit) {
        tx.gas_limit = *options.gas_limit;
    } else {
        const auto call = json::Value::object(
            {{"from", address}, {"to", "0x" + to_hex(tx.to)}, {"data", "0x" + to_hex(tx.data)}});
        SENNIT_TRY(tx.gas_limit, ask_number(rpc, "eth_estimateGas", json::Value::array({call})));
    }
    return tx;
}

}  // namespace

Result<Bytes> parse_data(std::string_view text) {
    return from_hex(text.starts_with("0x") ? text.substr(2) : text);
}

Result<void> send(const SendOptions& options) {
    SENNIT_TRY(auto rpc, RpcClient::open(options.rpc));
    SENNIT_TRY(auto key, read_account(options.key));
    SENNIT_TRY(auto chain_id, ask_number(rpc, "eth_chainId", json::Value::array()));
    SENNIT_TRY(auto tx, prepare(rpc, options, key.address()));
    const auto raw = "0x" + to_hex(sign_transaction(tx, chain_id, key));
    SENNIT_TRY(auto sent, rpc.call("eth_sendRawTransaction", json::Value::array({raw})));
    SENNIT_TRY(auto hash, sent.as_text());
    if (!options.wait) {
        std::printf("%s\n", options.json
                                ? json::write(json::Value::object({{"hash", std::string{hash}}}),
                                              json::Style::compact)
                                      .c_str()
                                : std::string{hash}.c_str());
        return {};
    }
    if (!options.json) {
        std::printf("sent %s\n", std::string{hash}.c_str());
        std::fflush(stdout);
    }
    SENNIT_TRY(auto receipt, wait_for_receipt(rpc, std::string{hash}));
    SENNIT_TRY(auto number, receipt.get("blockNumber"));
    SENNIT_TRY(auto block, rpc::parse_quantity64(*number));
    SENNIT_TRY(auto status, receipt.get_text("status"));
    if (options.json) std::printf("%s\n", json::write(receipt, json::Style::compact).c_str());
    if (status != "0x1") {
        return Error{Errc::invalid, "the call failed and its value was returned", Error::kNowhere,
                     "in block " + std::to_string(block) + "; its gas is paid all the same"};
    }
    if (!options.json) {
        std::printf("in block %llu, done\n", static_cast<unsigned long long>(block));
    }
    return {};
}

}  // namespace sennit::cli
