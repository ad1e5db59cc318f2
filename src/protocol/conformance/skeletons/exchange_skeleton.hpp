// SPDX-License-Identifier: MIT
#pragma once

#include "protocol/registry.hpp"

namespace sennit::protocol::conformance {

/// A mesh over HTTP in Nawal's manner: each signed message is one exchange, peers are the members
/// of a register and have no link, the verdict of the engine is the status of the answer, and what
/// was accepted is forwarded as it came.
///
///     POST /message   sender 32 | id 32 | signature 64 | payload   -> 200, 403, 400, 429, 503
///     POST /request   the same                                     -> 200 with such a message
///
/// The signature covers "skeleton/1" || id || payload. A copy enters the seen-cache only when its
/// signature has verified: a forged first copy must not suppress the genuine one (CONTRACT rule 5).
Result<std::unique_ptr<Protocol>> make_exchange_skeleton(const Config& config, const Keys& keys,
                                                         const Rng& rng, const SavedValues& saved);

}  // namespace sennit::protocol::conformance
