// SPDX-License-Identifier: MIT
#include "relay/inventory.hpp"

#include <gtest/gtest.h>

namespace sennit::relay {
namespace {

Digest item(std::uint8_t n) {
    Digest out;
    out.bytes[0] = n;
    return out;
}
constexpr PeerRef peer(std::uint64_t n) {
    return {InstanceId{1}, PeerId{n}};
}

TEST(Inventory, remembers_each_peer_apart) {
    Inventory inventory;
    EXPECT_TRUE(inventory.mark(peer(1), item(1)));
    EXPECT_FALSE(inventory.mark(peer(1), item(1)));
    EXPECT_TRUE(inventory.knows(peer(1), item(1)));
    EXPECT_FALSE(inventory.knows(peer(2), item(1)));
    inventory.forget(peer(1));
    EXPECT_FALSE(inventory.knows(peer(1), item(1)));
    inventory.check_invariants();
}

TEST(Inventory, forgets_the_oldest_at_its_limit) {
    Inventory inventory{3};
    for (std::uint8_t n = 0; n < 5; ++n) inventory.mark(peer(1), item(n));
    EXPECT_FALSE(inventory.knows(peer(1), item(1)));
    EXPECT_TRUE(inventory.knows(peer(1), item(2)));
    EXPECT_TRUE(inventory.knows(peer(1), item(4)));
    inventory.check_invariants();
}

}  // namespace
}  // namespace sennit::relay
