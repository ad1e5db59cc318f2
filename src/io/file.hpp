// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "sennit/types.hpp"

namespace sennit::io {

/// A whole file that an operator named: configuration, keys, genesis. Errors: io, with the file and
/// the system's reason, also for a directory; oversized.
Result<std::string> read_file(const std::string& path,
                              std::size_t size_max = std::size_t{256} << 20);

}  // namespace sennit::io
