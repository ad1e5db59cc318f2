// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace sennit {

/// A stranger's text, fit for logs and terminals: at most so many characters, and '?' for every
/// byte that is not printable ASCII.
std::string printable(std::string_view text, std::size_t size_max);

}  // namespace sennit
