// SPDX-License-Identifier: MIT
#include "cli/rpc_client.hpp"

#include "base/net_address.hpp"
#include "io/http_client.hpp"

namespace sennit::cli {

Result<RpcClient> RpcClient::open(std::string_view url) {
    const std::string full =
        url.find("://") == std::string_view::npos ? "http://" + std::string{url} : std::string{url};
    auto trimmed = full;
    while (!trimmed.empty() && trimmed.back() == '/') trimmed.pop_back();
    auto address = NetAddress::parse(trimmed);
    if (!address || address->scheme != "http") {
        return Error{Errc::malformed, "not an RPC address", Error::kNowhere,
                     std::string{url} + "; expected http://host:port, as in http://127.0.0.1:8545"};
    }
    RpcClient out;
    out.url_ = trimmed;
    out.host_ = address->host;
    out.port_ = address->port == 0 ? std::uint16_t{80} : address->port;
    return out;
}

Result<json::Value> RpcClient::call(std::string_view method, json::Value params,
                                    Duration timeout) const {
    const auto request = json::Value::object({{"jsonrpc", "2.0"},
                                              {"id", 1},
                                              {"method", std::string{method}},
                                              {"params", std::move(params)}});
    io::HttpCall http;
    http.host = host_;
    http.port = port_;
    http.body = json::write(request, json::Style::compact);
    http.timeout = timeout;
    auto answer = io::http_request(http);
    if (!answer) {
        return Error{Errc::io, "no answer from the node", Error::kNowhere,
                     url_ + ": " + answer.error().text() + "; is it running, and is --rpc right?"};
    }
    auto parsed = json::parse(answer->body);
    if (!parsed || !parsed->is_object()) {
        return Error{Errc::malformed, "the answer is no JSON-RPC", Error::kNowhere,
                     url_ + ": HTTP status " + std::to_string(answer->status)};
    }
    if (const auto* error = parsed->find("error")) {
        const auto message = error->get_text("message");
        return Error{Errc::invalid, "refused", Error::kNowhere,
                     message ? std::string{*message} : "no reason given"};
    }
    const auto* result = parsed->find("result");
    if (result == nullptr)
        return Error{Errc::malformed, "the answer has no result", Error::kNowhere, url_};
    return *result;
}

}  // namespace sennit::cli
