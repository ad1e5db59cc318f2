// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/io_context.hpp>

#include "engine/engine.hpp"

namespace sennit::node {

/// How other threads reach the engine: a question or a transaction is posted to its thread, and the
/// answer comes back through a callback there. What is still open when the node stops is dropped.
class EngineDoor {
  public:
    using Handle = std::function<void(engine::Event)>;

    EngineDoor(boost::asio::io_context& driver, const engine::Engine& engine, Handle handle)
        : driver_{driver}, engine_{engine}, handle_{std::move(handle)} {}

    // From any thread.
    void ask(std::function<void(const engine::Engine&)> question);
    void submit(Bytes rlp, std::function<void(Result<TxId>)> then);

    // On the driver's thread.
    void on_answer(engine::Answer answer);
    /// Drops the callbacks that still wait; no answer may come after it.
    void close() { waiting_.clear(); }

  private:
    boost::asio::io_context& driver_;
    const engine::Engine& engine_;
    Handle handle_;
    std::map<engine::Ticket, std::function<void(Result<TxId>)>> waiting_;
    std::uint64_t next_{1};
};

}  // namespace sennit::node
