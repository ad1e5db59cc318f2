// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sync/test_world.hpp"

/// Weak subjectivity (CHAIN rule 22): a past that the right keys signed, and that is not the true
/// one. Nothing but the block that the operator trusts tells the two apart.
namespace sennit::sync {
namespace {

using fixture::Peer;
using fixture::Source;
using fixture::World;
using std::chrono::seconds;
using testing::HasSubstr;

const Source& honest() {
    static const Source source{{.final_height = 240, .transfer_every = 3}};
    return source;
}
/// By the same validators, from the same genesis, and longer.
const Source& forged() {
    static const Source source{{.final_height = 300, .transfer_every = 2}};
    return source;
}

Options trusting(std::uint64_t height) {
    Options options;
    options.headers_batch_sennit = 16;
    options.blocks_batch = 8;
    options.trusted = honest().facts(Height{height})->checkpoint();
    return options;
}

PeerRef add_forger(World& world) {
    auto& forger = world.add(Height{300}, Height{300});
    forger.chain = &forged();
    forger.latency = std::chrono::milliseconds{5};
    return forger.ref;
}

TEST(SyncTrust, without_it_the_longer_past_wins) {
    World world{honest(), {}};
    add_forger(world);
    world.add();
    ASSERT_TRUE(world.run_to(Height{240}));
    EXPECT_EQ(world.state->base()->id, forged().block(world.state->base()->height)->id);
}

struct At : testing::TestWithParam<std::uint64_t> {};

TEST_P(At, a_past_without_the_trusted_block_costs_its_prover_and_the_true_chain_is_found) {
    World world{honest(), trusting(GetParam())};
    const auto forger = add_forger(world);
    const auto other = world.add().ref;
    ASSERT_TRUE(world.run_to(Height{240}));
    EXPECT_EQ(world.state->base()->id, honest().block(Height{240})->id);
    EXPECT_GE(world.blamed(forger, Blame::What::wrong_answer), 1u);
    EXPECT_EQ(world.blamed(other, Blame::What::invalid), 0u);
    EXPECT_TRUE(world.sync->trusts_base());
}

INSTANTIATE_TEST_SUITE_P(Heights, At, testing::Values(2, 17, 120, 239, 240));

TEST(SyncTrust, what_a_liar_left_on_disk_does_not_pass_for_the_trusted_block) {
    World world{honest(), trusting(120)};
    add_forger(world);
    (void)world.run([&] { return world.rows.size() >= 100; });
    world.restart();
    world.add();
    ASSERT_TRUE(world.run_to(Height{240}));
    EXPECT_EQ(world.state->base()->id, honest().block(Height{240})->id);
}

TEST(SyncTrust, finality_below_the_trusted_block_is_waited_out_and_blames_nobody) {
    World world{honest(), trusting(240)};
    auto& behind = world.add(Height{200}, Height{200});
    const auto ref = behind.ref;
    world.wait(seconds{60});
    EXPECT_EQ(world.state->base()->height, Height{0});
    EXPECT_FALSE(world.sync->trusts_base());
    EXPECT_EQ(world.blamed(ref), 0u);
    world.tell(world.peers.at(ref), Height{240}, Height{240});
    EXPECT_TRUE(world.run_to(Height{240}));
}

TEST(SyncTrust, a_base_that_is_too_old_follows_nobody_and_says_what_it_lacks) {
    World world{honest(), {}};
    world.now.wall += std::chrono::hours{13};
    world.add();
    world.wait(seconds{60});
    EXPECT_EQ(world.state->base()->height, Height{0});
    const auto progress = world.sync->progress(world.now);
    EXPECT_EQ(progress.phase, Phase::behind);
    EXPECT_THAT(progress.error, HasSubstr("--trust slot:id"));
}

}  // namespace
}  // namespace sennit::sync
