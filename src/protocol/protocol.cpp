// SPDX-License-Identifier: MIT
#include "protocol/protocol.hpp"

namespace sennit::protocol {

std::string_view to_string(Offence offence) {
    constexpr std::array<std::string_view, kOffences> kNames{"framing", "malformed",   "oversized",
                                                             "forged",  "unsolicited", "flooding",
                                                             "silent",  "rejected"};
    return kNames[static_cast<std::size_t>(offence)];
}

std::string_view to_string(Refusal refusal) {
    constexpr std::array<std::string_view, 4> kNames{"unsupported", "too_large", "busy", "gone"};
    return kNames[static_cast<std::size_t>(refusal)];
}

}  // namespace sennit::protocol
