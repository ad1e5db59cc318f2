// SPDX-License-Identifier: MIT
#include "crypto/keccak.hpp"
#include "rpc/method.hpp"
#include "rpc/quantity.hpp"

namespace sennit::rpc {

namespace {

using json::Value;

/// Keccak of RLP of the empty list: no block here has uncles.
constexpr std::string_view kNoUncles =
    "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";

std::string zeros(std::size_t bytes) {
    return "0x" + std::string(2 * bytes, '0');
}

Result<BlockRef> block_ref(const Value& value) {
    if (value.is_null()) return BlockRef{Tag::latest};
    if (value.is_object()) {  // EIP-1898
        if (const auto* hash = value.find("blockHash")) {
            SENNIT_TRY(auto id, parse_hash<BlockId>(*hash));
            return BlockRef{id};
        }
        SENNIT_TRY(auto number, value.get("blockNumber"));
        return block_ref(*number);
    }
    SENNIT_TRY(auto text, value.as_text());
    if (text == "latest") return BlockRef{Tag::latest};
    if (text == "pending") return BlockRef{Tag::pending};
    if (text == "safe") return BlockRef{Tag::safe};
    if (text == "finalized") return BlockRef{Tag::finalized};
    if (text == "earliest") return BlockRef{Tag::earliest};
    SENNIT_TRY(auto height, parse_quantity64(value));
    return BlockRef{Height{height}};
}

Value transaction_json(const SignedTransaction& tx, const BlockAnswer* block, std::uint32_t index) {
    auto out = Value::object(
        {{"blockHash", nullptr}, {"blockNumber", nullptr}, {"transactionIndex", nullptr}});
    if (block != nullptr) {
        out.set("blockHash", hex_data(block->block->id));
        out.set("blockNumber", quantity(block->block->height().value));
        out.set("transactionIndex", quantity(index));
    }
    out.set("hash", hex_data(tx.id)).set("type", "0x0").set("chainId", quantity(tx.tx.chain_id()));
    out.set("from", hex_data(tx.sender))
        .set("to", hex_data(tx.tx.to))
        .set("nonce", quantity(tx.tx.nonce));
    out.set("value", quantity(tx.tx.value)).set("gas", quantity(tx.tx.gas_limit));
    out.set("gasPrice", quantity(tx.tx.gas_price)).set("input", hex_data(tx.tx.data));
    out.set("v", quantity(tx.tx.v))
        .set("r", quantity_of_word(tx.tx.r))
        .set("s", quantity_of_word(tx.tx.s));
    return out;
}

Value block_json(const BlockAnswer& answer, bool full) {
    const auto& block = *answer.block;
    const auto& header = block.header;
    auto transactions = Value::array();
    for (std::size_t i = 0; i < block.transactions.size(); ++i) {
        const auto& tx = *block.transactions[i];
        transactions.push(full ? transaction_json(tx, &answer, static_cast<std::uint32_t>(i))
                               : Value{hex_data(tx.id)});
    }
    // The keys that wallets look for; what has no meaning here has the value that they take for
    // none. No baseFeePerGas: with it they would sign another type of transaction.
    return Value::object({{"number", quantity(header.height.value)},
                          {"hash", hex_data(block.id)},
                          {"parentHash", hex_data(header.previous_hash)},
                          {"timestamp", quantity(header.timestamp)},
                          {"nonce", zeros(8)},
                          {"mixHash", zeros(32)},
                          {"difficulty", "0x0"},
                          {"totalDifficulty", "0x0"},
                          {"sha3Uncles", std::string{kNoUncles}},
                          {"uncles", Value::array()},
                          {"logsBloom", zeros(256)},
                          {"stateRoot", hex_data(header.state_root)},
                          {"transactionsRoot", hex_data(header.txs_root)},
                          {"receiptsRoot", hex_data(header.receipts_root)},
                          {"miner", hex_data(answer.miner)},
                          {"gasLimit", quantity(header.gas_limit)},
                          {"gasUsed", quantity(header.gas_used)},
                          {"extraData", hex_data(header.extra_data)},
                          {"size", quantity(luxtensor_size(block))},
                          {"validator", hex_data(header.validator)},
                          {"signature", hex_data(header.signature)},
                          {"transactions", std::move(transactions)}});
}

Value receipt_json(const TransactionAnswer& answer) {
    const auto& tx = *answer.tx;
    const auto& block = *answer.block;
    const auto& receipt = block.receipts[answer.index];
    std::uint64_t cumulative = 0;
    for (std::uint32_t i = 0; i <= answer.index; ++i) cumulative += block.receipts[i].gas_used;
    return Value::object({{"transactionHash", hex_data(tx.id)},
                          {"transactionIndex", quantity(answer.index)},
                          {"blockHash", hex_data(block.block->id)},
                          {"blockNumber", quantity(block.block->height().value)},
                          {"from", hex_data(tx.sender)},
                          {"to", hex_data(tx.tx.to)},
                          {"contractAddress", nullptr},
                          {"cumulativeGasUsed", quantity(cumulative)},
                          {"gasUsed", quantity(receipt.gas_used)},
                          {"effectiveGasPrice", quantity(tx.tx.gas_price)},
                          {"logs", Value::array()},
                          {"logsBloom", zeros(256)},
                          {"status", quantity(receipt.status)},
                          {"type", "0x0"}});
}

void get_block(Backend& backend, const Result<BlockRef>& which, Params params, const Reply& reply) {
    if (!which) return reply(bad_param(0, which.error()));
    bool full = false;
    if (params.size() > 1) {
        const auto flag = params[1].as_bool();
        if (!flag) return reply(bad_param(1, flag.error()));
        full = *flag;
    }
    const auto answer = backend.block(*which);
    if (!answer) return reply(refused(answer.error()));
    reply(*answer ? block_json(**answer, full) : Value{});
}

/// Reads (address, block) and hands over the account, a default one if there is none.
template <class Then>
void with_account(Backend& backend, Params params, const Reply& reply, Then then) {
    const auto address = parse_hash<Address>(params[0]);
    if (!address) return reply(bad_param(0, address.error()));
    const auto at = params.size() > 1 ? block_ref(params[1]) : BlockRef{Tag::latest};
    if (!at) return reply(bad_param(1, at.error()));
    const auto account = backend.account(*address, *at);
    if (!account) return reply(refused(account.error()));
    then(*address, *at, account->value_or(Account{}));
}

void get_balance(Backend& backend, Params params, Reply reply) {
    with_account(backend, params, reply,
                 [&](const Address&, const BlockRef&, const Account& account) {
                     reply(Value{quantity(account.balance)});
                 });
}

void get_transaction_count(Backend& backend, Params params, Reply reply) {
    with_account(backend, params, reply,
                 [&](const Address& address, const BlockRef& at, const Account& account) {
                     if (at != BlockRef{Tag::pending}) return reply(Value{quantity(account.nonce)});
                     backend.pending_nonce(address, [reply](Result<std::uint64_t> nonce) {
                         if (!nonce) return reply(refused(nonce.error()));
                         reply(Value{quantity(*nonce)});
                     });
                 });
}

void get_code(Backend& backend, Params params, Reply reply) {
    with_account(backend, params, reply,
                 [&](const Address& address, const BlockRef&, const Account&) {
                     reply(Value{backend.reserved(address) ? "0xfe" : "0x"});
                 });
}

struct Call {
    Address to;
    Bytes data;
};
Result<Call> parse_call(const Value& value) {
    if (!value.is_object()) return Error{Errc::malformed, "expected a transaction object"};
    Call out;
    const auto* to = value.find("to");
    if (to == nullptr || to->is_null())
        return Error{Errc::unsupported, "contract creation not supported"};
    SENNIT_TRY(out.to, parse_hash<Address>(*to));
    const auto* input = value.find("input");
    if (input == nullptr) input = value.find("data");
    if (input != nullptr && !input->is_null()) {
        SENNIT_TRY(out.data, parse_data(*input));
    }
    return out;
}

void call(Backend& backend, Params params, Reply reply) {
    const auto wanted = parse_call(params[0]);
    if (!wanted) return reply(bad_param(0, wanted.error()));
    const auto at = params.size() > 1 ? block_ref(params[1]) : BlockRef{Tag::latest};
    if (!at) return reply(bad_param(1, at.error()));
    const auto result = backend.call(wanted->to, wanted->data, *at);
    if (!result) return reply(refused(result.error()));
    reply(Value{hex_data(*result)});
}

void estimate_gas(Backend& backend, Params params, Reply reply) {
    const auto wanted = parse_call(params[0]);
    if (!wanted) return reply(bad_param(0, wanted.error()));
    // What cannot be paid for is told here, in geth's words: libraries show it to their users.
    const auto* from = params[0].find("from");
    const auto* value = params[0].find("value");
    if (from != nullptr && !from->is_null() && value != nullptr && !value->is_null()) {
        const auto sender = parse_hash<Address>(*from);
        if (!sender) return reply(bad_param(0, sender.error()));
        const auto amount = parse_quantity(*value);
        if (!amount) return reply(bad_param(0, amount.error()));
        const auto account = backend.account(*sender, Tag::latest);
        if (!account) return reply(refused(account.error()));
        if (account->value_or(Account{}).balance < *amount) {
            return reply(Failure{kServerError, "insufficient funds for gas * price + value"});
        }
    }
    reply(Value{quantity(backend.estimate_gas(wanted->to, wanted->data))});
}

void send_raw_transaction(Backend& backend, Params params, Reply reply) {
    auto raw = parse_data(params[0]);
    if (!raw) return reply(bad_param(0, raw.error()));
    backend.submit(*std::move(raw), [reply](Result<TxId> id) {
        if (!id) return reply(refused(id.error()));
        reply(Value{hex_data(*id)});
    });
}

template <class Show>
void with_transaction(Backend& backend, Params params, Reply reply, Show show) {
    const auto id = parse_hash<TxId>(params[0]);
    if (!id) return reply(bad_param(0, id.error()));
    backend.transaction(
        *id, [reply = std::move(reply), show](Result<std::optional<TransactionAnswer>> answer) {
            if (!answer) return reply(refused(answer.error()));
            reply(*answer ? show(**answer) : Value{});
        });
}

void get_transaction(Backend& backend, Params params, Reply reply) {
    with_transaction(backend, params, std::move(reply), [](const TransactionAnswer& answer) {
        return transaction_json(*answer.tx, answer.block ? &*answer.block : nullptr, answer.index);
    });
}

void get_receipt(Backend& backend, Params params, Reply reply) {
    with_transaction(backend, params, std::move(reply), [](const TransactionAnswer& answer) {
        const bool mined = answer.block && answer.index < answer.block->receipts.size();
        return mined ? receipt_json(answer) : Value{};
    });
}

void get_block_by_number(Backend& backend, Params params, Reply reply) {
    get_block(backend, block_ref(params[0]), params, reply);
}

void get_block_by_hash(Backend& backend, Params params, Reply reply) {
    const auto id = parse_hash<BlockId>(params[0]);
    if (!id) return reply(bad_param(0, id.error()));
    get_block(backend, BlockRef{*id}, params, reply);
}

void syncing(Backend& backend, Params, Reply reply) {
    const auto status = backend.status();
    if (status.sync_phase != "SYNCING") return reply(Value{false});
    reply(Value::object({{"startingBlock", "0x0"},
                         {"currentBlock", quantity(status.finalized.value)},
                         {"highestBlock", quantity(status.sync_target.value)}}));
}

void sha3(Backend&, Params params, Reply reply) {
    const auto raw = parse_data(params[0]);
    if (!raw) return reply(bad_param(0, raw.error()));
    reply(Value{hex_data(crypto::keccak256(*raw))});
}

}  // namespace

std::span<const Method> eth_methods() {
    static constexpr Method kMethods[] = {
        {"eth_chainId", "chain id", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{quantity(b.chain_id())}); }},
        {"eth_blockNumber", "height of the head", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{quantity(b.status().head.value)}); }},
        {"eth_getBlockByNumber", "block by number or tag; full transactions or hashes", 1, 2,
         get_block_by_number},
        {"eth_getBlockByHash", "block by hash; full transactions or hashes", 1, 2,
         get_block_by_hash},
        {"eth_getBalance", "balance of an address", 1, 2, get_balance},
        {"eth_getTransactionCount", "nonce of an address; \"pending\" counts the pool", 1, 2,
         get_transaction_count},
        {"eth_getCode", "0xfe for system accounts, 0x elsewhere", 1, 2, get_code},
        {"eth_call", "a view of a system account", 1, 2, call},
        {"eth_estimateGas", "gas that a transaction will use", 1, 2, estimate_gas},
        {"eth_gasPrice", "smallest price that is accepted", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{quantity(b.min_gas_price())}); }},
        {"eth_sendRawTransaction", "takes a signed legacy (EIP-155) transaction", 1, 1,
         send_raw_transaction},
        {"eth_getTransactionByHash", "transaction, mined or waiting", 1, 1, get_transaction},
        {"eth_getTransactionReceipt", "receipt, null until it is in a block", 1, 1, get_receipt},
        {"eth_syncing", "false, or how far", 0, 0, syncing},
        {"eth_accounts", "always empty: the node holds no account keys", 0, 0,
         [](Backend&, Params, Reply r) { r(Value::array()); }},
        {"net_version", "chain id in decimal", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{std::to_string(b.chain_id())}); }},
        {"net_peerCount", "connected peers", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{quantity(b.status().peers)}); }},
        {"net_listening", "true", 0, 0, [](Backend&, Params, Reply r) { r(Value{true}); }},
        {"web3_clientVersion", "name and version of this program", 0, 0,
         [](Backend& b, Params, Reply r) { r(Value{b.client_version()}); }},
        {"web3_sha3", "Keccak-256 of data", 1, 1, sha3},
    };
    return kMethods;
}

}  // namespace sennit::rpc
