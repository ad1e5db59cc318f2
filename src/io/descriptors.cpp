// SPDX-License-Identifier: MIT
#include "io/descriptors.hpp"

#include <sys/resource.h>

#include <limits>

namespace sennit::io {

std::size_t raise_descriptors_max() {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    auto raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<std::size_t>::max()
                                           : static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace sennit::io
