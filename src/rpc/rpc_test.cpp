// SPDX-License-Identifier: MIT
#include "rpc/rpc.hpp"

#include <gmock/gmock.h>

#include "rpc/scripted_backend.hpp"

namespace sennit::rpc {
namespace {

using ::testing::HasSubstr;
using testing::ScriptedBackend;

class Dispatcher : public ::testing::Test {
  protected:
    std::string ask(std::string_view request) {
        std::string out{"no answer"};
        int answers = 0;
        handle(backend_, request, [&](std::string text) {
            out = std::move(text);
            ++answers;
        });
        EXPECT_EQ(answers, 1) << request;
        return out;
    }

    ScriptedBackend backend_;
};

TEST_F(Dispatcher, answers_with_the_id_that_was_sent) {
    const auto with_id = [](const std::string& id) {
        return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"eth_chainId"})";
    };
    for (const auto* id :
         {"1", "0", "-7", "\"a\"", "\"\"", "null", "123456789012345678901234567890", "1.5"}) {
        EXPECT_EQ(ask(with_id(id)),
                  std::string{R"({"jsonrpc":"2.0","id":)"} + id + R"(,"result":"0x1"})");
    }
}

TEST_F(Dispatcher, refuses_ids_that_no_answer_can_carry) {
    // Our reader takes NaN and 1e999 as Python does; written back they would be no JSON.
    for (const auto* id : {"true", "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999"}) {
        const auto answer =
            ask(std::string{R"({"jsonrpc":"2.0","method":"eth_chainId","id":)"} + id + "}");
        EXPECT_THAT(answer, HasSubstr(R"("id":null,"error":{"code":-32600,)")) << id;
    }
}

TEST_F(Dispatcher, repeats_little_of_what_a_stranger_wrote) {
    const auto ask_with = [&](const std::string& id, const std::string& method) {
        return ask(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + "\"}");
    };
    const std::string long_id(257, '7');
    for (const auto& id : {long_id, '"' + long_id + '"'}) {
        const auto answer = ask_with(id, "eth_chainId");
        EXPECT_THAT(answer, HasSubstr(R"("id":null,"error":{"code":-32600,)"));
        EXPECT_THAT(answer, HasSubstr("id longer than 256 bytes"));
    }
    EXPECT_THAT(ask_with('"' + std::string(256, 'a') + '"', "eth_chainId"), HasSubstr("result"));
    EXPECT_LT(ask_with("1", std::string(500'000, '\x7f')).size(), 1000u);
    // Cut before a character of three bytes, not within it.
    EXPECT_THAT(ask_with("1", std::string(63, 'm') + "\xe2\x82\xac" + std::string(60, 'm')),
                HasSubstr(std::string(63, 'm') + "... does not exist"));
}

TEST_F(Dispatcher, does_not_answer_notifications) {
    EXPECT_EQ(ask(R"({"jsonrpc":"2.0","method":"eth_chainId"})"), "");
    EXPECT_EQ(ask(R"({"jsonrpc":"2.0","method":"no_such_method"})"), "");
    EXPECT_EQ(ask(R"([{"jsonrpc":"2.0","method":"eth_chainId"},
                      {"jsonrpc":"2.0","method":"eth_gasPrice"}])"),
              "");
}

TEST_F(Dispatcher, says_what_is_no_json) {
    for (const auto* text : {"", "{", "nonsense", "{}{}", "\xff", "[1,"}) {
        EXPECT_THAT(ask(text), HasSubstr(R"("id":null,"error":{"code":-32700,)")) << text;
    }
}

TEST_F(Dispatcher, says_what_is_no_request) {
    for (const auto* text :
         {"1", "null", "\"eth_chainId\"", "{}", R"({"id":1,"method":"eth_chainId"})",
          R"({"jsonrpc":"1.0","method":"eth_chainId"})", R"({"jsonrpc":2.0,"method":"a"})",
          R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","method":1})"}) {
        EXPECT_THAT(ask(text), HasSubstr(R"("error":{"code":-32600,)")) << text;
    }
}

TEST_F(Dispatcher, keeps_the_id_of_a_bad_request_when_it_can_be_read) {
    EXPECT_THAT(ask(R"({"jsonrpc":"2.0","id":5,"method":1})"),
                HasSubstr(R"("id":5,"error":{"code":-32600,)"));
}

TEST_F(Dispatcher, names_unknown_methods_as_libraries_expect_it) {
    // viem falls back from these to eth_gasPrice only on this code and this text.
    for (const std::string name :
         {"eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_fillTransaction",
          "eth_createAccessList", "ETH_CHAINID", ""}) {
        EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":1,"method":")" + name + "\"}"),
                  R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method )" +
                      name + R"( does not exist/is not available"}})");
    }
}

