// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>

#include "base/time.hpp"

namespace sennit::sync {

/// How many a second, over the last ten.
class Meter {
  public:
    void start(Instant now) {
        counts_.clear();
        since_ = now;
    }
    void add(Instant now, std::uint64_t count) {
        drop(now);
        if (counts_.empty() || now - counts_.back().first >= kStep) {
            counts_.emplace_back(now, count);
        } else {
            counts_.back().second += count;
        }
    }
    double per_second(Instant now) const {
        double sum = 0;
        for (const auto& [at, count] : counts_)
            sum += at + kSpan > now ? static_cast<double>(count) : 0;
        const auto span = std::clamp<Duration>(now - since_, kStep, kSpan);
        return sum / std::chrono::duration<double>(span).count();
    }

  private:
    static constexpr Duration kSpan = std::chrono::seconds{10};
    static constexpr Duration kStep = std::chrono::milliseconds{500};

    void drop(Instant now) {
        while (!counts_.empty() && counts_.front().first + kSpan <= now) counts_.pop_front();
    }

    Instant since_{};
    std::deque<std::pair<Instant, std::uint64_t>> counts_;
};

}  // namespace sennit::sync
