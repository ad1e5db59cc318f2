// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "sennit/types.hpp"

namespace sennit {

/// ChaCha20 as a source of random numbers: seeded by the system in the daemon and by the scenario
/// in the simulator, so that one seed gives one run, bit for bit (RFC 8439's block function,
/// 64-bit counter, nonce zero).
///
/// Parts of one program draw from forks, so that a new draw in one does not shift another's.
class Rng {
  public:
    using Seed = std::array<std::uint8_t, 32>;

    explicit Rng(const Seed& seed);
    /// For tests and scenarios.
    explicit Rng(std::uint64_t seed);

    /// An independent stream, named; the same name from the same parent gives the same stream.
    Rng fork(std::string_view name) const;

    std::uint64_t next();
    /// Uniform in [0, bound); `bound` must not be 0.
    std::uint64_t below(std::uint64_t bound);
    /// True with probability numerator / denominator.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) {
        return below(denominator) < numerator;
    }
    void fill(std::span<std::uint8_t> out);

    template <class T>
    void shuffle(std::span<T> items) {
        for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
    }

  private:
    void refill();

    std::array<std::uint32_t, 8> key_{};
    std::uint64_t counter_{0};
    std::array<std::uint64_t, 8> block_{};
    std::size_t used_{8};
};

}  // namespace sennit
