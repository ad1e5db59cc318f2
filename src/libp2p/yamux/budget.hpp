// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>

#include "sennit/types.hpp"

namespace sennit::libp2p::yamux {

/// Bytes by which the windows of many sessions may grow beyond what streams begin with.
///
/// What was granted is the session's until its streams are over, so a flood of new sessions takes
/// nothing from older ones. Nor can the first few take all: a session is granted half of the
/// difference between what is free and what it has, so however many want all they can get, some is
/// left for the next. Who gets nothing still has each stream's first window.
class Budget {
  public:
    explicit Budget(std::size_t bytes_max) : free_{bytes_max} {}
    std::size_t free() const { return free_; }

    /// What one session has of it; all goes back when the session is gone.
    class Share {
      public:
        Share() = default;
        /// Without a budget everything is granted.
        explicit Share(std::shared_ptr<Budget> budget) : budget_{std::move(budget)} {}
        Share(Share&& other) noexcept
            : budget_{std::move(other.budget_)}, held_{std::exchange(other.held_, 0)} {}
        Share& operator=(Share&& other) noexcept {
            give_back(held_);
            budget_ = std::move(other.budget_);
            held_ = std::exchange(other.held_, 0);
            return *this;
        }
        ~Share() { give_back(held_); }

        /// How many of the bytes were granted.
        std::size_t take(std::size_t wished) {
            auto granted = wished;
            if (budget_) {
                const auto above = budget_->free_ > held_ ? budget_->free_ - held_ : 0;
                granted = std::min(wished, above / 2);
                budget_->free_ -= granted;
            }
            held_ += granted;
            return granted;
        }
        void give_back(std::size_t bytes) {
            SENNIT_ASSERT(bytes <= held_);
            held_ -= bytes;
            if (budget_) budget_->free_ += bytes;
        }
        std::size_t held() const { return held_; }

      private:
        std::shared_ptr<Budget> budget_;
        std::size_t held_{0};
    };

  private:
    std::size_t free_;
};

}  // namespace sennit::libp2p::yamux
