// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "sync/header_chain.hpp"
#include "sync/test_world.hpp"

namespace sennit::sync {
namespace {

using fixture::Source;
using fixture::World;
using protocol::Form;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Small batches, so that a short chain has many of them.
Options small() {
    Options options;
    options.headers_batch = 16;
    options.headers_batch_sennit = 32;
    options.blocks_batch = 8;
    return options;
}

const Source& source() {
    static const Source source{{.final_height = 200, .unfinalised = 20}};
    return source;
}

bool at_head(const World& world) {
    return world.head == source().block(source().head_height())->id;
}

TEST(Sync, brings_a_late_joiner_to_the_head_of_one_peer) {
    World world{source(), Options{}};
    world.add();
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_EQ(world.state->base()->id, source().block(Height{200})->id);
    ASSERT_TRUE(world.run([&] { return at_head(world); }));
    world.wait(seconds{5});
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::synced);
    EXPECT_TRUE(world.blames.empty());
    EXPECT_TRUE(world.rows.empty());
}

TEST(Sync, brings_a_late_joiner_over_a_thousand_blocks) {
    const Source far{{.final_height = 1000, .transfer_every = 2}};
    World world{far, Options{}};
    for (int i = 0; i < 3; ++i) world.add();
    ASSERT_TRUE(world.run_to(Height{1000}));
    EXPECT_EQ(world.state->base()->id, far.block(Height{1000})->id);
    EXPECT_TRUE(world.blames.empty());
    EXPECT_LE(world.most.window_blocks, Options{}.window_blocks_max);
}

TEST(Sync, shares_the_work_among_several_peers) {
    World world{source(), small()};
    std::vector<PeerRef> refs;
    for (int i = 0; i < 4; ++i) refs.push_back(world.add().ref);
    ASSERT_TRUE(world.run_to(Height{200}));
    for (const auto ref : refs) EXPECT_GT(world.peers.at(ref).asked, 2U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, asks_the_quick_more_often_than_the_slow) {
    const Source far{{.final_height = 600, .transfer_every = 1}};
    World world{far, small()};
    auto& quick = world.add();
    auto& slow = world.add();
    slow.latency = seconds{1};
    ASSERT_TRUE(world.run_to(Height{600}));
    EXPECT_GT(quick.asked, 2 * slow.asked);
}

TEST(Sync, asks_nobody_for_bodies_of_empty_blocks) {
    const Source idle{{.final_height = 100, .transfer_every = 1'000'000}};
    World world{idle, Options{}};
    world.add();
    ASSERT_TRUE(world.run_to(Height{100}));
    EXPECT_EQ(world.asks.count("GetBodies"), 0U);
    EXPECT_EQ(world.asks.count("GetBlocks"), 0U);
}

TEST(Sync, follows_the_validator_set_through_its_changes) {
    const Source changing{{.final_height = 700, .set_changes = true}};
    const auto version = changing.facts(Height{700})->sets.current->version;
    ASSERT_GE(version, 3U);
    World world{changing, Options{}};
    world.add();
    ASSERT_TRUE(world.run_to(Height{700}));
    EXPECT_EQ(world.state->base()->sets.current->version, version);
    EXPECT_EQ(world.asks.at("GetCertificates"), 1U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, asks_on_when_an_answer_held_not_all_proofs) {
    const Source changing{{.final_height = 700, .set_changes = true}};
    World world{changing, Options{}};
    auto& peer = world.add();
    // As a desk does whose answers are limited: some changes, then the latest proof.
    peer.bend = [](const protocol::Message&, protocol::MessagePtr honest) {
        const auto* proofs = std::get_if<protocol::Certificates>(honest.get());
        if (proofs == nullptr || proofs->sets.size() < 2) return honest;
        protocol::Certificates cut{{proofs->certificates.front(), proofs->certificates.back()},
                                   {proofs->sets.front()}};
        return protocol::make_message(std::move(cut));
    };
    ASSERT_TRUE(world.run_to(Height{700}));
    EXPECT_GE(world.asks.at("GetCertificates"), 3U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, takes_short_answers_for_what_they_are) {
    World world{source(), small()};
    world.add().items_max = 3;
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, makes_do_with_peers_that_only_send_blocks_by_height) {
    World world{source(), small()};
    auto& peer = world.add();
    peer.traits.answers =
        protocol::FormSet{}.add(Form::blocks_by_height).add(Form::certificates_latest);
    peer.items_max = 5;
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, makes_do_with_peers_that_send_headers_only_upwards) {
    World world{source(), small()};
    auto& peer = world.add();
    peer.traits.answers.remove(Form::headers_newest_first).remove(Form::bodies_by_id);
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, goes_on_when_peers_move_on_meanwhile) {
    World world{source(), small()};
    auto& peer = world.add(Height{100}, Height{102});
    ASSERT_TRUE(world.run_to(Height{50}));
    world.tell(peer, Height{200}, Height{220});
    ASSERT_TRUE(world.run([&] { return at_head(world); }));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, asks_lower_peers_for_what_they_have) {
    World world{source(), small()};
    auto& high = world.add();
    high.latency = milliseconds{500};
    auto& low = world.add(Height{150}, Height{150});
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_GT(low.asked, 0U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, continues_after_a_kill_among_headers) {
    World world{source(), small()};
    auto& peer = world.add();
    ASSERT_TRUE(world.run([&] { return world.rows.size() >= 150; }));
    const auto kept = world.rows.size();
    ASSERT_EQ(world.state->base()->height, Height{0});
    peer.asked = 0;
    world.asks.clear();
    world.restart();
    ASSERT_TRUE(world.run_to(Height{200}));
    // What was kept is not fetched again, but for the range that shows the certified header.
    EXPECT_LE(world.asks.at("GetHeaders"), (200 - kept) / 32 + 3);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, finds_at_once_that_nothing_was_kept) {
    World world{source(), small()};
    world.add();
    ASSERT_TRUE(world.run([&] { return world.rows.size() > 100; }));
    EXPECT_EQ(world.loads, 1U);
}

TEST(Sync, continues_after_a_kill_among_blocks) {
    Options options = small();
    options.window_blocks_max = 512;
    const Source far{{.final_height = 1200}};
    World world{far, options};
    world.add();
    ASSERT_TRUE(world.run([&] { return world.state->base()->height >= Height{300}; }));
    ASSERT_LT(world.state->base()->height, Height{1200});
    world.asks.clear();
    world.restart();
    ASSERT_TRUE(world.run_to(Height{1200}));
    EXPECT_LE(world.asks.at("GetHeaders"), 2U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, is_not_misled_by_rows_of_another_chain) {
    const Source other{{.final_height = 200, .transfer_every = 3}};
    World world{source(), small()};
    for (Height h{1}; h <= Height{200}; ++h) world.rows[h] = other.block(h)->header_bytes;
    world.rows[Height{77}] = Bytes{1, 2, 3};
    world.add();
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, holds_no_more_than_its_options_allow) {
    const Source far{{.final_height = 1500, .transfer_every = 1}};
    Options options = small();
    options.window_blocks_max = 600;
    options.header_ranges_max = 3;
    options.body_requests_max = 2;
    World world{far, options};
    for (int i = 0; i < 4; ++i) world.add();
    ASSERT_TRUE(world.run_to(Height{1500}));
    EXPECT_LE(world.most.window_blocks, 600U);
    EXPECT_LE(world.most.requests, 3U);
    EXPECT_LE(world.most.header_pieces, HeaderChain::kPiecesMax);
}

TEST(Sync, asks_for_no_more_headers_than_a_slow_disk_takes) {
    const Source far{{.final_height = 1500}};
    Options options = small();
    options.header_ranges_max = 3;
    options.header_writes_max = 4;
    World world{far, options};
    world.disk_latency = seconds{2};
    for (int i = 0; i < 4; ++i) world.add().latency = milliseconds{1};
    ASSERT_TRUE(world.run_to(Height{1500}));
    EXPECT_GE(world.most.header_writes, 4U);
    EXPECT_LE(world.most.header_writes, 6U);
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, reads_headers_back_only_when_the_disk_has_them) {
    World world{source(), small()};
    world.disk_latency = seconds{5};
    world.add();
    bool early = false;
    ASSERT_TRUE(world.run([&] {
        const bool reading = world.sync->progress(world.now).stage == Stage::blocks;
        early = early || (reading && world.sync->held().header_writes > 0);
        return world.state->base()->height >= Height{200};
    }));
    EXPECT_FALSE(early);
    EXPECT_EQ(world.sync->progress(world.now).error, "");
}

TEST(Sync, stops_when_the_disk_does_not_give_back_what_was_kept) {
    World world{source(), Options{}};
    world.damage_rows = true;
    world.add();
    ASSERT_TRUE(world.run([&] { return world.sync->progress(world.now).phase == Phase::error; }));
    EXPECT_THAT(world.sync->progress(world.now).error, testing::HasSubstr("disk"));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, lets_ordinary_finality_overtake_it) {
    World world{source(), small()};
    world.add();
    ASSERT_TRUE(world.run([&] { return world.sync->progress(world.now).stage == Stage::blocks; }));
    world.overtake(Height{90});
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, lets_ordinary_finality_overtake_what_is_being_executed) {
    World world{source(), small()};
    world.add();
    ASSERT_TRUE(world.run([&] { return world.appending >= 2; }));
    world.overtake(Height{150});
    ASSERT_TRUE(world.run_to(Height{200}));
    EXPECT_EQ(world.sync->progress(world.now).error, "");
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, tells_how_far_it_is) {
    const Source far{{.final_height = 1000}};
    World world{far, small()};
    world.add().latency = milliseconds{300};
    double percent = 0;
    bool told_left = false;
    ASSERT_TRUE(world.run([&] {
        const auto progress = world.sync->progress(world.now);
        if (progress.stage == Stage::headers) {
            EXPECT_GE(progress.percent, percent);
            percent = progress.percent;
            EXPECT_EQ(progress.target, Height{1000});
            EXPECT_EQ(progress.phase, Phase::syncing);
            told_left = told_left || (progress.left && *progress.left < seconds{60});
        }
        return progress.stage == Stage::blocks;
    }));
    EXPECT_GT(percent, 50);
    EXPECT_TRUE(told_left);
    ASSERT_TRUE(world.run_to(Height{1000}));
    EXPECT_EQ(world.sync->progress(world.now).percent, 100);
}

TEST(Sync, waits_for_the_status_of_a_peer_whose_proof_is_younger) {
    World world{source(), small()};
    auto& peer = world.add(Height{100}, Height{102});
    peer.bend = [](const protocol::Message&, protocol::MessagePtr honest) {
        if (!std::holds_alternative<protocol::Certificates>(*honest)) return honest;
        return protocol::make_message(source().proofs(1, Height{101}));
    };
    world.wait(seconds{3});
    EXPECT_EQ(world.asks.count("GetHeaders"), 0U);
    world.tell(peer, Height{101}, Height{102});
    ASSERT_TRUE(world.run_to(Height{101}));
    EXPECT_TRUE(world.blames.empty());
}

TEST(Sync, leaves_peers_of_another_chain_alone) {
    World world{source(), Options{}};
    auto& peer = world.add(Height{0}, Height{0});
    world.wait(milliseconds{1});
    auto status = source().status(Height{200}, Height{220});
    status.genesis = status.head;
    world.say(peer.ref, status);
    world.wait(seconds{30});
    EXPECT_TRUE(world.asks.empty());
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::idle);
}

TEST(Sync, keeps_a_validator_from_proposing_only_while_it_is_far_behind) {
    World world{source(), small()};
    auto& peer = world.add(Height{150}, Height{150});
    bool ever = false;
    ASSERT_TRUE(world.run([&] {
        ever = ever || world.sync->syncing();
        return world.state->base()->height == Height{150};
    }));
    EXPECT_TRUE(ever);
    world.wait(seconds{10});
    EXPECT_FALSE(world.sync->syncing());
    ever = false;
    // A few blocks more, which hang on one that is final at the peer.
    world.tell(peer, Height{152}, Height{156});
    world.run([&] { return ever = ever || world.sync->syncing(); }, seconds{30});
    EXPECT_EQ(world.head, source().block(Height{156})->id);
    EXPECT_EQ(world.state->base()->height, Height{152});
    EXPECT_FALSE(ever);
}

TEST(Sync, is_idle_without_peers_and_synced_beside_equals) {
    World world{source(), Options{}};
    world.wait(seconds{1});
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::idle);
    world.add(Height{0}, Height{0});
    world.wait(seconds{1});
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::synced);
    EXPECT_TRUE(world.asks.empty());
}

TEST(Sync, asks_no_peer_that_does_not_speak_sennit) {
    World world{source(), Options{}};
    world.add().traits.sennit = false;
    world.wait(seconds{30});
    EXPECT_TRUE(world.asks.empty());
    EXPECT_EQ(world.sync->progress(world.now).phase, Phase::idle);
}

// Branches.

TEST(SyncBranch, offers_the_blocks_above_finality_in_order) {
    World world{source(), small()};
    world.add();
    ASSERT_TRUE(world.run([&] { return at_head(world); }));
    EXPECT_EQ(world.offers, 20U);
    EXPECT_EQ(world.state->base()->height, Height{200});
    EXPECT_TRUE(world.blames.empty());
}

TEST(SyncBranch, waits_a_second_for_a_head_that_arrives_by_itself) {
    World world{source(), small()};
    auto& peer = world.add(Height{200}, Height{200});
    ASSERT_TRUE(world.run_to(Height{200}));
    world.wait(seconds{10});
    world.asks.clear();
    world.tell(peer, Height{200}, Height{201});
    world.wait(milliseconds{900});
    world.hear(Height{201});
    world.tell(peer, Height{200}, Height{202});
    world.wait(milliseconds{900});
    EXPECT_TRUE(world.asks.empty());
    world.wait(seconds{1});
    EXPECT_EQ(world.offers, 1U);
    EXPECT_EQ(world.head, source().block(Height{202})->id);
}

TEST(SyncBranch, anchors_when_the_branch_hangs_on_blocks_that_are_final_elsewhere) {
    World world{source(), small()};
    auto& peer = world.add(Height{198}, Height{198});
    ASSERT_TRUE(world.run_to(Height{198}));
    world.wait(seconds{10});
    world.tell(peer, Height{200}, Height{210});
    ASSERT_TRUE(world.run([&] { return world.head == source().block(Height{210})->id; }));
    EXPECT_EQ(world.state->base()->height, Height{200});
    EXPECT_TRUE(world.blames.empty());
}

TEST(SyncBranch, gives_up_a_branch_that_the_intake_refuses) {
    World world{source(), small()};
    world.add();
    world.refuse_offers = true;
    ASSERT_TRUE(world.run_to(Height{200}));
    world.wait(std::chrono::minutes{5});
    EXPECT_GE(world.offers, 1U);
    // Each try waits longer than the one before.
    EXPECT_LE(world.offers, 8 * 32U);
    EXPECT_TRUE(world.blames.empty()) << "who is to blame is decided by the intake";
    EXPECT_FALSE(world.sync->syncing());
}

TEST(SyncBranch, takes_blocks_that_came_otherwise_as_offered) {
    World world{source(), small()};
    auto& peer = world.add(Height{200}, Height{200});
    ASSERT_TRUE(world.run_to(Height{200}));
    peer.latency = milliseconds{200};
    world.tell(peer, Height{200}, Height{220});
    world.wait(milliseconds{250});
    for (Height h{201}; h <= Height{210}; ++h) world.hear(h);
    ASSERT_TRUE(world.run([&] { return at_head(world); }));
    EXPECT_LE(world.offers, 20U);
    EXPECT_TRUE(world.blames.empty());
}

}  // namespace
}  // namespace sennit::sync
