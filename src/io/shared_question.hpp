// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "io/task.hpp"

namespace sennit::io {

/// A question that many have at a time: it is asked once for all of them, and not again before a
/// pause, so that what it costs whoever answers does not grow with the number of those who ask.
///
/// Nobody gets an answer that was made before he asked: who comes while the question is under way
/// waits for the next time. Everything happens on the executor's one thread.
template <class T>
class SharedQuestion {
  public:
    using Then = std::function<void(const T&)>;
    /// Calls its argument exactly once, at once or later on the same thread, or drops it at the end
    /// of everything.
    using Ask = std::function<void(Then)>;

    SharedQuestion(asio::any_io_executor executor, Duration pause, std::size_t waiting_max, Ask ask)
        : timer_{std::move(executor)},
          pause_{std::chrono::duration_cast<std::chrono::steady_clock::duration>(pause)},
          waiting_max_{waiting_max},
          ask_{std::move(ask)} {}

    /// False: so many wait that nobody else may, and `then` is not called.
    bool ask(Then then) {
        if (waiting_.size() >= waiting_max_) return false;
        waiting_.push_back(std::move(then));
        if (!busy_) put();
        return true;
    }

  private:
    void put() {
        busy_ = true;
        ask_([this, asked = std::exchange(waiting_, {})](const T& answer) {
            timer_.expires_after(pause_);
            timer_.async_wait([this](boost::system::error_code aborted) {
                if (aborted) return;
                busy_ = false;
                if (!waiting_.empty()) put();
            });
            for (const auto& then : asked) then(answer);
        });
    }

    asio::steady_timer timer_;
    std::chrono::steady_clock::duration pause_;
    std::size_t waiting_max_;
    Ask ask_;
    std::vector<Then> waiting_;
    bool busy_{false};  ///< asked and not answered, or in the pause
};

}  // namespace sennit::io
