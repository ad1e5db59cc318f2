// SPDX-License-Identifier: MIT
#include "io/http_server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "io/connect.hpp"
#include "io/timer.hpp"

namespace sennit::io {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;

/// How long and how much a refused client may still send, so that it reads our refusal instead of
/// a reset, which is what closing over unread bytes sends.
constexpr auto kDrainTimeout = std::chrono::seconds{2};
constexpr std::size_t kDrainSizeMax = 8u << 20;

/// While the process is out of descriptors, accepting again at once would only spin.
constexpr auto kAcceptPause = std::chrono::milliseconds{100};

/// Answers up to this size are not counted: a connection has one of them at a time, and clients
/// that leave large ones unread must not silence the node for those who ask how it is.
constexpr std::size_t kSmallAnswerMax = 64u << 10;

/// Bytes of large answers between the handler and the client, of all connections of a server.
struct AnswerBudget {
    explicit AnswerBudget(std::size_t bytes_max) : max{bytes_max} {}

    const std::size_t max;
    std::atomic<std::size_t> used{0};
};

/// An answer's part of the budget, until its end.
class AnswerShare {
  public:
    /// nullopt: there is no room. From any thread: it is taken where the answer is handed in, since
    /// many may wait in the executor's queue.
    static std::optional<AnswerShare> take(std::shared_ptr<AnswerBudget> budget,
                                           std::size_t bytes) {
        if (bytes <= kSmallAnswerMax) return AnswerShare{std::move(budget), 0};
        AnswerShare share{std::move(budget), bytes};
        if (share.budget_->used.fetch_add(bytes) + bytes > share.budget_->max) return std::nullopt;
        return share;
    }
    AnswerShare(AnswerShare&& other) noexcept
        : budget_{std::move(other.budget_)}, bytes_{std::exchange(other.bytes_, 0)} {}
    AnswerShare& operator=(AnswerShare&& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~AnswerShare() {
        if (bytes_ > 0) budget_->used.fetch_sub(bytes_);
    }

  private:
    AnswerShare(std::shared_ptr<AnswerBudget> budget, std::size_t bytes)
        : budget_{std::move(budget)}, bytes_{bytes} {}

    std::shared_ptr<AnswerBudget> budget_;
    std::size_t bytes_;
};

struct Answer {
    HttpResponse response;
    std::optional<AnswerShare> share{};
};

/// Where an answer and the connection that waits for it meet. Only `replied` and the budget are
/// touched by other threads.
struct PendingReply {
    PendingReply(const asio::any_io_executor& runs_on, std::shared_ptr<AnswerBudget> shared)
        : executor{runs_on},
          arrived{runs_on, asio::steady_timer::time_point::max()},
          budget{std::move(shared)} {}

    asio::any_io_executor executor;
    asio::steady_timer arrived;
    std::shared_ptr<AnswerBudget> budget;
    std::optional<Answer> answer;
    std::atomic<bool> replied{false};
};

HttpResponse plain(int status, std::string text) {
    return HttpResponse{.status = status, .body = std::move(text)};
}

/// What the handler's `reply` holds. The last copy's end is an answer, too.
class Replier {
  public:
    explicit Replier(std::shared_ptr<PendingReply> pending) : pending_{std::move(pending)} {}
    Replier(const Replier&) = delete;
    Replier& operator=(const Replier&) = delete;
    ~Replier() {
        if (!pending_->replied.exchange(true)) deliver({plain(500, "no answer\n")});
    }

    void reply(HttpResponse response) {
        SENNIT_ASSERT(!pending_->replied.exchange(true));
        auto share = AnswerShare::take(pending_->budget, response.body.size());
        if (!share) {
            response = plain(503,
                             "clients have not read the answers that they asked for, and there is "
                             "no room for more; try again\n");
        }
        deliver({std::move(response), std::move(share)});
    }

  private:
    void deliver(Answer answer) {
        asio::post(pending_->executor, [pending = pending_, answer = std::move(answer)]() mutable {
            pending->answer = std::move(answer);
            pending->arrived.cancel();
        });
    }

