// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::chain {

/// Accounts that are the chain's own: their "code" is in the node. Nobody's payout, and not in a
/// genesis allocation.
inline constexpr Address kRegistryAddress{
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0}};
inline constexpr Address kRoundsAddress{
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1}};

constexpr bool is_reserved(const Address& address) {
    return address == kRegistryAddress || address == kRoundsAddress;
}

}  // namespace sennit::chain
