// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sennit::protocol {

/// What all partial frames of a node may hold together (CONTRACT rule 12).
///
/// A frame below `kFree` is nobody's concern: a link costs that much anyway. Above it each byte
/// that has arrived is drawn from here, so a hundred peers that each send most of a 10 MiB frame
/// and then fall silent cannot take a gigabyte.
class FrameBudget {
  public:
    static constexpr std::size_t kDefault = 64 * 1024 * 1024;
    static constexpr std::size_t kFree = 64 * 1024;

    explicit FrameBudget(std::size_t bytes_max = kDefault) : left_{bytes_max}, max_{bytes_max} {}

    bool reserve(std::size_t bytes) {
        if (bytes > left_) return false;
        left_ -= bytes;
        return true;
    }
    void release(std::size_t bytes) { left_ += bytes; }
    std::size_t used() const { return max_ - left_; }

  private:
    std::size_t left_;
    std::size_t max_;
};

}  // namespace sennit::protocol
