// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sennit/types.hpp"

/// Threads for work that would hold up the engine: checking signatures, executing blocks,
/// committing to the disk.
///
/// Jobs send their results back by posting to the engine's executor; nothing here knows about it.
/// An exception that escapes a job is our own bug and ends the program.
namespace sennit::io {

/// A fixed number of threads and two bounded queues before them: what is urgent overtakes what is
/// not, between jobs and never within one. Jobs may finish in any order.
///
/// The destructor runs what was accepted and joins, so an accepted job always runs unless its owner
/// has it dropped: a commit that was queued is not lost to an orderly shutdown by accident.
class ThreadPool {
  public:
    using Job = std::function<void()>;

    enum class Urgency : std::uint8_t { urgent, ordinary };

    /// `name` is what tools such as top show, of which Linux keeps 15 bytes. Each queue holds up to
    /// `jobs_waiting_max`.
    ThreadPool(std::string name, std::size_t threads, std::size_t jobs_waiting_max);
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool();

    /// From any thread. False when its queue is full: the caller keeps the work or refuses it.
    bool post(Job job, Urgency urgency = Urgency::ordinary);

    std::size_t jobs_waiting() const;
    /// Forgets the jobs that wait, from the pool's owner's thread; how many there were. Those that
    /// run go on.
    std::size_t drop_waiting();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// One thread that runs jobs in the order in which they came, such as the chain's.
class WorkerThread {
  public:
    WorkerThread(std::string name, std::size_t jobs_waiting_max)
        : pool_{std::move(name), 1, jobs_waiting_max} {}

    /// As `ThreadPool::post`.
    bool post(ThreadPool::Job job) { return pool_.post(std::move(job)); }

    std::size_t jobs_waiting() const { return pool_.jobs_waiting(); }

  private:
    ThreadPool pool_;
};

}  // namespace sennit::io
