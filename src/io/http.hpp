// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "base/net_address.hpp"

namespace sennit::io {

/// A request as a server's handler sees it: whole, within the limits, its headers reduced to those
/// that somebody decides by. A header that was not sent is empty.
struct HttpRequest {
    std::string method;
    std::string target;  ///< path and query, as sent: "/message", "/?pretty=1"
    std::string body{};
    NetAddress remote;
    std::string host;  ///< guards against DNS rebinding
    std::string content_type;
    std::string origin;  ///< set by browsers; what CORS is decided by
};

struct HttpResponse {
    int status{200};
    std::string content_type{"text/plain; charset=utf-8"};
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

}  // namespace sennit::io
