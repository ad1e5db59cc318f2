// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "io/http.hpp"
#include "io/task.hpp"

namespace sennit::io {

/// Answers a request by calling `reply`, now or later, from any thread, exactly once. If every copy
/// of `reply` is destroyed uncalled, the client gets 500. A call that comes after the request's
/// time is up has no effect. All copies are gone before the server's io_context is destroyed.
using HttpHandler =
    std::function<void(HttpRequest request, std::function<void(HttpResponse)> reply)>;

struct HttpServerOptions {
    std::string host{"127.0.0.1"};
    std::uint16_t port{0};  ///< 0: the system chooses
    std::size_t body_size_max{1u << 20};
    std::size_t header_size_max{16u << 10};
    /// More are accepted and closed at once.
    std::size_t connections_max{256};
    /// From one host that is not loopback, so that none keeps the others out.
    std::size_t connections_per_host_max{64};
    /// Large answers that clients have not taken yet, of all connections together; one that does
    /// not fit becomes 503.
    std::size_t answer_bytes_max{std::size_t{64} << 20};
    /// From a request's answer to the end of the next one's headers: also what a client that
    /// trickles its headers gets.
    Duration idle_timeout{std::chrono::seconds{30}};
    /// For the body to arrive, for the handler to answer (else 504), and for the answer to leave.
    Duration request_timeout{std::chrono::seconds{30}};
};

/// An HTTP/1.1 server on one address: keep-alive, no TLS (that is a reverse proxy's), no routes.
///
/// It answers by itself what never reaches the handler: 400 malformed, 413 body too large, 431
/// headers too large, 503 too many unread answers, 504 and 500. Memory is at most `connections_max`
/// times the two sizes and a small answer, and `answer_bytes_max`.
///
/// `executor` runs on one thread; there the handler is called, and everything but `reply` is used.
class HttpServer {
  public:
    HttpServer(asio::any_io_executor executor, HttpServerOptions options, HttpHandler handler,
               TaskGroup::OnFailure on_failure);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    /// Binds and starts to accept. `options.host` is numeric or "localhost". The address that was
    /// bound; Errc::io when it is taken or not ours.
    Result<NetAddress> listen();

    /// From any thread: what is asked from now on gets 503, also what waits in the executor's
    /// queue.
    void refuse();

    /// Refuses new connections, closes idle ones, gives requests that are being answered up to
    /// `grace`, and ends. Before the destructor, if `listen` succeeded.
    Task<void> stop(Duration grace = std::chrono::seconds{2});

    std::size_t connections() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sennit::io
