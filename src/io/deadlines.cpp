// SPDX-License-Identifier: MIT
#include "io/deadlines.hpp"

#include "io/clock.hpp"

namespace sennit::io {

Deadlines::Deadlines(asio::any_io_executor executor, TaskGroup& tasks, OnDeadline on_deadline)
    : tasks_{tasks}, on_deadline_{std::move(on_deadline)}, timer_{std::move(executor)} {}

void Deadlines::set(std::uint64_t id, Instant at) {
    drop(id);
    of_id_.emplace(id, at);
    const auto [place, inserted] = in_order_.emplace(at, id);
    if (!watched_) {
        watched_ = tasks_.spawn(watch(), "deadlines");
    } else if (place == in_order_.begin()) {
        timer_.cancel();
    }
}

void Deadlines::drop(std::uint64_t id) {
    const auto found = of_id_.find(id);
    if (found == of_id_.end()) return;
    in_order_.erase({found->second, id});
    of_id_.erase(found);
    if (in_order_.empty()) timer_.cancel();
}

Task<void> Deadlines::watch() {
    while (!in_order_.empty()) {
        timer_.expires_at(to_steady(in_order_.begin()->first));
        co_await timer_.async_wait(kAsTuple);
        const auto now = system_now().at;
        while (!in_order_.empty() && in_order_.begin()->first <= now) {
            const auto id = in_order_.begin()->second;
            drop(id);
            on_deadline_(id);
        }
    }
    watched_ = false;
}

}  // namespace sennit::io
