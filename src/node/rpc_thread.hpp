// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/io_context.hpp>
#include <thread>

#include "node/config.hpp"
#include "rpc/rpc.hpp"

namespace sennit::node {

/// The RPC server on a thread of its own, so that a client's large question never delays a vote.
class RpcThread {
  public:
    /// Errors: io, with the address and what to do when it is taken.
    static Result<std::unique_ptr<RpcThread>> start(const RpcConfig& config, rpc::Backend& backend);
    ~RpcThread();

    const NetAddress& address() const { return address_; }
    /// Refuses new requests, lets those under way end for at most two seconds, joins.
    void stop();

  private:
    RpcThread() = default;

    boost::asio::io_context ioc_{1};
    std::unique_ptr<io::HttpServer> server_;
    NetAddress address_;
    std::thread thread_;
};

}  // namespace sennit::node
