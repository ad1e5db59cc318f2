// SPDX-License-Identifier: MIT
#include "transport/http/http.hpp"

#include <gmock/gmock.h>

#include <future>

#include "base/bytes.hpp"
#include "io/http_client.hpp"
#include "transport/testing.hpp"

namespace sennit::transport::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Node;
using testing::SeenLink;

Node::Make http_with(Options options = {}) {
    return [options](Environment e) { return make_transport(std::move(e), options); };
}

SharedBytes shared(std::string_view text) {
    return std::make_shared<const Bytes>(to_bytes(as_bytes(text)));
}

const SeenLink& only(const Node& node) {
    return node.links.begin()->second;
}

struct HttpTransportTest : ::testing::Test {
    /// A protocol that answers every request with `code` and what it got.
    void answer_everything(Node& node, int code) {
        node.also = [&node, code](const CarrierInput& input) {
            const auto* got = std::get_if<LinkBytes>(&input);
            if (got == nullptr) return;
            const auto answer = std::string{got->label} + ": " + std::string{as_text(got->bytes)};
            node.carry_out(Transmit{got->link, shared(answer), {}, code});
        };
    }
    /// A protocol that makes one request on every link that it opened.
    void ask_on_open(Node& node, std::string label, std::string body) {
        node.also = [&node, label, body](const CarrierInput& input) {
            const auto* open = std::get_if<LinkOpen>(&input);
            if (open == nullptr) return;
            node.carry_out(Transmit{open->id, shared(body), label, 0});
        };
    }
    static bool all_closed(const Node& node) {
        for (const auto& [id, link] : node.links) {
            if (!link.closed) return false;
        }
        return !node.links.empty();
    }
    /// What a foreign client gets.
    io::HttpResponse ask(Node& server, std::string method, std::string target, std::string body) {
        io::HttpCall call{.host = server.listening[0].host,
                          .port = server.listening[0].port,
                          .method = std::move(method),
                          .target = std::move(target),
                          .body = std::move(body),
                          .timeout = io::testing::kTestDeadline};
        auto answer = std::async(std::launch::async, [call] { return io::http_request(call); });
        // The client's thread tells the context nothing, so the context looks up now and then.
        while (answer.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
            if (context.stopped()) context.restart();
            context.run_one_for(std::chrono::milliseconds{1});
        }
        auto got = answer.get();
        EXPECT_TRUE(got) << (got ? "" : got.error().text());
        return got ? *got : io::HttpResponse{.status = 0};
    }

    boost::asio::io_context context;
};

