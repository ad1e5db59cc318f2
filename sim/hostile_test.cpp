// SPDX-License-Identifier: MIT
// One validator's machine lies: with blocks that are signed and wrong, with true ones at the wrong
// moment. It may waste its own slots and nobody else's.
#include <gmock/gmock.h>

#include "chain/test_chain.hpp"
#include "sim/world.hpp"

namespace sennit::sim {
namespace {

using chain::fixture::address;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;

protocol::MessagePtr news(const BlockPtr& block, const CertificatePtr& beside = nullptr) {
    return protocol::make_message(protocol::NewBlock{protocol::WireBlock{block, beside}});
}

/// Seven validators, of whom 6 is hostile.
class Hostile : public testing::Test {
  protected:
    explicit Hostile(Costs costs = {}) {
        World::Options options;
        options.costs = costs;
        options.stakes = {1, 1, 1, 1, 1, 1, 1};
        world_.emplace(std::move(options));
        world_->start_validators();
        world_->run_slots(8);
    }
    SimNode& liar() { return world_->node(6); }
    ValidatorKey liars_key() const {
        return ValidatorKey::from(chain::fixture::validator_key(6).public_key().view());
    }

    /// A block of the liar's on its head, with J as the head has it, for a slot that it leads.
    chain::BuiltBlock built_for(Slot from) {
        auto& state = liar().state();
        const auto head = liar().view().head;
        for (auto slot = from;; ++slot) {
            const auto order = world_->chain().order(state, {head->id, slot, nullptr, {}});
            if (order.validator != liars_key()) continue;
            auto built = state.build(order);
            SENNIT_ASSERT(built.has_value());
            return *std::move(built);
        }
    }

    /// A block of the liar's on the head of a moment before, at the start of a slot that it leads.
    chain::BuiltBlock built_in_time() {
        const auto schedule = world_->chain().schedule();
        for (;; world_->run_for(std::chrono::milliseconds{50})) {
            const auto start = from_unix_seconds(schedule.timestamp(world_->slot() + 1));
            if (start - world_->now().wall > std::chrono::milliseconds{60}) continue;
            auto built = built_for(world_->slot() + 1);
            if (from_unix_seconds(built.header.timestamp) != start) continue;
            world_->run_for(start - world_->now().wall);
            return built;
        }
    }

    void expect_finality() {
        std::vector<Slot> slots;
        for (std::uint32_t n = 0; n < 6; ++n) slots.push_back(world_->node(n).finalised_slot());
        EXPECT_THAT(slots, Each(Ge(world_->slot() - 6)));
        EXPECT_THAT(world_->violations(), IsEmpty());
    }
    void expect_company() {
        for (std::uint32_t n = 0; n < 6; ++n) EXPECT_EQ(world_->node(n).peers(), 6u) << n;
    }

