// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>

#include "base/time.hpp"

namespace sennit::sim {

/// Virtual time: what is planned happens in order of its instant, and of its planning where two
/// instants are equal. Time passes only from one event to the next.
class Scheduler {
  public:
    explicit Scheduler(UnixTime start) : now_{Instant{std::chrono::hours{1}}, start} {}

    Now now() const { return now_; }

    void at(Instant when, std::function<void()> event) {
        events_.emplace(std::pair{std::max(when, now_.at), ++planned_}, std::move(event));
    }
    void after(Duration wait, std::function<void()> event) { at(now_.at + wait, std::move(event)); }

    /// Up to and including `end`.
    void run_until(Instant end) {
        while (!events_.empty() && events_.begin()->first.first <= end) {
            auto next = events_.extract(events_.begin());
            pass_to(next.key().first);
            next.mapped()();
        }
        pass_to(end);
    }

  private:
    void pass_to(Instant instant) {
        // The wall's clock is coarser: derived from the start, else each event would round it down.
        now_.at = instant;
        now_.wall = start_wall_ + std::chrono::floor<UnixTime::duration>(instant - start_);
    }

    Now now_;
    const Instant start_{now_.at};
    const UnixTime start_wall_{now_.wall};
    std::uint64_t planned_{0};
    std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace sennit::sim
