// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "io/http_client.hpp"
#include "io/http_server.hpp"
#include "io/testing.hpp"
#include "io/thread_pool.hpp"

namespace sennit::io {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Reply = std::function<void(HttpResponse)>;

void echo(const HttpRequest& request, const Reply& reply) {
    HttpResponse response;
    response.body = request.method + " " + request.target + " " + request.body;
    response.content_type = request.content_type;
    response.headers.emplace_back("X-Origin", request.origin);
    reply(std::move(response));
}

/// A server on an io_context of its own thread, as the node runs its RPC.
class Server {
  public:
    explicit Server(HttpHandler handler, HttpServerOptions options = {})
        : server_{context_.get_executor(), options, std::move(handler),
                  [](std::string_view, std::string_view what) { ADD_FAILURE() << what; }} {
        auto bound = server_.listen();
        SENNIT_ASSERT(bound);
        address_ = *bound;
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~Server() { stop(); }

    void stop() {
        if (!thread_.joinable()) return;
        asio::co_spawn(context_, server_.stop(), [](const std::exception_ptr& error) {
            if (error) std::rethrow_exception(error);
        });
        thread_.join();
    }

    void refuse() { server_.refuse(); }
    HttpCall call(std::string target = "/", std::string body = "") const {
        return HttpCall{.host = address_.host,
                        .port = address_.port,
                        .method = body.empty() ? "GET" : "POST",
                        .target = std::move(target),
                        .body = std::move(body),
                        .timeout = testing::kTestDeadline};
    }
    std::uint16_t port() const { return address_.port; }

  private:
    asio::io_context context_;
    HttpServer server_;
    NetAddress address_;
    std::thread thread_;
};

/// A client that sends exactly these bytes.
class RawClient {
  public:
    explicit RawClient(const Server& server,
                       const asio::ip::address& to = asio::ip::address_v4::loopback())
        : socket_{context_} {
        socket_.connect({to, server.port()});
    }
    void send(std::string_view text) { asio::write(socket_, asio::buffer(text)); }
    /// Everything until the server closes.
    std::string read_all() {
        std::string out;
        boost::system::error_code error;
        asio::read(socket_, asio::dynamic_buffer(out), error);
        EXPECT_EQ(error, asio::error::eof);
        return out;
    }
    /// Whether the server closes instead of answering, by its end or by a reset.
    bool is_refused(std::string_view request) {
        boost::system::error_code error;
        asio::write(socket_, asio::buffer(request), error);
        char one = 0;
        return asio::read(socket_, asio::buffer(&one, 1), error) == 0;
    }
    std::string read(std::size_t n) {
        std::string out(n, '\0');
        asio::read(socket_, asio::buffer(out));
        return out;
    }

  private:
    asio::io_context context_;
    Tcp::socket socket_;
};

TEST(http, a_request_and_its_answer_arrive_whole) {
    Server server{echo};
    const auto got = http_request(server.call("/message?x=1", "{\"a\":1}"));
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "POST /message?x=1 {\"a\":1}");
    EXPECT_EQ(got->content_type, "application/json");
}

TEST(http, an_answer_may_come_later_and_from_another_thread) {
    WorkerThread worker{"worker", 8};
    Server server{[&worker](HttpRequest request, Reply reply) {
        worker.post([request = std::move(request), reply = std::move(reply)] {
            reply(HttpResponse{.status = 201, .body = request.body});
        });
    }};
    const auto got = http_request(server.call("/", "later"));
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->status, 201);
    EXPECT_EQ(got->body, "later");
}

TEST(http, a_reply_that_is_dropped_uncalled_becomes_500) {
    Server server{[](const HttpRequest&, const Reply&) {}};
    const auto got = http_request(server.call());
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->status, 500);
}

TEST(http, a_handler_that_never_answers_becomes_504_and_may_answer_too_late) {
    std::promise<Reply> kept;
    HttpServerOptions options;
    options.request_timeout = std::chrono::milliseconds{20};
    Server server{[&kept](const HttpRequest&, Reply reply) { kept.set_value(std::move(reply)); },
                  options};
    const auto got = http_request(server.call());
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->status, 504);
    kept.get_future().get()(HttpResponse{});
}

