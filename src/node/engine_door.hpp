// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "engine/engine.hpp"

namespace sennit::node {

/// How another thread, the askers', reaches the engine: a question or a transaction is posted to
/// the driver's thread, and what comes of it is posted back. What is still open when the node stops
/// is dropped.
///
/// The driver only copies what is asked for: making an answer of it is the askers' work, so that
/// no question delays a vote.
class EngineDoor {
  public:
    using Handle = std::function<void(engine::Event)>;
    template <class T>
    using Copy = std::function<T(const engine::Engine&)>;
    template <class T>
    using Then = std::function<void(Result<T>)>;

    EngineDoor(boost::asio::io_context& driver, boost::asio::any_io_executor askers,
               const engine::Engine& engine, Handle handle)
        : driver_{driver},
          askers_{std::move(askers)},
          engine_{engine},
          handle_{std::move(handle)} {}

    // On the askers' thread, where `then` is called, too. Error: busy, at once.
    template <class T>
    void ask(Copy<T> copy, Then<T> then) {
        if (questions_ >= kQuestionsMax) {
            return then(Error{Errc::busy, "too many questions wait for the engine; try again"});
        }
        ++questions_;
        boost::asio::post(
            driver_, [this, copy = std::move(copy), then = std::move(then)]() mutable {
                boost::asio::post(askers_,
                                  [this, found = copy(engine_), then = std::move(then)]() mutable {
                                      --questions_;
                                      then(std::move(found));
                                  });
            });
    }
    void submit(Bytes rlp, Then<TxId> then);

    // On the driver's thread.
    void on_answer(engine::Answer answer);
    /// Drops the callbacks that still wait; no answer may come after it.
    void close() { waiting_.clear(); }

  private:
    /// Each is a look into a map: ten clients with a full batch each.
    static constexpr std::size_t kQuestionsMax = 1024;
    /// Above it the node is flooded by its own users, and says so at once.
    static constexpr std::size_t kSubmissionsMax = 4096;

    boost::asio::io_context& driver_;
    boost::asio::any_io_executor askers_;
    const engine::Engine& engine_;
    Handle handle_;
    // The askers'.
    std::size_t questions_{0};
    std::size_t submissions_{0};
    // The driver's.
    std::map<engine::Ticket, Then<TxId>> waiting_;
    std::uint64_t next_{1};
};

}  // namespace sennit::node
