// SPDX-License-Identifier: MIT
#include "io/thread_pool.hpp"

#include <pthread.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace sennit::io {

namespace {

constexpr std::size_t kThreadNameSizeMax = 15;

}  // namespace

struct ThreadPool::State {
    explicit State(std::size_t jobs_max) : jobs_waiting_max{jobs_max} {}

    void run();
    /// Null if there is none.
    std::deque<Job>* next() {
        for (auto& queue : jobs) {
            if (!queue.empty()) return &queue;
        }
        return nullptr;
    }

    const std::size_t jobs_waiting_max;
    std::mutex mutex;
    std::condition_variable changed;
    std::array<std::deque<Job>, 2> jobs;  ///< by urgency
    bool stopping{false};
    std::vector<std::thread> threads;
};

void ThreadPool::State::run() {
    std::unique_lock lock{mutex};
    for (;;) {
        changed.wait(lock, [this] { return stopping || next() != nullptr; });
        auto* queue = next();
        if (queue == nullptr) return;
        Job job = std::move(queue->front());
        queue->pop_front();
        lock.unlock();
        job();
        job = nullptr;  // what it captured is released by this thread, outside the lock
        lock.lock();
    }
}

ThreadPool::ThreadPool(std::string name, std::size_t threads, std::size_t jobs_waiting_max)
    : state_{std::make_unique<State>(jobs_waiting_max)} {
    SENNIT_ASSERT(threads > 0 && jobs_waiting_max > 0);
    name.resize(std::min(name.size(), kThreadNameSizeMax));
    for (std::size_t i = 0; i < threads; ++i) {
        auto& thread = state_->threads.emplace_back([state = state_.get()] { state->run(); });
        pthread_setname_np(thread.native_handle(), name.c_str());
    }
}

ThreadPool::~ThreadPool() {
    {
        const std::scoped_lock lock{state_->mutex};
        state_->stopping = true;
    }
    state_->changed.notify_all();
    for (auto& thread : state_->threads) thread.join();
}

bool ThreadPool::post(Job job, Urgency urgency) {
    {
        const std::scoped_lock lock{state_->mutex};
        auto& queue = state_->jobs[static_cast<std::size_t>(urgency)];
        if (state_->stopping || queue.size() >= state_->jobs_waiting_max) return false;
        queue.push_back(std::move(job));
    }
    state_->changed.notify_one();
    return true;
}

std::size_t ThreadPool::drop_waiting() {
    std::array<std::deque<Job>, 2> dropped;  // what they captured is released outside the lock
    const std::scoped_lock lock{state_->mutex};
    std::swap(dropped, state_->jobs);
    return dropped[0].size() + dropped[1].size();
}

std::size_t ThreadPool::jobs_waiting() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->jobs[0].size() + state_->jobs[1].size();
}

}  // namespace sennit::io
