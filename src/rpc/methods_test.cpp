// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "rpc/rpc.hpp"
#include "rpc/scripted_backend.hpp"

namespace sennit::rpc {
namespace {

using json::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScriptedBackend;

constexpr const char* kTxId = "0x33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788";
constexpr const char* kSender = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
constexpr const char* kSystem = "0x0000000000000000000000000000000000001000";

class Methods : public ::testing::Test {
  protected:
    Methods() {
        script_two_blocks(backend_);
        backend_.accounts[*hash_from_hex<Address>(kSender)] = {9, 1'000'000, {}, {}};
        backend_.system = *hash_from_hex<Address>(kSystem);
    }

    Value response(std::string_view method, std::string_view params) {
        std::string text;
        handle(backend_,
               R"({"jsonrpc":"2.0","id":1,"method":")" + std::string{method} + R"(","params":)" +
                   std::string{params} + "}",
               [&](std::string answer) { text = std::move(answer); });
        auto out = json::parse(text);
        EXPECT_TRUE(out) << text;
        return out ? *out : Value{};
    }
    /// The result; a failure becomes a text that no test expects.
    Value ask(std::string_view method, std::string_view params = "[]") {
        const auto answer = response(method, params);
        const auto* result = answer.find("result");
        return result ? *result : Value{json::write(answer, json::Style::compact)};
    }
    /// "-32000 text".
    std::string failure(std::string_view method, std::string_view params = "[]") {
        const auto answer = response(method, params);
        const auto error = answer.get("error");
        if (!error) return json::write(answer, json::Style::compact);
        return std::string{*(*error)->get("code").value()->as_number()} + " " +
               std::string{*(*error)->get_text("message")};
    }
    static std::vector<std::string> keys(const Value& object) {
        std::vector<std::string> out;
        for (const auto& member : *object.as_object()) out.push_back(member.key);
        std::sort(out.begin(), out.end());
        return out;
    }
    std::string head_id() const { return "0x" + to_hex(backend_.blocks.back().block->id); }