    std::optional<World> world_;
};

TEST_F(Hostile, leader_of_a_far_future_slot_does_not_end_the_chain) {
    // The first wraps when it is counted in microseconds, the second in nanoseconds.
    for (const std::uint64_t seconds : {10'000'000'000'000ull, 20'000'000'000ull}) {
        const auto slot = Slot{seconds / world_->chain().genesis().stake.slot_seconds};
        const auto built = built_for(slot);
        liar().say(news(world_->chain().seal(built.header, {})));
        world_->run_slots(4);
        for (std::uint32_t n = 0; n < 6; ++n)
            EXPECT_LE(world_->node(n).head_slot(), world_->slot() + 1) << n;
    }
    world_->run_slots(4);
    expect_finality();
    expect_company();
}

TEST_F(Hostile, headers_of_the_far_future_do_not_make_a_node_spin_or_fill_its_waiting_room) {
    const auto& chain = world_->chain();
    const auto& view = world_->node(0).view();
    auto header = view.unfinalised.at(view.head->id)->header;
    for (std::uint64_t n = 0; n < 100; ++n) {
        header.previous_hash = view.head->id;
        header.height = view.head->height + 1;
        header.timestamp = chain.schedule().timestamp(Slot{5'000'000'000 + n});
        header.validator = ValidatorKey{{static_cast<std::uint8_t>(n)}};
        liar().say(news(make_block(header, {})));
    }
    world_->run_slots(2);
    const auto before = world_->node(0).wakes();
    world_->run_slots(10);
    EXPECT_LT(world_->node(0).wakes() - before, 300u) << "timers in 30 seconds";
    expect_finality();
}

TEST_F(Hostile, leader_of_a_block_that_fails_execution_parts_no_honest_nodes) {
    for (int round = 0; round < 3; ++round) {
        auto built = built_in_time();
        built.header.state_root = Digest{{1, 2, 3}};
        const auto block = world_->chain().seal(built.header, {});
        // Only one of them hears it from its maker.
        liar().say(HostId{2}, news(block));
        world_->run_slots(1);
    }
    EXPECT_GE(world_->heard("state root"), 6u);
    EXPECT_EQ(world_->heard("banned"), 0u);
    expect_company();
    world_->run_slots(4);
    expect_finality();
}

/// Checking takes long here, so that copies of a block meet.
class HostileAndQuick : public Hostile {
  protected:
    HostileAndQuick() : Hostile{{.worker = std::chrono::milliseconds{250}}} {}
};

TEST_F(HostileAndQuick, sender_of_a_block_with_another_body_does_not_keep_the_true_one_out) {
    auto& observer = world_->add_observer({HostId{0}, HostId{5}, HostId{6}});
    observer.start();
    world_->run_slots(3);
    const auto block = world_->chain().seal(built_in_time().header, {});
    const auto body = world_->chain().transfer(103, address(7), 1, 0);
    liar().say(observer.host(), news(make_block(block->header, {body})));
    world_->run_for(std::chrono::milliseconds{40});
    world_->node(5).say(observer.host(), news(block));
    world_->run_for(std::chrono::milliseconds{1500});
    EXPECT_EQ(world_->heard("does not give the header's transactions root"), 1u);
    EXPECT_TRUE(observer.view().unfinalised.contains(block->id));
}

std::vector<CertificatePtr> stored_certificates(const SimNode& node, Slot from) {
    std::vector<CertificatePtr> out;
    Writer key;
    key.be(from.value);
    const auto scanned =
        node.store().scan(chain::Column::certificates, key.bytes(), [&](BytesView, BytesView row) {
            out.push_back(std::make_shared<const Certificate>(*decode_certificate(row)));
            return out.size() < 6;
        });
    SENNIT_ASSERT(scanned.has_value());
    return out;
}

TEST(HostileHelper, finality_that_is_heard_while_sync_moves_the_base_waits_for_its_turn) {
    World::Options options;
    options.costs.chain = std::chrono::milliseconds{300};
    World world{options};
    world.start_validators();
    auto& follower = world.add_observer({HostId{3}});
    follower.start();
    world.run_slots(10);
    for (int round = 0; round < 16; ++round) {
        // It has executed blocks whose finality it did not hear of.
        world.partition({{0, 1, 2, 3}, {4}});
        world.run_slots(8);
        const auto base = follower.finalised_slot();
        ASSERT_GT(follower.head_slot(), base);
        world.heal();
        while (follower.peers() == 0) world.run_for(std::chrono::milliseconds{50});
        // Certificates for them arrive at another moment of its sync in each round.
        world.run_for(std::chrono::milliseconds{100 * round});
        world.node(3).say(protocol::make_message(
            protocol::Certificates{stored_certificates(world.node(3), base + 1), {}}));
        world.run_slots(5);
        EXPECT_GE(follower.finalised_slot(), world.slot() - 6) << round;
    }
    EXPECT_THAT(world.violations(), IsEmpty());
}

/// Of four, two are away for longer than any limit on what waits for finality.
class Stalled : public testing::Test {
  protected:
    explicit Stalled(chain::State::Limits limits = {.layers_max = 6}) {
        World::Options options;
        options.state = limits;
        world_.emplace(std::move(options));
        world_->start_validators();
        world_->run_slots(10);
    }
    void stall(std::uint64_t slots) {
        world_->node(2).kill();
        world_->node(3).kill();
        world_->run_slots(slots);
    }
    void expect_recovery() {
        world_->node(2).start();
        world_->node(3).start();
        world_->run_slots(15);
        for (std::uint32_t n = 0; n < 4; ++n)
            EXPECT_GE(world_->node(n).finalised_slot(), world_->slot() - 4) << n;
        EXPECT_THAT(world_->violations(), IsEmpty());
    }
    std::optional<World> world_;
};

TEST_F(Stalled, chain_goes_on_past_the_limit_of_layers_and_is_final_when_the_others_return) {
    const auto height = world_->node(0).head_height();
    stall(40);
    EXPECT_GT(world_->node(0).head_height(), height + 12);
    EXPECT_EQ(world_->node(0).view().head->id, world_->node(1).view().head->id);
    expect_recovery();
}

TEST_F(Stalled, late_joiner_follows_a_branch_longer_than_the_limit_of_layers) {
    stall(40);
    auto& joiner = world_->add_observer({HostId{0}});
    joiner.start();
    world_->run_slots(8);
    EXPECT_GE(joiner.head_slot(), world_->slot() - 3);
    expect_recovery();
}

class StalledWithLittleMemory : public Stalled {
  protected:
    StalledWithLittleMemory() : Stalled{{.layers_bytes_max = 20'000}} {}
};

TEST_F(StalledWithLittleMemory, blocks_get_emptier_while_finality_waits_and_full_again_after) {
    world_->node(2).kill();
    world_->node(3).kill();
    const auto to = address(77);
    std::uint64_t nonce = 0;
    for (int slot = 0; slot < 40; ++slot) {
        world_->node(0).submit(world_->chain().transfer(100, to, 5, nonce++));
        world_->run_slots(1);
    }
    const auto sent = Amount{nonce} * 5;
    const auto mined = world_->node(0).balance(to);
    EXPECT_GT(mined, 0u);
    EXPECT_LT(mined, sent / 2) << "memory grows for as long as finality waits";
    expect_recovery();
    EXPECT_EQ(world_->node(0).balance(to), sent);
}

}  // namespace
}  // namespace sennit::sim