TEST_F(HttpTransportTest, a_link_is_one_request_and_its_one_answer) {
    Node server{context, http_with()};
    Node client{context, http_with()};
    answer_everything(server, 403);
    ask_on_open(client, "POST /message", "{\"ttl\":5}");
    const auto dial = client.dial(server.listen("http://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return all_closed(client) && all_closed(server); }));

    EXPECT_EQ(only(server).open.carrier, Carrier::exchange);
    EXPECT_TRUE(only(server).open.inbound);
    EXPECT_EQ(only(server).open.local, server.listening[0]);
    EXPECT_EQ(only(server).open.remote.host, "127.0.0.1");
    EXPECT_THAT(only(server).labels, ElementsAre("POST /message"));
    EXPECT_EQ(as_text(only(server).received), "{\"ttl\":5}");
    EXPECT_EQ(only(server).closed, "answered");

    EXPECT_EQ(only(client).open.dial, dial);
    EXPECT_EQ(only(client).open.carrier, Carrier::exchange);
    EXPECT_THAT(only(client).codes, ElementsAre(403));
    EXPECT_EQ(as_text(only(client).received), "POST /message: {\"ttl\":5}");
    EXPECT_EQ(only(client).closed, "answered");
}

TEST_F(HttpTransportTest, many_exchanges_run_side_by_side) {
    constexpr std::size_t kExchanges = 50;
    Node server{context, http_with()};
    Node client{context, http_with()};
    answer_everything(server, 200);
    ask_on_open(client, "POST /message", "x");
    const auto address = server.listen("http://127.0.0.1:0");
    for (std::size_t i = 0; i < kExchanges; ++i) client.dial(address);
    ASSERT_TRUE(client.until([&] {
        return client.links.size() == kExchanges && all_closed(client) && all_closed(server);
    }));
    for (const auto& [id, link] : client.links) EXPECT_THAT(link.codes, ElementsAre(200));
}

TEST_F(HttpTransportTest, a_foreign_client_is_served_and_the_label_of_an_answer_is_its_type) {
    Node server{context, http_with()};
    server.also = [&](const CarrierInput& input) {
        if (const auto* got = std::get_if<LinkBytes>(&input)) {
            server.carry_out(Transmit{got->link, shared("[]"), "application/json", 200});
        }
    };
    server.listen("http://localhost:0");
    const auto got = ask(server, "GET", "/peers", "");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "[]");
    EXPECT_EQ(got.content_type, "application/json");
    EXPECT_THAT(only(server).labels, ElementsAre("GET /peers"));
}

TEST_F(HttpTransportTest, a_body_over_the_limit_never_becomes_a_link) {
    Node server{context, http_with({.body_size_max = 1000})};
    answer_everything(server, 200);
    server.listen("http://127.0.0.1:0");
    EXPECT_EQ(ask(server, "POST", "/message", std::string(1001, 'x')).status, 413);
    EXPECT_TRUE(server.links.empty());
}

TEST_F(HttpTransportTest, hanging_up_on_a_request_is_a_503) {
    Node server{context, http_with()};
    server.also = [&](const CarrierInput& input) {
        if (const auto* open = std::get_if<LinkOpen>(&input)) {
            server.carry_out(HangUp{open->id, "banned"});
        }
    };
    server.listen("http://127.0.0.1:0");
    EXPECT_EQ(ask(server, "POST", "/message", "x").status, 503);
    ASSERT_TRUE(server.until([&] { return all_closed(server); }));
    EXPECT_EQ(only(server).closed, "banned");
    EXPECT_TRUE(only(server).received.empty());
}

TEST_F(HttpTransportTest, a_request_that_the_protocol_never_answers_is_a_504_and_closes) {
    Node server{context, http_with({.answer_timeout = std::chrono::milliseconds{20}})};
    server.listen("http://127.0.0.1:0");
    EXPECT_EQ(ask(server, "POST", "/message", "x").status, 504);
    ASSERT_TRUE(server.until([&] { return all_closed(server); }));
    EXPECT_EQ(only(server).closed, "not answered in time");
}

TEST_F(HttpTransportTest, a_peer_that_never_answers_closes_the_link_with_its_reason) {
    Node server{context, http_with()};
    Node client{context, http_with({.answer_timeout = std::chrono::milliseconds{20}})};
    ask_on_open(client, "POST /message", "x");
    client.dial(server.listen("http://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return all_closed(client); }));
    EXPECT_THAT(*only(client).closed, HasSubstr("no answer in time"));
    EXPECT_TRUE(only(client).codes.empty());
}

TEST_F(HttpTransportTest, a_link_on_which_nothing_is_asked_closes) {
    Node server{context, http_with()};
    Node client{context, http_with({.request_timeout = std::chrono::milliseconds{20}})};
    client.dial(server.listen("http://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return all_closed(client); }));
    EXPECT_EQ(only(client).closed, "no request was made in time");
    EXPECT_TRUE(server.links.empty());
}

TEST_F(HttpTransportTest, a_request_made_before_hanging_up_still_arrives) {
    Node server{context, http_with()};
    Node client{context, http_with()};
    answer_everything(server, 200);
    client.also = [&](const CarrierInput& input) {
        if (const auto* open = std::get_if<LinkOpen>(&input)) {
            client.carry_out(Transmit{open->id, shared("x"), "POST /message", 0});
            client.carry_out(HangUp{open->id, "no interest in the answer"});
        }
    };
    client.dial(server.listen("http://127.0.0.1:0"));
    ASSERT_TRUE(client.until([&] { return all_closed(client) && all_closed(server); }));
    EXPECT_EQ(as_text(only(server).received), "x");
    EXPECT_TRUE(only(client).codes.empty());
    EXPECT_EQ(only(client).closed, "no interest in the answer");
}

TEST_F(HttpTransportTest, a_refused_dial_and_a_taken_address_are_reported) {
    Node server{context, http_with()};
    Node other{context, http_with()};
    const auto taken = server.listen("http://127.0.0.1:0");
    other.carry_out(Listen{taken});
    ASSERT_TRUE(other.until([&] { return !other.listen_failures.empty(); }));
    EXPECT_THAT(other.listen_failures[0], HasSubstr("in use"));
    server.stop();
    const auto id = other.dial(taken);
    ASSERT_TRUE(other.until([&] { return other.dial_failures.contains(id); }));
    EXPECT_THAT(other.dial_failures.at(id), HasSubstr("Connection refused"));
}

TEST_F(HttpTransportTest, stop_answers_what_waits_and_closes_every_link) {
    Node server{context, http_with()};
    Node client{context, http_with()};
    ask_on_open(client, "POST /message", "x");
    client.dial(server.listen("http://127.0.0.1:0"));
    ASSERT_TRUE(server.until([&] { return server.links.size() == 1; }));
    server.stop();
    EXPECT_EQ(only(server).closed, "stopping");
    ASSERT_TRUE(client.until([&] { return all_closed(client); }));
    EXPECT_THAT(only(client).codes, ElementsAre(503));
    client.stop();
}

}  // namespace
}  // namespace sennit::transport::http