    std::shared_ptr<PendingReply> pending_;
};

/// The answer to bytes that are no request we take; nullopt when there is nobody to answer.
std::optional<HttpResponse> refusal(const beast::error_code& error) {
    if (error == http::error::body_limit) return plain(413, "request body too large\n");
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return plain(431, "request headers too large\n");
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
        return std::nullopt;
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
        return plain(400, "malformed request: " + error.message() + "\n");
    }
    return std::nullopt;
}

using Parser = http::request_parser<http::string_body>;

HttpRequest take_request(Parser& parser, const NetAddress& remote) {
    auto message = parser.release();
    HttpRequest request;
    request.method = message.method_string();
    request.target = message.target();
    request.host = message[http::field::host];
    request.content_type = message[http::field::content_type];
    request.origin = message[http::field::origin];
    request.body = std::move(message.body());
    request.remote = remote;
    return request;
}

template <class Body>
void set_head(http::response<Body>& message, const HttpResponse& response, unsigned version,
              bool keep_alive) {
    message.version(version);
    message.result(static_cast<unsigned>(response.status));
    message.keep_alive(keep_alive);
    if (!response.content_type.empty()) {
        message.set(http::field::content_type, response.content_type);
    }
    for (const auto& [name, value] : response.headers) message.set(name, value);
}

struct Connection {
    explicit Connection(Tcp::socket socket) : stream{std::move(socket)} {}

    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    NetAddress remote;
    bool busy{false};  ///< a request is being read, answered or written
};

Task<bool> write_response(Connection& connection, HttpResponse response, unsigned version,
                          bool head, bool keep_alive) {
    if (head || response.status == 204 || response.status == 304) {
        http::response<http::empty_body> message;
        set_head(message, response, version, keep_alive);
        if (head) message.content_length(response.body.size());
        const auto [error, n] = co_await http::async_write(connection.stream, message, kAsTuple);
        co_return !error;
    }
    http::response<http::string_body> message;
    set_head(message, response, version, keep_alive);
    message.body() = std::move(response.body);
    message.prepare_payload();
    const auto [error, n] = co_await http::async_write(connection.stream, message, kAsTuple);
    co_return !error;
}

Task<void> drain(Connection& connection) {
    beast::error_code ignored;
    connection.stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    connection.stream.expires_after(kDrainTimeout);
    std::array<char, 4096> discarded;
    std::size_t total = 0;
    while (total < kDrainSizeMax) {
        const auto [error, n] =
            co_await connection.stream.async_read_some(asio::buffer(discarded), kAsTuple);
        if (error) co_return;
        total += n;
    }
}

}  // namespace

class HttpServer::Impl {
  public:
    Impl(asio::any_io_executor executor, HttpServerOptions options, HttpHandler handler,
         TaskGroup::OnFailure on_failure)
        : options_{std::move(options)},
          handler_{std::move(handler)},
          budget_{std::make_shared<AnswerBudget>(options_.answer_bytes_max)},
          acceptor_{executor},
          tasks_{executor, options_.connections_max + 1, std::move(on_failure)} {}

    Result<NetAddress> listen();
    void refuse() { refusing_ = true; }
    Task<void> stop(Duration grace);
    std::size_t connections() const { return connections_.size(); }

  private:
    Task<void> accept();
    Task<void> serve(std::shared_ptr<Connection> connection);
    Task<void> serve_requests(Connection& connection);
    Task<std::optional<HttpRequest>> read_request(Connection& connection, bool& keep_alive,
                                                  unsigned& version);
    Task<void> refuse(Connection& connection, beast::error_code error);
    Task<Answer> answer(HttpRequest request);
    bool has_room_for(const NetAddress& remote) const;

    HttpServerOptions options_;
    HttpHandler handler_;
    std::shared_ptr<AnswerBudget> budget_;
    Tcp::acceptor acceptor_;
    bool stopping_{false};
    std::atomic<bool> refusing_{false};
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::uint64_t next_connection_{0};
    TaskGroup tasks_;
};

Result<NetAddress> HttpServer::Impl::listen() {
    const auto failed = [this](const beast::error_code& error) {
        return Error{
            Errc::io, "cannot listen", Error::kNowhere,
            NetAddress{"http", options_.host, options_.port}.text() + ": " + error.message()};
    };
    beast::error_code error;
    const std::string host = options_.host == "localhost" ? "127.0.0.1" : options_.host;
    const Tcp::endpoint endpoint{asio::ip::make_address(host, error), options_.port};
    if (error) return failed(error);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(Tcp::acceptor::max_listen_connections, error);
    if (error) return failed(error);
    SENNIT_ASSERT(tasks_.spawn(accept(), "http accept"));
    return to_net_address("http", acceptor_.local_endpoint());
}

Task<void> HttpServer::Impl::accept() {
    while (!stopping_) {
        auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
        if (stopping_) co_return;
        if (error) {
            co_await sleep_for(kAcceptPause);
            continue;
        }
        beast::error_code gone;
        const auto remote = socket.remote_endpoint(gone);
        if (gone || !has_room_for(to_net_address("http", remote))) continue;
        socket.set_option(Tcp::no_delay{true}, gone);
        auto connection = std::make_shared<Connection>(std::move(socket));
        connection->remote = to_net_address("http", remote);
        SENNIT_ASSERT(tasks_.spawn(serve(std::move(connection)), "http connection"));
    }
}

