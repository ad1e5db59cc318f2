// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "io/connect.hpp"
#include "io/http.hpp"

namespace sennit::io {

/// One request to one server, plain HTTP/1.1 on a connection of its own.
struct HttpCall {
    std::string host;
    std::uint16_t port{80};
    std::string method{"POST"};
    std::string target{"/"};
    std::string body{};
    std::string content_type{"application/json"};
    Duration timeout{std::chrono::seconds{10}};
    std::size_t answer_size_max{16u << 20};
};

/// Sends `call` over a socket that is connected to its host, and closes it. An answer with a bad
/// status is an answer, not an error. Errors: timeout, oversized, io.
Task<Result<HttpResponse>> http_exchange(Tcp::socket socket, HttpCall call);

/// Connects, asks and waits, on the calling thread: for a command line, never for a node.
/// `call.timeout` is for all of it. Errors as above, and not_found for the host.
Result<HttpResponse> http_request(const HttpCall& call);

}  // namespace sennit::io
