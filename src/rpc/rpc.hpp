// SPDX-License-Identifier: MIT
#pragma once

#include "io/http.hpp"
#include "io/http_server.hpp"
#include "rpc/backend.hpp"

/// JSON-RPC 2.0 as Ethereum's wallets and libraries speak it, and Sennit's own methods beside
/// (CHAIN section 6).
namespace sennit::rpc {

/// One request or batch in, one answer out; `reply` is called exactly once, now or later, with the
/// empty text when nothing is to be answered (notifications only). `backend` outlives the calls.
void handle(Backend& backend, std::string_view request, std::function<void(std::string)> reply);

/// The same over HTTP: POST only, JSON only, and no answers to pages of other origins than those
/// named (DNS rebinding, CSRF): a node on 127.0.0.1 is within reach of every page that its owner
/// opens.
struct HttpPolicy {
    std::vector<std::string> origins;  ///< allowed besides none; "*" for all
};
io::HttpHandler http_handler(Backend& backend, HttpPolicy policy = {});

}  // namespace sennit::rpc