TEST_F(Dispatcher, counts_params) {
    const auto message = [&](const std::string& rest) {
        return ask(R"({"jsonrpc":"2.0","id":1,)" + rest + "}");
    };
    EXPECT_THAT(message(R"("method":"eth_getBalance")"),
                HasSubstr(R"("code":-32602,"message":"missing value for required argument 0")"));
    EXPECT_THAT(message(R"("method":"eth_getBalance","params":[])"), HasSubstr("-32602"));
    EXPECT_THAT(message(R"("method":"eth_chainId","params":[1])"),
                HasSubstr(R"("code":-32602,"message":"too many arguments, want at most 0")"));
    EXPECT_THAT(message(R"("method":"eth_chainId","params":{"a":1})"),
                HasSubstr(R"("code":-32602,"message":"params must be an array")"));
    for (const auto* none :
         {R"("method":"eth_chainId","params":null)", R"("method":"eth_chainId","params":[])"}) {
        EXPECT_THAT(message(none), HasSubstr(R"("result":"0x1")"));
    }
}

TEST_F(Dispatcher, answers_a_batch_in_its_order_and_leaves_out_notifications) {
    EXPECT_EQ(ask(R"([{"jsonrpc":"2.0","id":2,"method":"eth_chainId"},
                      {"jsonrpc":"2.0","method":"eth_chainId"},
                      7,
                      {"jsonrpc":"2.0","id":1,"method":"net_listening"}])"),
              R"([{"jsonrpc":"2.0","id":2,"result":"0x1"},)"
              R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,)"
              R"("message":"invalid request: expected an object"}},)"
              R"({"jsonrpc":"2.0","id":1,"result":true}])");
}

