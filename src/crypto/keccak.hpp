// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::crypto {

/// Keccak-256 as Ethereum uses it: the original submission's padding byte 0x01, so it is not
/// FIPS 202's SHA3-256 (0x06), which gives other digests.
Digest keccak256(BytesView bytes);

/// The same over input that comes in pieces.
///
///     const Digest id = Keccak256{}.update(header).update(signature).finish();
class Keccak256 {
  public:
    Keccak256& update(BytesView bytes);
    /// The digest of all that was updated; the object then starts afresh.
    Digest finish();

  private:
    static constexpr std::size_t kRate = 136;  // 200 bytes of state less twice the digest

    std::array<std::uint64_t, 25> state_{};
    std::size_t filled_{0};  // bytes of the current block that are already in the state
};

}  // namespace sennit::crypto