TEST(http, one_connection_carries_many_requests) {
    Server server{echo};
    RawClient client{server};
    const std::string request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(request + request);
    client.send("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto all = client.read_all();
    EXPECT_THAT(all, HasSubstr("GET /b"));
    std::size_t answers = 0;
    for (auto at = all.find("200 OK"); at != std::string::npos; at = all.find("200 OK", at + 1)) {
        ++answers;
    }
    EXPECT_EQ(answers, 3u);
}

TEST(http, a_body_over_the_limit_is_refused_with_413_and_the_client_can_read_it) {
    HttpServerOptions options;
    options.body_size_max = 1000;
    Server server{echo, options};
    const auto fits = http_request(server.call("/", std::string(1000, 'x')));
    ASSERT_TRUE(fits) << fits.error().text();
    EXPECT_EQ(fits->status, 200);
    const auto over = http_request(server.call("/", std::string(1001, 'x')));
    ASSERT_TRUE(over) << over.error().text();
    EXPECT_EQ(over->status, 413);
    const auto far_over = http_request(server.call("/", std::string(4u << 20, 'x')));
    ASSERT_TRUE(far_over) << far_over.error().text();
    EXPECT_EQ(far_over->status, 413);
}

TEST(http, headers_over_the_limit_are_refused_with_431) {
    HttpServerOptions options;
    options.header_size_max = 1000;
    Server server{echo, options};
    RawClient client{server};
    client.send("GET / HTTP/1.1\r\nX-Long: " + std::string(2000, 'x') + "\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 431 "));
}

TEST(http, what_is_no_http_is_refused_with_400) {
    Server server{echo};
    RawClient client{server};
    client.send("\x16\x03\x01 hello over TLS\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400 "));
}

TEST(http, head_gets_the_length_without_the_body) {
    Server server{[](const HttpRequest&, const Reply& reply) {
        reply(HttpResponse{.body = "twelve bytes"});
    }};
    auto call = server.call();
    call.method = "HEAD";
    const auto got = http_request(call);
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->body, "");
    EXPECT_THAT(got->headers,
                ::testing::Contains(std::pair<std::string, std::string>{"Content-Length", "12"}));
}

TEST(http, a_client_that_waits_for_100_continue_gets_it) {
    Server server{echo};
    RawClient client{server};
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        "Content-Length: 4\r\n\r\n");
    EXPECT_THAT(client.read(12), StartsWith("HTTP/1.1 100"));
    client.send("body");
    EXPECT_THAT(client.read_all(), HasSubstr("POST / body"));
}

TEST(http, an_idle_connection_is_closed) {
    HttpServerOptions options;
    options.idle_timeout = std::chrono::milliseconds{20};
    Server server{echo, options};
    RawClient client{server};
    client.send("GET / HT");  // trickling does not count as being alive
    EXPECT_EQ(client.read_all(), "");
}

TEST(http, connections_over_the_limit_are_closed_at_once) {
    HttpServerOptions options;
    options.connections_max = 1;
    Server server{echo, options};
    RawClient first{server};
    first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(first.read(12), StartsWith("HTTP/1.1 200"));
    RawClient second{server};
    EXPECT_EQ(second.read_all(), "");
}

TEST(http, large_answers_that_nobody_reads_are_bounded_and_small_ones_still_leave) {
    HttpServerOptions options;
    options.answer_bytes_max = 24u << 20;
    Server server{[](const HttpRequest& request, const Reply& reply) {
                      const bool large = request.target == "/large";
                      reply(HttpResponse{.body = std::string(large ? 10u << 20 : 10, 'x')});
                  },
                  options};
    const std::string request = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    std::optional<RawClient> first{server};
    RawClient second{server};
    for (auto* client : {&*first, &second}) {
        client->send(request);
        EXPECT_THAT(client->read(12), StartsWith("HTTP/1.1 200"));  // and no more is read
    }
    const auto third = http_request(server.call("/large"));
    ASSERT_TRUE(third) << third.error().text();
    EXPECT_EQ(third->status, 503);
    EXPECT_THAT(third->body, HasSubstr("try again"));
    const auto small = http_request(server.call("/small"));
    ASSERT_TRUE(small) << small.error().text();
    EXPECT_EQ(small->status, 200);

    first.reset();
    for (;;) {  // the server has to see that the first one is gone
        const auto again = http_request(server.call("/large"));
        ASSERT_TRUE(again) << again.error().text();
        if (again->status == 200) break;
    }
}