TEST_F(Dispatcher, limits_a_batch) {
    const auto batch = [](int count) {
        std::string out;
        for (int n = 0; n < count; ++n)
            out += std::string{n == 0 ? "[" : ","} +
                   R"({"jsonrpc":"2.0","id":1,"method":"eth_chainId"})";
        return out + "]";
    };
    EXPECT_THAT(ask("[]"), HasSubstr(R"("code":-32600,"message":"empty batch")"));
    EXPECT_THAT(ask(batch(101)), HasSubstr(R"("code":-32600,"message":"batch too large)"));
    EXPECT_EQ(json::parse(ask(batch(100)))->as_array()->size(), 100u);
}

TEST_F(Dispatcher, limits_what_a_batch_answers) {
    // A small question has a large answer: a hundred of them must not cost a hundred times that.
    testing::script_two_blocks(backend_);
    Header header;
    header.height = Height{2};
    Transaction large = testing::eip155_example()->tx;
    large.data = Bytes(120'000, 1);
    auto signed_large = std::make_shared<SignedTransaction>();
    signed_large->tx = large;
    backend_.blocks.push_back({make_block(header, {signed_large}), {}, {{1, 21'000}}});
    std::string request;
    for (int n = 0; n < 100; ++n)
        request +=
            std::string{n == 0 ? "[" : ","} +
            R"({"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x2",true]})";
    const auto answer = ask(request + "]");
    EXPECT_LT(answer.size(), 11'000'000u);
    EXPECT_GT(answer.size(), 9'000'000u);
    EXPECT_THAT(answer, HasSubstr(R"("error":{"code":-32003,"message":"response too large"})"));
    EXPECT_EQ(json::parse(answer)->as_array()->size(), 100u);
}

TEST_F(Dispatcher, limits_what_a_batch_answers_when_the_answers_come_later) {
    backend_.hold = true;
    backend_.connected.resize(1000);
    for (auto& peer : backend_.connected) peer.agent = std::string(1000, 'a');
    backend_.banned.resize(1000);
    for (auto& ban : backend_.banned) ban.why = std::string(1000, 'b');
    std::string request;
    for (int n = 0; n < 100; ++n)
        request += std::string{n == 0 ? "[" : ","} + R"({"jsonrpc":"2.0","id":1,"method":")" +
                   (n % 2 == 0 ? "sennit_peers" : "sennit_bans") + "\"}";
    std::string answer;
    handle(backend_, request + "]", [&](std::string text) { answer = std::move(text); });
    for (const auto& one : std::exchange(backend_.held, {})) one();
    EXPECT_LT(answer.size(), 12'000'000u);
    EXPECT_GT(answer.size(), 9'000'000u);
    EXPECT_THAT(answer, HasSubstr(R"("error":{"code":-32003,"message":"response too large"})"));
    EXPECT_EQ(json::parse(answer)->as_array()->size(), 100u);
}

TEST_F(Dispatcher, says_that_the_engine_is_busy) {
    backend_.trouble = Error{Errc::busy, "too many questions wait for the engine; try again"};
    for (const auto* method : {"sennit_peers", "sennit_bans", "sennit_pool"}) {
        EXPECT_THAT(ask(std::string{R"({"jsonrpc":"2.0","id":1,"method":")"} + method + "\"}"),
                    HasSubstr(R"("code":-32000,"message":"too many questions wait)"));
    }
}

TEST_F(Dispatcher, waits_for_all_of_a_batch_in_any_order) {
    backend_.hold = true;
    std::string out;
    handle(backend_,
           R"([{"jsonrpc":"2.0","id":1,"method":"sennit_pool"},
               {"jsonrpc":"2.0","id":2,"method":"sennit_peers"}])",
           [&](std::string text) { out = std::move(text); });
    ASSERT_EQ(backend_.held.size(), 2u);
    backend_.held[1]();
    EXPECT_EQ(out, "");
    backend_.held[0]();
    EXPECT_EQ(out, R"([{"jsonrpc":"2.0","id":1,"result":{"transactions":0,"bytes":0,"best":[]}},)"
                   R"({"jsonrpc":"2.0","id":2,"result":[]}])");
}

TEST_F(Dispatcher, bounds_depth_and_number_of_values) {
    EXPECT_THAT(ask(std::string(17, '[') + std::string(17, ']')), HasSubstr("-32700"));
    std::string many = "[0";
    for (int n = 0; n < 20'000; ++n) many += ",0";
    EXPECT_THAT(ask(many + "]"), HasSubstr("-32700"));
}

class Http : public ::testing::Test {
  protected:
    io::HttpResponse send(io::HttpRequest request, std::vector<std::string> origins = {}) {
        std::optional<io::HttpResponse> out;
        http_handler(backend_, {std::move(origins)})(
            std::move(request), [&](io::HttpResponse response) { out = std::move(response); });
        EXPECT_TRUE(out);
        return out.value_or(io::HttpResponse{});
    }
    static io::HttpRequest post(std::string origin = {}) {
        io::HttpRequest out;
        out.method = "POST";
        out.target = "/";
        out.content_type = "application/json";
        out.origin = std::move(origin);
        out.body = R"({"jsonrpc":"2.0","id":1,"method":"eth_chainId"})";
        return out;
    }
    static std::string header(const io::HttpResponse& response, std::string_view name) {
        for (const auto& [key, value] : response.headers) {
            if (key == name) return value;
        }
        return {};
    }

    ScriptedBackend backend_;
};

TEST_F(Http, answers_programs_which_send_no_origin) {
    const auto response = send(post());
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.body, R"({"jsonrpc":"2.0","id":1,"result":"0x1"})");
    EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "");
}

TEST_F(Http, refuses_pages_that_nobody_named) {
    for (const auto* origin : {"https://evil.example", "null", "http://localhost:8545"}) {
        const auto response = send(post(origin), {"https://wallet.example"});
        EXPECT_EQ(response.status, 403) << origin;
        EXPECT_THAT(response.body, ::testing::Not(HasSubstr("result")));
        EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "");
    }
    EXPECT_EQ(send(post("https://evil.example")).status, 403);
}

TEST_F(Http, answers_pages_that_are_named_and_says_so_to_the_browser) {
    const auto response =
        send(post("https://wallet.example"), {"https://other.example", "https://wallet.example"});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "https://wallet.example");
    EXPECT_EQ(header(response, "Vary"), "Origin");
    EXPECT_EQ(send(post("https://any.example"), {"*"}).status, 200);
}

TEST_F(Http, lets_browsers_ask_first) {
    auto preflight = post("https://wallet.example");
    preflight.method = "OPTIONS";
    const auto response = send(preflight, {"https://wallet.example"});
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(header(response, "Access-Control-Allow-Headers"), "content-type");
    EXPECT_EQ(send(preflight).status, 403);
}

TEST_F(Http, takes_json_only) {
    // These three a foreign page's form can send without being asked first.
    for (const auto* type : {"", "text/plain", "application/x-www-form-urlencoded",
                             "multipart/form-data", "application/jsonp"}) {
        auto request = post();
        request.content_type = type;
        EXPECT_EQ(send(request).status, 415) << type;
    }
    for (const auto* type : {"application/json; charset=utf-8", "application/json;charset=utf-8",
                             "Application/JSON", "application/json "}) {
        auto request = post();
        request.content_type = type;
        EXPECT_EQ(send(request).status, 200) << type;
    }
}

TEST_F(Http, takes_post_only) {
    for (const auto* method : {"GET", "PUT", "DELETE"}) {
        auto request = post();
        request.method = method;
        const auto response = send(request);
        EXPECT_EQ(response.status, 405) << method;
        EXPECT_EQ(header(response, "Allow"), "POST");
        EXPECT_THAT(response.body, HasSubstr("POST"));
    }
}

TEST_F(Http, has_no_content_for_notifications) {
    auto request = post();
    request.body = R"({"jsonrpc":"2.0","method":"eth_chainId"})";
    const auto response = send(request);
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.body, "");
}

}  // namespace
}  // namespace sennit::rpc