bool HttpServer::Impl::has_room_for(const NetAddress& remote) const {
    if (connections_.size() >= options_.connections_max) return false;
    if (host_kind(remote.host) == HostKind::loopback) return true;
    const auto same = std::count_if(connections_.begin(), connections_.end(), [&](const auto& one) {
        return one.second->remote.host == remote.host;
    });
    return static_cast<std::size_t>(same) < options_.connections_per_host_max;
}

Task<void> HttpServer::Impl::serve(std::shared_ptr<Connection> connection) {
    const auto id = next_connection_++;
    connections_[id] = connection;
    const auto forget = [this, id](void*) { connections_.erase(id); };
    const std::unique_ptr<void, decltype(forget)> registered{this, forget};
    co_await serve_requests(*connection);
}

Task<void> HttpServer::Impl::serve_requests(Connection& connection) {
    bool keep_alive = true;
    while (keep_alive && !stopping_) {
        connection.busy = false;
        unsigned version = 11;
        auto request = co_await read_request(connection, keep_alive, version);
        if (!request) co_return;
        const bool head = request->method == "HEAD";
        auto answered = co_await answer(std::move(*request));
        keep_alive = keep_alive && !stopping_ && !refusing_;
        connection.stream.expires_after(options_.request_timeout);
        const bool written = co_await write_response(connection, std::move(answered.response),
                                                     version, head, keep_alive);
        if (!written) co_return;
    }
    beast::error_code ignored;
    connection.stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
}

Task<std::optional<HttpRequest>> HttpServer::Impl::read_request(Connection& connection,
                                                                bool& keep_alive,
                                                                unsigned& version) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.header_size_max));
    parser.body_limit(options_.body_size_max);
    connection.stream.expires_after(options_.idle_timeout);
    const auto [header_error, header_size] =
        co_await http::async_read_header(connection.stream, connection.buffer, parser, kAsTuple);
    if (header_error) {
        co_await refuse(connection, header_error);
        co_return std::nullopt;
    }
    connection.busy = true;
    connection.stream.expires_after(options_.request_timeout);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        http::response<http::empty_body> go_on{http::status::continue_, 11};
        co_await http::async_write(connection.stream, go_on, kAsTuple);
    }
    const auto [body_error, body_size] =
        co_await http::async_read(connection.stream, connection.buffer, parser, kAsTuple);
    if (body_error) {
        co_await refuse(connection, body_error);
        co_return std::nullopt;
    }
    keep_alive = parser.keep_alive();
    version = parser.get().version();
    co_return take_request(parser, connection.remote);
}

Task<void> HttpServer::Impl::refuse(Connection& connection, beast::error_code error) {
    auto response = refusal(error);
    if (!response) co_return;
    connection.stream.expires_after(options_.request_timeout);
    const bool written =
        co_await write_response(connection, std::move(*response), 11, false, false);
    if (written) co_await drain(connection);
}

Task<Answer> HttpServer::Impl::answer(HttpRequest request) {
    if (refusing_) co_return Answer{plain(503, "stopping\n")};
    const auto pending =
        std::make_shared<PendingReply>(co_await asio::this_coro::executor, budget_);
    {
        const auto replier = std::make_shared<Replier>(pending);
        handler_(std::move(request),
                 [replier](HttpResponse response) { replier->reply(std::move(response)); });
    }
    pending->arrived.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(options_.request_timeout));
    if (!pending->answer) co_await pending->arrived.async_wait(kAsTuple);
    if (!pending->answer) co_return Answer{plain(504, "no answer in time\n")};
    co_return std::move(*pending->answer);
}

Task<void> HttpServer::Impl::stop(Duration grace) {
    stopping_ = true;
    beast::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& [id, connection] : connections_) {
        if (!connection->busy) connection->stream.cancel();
    }
    co_await with_timeout(tasks_.join(), grace);
    tasks_.close();
    co_await tasks_.join();
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpServerOptions options,
                       HttpHandler handler, TaskGroup::OnFailure on_failure)
    : impl_{std::make_unique<Impl>(std::move(executor), std::move(options), std::move(handler),
                                   std::move(on_failure))} {}

HttpServer::~HttpServer() = default;

Result<NetAddress> HttpServer::listen() {
    return impl_->listen();
}

void HttpServer::refuse() {
    impl_->refuse();
}

Task<void> HttpServer::stop(Duration grace) {
    return impl_->stop(grace);
}

std::size_t HttpServer::connections() const {
    return impl_->connections();
}

}  // namespace sennit::io
