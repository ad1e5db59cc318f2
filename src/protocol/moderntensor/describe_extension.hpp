// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"
#include "protocol/moderntensor/codec.hpp"

namespace sennit::protocol::moderntensor {

/// Adds what a payload of the extension says, for people. Errors: those of `decode_extension`.
Result<void> describe_extension(json::Value& out, Type type, BytesView payload);

}  // namespace sennit::protocol::moderntensor
