// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <iterator>

#include "base/bytes.hpp"
#include "base/json.hpp"

/// Golden bytes of other implementations, for tests.
namespace sennit::libp2p::vectors {

/// tests/vectors/libp2p/NAME.json
inline json::Value load(const std::string& name) {
    std::ifstream in{std::string{SENNIT_VECTORS} + "/libp2p/" + name + ".json"};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto value = json::parse(text);
    SENNIT_ASSERT(value);
    return *std::move(value);
}

inline Bytes hex(const json::Value& object, std::string_view key) {
    return *from_hex(*object.get_text(key));
}

}  // namespace sennit::libp2p::vectors
