// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sennit::io {

/// Raises the number of files and sockets that this process may have open as far as the system
/// lets it, and says how many that are. Shells and services start programs with a few hundred and
/// leave the rest to those who ask.
std::size_t raise_descriptors_max();

}  // namespace sennit::io
