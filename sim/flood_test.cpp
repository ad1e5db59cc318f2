// SPDX-License-Identifier: MIT
// One validator's machine is hostile and shouts: the others must lose nothing but its company.
#include <gmock/gmock.h>

#include "chain/test_chain.hpp"
#include "protocol/moderntensor/extension.hpp"
#include "sim/world.hpp"

namespace sennit::sim {
namespace {

using chain::fixture::address;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;

/// Seven validators, of whom 6 is hostile.
class Floods : public testing::Test {
  protected:
    Floods() {
        World::Options options;
        options.stakes = {1, 1, 1, 1, 1, 1, 1};
        options.costs.workers = 2;
        world_.emplace(std::move(options));
        world_->start_validators();
        world_->run_slots(6);
    }
    SimNode& hostile() { return world_->node(6); }

    void expect_unharmed() {
        world_->run_slots(4);
        std::vector<Slot> slots;
        for (std::uint32_t n = 0; n < 6; ++n) slots.push_back(world_->node(n).finalised_slot());
        EXPECT_THAT(slots, Each(Ge(world_->slot() - 6)));
        EXPECT_THAT(world_->violations(), IsEmpty());
    }
    void expect_banned(std::string_view why) {
        EXPECT_EQ(world_->heard("banned"), 6u);
        EXPECT_EQ(world_->heard(why), 6u);
        for (std::uint32_t n = 0; n < 6; ++n) EXPECT_EQ(world_->node(n).peers(), 5u) << n;
    }

    std::optional<World> world_;
};

TEST_F(Floods, of_transactions_that_are_well_signed_and_of_no_use_end_in_a_ban) {
    world_->node(0).submit(world_->chain().transfer(100, address(7), 1, 0));
    world_->run_slots(4);
    constexpr std::uint64_t kEach = 1500;
    for (std::uint64_t batch = 0; batch < 6; ++batch) {
        protocol::Transactions useless;  // their nonce is gone
        for (std::uint64_t i = 0; i < kEach; ++i) {
            useless.transactions.emplace_back(
                world_->chain().transfer(100, address(7), 2 + batch * kEach + i, 0));
        }
        hostile().say(protocol::make_message(std::move(useless)));
        world_->run_for(std::chrono::milliseconds{200});
    }
    expect_banned("of no use");
    expect_unharmed();
}

TEST_F(Floods, of_blocks_whose_parents_nobody_knows_push_out_nobody_elses) {
    const auto head = world_->node(0).view().unfinalised.at(world_->node(0).view().head->id);
    for (std::uint32_t i = 0; i < 300; ++i) {
        auto header = head->header;
        header.height = header.height + 2;
        header.previous_hash =
            BlockId{{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)}};
        hostile().say(protocol::make_message(
            protocol::NewBlock{protocol::WireBlock{make_block(header, {}), nullptr}}));
    }
    expect_unharmed();
}

TEST_F(Floods, of_blocks_of_the_future_in_others_names_keep_no_honest_one_out) {
    const auto& chain = world_->chain();
    for (int round = 0; round < 6; ++round) {
        const auto& view = world_->node(0).view();
        auto header = view.unfinalised.at(view.head->id)->header;
        header.previous_hash = view.head->id;
        header.height = view.head->height + 1;
        for (std::uint64_t ahead = 1; ahead < 20; ++ahead) {
            header.timestamp = chain.schedule().timestamp(world_->slot() + ahead);
            for (const auto& member : view.head->sets.current->members) {
                header.validator = member.key;
                hostile().say(protocol::make_message(
                    protocol::NewBlock{protocol::WireBlock{make_block(header, {}), nullptr}}));
            }
        }
        world_->run_slots(1);
    }
    expect_unharmed();
}

TEST_F(Floods, of_certificates_for_what_is_final_already_are_passed_over) {
    world_->run_slots(10);
    const auto last = world_->node(0).finalised_height();
    // The oldest first: of some the node still knows the block, and no more what that builds on.
    for (auto height = last - 10; height < last; ++height) {
        auto certificate = std::make_shared<Certificate>();
        certificate->link.target.id = **chain::stored_id(world_->node(0).store(), height);
        certificate->bitmap = {0};
        hostile().say(protocol::make_message(protocol::Certificates{{certificate}, {}}));
        world_->run_for(std::chrono::milliseconds{150});
    }
    expect_unharmed();
}

TEST_F(Floods, of_questions_keep_nobody_else_from_an_answer) {
    world_->run_slots(40);
    auto& joiner = world_->add_observer({HostId{0}});
    joiner.start();
    const auto question = protocol::moderntensor::encode_extension(
        protocol::GetHeaders{Height{0}, protocol::kHeadersMax, false}, 1);
    Bytes flood;
    while (flood.size() < 6000) flood.insert(flood.end(), question->begin(), question->end());
    for (int round = 0; round < 40; ++round) {
        hostile().shout(flood);
        world_->run_for(std::chrono::milliseconds{100});
    }
    EXPECT_GE(joiner.finalised_slot(), world_->slot() - 6);
    EXPECT_EQ(hostile().peers(), 0u);
    EXPECT_GE(world_->heard("asks on and on"), 6u);
    expect_unharmed();
}

TEST_F(Floods, of_bodies_larger_than_the_chain_allows_end_in_a_ban_at_once) {
    const auto& view = world_->node(0).view();
    auto header = view.unfinalised.at(view.head->id)->header;
    header.previous_hash = BlockId{{9}};  // before anything is known of it
    header.height = header.height + 2;
    Transaction big;
    big.gas_limit = 10'000'000;
    big.data.assign(world_->chain().genesis().block_bytes_max / 2, 1);
    std::vector<TransactionPtr> transactions;
    for (std::uint64_t nonce = 0; nonce < 3; ++nonce) {
        big.nonce = nonce;
        transactions.push_back(world_->chain().sign(100, big));
    }
    hostile().say(protocol::make_message(
        protocol::NewBlock{protocol::WireBlock{make_block(header, transactions), nullptr}}));
    world_->run_for(std::chrono::seconds{1});
    expect_banned("body larger than the chain allows");
    expect_unharmed();
}

}  // namespace
}  // namespace sennit::sim
