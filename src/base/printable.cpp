// SPDX-License-Identifier: MIT
#include "base/printable.hpp"

namespace sennit {

std::string printable(std::string_view text, std::size_t size_max) {
    std::string out{text.substr(0, size_max)};
    for (char& c : out) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return out;
}

}  // namespace sennit
