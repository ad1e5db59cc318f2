// SPDX-License-Identifier: MIT
#pragma once

#include "cli/rpc_client.hpp"
#include "primitives/sign.hpp"

namespace sennit::cli {

/// A quantity (0x…) as the RPC gives it.
Result<std::uint64_t> quantity_of(const json::Value& value);

}  // namespace sennit::cli
