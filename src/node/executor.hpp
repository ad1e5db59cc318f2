// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <deque>

#include "engine/engine.hpp"
#include "io/thread_pool.hpp"

namespace sennit::node {

/// Runs the engine's jobs and writes in threads, and hands their results back on the driver's.
///
/// What the threads' bounded queues do not take waits here, in order; the engine itself bounds how
/// much that can be, since every job holds a receipt or a slot of sync.
class Executor {
  public:
    using Sink = std::function<void(engine::Event)>;

    Executor(boost::asio::io_context& driver, engine::JobContext context, chain::Store& store,
             std::size_t workers, Sink sink);
    ~Executor();

    void run(engine::Run run);
    void write(engine::Store store);

    /// Forget what has not begun: a stop does not wait for work that is done again, or known to be
    /// missing, at the next start. What runs goes on, and the destructor waits for it.
    void drop_jobs();
    void drop_writes() { drop(disk_); }

    bool idle() const { return pending_ == 0; }

  private:
    using Work = std::function<engine::Event()>;
    using Urgency = io::ThreadPool::Urgency;
    struct LaneQueue {
        io::ThreadPool pool;
        std::array<std::deque<std::shared_ptr<Work>>, 2> waiting;  ///< by urgency
    };

    void submit(LaneQueue& lane, Urgency urgency, Work work);
    void feed(LaneQueue& lane);
    void drop(LaneQueue& lane);
    bool post(LaneQueue& lane, Urgency urgency, std::shared_ptr<Work> work);

    boost::asio::io_context& driver_;
    engine::JobContext context_;
    chain::Store& store_;
    Sink sink_;
    std::size_t pending_{0};
    LaneQueue workers_;
    LaneQueue chain_;
    LaneQueue disk_;
};

}  // namespace sennit::node