TEST(http, one_host_does_not_get_all_connections) {
    // An address of this machine that is not loopback: nothing is sent to find it.
    asio::io_context context;
    asio::ip::udp::socket probe{context, asio::ip::udp::v4()};
    boost::system::error_code none;
    probe.connect({asio::ip::make_address("192.0.2.1"), 9}, none);
    if (none) GTEST_SKIP() << "this machine has no network";
    const auto own = probe.local_endpoint().address();

    HttpServerOptions options;
    options.host = "0.0.0.0";
    options.connections_per_host_max = 1;
    Server server{echo, options};
    const std::string request = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
    RawClient first{server, own};
    first.send(request);
    EXPECT_THAT(first.read(12), StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE((RawClient{server, own}.is_refused(request)));
    for (int n = 0; n < 2; ++n) {
        RawClient neighbour{server};
        neighbour.send(request);
        EXPECT_THAT(neighbour.read(12), StartsWith("HTTP/1.1 200"));
    }
}

TEST(http, what_is_asked_after_refuse_gets_503) {
    std::promise<void> called;
    std::promise<void> refused;
    Server server{[&](const HttpRequest&, const Reply& reply) {
        called.set_value();
        refused.get_future().wait();  // the thread is busy while the next request arrives
        reply(HttpResponse{});
    }};
    auto before = std::async(std::launch::async, [&] { return http_request(server.call()); });
    called.get_future().wait();
    server.refuse();
    auto after = std::async(std::launch::async, [&] { return http_request(server.call()); });
    refused.set_value();
    EXPECT_EQ(before.get()->status, 200);
    EXPECT_EQ(after.get()->status, 503);
}

TEST(http, stop_lets_a_request_that_is_being_answered_finish) {
    std::promise<Reply> kept;
    Server server{[&kept](const HttpRequest& request, Reply reply) {
        if (request.target == "/quick") return reply(HttpResponse{.status = 204});
        kept.set_value(std::move(reply));
    }};
    RawClient idle{server};
    idle.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(idle.read(12), StartsWith("HTTP/1.1 204"));
    auto answer = std::async(std::launch::async, [&] { return http_request(server.call()); });
    auto reply = kept.get_future().get();
    std::thread stopper{[&server] { server.stop(); }};
    idle.read_all();
    reply(HttpResponse{.body = "last words"});
    reply = nullptr;
    stopper.join();
    const auto got = answer.get();
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->body, "last words");
}

TEST(http, a_taken_port_is_an_error_with_its_address) {
    Server server{echo};
    asio::io_context context;
    HttpServerOptions options;
    options.port = server.port();
    HttpServer second{context.get_executor(), options, echo,
                      [](std::string_view, std::string_view) {}};
    const auto bound = second.listen();
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().text(), HasSubstr(std::to_string(server.port())));
}

TEST(http, a_server_that_is_not_there_is_an_error) {
    HttpCall call;
    {
        Server server{echo};
        call = server.call();
    }
    const auto got = http_request(call);
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().text(), HasSubstr("Connection refused"));
}

TEST(http, a_server_that_does_not_answer_in_time_is_an_error) {
    asio::io_context context;
    Tcp::acceptor silent{context, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    const auto got = http_request(HttpCall{.host = "127.0.0.1",
                                           .port = silent.local_endpoint().port(),
                                           .timeout = std::chrono::milliseconds{30}});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::timeout);
}

}  // namespace
}  // namespace sennit::io