    ScriptedBackend backend_;
};

TEST_F(Methods, numbers_are_quantities) {
    backend_.chain = 1337;
    backend_.where.head = Height{255};
    backend_.where.peers = 3;
    EXPECT_EQ(ask("eth_chainId"), Value{"0x539"});
    EXPECT_EQ(ask("net_version"), Value{"1337"});
    EXPECT_EQ(ask("eth_blockNumber"), Value{"0xff"});
    EXPECT_EQ(ask("eth_gasPrice"), Value{"0x3b9aca00"});
    EXPECT_EQ(ask("net_peerCount"), Value{"0x3"});
    EXPECT_EQ(ask("net_listening"), Value{true});
    EXPECT_EQ(ask("eth_accounts"), Value::array());
    EXPECT_EQ(ask("web3_clientVersion"), Value{"sennit/test"});
}

TEST_F(Methods, web3_sha3_is_keccak) {
    EXPECT_EQ(ask("web3_sha3", R"(["0x"])"),
              Value{"0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"});
    EXPECT_THAT(failure("web3_sha3", "[1]"), HasSubstr("-32602 invalid argument 0"));
}

TEST_F(Methods, a_block_has_the_keys_that_wallets_read_and_no_others) {
    // No baseFeePerGas: with it viem signs a type of transaction that this chain refuses.
    EXPECT_THAT(
        keys(ask("eth_getBlockByNumber", R"(["0x1"])")),
        ElementsAre("difficulty", "extraData", "gasLimit", "gasUsed", "hash", "logsBloom", "miner",
                    "mixHash", "nonce", "number", "parentHash", "receiptsRoot", "sha3Uncles",
                    "signature", "size", "stateRoot", "timestamp", "totalDifficulty",
                    "transactions", "transactionsRoot", "uncles", "validator"));
}

TEST_F(Methods, a_block_is_shown_in_ethereums_spelling) {
    const auto block = ask("eth_getBlockByNumber", R"(["0x1",false])");
    const auto& header = backend_.blocks[1].block->header;
    const auto text = [&](std::string_view key) { return std::string{*block.get_text(key)}; };
    EXPECT_EQ(text("number"), "0x1");
    EXPECT_EQ(text("hash"), head_id());
    EXPECT_EQ(text("parentHash"), "0x" + to_hex(header.previous_hash));
    EXPECT_EQ(text("timestamp"), "0x6553f102");
    EXPECT_EQ(text("nonce"), "0x0000000000000000");
    EXPECT_EQ(text("mixHash"), "0x" + std::string(64, '0'));
    EXPECT_EQ(text("difficulty"), "0x0");
    EXPECT_EQ(text("sha3Uncles"),
              "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    EXPECT_EQ(text("logsBloom"), "0x" + std::string(512, '0'));
    EXPECT_EQ(text("miner"), "0x" + std::string(40, '7'));  // 20 bytes: at 32 ethers throws
    EXPECT_EQ(text("gasUsed"), "0x5208");
    EXPECT_EQ(text("gasLimit"), "0x1c9c380");
    EXPECT_EQ(text("extraData"), "0x0100");
    EXPECT_EQ(text("size"), [&] {
        char hex[32];
        std::snprintf(hex, sizeof hex, "0x%zx", luxtensor_size(*backend_.blocks[1].block));
        return std::string{hex};
    }());
    EXPECT_EQ(text("validator"), "0x" + std::string(64, 'a'));
    EXPECT_EQ(text("signature"), "0x" + std::string(128, 'b'));
    EXPECT_EQ(*block.find("uncles"), Value::array());
    EXPECT_EQ(*block.find("transactions"), Value::array({Value{kTxId}}));
}

TEST_F(Methods, a_full_block_holds_its_transactions) {
    const auto block = ask("eth_getBlockByHash", "[\"" + head_id() + "\",true]");
    const auto list = *block.get_array("transactions");
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0], ask("eth_getTransactionByHash", "[\"" + std::string{kTxId} + "\"]"));
}

TEST_F(Methods, blocks_are_found_by_tag_number_and_hash) {
    const std::pair<const char*, BlockRef> cases[] = {
        {R"("latest")", Tag::latest},     {R"("pending")", Tag::pending},
        {R"("safe")", Tag::safe},         {R"("finalized")", Tag::finalized},
        {R"("earliest")", Tag::earliest}, {"null", Tag::latest},
        {R"("0x1")", Height{1}},          {R"({"blockNumber":"0x1"})", Height{1}},
    };
    for (const auto& [text, which] : cases) {
        EXPECT_TRUE(ask("eth_getBlockByNumber", "[" + std::string{text} + "]").is_object()) << text;
        EXPECT_EQ(backend_.asked.back(), which) << text;
    }
    ask("eth_getBalance",
        "[\"" + std::string{kSender} + R"(",{"blockHash":")" + head_id() + "\"}]");
    EXPECT_EQ(backend_.asked.back(), BlockRef{backend_.blocks[1].block->id});
    EXPECT_TRUE(ask("eth_getBlockByNumber", R"(["0x63"])").is_null());
    EXPECT_TRUE(ask("eth_getBlockByHash", "[\"0x" + std::string(64, '1') + "\"]").is_null());
}

TEST_F(Methods, bad_blocks_are_refused_with_the_place_of_the_argument) {
    for (const auto* which : {R"("newest")", R"("1")", R"("0x01")", "1", "true", "{}", "[]",
                              R"({"blockHash":"0x12"})", R"("0x10000000000000000")"}) {
        EXPECT_THAT(failure("eth_getBlockByNumber", "[" + std::string{which} + "]"),
                    HasSubstr("-32602 invalid argument 0: "))
            << which;
        EXPECT_THAT(failure("eth_getBalance",
                            "[\"" + std::string{kSender} + "\"," + std::string{which} + "]"),
                    HasSubstr("-32602 invalid argument 1: "))
            << which;
    }
    EXPECT_THAT(failure("eth_getBlockByNumber", R"(["latest","yes"])"),
                HasSubstr("-32602 invalid argument 1: "));
    EXPECT_THAT(failure("eth_getBlockByHash", R"(["latest"])"),
                HasSubstr("-32602 invalid argument 0: "));
}

TEST_F(Methods, accounts_that_are_not_there_have_nothing) {
    const std::string sender = "[\"" + std::string{kSender} + "\"]";
    const std::string nobody = "[\"0x" + std::string(40, '1') + "\",\"latest\"]";
    EXPECT_EQ(ask("eth_getBalance", sender), Value{"0xf4240"});
    EXPECT_EQ(ask("eth_getBalance", nobody), Value{"0x0"});
    EXPECT_EQ(ask("eth_getTransactionCount", sender), Value{"0x9"});
    EXPECT_EQ(ask("eth_getTransactionCount", nobody), Value{"0x0"});
    EXPECT_EQ(ask("eth_getCode", sender), Value{"0x"});
    EXPECT_EQ(ask("eth_getCode", "[\"" + std::string{kSystem} + "\"]"), Value{"0xfe"});
    for (const auto* method : {"eth_getBalance", "eth_getTransactionCount", "eth_getCode"}) {
        EXPECT_EQ(failure(method, R"(["0x12"])"),
                  "-32602 invalid argument 0: hex string of the wrong length: expected 20 bytes, "
                  "got 1");
    }
}

TEST_F(Methods, only_the_pending_nonce_counts_the_pool) {
    backend_.nonce_with_pool = 12;
    const auto count = [&](const char* tag) {
        return ask("eth_getTransactionCount", "[\"" + std::string{kSender} + "\",\"" + tag + "\"]");
    };
    EXPECT_EQ(count("pending"), Value{"0xc"});
    for (const auto* tag : {"latest", "safe", "finalized"}) EXPECT_EQ(count(tag), Value{"0x9"});
}

TEST_F(Methods, pruned_state_is_named_in_full) {
    backend_.trouble = Error{Errc::not_found, "state is pruned", Error::kNowhere,
                             "state of block 1 is pruned, oldest is 7"};
    for (const auto* method : {"eth_getBalance", "eth_getTransactionCount", "eth_getCode"}) {
        EXPECT_EQ(failure(method, "[\"" + std::string{kSender} + "\",\"0x1\"]"),
                  "-32000 state of block 1 is pruned, oldest is 7");
    }
    EXPECT_EQ(failure("eth_call", "[{\"to\":\"" + std::string{kSystem} + "\"},\"0x1\"]"),
              "-32000 state of block 1 is pruned, oldest is 7");
    backend_.trouble = Error{Errc::not_found, "header not found"};
    EXPECT_EQ(failure("eth_getBalance", "[\"" + std::string{kSender} + "\",\"0x1\"]"),
              "-32000 header not found");
}

TEST_F(Methods, a_failing_disk_is_no_fault_of_the_request) {
    backend_.trouble = Error{Errc::io, "cannot read"};
    EXPECT_EQ(failure("eth_getBlockByNumber", R"(["latest"])"), "-32603 cannot read");
    EXPECT_EQ(failure("eth_getTransactionByHash", "[\"" + std::string{kTxId} + "\"]"),
              "-32603 cannot read");
}

TEST_F(Methods, eth_call_asks_views_of_system_accounts) {
    const auto call = [&](const std::string& rest) {
        return ask("eth_call", "[{\"to\":\"" + std::string{kSystem} + "\"" + rest + "}]");
    };
    EXPECT_EQ(call(R"(,"data":"0x1234")"), Value{"0x1234"});
    EXPECT_EQ(call(R"(,"input":"0x5678","data":"0x1234")"), Value{"0x5678"});
    EXPECT_EQ(call(""), Value{"0x"});
    EXPECT_EQ(call(R"(,"data":null)"), Value{"0x"});
    EXPECT_EQ(ask("eth_call", "[{\"to\":\"" + std::string{kSender} + "\"},\"latest\"]"),
              Value{"0x"});
}

TEST_F(Methods, eth_call_refuses_what_it_would_have_to_ignore) {
    EXPECT_EQ(failure("eth_call", R"([{"data":"0x60"}])"),
              "-32602 invalid argument 0: contract creation not supported");
    EXPECT_THAT(failure("eth_call", R"(["0x12"])"), HasSubstr("-32602 invalid argument 0"));
    EXPECT_THAT(failure("eth_call", R"([{"to":"0x12"}])"), HasSubstr("-32602 invalid argument 0"));
    // A third one would be geth's state overrides.
    EXPECT_EQ(failure("eth_call", R"([{},"latest",{}])"),
              "-32602 too many arguments, want at most 2");
}

TEST_F(Methods, an_estimate_says_in_geths_words_what_cannot_be_paid) {
    const auto call = [](const std::string& value) {
        return "[{\"from\":\"" + std::string{kSender} + "\",\"to\":\"" + kSystem +
               "\",\"value\":" + value + ",\"data\":\"0xff\"}]";
    };
    EXPECT_EQ(ask("eth_estimateGas", call(R"("0xf4240")")), Value{"0x5218"});
    EXPECT_EQ(ask("eth_estimateGas", call("null")), Value{"0x5218"});
    EXPECT_EQ(failure("eth_estimateGas", call(R"("0xf4241")")),
              "-32000 insufficient funds for gas * price + value");
    EXPECT_THAT(failure("eth_estimateGas", call("1")), HasSubstr("-32602 invalid argument 0"));
}

TEST_F(Methods, a_sent_transaction_is_acknowledged_when_the_node_has_it) {
    const auto raw = "0x" + to_hex(testing::eip155_example()->rlp);
    EXPECT_EQ(ask("eth_sendRawTransaction", "[\"" + raw + "\"]"), Value{kTxId});
    ASSERT_EQ(backend_.submitted.size(), 1u);
    EXPECT_EQ(backend_.submitted[0], testing::eip155_example()->rlp);

    backend_.hold = true;
    std::string text;
    handle(
        backend_,
        R"({"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":[")" + raw + "\"]}",
        [&](std::string answer) { text = std::move(answer); });
    EXPECT_EQ(text, "");
    ASSERT_EQ(backend_.held.size(), 1u);
    backend_.held[0]();
    EXPECT_THAT(text, HasSubstr(kTxId));
}

TEST_F(Methods, the_nodes_reasons_reach_the_sender_unchanged) {
    for (const auto* reason :
         {"already known", "intrinsic gas too low", "insufficient funds for gas * price + value",
          "replacement transaction underpriced", "transaction type not valid: only legacy",
          "only replay-protected (EIP-155) transactions allowed"}) {
        backend_.trouble = Error{Errc::invalid, reason};
        EXPECT_EQ(failure("eth_sendRawTransaction", R"(["0x00"])"),
                  "-32000 " + std::string{reason});
    }
    backend_.trouble =
        Error{Errc::invalid, "nonce too low", Error::kNowhere, "next nonce 4, tx nonce 3"};
    EXPECT_EQ(failure("eth_sendRawTransaction", R"(["0x00"])"),
              "-32000 nonce too low: next nonce 4, tx nonce 3");
    EXPECT_THAT(failure("eth_sendRawTransaction", R"(["00"])"),
                HasSubstr("-32602 invalid argument 0"));
}

TEST_F(Methods, a_transaction_shows_its_signature_as_quantities) {
    auto expected = Value::object(
        {{"blockHash", head_id()},
         {"blockNumber", "0x1"},
         {"transactionIndex", "0x0"},
         {"hash", kTxId},
         {"type", "0x0"},
         {"chainId", "0x1"},
         {"from", kSender},
         {"to", "0x3535353535353535353535353535353535353535"},
         {"nonce", "0x9"},
         {"value", "0xde0b6b3a7640000"},
         {"gas", "0x5208"},
         {"gasPrice", "0x4a817c800"},
         {"input", "0x"},
         {"v", "0x25"},
         {"r", "0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"},
         {"s", "0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"}});
    const auto params = "[\"" + std::string{kTxId} + "\"]";
    EXPECT_EQ(ask("eth_getTransactionByHash", params), expected);

    backend_.transactions.begin()->second.block.reset();  // it waits in the pool
    expected.set("blockHash", nullptr).set("blockNumber", nullptr).set("transactionIndex", nullptr);
    EXPECT_EQ(ask("eth_getTransactionByHash", params), expected);
    EXPECT_TRUE(ask("eth_getTransactionReceipt", params).is_null());

    backend_.transactions.clear();
    EXPECT_TRUE(ask("eth_getTransactionByHash", params).is_null());
    EXPECT_TRUE(ask("eth_getTransactionReceipt", params).is_null());
    EXPECT_THAT(failure("eth_getTransactionByHash", R"(["0x12"])"), HasSubstr("-32602"));
}

TEST_F(Methods, a_receipt_adds_up_the_gas_before_it) {
    auto& answer = backend_.transactions.begin()->second;
    answer.block->receipts = {{1, 30'000}, {0, 21'000}};
    answer.index = 1;
    const auto receipt = ask("eth_getTransactionReceipt", "[\"" + std::string{kTxId} + "\"]");
    EXPECT_EQ(receipt, Value::object({{"transactionHash", kTxId},
                                      {"transactionIndex", "0x1"},
                                      {"blockHash", head_id()},
                                      {"blockNumber", "0x1"},
                                      {"from", kSender},
                                      {"to", "0x3535353535353535353535353535353535353535"},
                                      {"contractAddress", nullptr},
                                      {"cumulativeGasUsed", "0xc738"},
                                      {"gasUsed", "0x5208"},
                                      {"effectiveGasPrice", "0x4a817c800"},
                                      {"logs", Value::array()},
                                      {"logsBloom", "0x" + std::string(512, '0')},
                                      {"status", "0x0"},
                                      {"type", "0x0"}}));
}

TEST_F(Methods, a_block_whose_receipts_are_not_there_yet_gives_no_receipt) {
    backend_.transactions.begin()->second.block->receipts.clear();
    EXPECT_TRUE(ask("eth_getTransactionReceipt", "[\"" + std::string{kTxId} + "\"]").is_null());
}

TEST_F(Methods, syncing_is_false_or_says_how_far) {
    backend_.where.sync_phase = "SYNCED";
    EXPECT_EQ(ask("eth_syncing"), Value{false});
    EXPECT_EQ(ask("system_health"),
              Value::object({{"peers", 0}, {"isSyncing", false}, {"shouldHavePeers", true}}));
    backend_.where.sync_phase = "SYNCING";
    backend_.where.finalized = Height{16};
    backend_.where.sync_target = Height{255};
    EXPECT_EQ(ask("eth_syncing"),
              Value::object(
                  {{"startingBlock", "0x0"}, {"currentBlock", "0x10"}, {"highestBlock", "0xff"}}));
}

TEST_F(Methods, sennit_status_says_where_the_node_stands) {
    auto& where = backend_.where;
    where.safe = Height{1};
    where.slot_now = Slot{44};
    where.sync_phase = "SYNCING";
    where.sync_seconds_left = 1.5;
    auto status = ask("sennit_status");
    EXPECT_EQ(*status.get_u64("head"), 1u);
    EXPECT_EQ(*status.get_u64("slot"), 44u);
    EXPECT_TRUE(status.find("validator")->is_null());
    EXPECT_TRUE(status.find("fault")->is_null());
    EXPECT_EQ(*status.find("sync"), ask("sennit_syncProgress"));
    EXPECT_EQ(*status.find("sync")->get_double("secondsLeft"), 1.5);
    where.validator = ValidatorKey{};
    where.fault = "two certificates";
    status = ask("sennit_status");
    EXPECT_EQ(*status.get_text("validator"), "0x" + std::string(64, '0'));
    EXPECT_EQ(*status.get_text("fault"), "two certificates");
}

TEST_F(Methods, progress_never_writes_what_is_no_json) {
    backend_.where.sync_percent = std::numeric_limits<double>::quiet_NaN();
    backend_.where.sync_seconds_left = std::numeric_limits<double>::infinity();
    const auto progress = ask("sennit_syncProgress");
    EXPECT_TRUE(progress.find("percent")->is_null());
    EXPECT_TRUE(progress.find("secondsLeft")->is_null());
}

TEST_F(Methods, sennit_peers_shows_what_is_known_of_each) {
    backend_.connected = {
        {"moderntensor",
         "tcp://[::1]:1",
         "a\"\xff",
         {},
         false,
         true,
         true,
         7,
         -3,
         "new",
         {{"spam", -20, "GET_PEERS again"}}},
        {"moderntensor", "tcp://[::1]:2", "b", NodeId{}, true, false, false, 0, 0, "good", {}}};
    const auto peers = ask("sennit_peers");
    ASSERT_EQ(peers.as_array()->size(), 2u);
    const auto& first = (*peers.as_array())[0];
    EXPECT_THAT(keys(first),
                ElementsAre("address", "agent", "direction", "height", "nodeId", "protocol",
                            "proven", "reasons", "score", "sennit", "tier"));
    const auto& reason = (*first.get_array("reasons"))[0];
    EXPECT_EQ(*reason.get_text("deed"), "spam");
    EXPECT_EQ(*reason.find("delta"), Value{-20});
    EXPECT_EQ(*reason.get_text("what"), "GET_PEERS again");
    EXPECT_EQ(*first.get_text("direction"), "inbound");
    EXPECT_TRUE(first.find("nodeId")->is_null());
    EXPECT_EQ(*first.find("score"), Value{-3});
    EXPECT_EQ(*first.get_text("agent"), "a\"\xef\xbf\xbd");  // what is no UTF-8 is replaced
    EXPECT_EQ(*(*peers.as_array())[1].get_text("nodeId"), "0x" + std::string(64, '0'));
}

TEST_F(Methods, sennit_bans_says_who_until_when_and_why) {
    EXPECT_EQ(ask("sennit_bans"), Value::array());
    backend_.banned = {{"tcp://[::1]", 1'800'000'000, "spam: votes"}};
    EXPECT_EQ(ask("sennit_bans"),
              Value::array({Value::object({{"identity", "tcp://[::1]"},
                                           {"until", std::uint64_t{1'800'000'000}},
                                           {"why", "spam: votes"}})}));
}

TEST_F(Methods, sennit_pool_shows_the_best) {
    backend_.waiting = {3, 330, {testing::eip155_example()}};
    EXPECT_EQ(
        ask("sennit_pool"),
        Value::object({{"transactions", 3},
                       {"bytes", 330},
                       {"best", Value::array({Value::object({{"hash", kTxId},
                                                             {"from", kSender},
                                                             {"nonce", 9},
                                                             {"gasPrice", "0x4a817c800"}})})}}));
}

TEST_F(Methods, sennit_validators_and_finality_show_sets_and_proof) {
    EXPECT_EQ(ask("sennit_validators"), Value::array());
    EXPECT_TRUE(ask("sennit_finality").is_null());
    auto set = std::make_shared<ValidatorSet>();
    set->version = 4;
    set->first_slot = Slot{64};
    set->members = {{{}, {}, {}, 5}, {{}, {}, {}, 7}};
    backend_.sets = {set};
    const auto sets = ask("sennit_validators");
    const auto& shown = (*sets.as_array())[0];
    EXPECT_EQ(*shown.get_u64("version"), 4u);
    EXPECT_EQ(*shown.get_u64("firstSlot"), 64u);
    EXPECT_EQ(*shown.get_text("totalWeight"), "0xc");
    EXPECT_EQ(shown.get_array("members")->size(), 2u);

    auto proof = std::make_shared<Certificate>();
    proof->set_version = 4;
    proof->link.source.slot = Slot{8};
    proof->link.target.slot = Slot{9};
    proof->bitmap = {3};
    proof->signatures = {{}, {}};
    backend_.proof = proof;
    const auto finality = ask("sennit_finality");
    EXPECT_EQ(*finality.find("finalized")->get_u64("slot"), 8u);
    EXPECT_EQ(*finality.find("certified")->get_u64("slot"), 9u);
    EXPECT_EQ(*finality.get_u64("signers"), 2u);
    EXPECT_EQ(*finality.get_text("certificate"), "0x" + to_hex(encode(*proof)));
}

TEST_F(Methods, sennit_methods_has_a_line_for_each) {
    const auto methods = ask("sennit_methods");
    EXPECT_EQ(methods.as_object()->size(), 29u);
    for (const auto& member : *methods.as_object()) {
        EXPECT_FALSE(member.value.as_text()->empty()) << member.key;
    }
}

}  // namespace
}  // namespace sennit::rpc
