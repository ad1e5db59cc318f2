// SPDX-License-Identifier: MIT
#include "protocol/registry.hpp"

#include "protocol/moderntensor/moderntensor.hpp"

namespace sennit::protocol {

std::span<const Entry> protocols() {
    static const std::vector<Entry> kEntries{moderntensor::entry()};
    return kEntries;
}

const Entry* find_protocol(std::string_view name) {
    for (const auto& entry : protocols()) {
        if (entry.name == name) return &entry;
    }
    return nullptr;
}

}  // namespace sennit::protocol
