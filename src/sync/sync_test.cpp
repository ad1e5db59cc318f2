// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sync/test_world.hpp"

namespace sennit::sync {
namespace {

using fixture::Source;
using fixture::World;

/// Small batches, so that a short chain has many of them.
Options small() {
    Options options;
    options.headers_batch = 16;
    options.headers_batch_sennit = 32;
    options.blocks_batch = 8;
    return options;
}

const Source& source() {
    static const Source source{{.final_height = 200, .unfinalised = 6}};
    return source;
}

TEST(Sync, brings_a_late_joiner_to_the_head_of_one_peer) {
    World world{source(), Options{}};
    world.add();
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_EQ(world.state->base()->id, source().block(Height{200})->id);
    ASSERT_TRUE(world.run([&] { return world.head == source().block(source().head_height())->id; }));
    world.wait(std::chrono::seconds{5});
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::synced);
    EXPECT_TRUE(world.blames.empty());
    EXPECT_TRUE(world.rows.empty());
}

TEST(Sync, shares_the_work_among_several_peers) {
    World world{source(), small()};
    std::vector<PeerRef> refs;
    for (int i = 0; i < 4; ++i) refs.push_back(world.add().ref);
    ASSERT_TRUE(world.run_to(Height{200}));
    for (const auto ref : refs) EXPECT_GT(world.peers.at(ref).asked, 2U);
    EXPECT_TRUE(world.blames.empty());
}

}  // namespace
}  // namespace sennit::sync
