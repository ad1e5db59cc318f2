// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"
#include "base/time.hpp"

namespace sennit::cli {

/// Asks a node over JSON-RPC and waits.
class RpcClient {
  public:
    /// `url` as http://127.0.0.1:8545. Errors: malformed.
    static Result<RpcClient> open(std::string_view url);

    /// The call's result. Errors: io when the node cannot be reached, with what to do; invalid with
    /// the node's own words when it refused.
    Result<json::Value> call(std::string_view method, json::Value params = json::Value::array(),
                             Duration timeout = std::chrono::seconds{10}) const;
    const std::string& url() const { return url_; }

  private:
    std::string url_;
    std::string host_;
    std::uint16_t port_{0};
};

}  // namespace sennit::cli
