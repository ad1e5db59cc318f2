// SPDX-License-Identifier: MIT
#include "io/random.hpp"

#include <sys/random.h>

#include <cerrno>

namespace sennit::io {

Rng::Seed system_seed() {
    Rng::Seed seed{};
    std::size_t filled = 0;
    while (filled < seed.size()) {
        const auto n = ::getrandom(seed.data() + filled, seed.size() - filled, 0);
        if (n < 0 && errno == EINTR) continue;
        SENNIT_ASSERT(n > 0);
        filled += static_cast<std::size_t>(n);
    }
    return seed;
}

}  // namespace sennit::io
