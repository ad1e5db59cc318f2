// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "node/config.hpp"

namespace sennit::node {

/// A whole node: database, chain, engine, protocols, transports and RPC, and the one loop that
/// drives them.
///
/// Threads: the caller's thread of `run` is the driver's and owns engine, protocols and sockets;
/// one thread executes blocks, one writes to the disk, `Config::workers` check signatures, and one
/// serves RPC. They talk by posted results; nothing but the database is shared.
class Node {
  public:
    /// Lines for the operator; may be called from the driver's thread only.
    using Log = std::function<void(engine::Notify::Level, std::string_view)>;

    /// Opens the database and the sockets. Errors name the file, key or port and what to do.
    static Result<std::unique_ptr<Node>> open(Config config, Log log);
    ~Node();

    /// Until SIGINT, SIGTERM, `stop` or a fault that a node must not survive: then the error.
    /// Comes down in order: peers are told, jobs end, the peer book is written. A second signal
    /// ends the process at once, which loses nothing that was acknowledged.
    Result<void> run();
    /// From any thread.
    void stop();

    /// Where it really listens; after `open`.
    std::optional<NetAddress> rpc_address() const;
    engine::ViewPtr view() const;

  private:
    class Impl;
    explicit Node(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sennit::node
