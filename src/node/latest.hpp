// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>

namespace sennit::node {

/// The newest of something immutable: one thread replaces it, any reads it.
///
/// Not std::atomic<std::shared_ptr>: in libstdc++ 12 its load() unlocks without a release, so that
/// a later store() may run into a copy under way. x86 does not show it, ARM may.
template <class T>
class Latest {
  public:
    std::shared_ptr<const T> load() const {
        const std::scoped_lock lock{mutex_};
        return value_;
    }
    void store(std::shared_ptr<const T> value) {
        // What was there may be large, and is let go outside of the lock.
        const std::scoped_lock lock{mutex_};
        value_.swap(value);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

}  // namespace sennit::node
