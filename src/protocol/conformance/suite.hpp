// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include "protocol/conformance/test_world.hpp"

namespace sennit::protocol::conformance {

/// One protocol over one carrier.
struct Case {
    std::string name;
    Carrier carrier{Carrier::stream};
    decltype(Entry::make) make{nullptr};
};

inline void PrintTo(const Case& item, std::ostream* out) {
    *out << item.name;
}

/// The skeletons, and every entry of the registry with each of its carriers.
std::vector<Case> all_cases();
std::vector<Case> cases_of(Carrier carrier);

inline std::string case_name(const testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

/// A few nodes of one protocol in one world, and the steps that every test takes.
class Suite : public testing::TestWithParam<Case> {
  protected:
    static constexpr std::size_t kServerLength = 40;

    /// Replaces the world; nodes are added afterwards.
    void make_world(Faults faults = {}, std::uint64_t seed = 1);
    /// A node with the first `chain_length` blocks of the test chain.
    TestNode& add_node(std::size_t chain_length = kServerLength, SavedValues saved = {});
    /// Makes all nodes know all others, by whatever way the carrier has, and waits for the peers.
    void introduce();
    /// The peer that `node` knows `other` by, in worlds of two.
    PeerId peer_of(TestNode& node) { return node.peers().begin()->first; }
    bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::minutes{10}) {
        return world->run_until(done, limit);
    }
    /// Fetches the other's chain with the forms that it answers; the ids, from height 1 on.
    std::vector<BlockId> sync(TestNode& client, std::size_t length);
    bool can(TestNode& node, Kind kind);

    std::unique_ptr<TestWorld> world = std::make_unique<TestWorld>();
    std::vector<TestNode*> nodes;

  private:
    std::vector<BlockId> ask_ids(TestNode& client, Height from, std::uint32_t max);
    MessagePtr ask(TestNode& client, Message request);

    std::uint64_t last_request_{0};
};

}  // namespace sennit::protocol::conformance
