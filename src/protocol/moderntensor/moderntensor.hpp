// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/registry.hpp"

namespace sennit::protocol::moderntensor {

/// This protocol's line in the registry.
Entry entry();

Result<std::unique_ptr<Protocol>> make(const Config& config, const Keys& keys, const Rng& rng,
                                       const SavedValues& saved);

/// One object for each frame: `type` and, of type 0x50, `kind`; the members of a JSON payload; and
/// `payload` in hexadecimal where those would not make the same bytes again.
std::vector<json::Value> describe(BytesView bytes, const DescribeOptions& options);
Result<Bytes> encode(const json::Value& frame);

}  // namespace sennit::protocol::moderntensor
