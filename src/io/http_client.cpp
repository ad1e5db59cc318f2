// SPDX-License-Identifier: MIT
#include "io/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "io/clock.hpp"
#include "io/timer.hpp"

namespace sennit::io {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint32_t kHeaderSizeMax = 64u << 10;

Error failed(const HttpCall& call, const beast::error_code& error) {
    const auto where = NetAddress{"http", call.host, call.port}.text() + call.target;
    if (error == beast::error::timeout) {
        return Error{Errc::timeout, "no answer in time", Error::kNowhere, where};
    }
    if (error == http::error::body_limit || error == http::error::header_limit ||
        error == http::error::buffer_overflow) {
        return Error{Errc::oversized, "answer too large", Error::kNowhere, where};
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
        return Error{Errc::io, "closed before the answer was whole", Error::kNowhere, where};
    }
    return Error{Errc::io, "request failed", Error::kNowhere, where + ": " + error.message()};
}

http::request<http::string_body> to_message(const HttpCall& call) {
    const auto authority = NetAddress{"http", call.host, call.port}.text().substr(7);
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(call.method);
    message.target(call.target);
    message.set(http::field::host, authority);
    message.set(http::field::user_agent, "sennit");
    message.set(http::field::connection, "close");
    if (!call.body.empty()) {
        message.set(http::field::content_type, call.content_type);
        message.body() = call.body;
    }
    message.prepare_payload();
    return message;
}

Task<Result<HttpResponse>> connect_and_exchange(HttpCall call) {
    const auto deadline = system_now().at + call.timeout;
    auto socket = co_await connect(call.host, call.port, call.timeout);
    if (!socket) co_return std::move(socket).error();
    call.timeout = std::max(deadline - system_now().at, Duration::zero());
    co_return co_await http_exchange(std::move(*socket), std::move(call));
}

}  // namespace

Task<Result<HttpResponse>> http_exchange(Tcp::socket socket, HttpCall call) {
    beast::tcp_stream stream{std::move(socket)};
    stream.expires_after(call.timeout);
    const auto message = to_message(call);
    const auto [write_error, written] = co_await http::async_write(stream, message, kAsTuple);

    // A server that refuses early answers and stops reading: its answer counts, not our failure
    // to send the rest.
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.header_limit(kHeaderSizeMax);
    parser.body_limit(call.answer_size_max);
    parser.skip(call.method == "HEAD");
    const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kAsTuple);
    if (read_error) co_return failed(call, write_error ? write_error : read_error);

    auto answer = parser.release();
    HttpResponse response;
    response.status = static_cast<int>(answer.result_int());
    response.content_type = answer[http::field::content_type];
    response.body = std::move(answer.body());
    for (const auto& field : answer) {
        response.headers.emplace_back(field.name_string(), field.value());
    }
    co_return response;
}

Result<HttpResponse> http_request(const HttpCall& call) {
    asio::io_context context{1};
    std::optional<Result<HttpResponse>> result;
    auto task = detail::store(connect_and_exchange(call), result);
    const auto on_end = [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(context, std::move(task), on_end);
    context.run();
    SENNIT_ASSERT(result.has_value());
    return std::move(*result);
}

}  // namespace sennit::io
