// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "node/config.hpp"
#include "rpc/rpc.hpp"

namespace sennit::node {

/// The RPC server on a thread of its own, so that a client's large question never delays a vote.
class RpcThread {
  public:
    RpcThread() = default;
    RpcThread(const RpcThread&) = delete;
    RpcThread& operator=(const RpcThread&) = delete;
    ~RpcThread();

    /// Where the backend's callbacks are called, also before `start`.
    boost::asio::any_io_executor executor() { return ioc_.get_executor(); }
    /// `backend` outlives `stop`. Errors: io, with the address and what to do when it is taken.
    Result<void> start(const RpcConfig& config, rpc::Backend& backend);
    /// Where it listens; nullopt before `start`.
    const std::optional<NetAddress>& address() const { return address_; }
    /// Refuses new requests and lets those under way end for at most two seconds. Returns at once:
    /// meanwhile the engine still answers them.
    void begin_stop();
    /// Nothing of it runs any more.
    bool ended() const { return ended_; }
    /// Joins, too.
    void stop();

  private:
    boost::asio::io_context ioc_{1};
    std::unique_ptr<io::HttpServer> server_;
    std::optional<NetAddress> address_;
    std::atomic<bool> ended_{true};
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace sennit::node
