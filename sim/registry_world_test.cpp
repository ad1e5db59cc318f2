// SPDX-License-Identifier: MIT
// Validators that come, go and cheat, in whole worlds: the registry, its transactions, the sets
// that follow from them, and evidence from those who saw it.
#include <gmock/gmock.h>

#include "chain/ledger_fixture.hpp"
#include "sim/world.hpp"

namespace sennit::sim {
namespace {

using chain::fixture::account_key;
using chain::fixture::kCoin;
using chain::fixture::validator_key;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;

ValidatorKey key_of(std::uint32_t number) {
    return validator_key(number).public_key<ValidatorKey>();
}

chain::Candidate candidate(const SimNode& node, std::uint32_t number) {
    chain::Overlay overlay{*node.view().state};
    auto found = chain::RegistryStore{overlay}.candidate(account_key(number).address());
    SENNIT_ASSERT(found.has_value());
    return *std::move(found);
}

const ValidatorSet& set_of(const SimNode& node) {
    return *node.view().head->sets.current;
}

bool is_member(const SimNode& node, std::uint32_t number) {
    return set_of(node).index_of(key_of(number)).has_value();
}

void call_registry(World& world, SimNode& through, std::uint32_t from, std::uint64_t nonce,
                   Bytes data, Amount value = 0) {
    Transaction tx;
    tx.nonce = nonce;
    tx.gas_price = 1;
    tx.to = chain::kRegistryAddress;
    tx.value = value;
    tx.gas_limit = chain::estimate_gas(tx.to, data);
    tx.data = std::move(data);
    through.submit(world.chain().sign(from, std::move(tx)));
}

void expect_finality(const World& world, std::uint64_t within = 3) {
    std::vector<Slot> slots;
    for (const auto& node : world.nodes()) slots.push_back(node->finalised_slot());
    EXPECT_THAT(slots, Each(Ge(world.slot() - within)));
}

World long_world(std::vector<std::uint64_t> stakes, std::uint64_t unbonding_seconds = 1'000'000) {
    World::Options options;
    options.stakes = std::move(stakes);
    options.unbonding_seconds = unbonding_seconds;
    options.check_invariants = false;
    return World{std::move(options)};
}

/// Validator 100, running and registered with three coins after ten slots.
SimNode& add_entrant(World& world) {
    auto& entrant = world.add_validator(100);
    entrant.start();
    world.run_slots(10);
    call_registry(world, entrant, 100, 0,
                  chain::fixture::registration(world.chain().genesis(), 100,
                                               chain::fixture::address(100), Bytes{}),
                  3 * kCoin);
    return entrant;
}

TEST(RegistryWorld, a_validator_enters_two_epochs_after_it_registered_and_signs_from_then_on) {
    auto world = long_world({4, 4, 4, 4});
    world.start_validators();
    auto& entrant = add_entrant(world);
    world.run_slots(110);
    EXPECT_EQ(set_of(world.node(0)).version, 0u);
    EXPECT_FALSE(entrant.slashing_record().has_value()) << "signed before it was elected";
    world.run_slots(30);
    EXPECT_EQ(set_of(world.node(0)).version, 1u);
    EXPECT_TRUE(is_member(world.node(0), 100));
    world.run_slots(40);
    ASSERT_TRUE(entrant.slashing_record().has_value());
    EXPECT_GE(entrant.slashing_record()->target_last, world.slot() - 3);
    EXPECT_GE(entrant.slashing_record()->proposed_last, Slot{128});
    EXPECT_GT(entrant.balance(chain::fixture::address(100)), 0u) << "earned nothing";
    expect_finality(world);
    EXPECT_THAT(world.violations(), IsEmpty());
    EXPECT_THAT(world.lines(), IsEmpty());
}

TEST(RegistryWorld, a_validator_that_unstakes_signs_until_it_is_out_and_has_its_money_back_later) {
    auto world = long_world({4, 4, 4, 4, 4}, 120);
    world.start_validators();
    world.run_slots(10);
    auto& leaver = world.node(0);
    const auto account = account_key(0).address();
    call_registry(world, leaver, 0, 0, chain::fixture::unstaking(4 * kCoin));
    world.run_slots(60);
    EXPECT_EQ(candidate(leaver, 0).unbonding, 4 * kCoin);
    EXPECT_TRUE(is_member(leaver, 0)) << "its votes count until the next version is in force";
    const auto at_end = world.slot();
    EXPECT_GE(leaver.slashing_record()->target_last, at_end - 3);
    world.run_slots(70);
    EXPECT_FALSE(is_member(leaver, 0));
    // Until the new version's first block is final, both versions must agree (CHAIN rule 18).
    EXPECT_LT(leaver.slashing_record()->target_last, Slot{128 + 6}) << "signed after it was out";
    const auto before = leaver.balance(account);
    call_registry(world, leaver, 0, 1, chain::fixture::call_data("withdraw()"));
    world.run_slots(4);
    EXPECT_LT(leaver.balance(account), before) << "paid before its time; gas was to be taken";
    world.run_slots(64 + 120 / 3);
    call_registry(world, leaver, 0, 2, chain::fixture::call_data("withdraw()"));
    world.run_slots(4);
    EXPECT_GT(leaver.balance(account), before + 3 * kCoin);
    expect_finality(world);
    EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(RegistryWorld, a_newcomer_after_set_changes_passes_from_version_to_version) {
    auto world = long_world({4, 4, 4, 4});
    world.start_validators();
    auto& entrant = add_entrant(world);
    world.run_slots(130);
    call_registry(world, entrant, 100, 1, chain::fixture::unstaking(3 * kCoin));
    world.run_slots(140);
    ASSERT_EQ(set_of(world.node(0)).version, 2u);
    auto& late = world.add_observer({HostId{1}});
    late.start();
    world.run_slots(20);
    EXPECT_EQ(late.finalised_height(), world.node(0).finalised_height());
    // And whoever syncs from it next gets the same proofs.
    auto& later = world.add_observer({late.host()});
    world.partition({{later.host().value, late.host().value}, {0, 1, 2, 3, 4}});
    later.start();
    world.run_slots(10);
    EXPECT_EQ(later.finalised_height(), late.finalised_height());
    EXPECT_THAT(world.violations(), IsEmpty());
}

/// A leader's unfinalised block, and a second one of the same slot that it has executed.
struct Pair {
    BlockPtr first;
    BlockPtr second;
    chain::FactsPtr facts_of_first;
    chain::FactsPtr facts_of_second;
};

Pair forge(World& world, SimNode& node, std::optional<Bytes> bitmap = {}) {
    const auto& head = *node.view().head;
    Pair pair;
    pair.first = node.view().unfinalised.at(head.id);
    const auto& header = pair.first->header;
    auto& state = node.state();
    auto order = world.chain().order(
        state, {header.previous_hash,
                head.slot,
                nullptr,
                {world.chain().transfer(103, chain::fixture::address(55), 1, 0)}});
    auto extra = decode_stake_extra(header.extra_data);
    SENNIT_ASSERT(extra.has_value());
    if (bitmap) extra->bitmap = *bitmap;
    order.extra_data = encode(*extra);
    auto built = state.build(order);
    SENNIT_ASSERT(built.has_value() && built->transactions.size() == 1);
    pair.second = world.chain().seal(built->header, built->transactions);
    pair.facts_of_first = state.facts(pair.first->id);
    pair.facts_of_second = state.execute(pair.second)->facts;
    return pair;
}

Vote vote_for(SimNode& node, std::uint32_t who, const chain::Facts& target) {
    const auto lookup = [&](const BlockId& id) { return node.state().facts(id); };
    Vote vote{target.quorum->current().version, key_of(who), chain::link_for(target, lookup), {}};
    vote.signature = validator_key(who).sign(
        vote_signing_bytes(vote.link, target.quorum->set_hash(), node.state().genesis_id()));
    return vote;
}

/// Runs to the moment when a block of `number` is the head, on that node.
void run_to_block_of(World& world, SimNode& node, std::uint32_t number) {
    for (int step = 0; step < 600; ++step) {
        world.run_for(std::chrono::milliseconds{100});
        const auto& head = *node.view().head;
        const auto found = node.view().unfinalised.find(head.id);
        if (head.slot == world.slot() && found != node.view().unfinalised.end() &&
            found->second->header.validator == key_of(number)) {
            return;
        }
    }
    FAIL() << "no block of validator " << number;
}

class Cheats : public testing::Test {
  protected:
    Cheats() : world_{long_world({4, 4, 4, 4, 4, 4, 4})} {
        world_.start_validators();
        world_.run_slots(8);
    }
    /// Everybody but the cheats themselves.
    Amount reporters() const {
        Amount sum = 0;
        for (std::uint32_t n = 0; n < 5; ++n)
            sum += world_.nodes()[0]->balance(account_key(n).address());
        return sum;
    }

    World world_;
};

TEST_F(Cheats, a_leader_who_proposes_twice_loses_a_twentieth_and_its_seat) {
    auto& cheat = world_.node(5);
    run_to_block_of(world_, cheat, 5);
    const auto pair = forge(world_, cheat);
    const auto before = reporters();
    cheat.say(
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{pair.second, nullptr}}));
    world_.run_slots(14);
    EXPECT_GE(world_.heard("proposed twice"), 4u);
    const auto convict = candidate(world_.node(0), 5);
    EXPECT_EQ(convict.status, chain::Candidate::Status::barred);
    EXPECT_EQ(convict.unbonding, 4 * kCoin - 4 * kCoin / 20);
    EXPECT_GT(reporters() + 10'000'000, before + 4 * kCoin / 200) << "who brought it was not paid";
    world_.run_slots(130);
    EXPECT_FALSE(is_member(world_.node(0), 5));
    EXPECT_TRUE(is_member(world_.node(0), 4));
    expect_finality(world_);
    EXPECT_THAT(world_.violations(), IsEmpty());
    EXPECT_EQ(world_.heard("not brought"), 0u);
}

TEST_F(Cheats, a_voter_for_both_blocks_of_a_slot_loses_half_of_its_stake) {
    auto& leader = world_.node(5);
    run_to_block_of(world_, leader, 5);
    const auto pair = forge(world_, leader);
    leader.say(
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{pair.second, nullptr}}));
    world_.run_for(std::chrono::milliseconds{200});
    protocol::Votes votes;
    for (const auto& facts : {pair.facts_of_first, pair.facts_of_second})
        votes.votes.push_back(vote_for(leader, 6, *facts));
    leader.say(protocol::make_message(std::move(votes)));
    world_.run_slots(14);
    EXPECT_GE(world_.heard("against itself"), 4u);
    const auto convict = candidate(world_.node(0), 6);
    EXPECT_EQ(convict.status, chain::Candidate::Status::barred);
    EXPECT_EQ(convict.unbonding, 2 * kCoin);
    EXPECT_EQ(candidate(world_.node(0), 5).status, chain::Candidate::Status::barred);
    world_.run_slots(130);
    EXPECT_EQ(set_of(world_.node(0)).members.size(), 5u);
    expect_finality(world_);
    EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(Cheats, a_leader_who_is_paid_for_votes_that_nobody_cast_finds_no_followers) {
    world_.node(6).kill();  // six of seven vote
    world_.run_slots(2);
    auto& cheat = world_.node(5);
    run_to_block_of(world_, cheat, 5);
    const auto pair = forge(world_, cheat, Bytes{0b0111'1111});
    cheat.say(
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{pair.second, nullptr}}));
    world_.run_for(std::chrono::milliseconds{500});
    for (std::uint32_t n = 0; n < 5; ++n)
        EXPECT_FALSE(world_.node(n).view().unfinalised.contains(pair.second->id)) << n;
    EXPECT_EQ(world_.heard("proposed twice"), 0u) << "nobody took it for a proposal";
    world_.run_slots(4);
    EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(Cheats, evidence_that_only_an_observer_has_reaches_somebody_who_can_bring_it) {
    auto& observer = world_.add_observer();
    observer.start();
    world_.run_slots(3);
    auto& cheat = world_.node(5);
    run_to_block_of(world_, cheat, 5);
    const auto pair = forge(world_, cheat);
    world_.partition({{observer.host().value, 5}, {0, 1, 2, 3, 4, 6}}, Cut::silence);
    cheat.say(
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{pair.second, nullptr}}));
    world_.run_for(std::chrono::milliseconds{300});
    ASSERT_EQ(world_.heard("proposed twice"), 1u);
    cheat.kill();
    world_.heal();
    world_.run_slots(30);
    EXPECT_GE(world_.heard("is accused by a peer"), 4u);
    EXPECT_EQ(candidate(world_.node(0), 5).status, chain::Candidate::Status::barred);
    EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(Cheats, evidence_that_is_none_costs_who_sent_it) {
    auto& liar = world_.node(5);
    run_to_block_of(world_, liar, 5);
    auto item = encode(liar.view().unfinalised.at(liar.view().head->id)->header);
    const auto before = world_.node(0).engine().peer_lines();
    liar.say(protocol::make_message(protocol::Evidences{{{item, item}}}));
    world_.run_for(std::chrono::milliseconds{300});
    int fell = 0;
    const auto after = world_.node(0).engine().peer_lines();
    for (std::size_t i = 0; i < before.size(); ++i) fell += after[i].score < before[i].score;
    EXPECT_EQ(fell, 1);
    EXPECT_EQ(world_.heard("accused"), 0u);
    world_.run_slots(14);
    EXPECT_EQ(candidate(world_.node(0), 5).status, chain::Candidate::Status::active);
    EXPECT_THAT(world_.violations(), IsEmpty());
}

TEST_F(Cheats, evidence_outlives_a_kill_of_the_only_node_that_could_bring_it) {
    auto& cheat = world_.node(5);
    run_to_block_of(world_, cheat, 5);
    const auto pair = forge(world_, cheat);
    // Only node 1 hears of it, and dies with it; the others never saw the second block.
    world_.partition({{1, 5}, {0, 2, 3, 4, 6}}, Cut::silence);
    cheat.say(
        protocol::make_message(protocol::NewBlock{protocol::WireBlock{pair.second, nullptr}}));
    world_.run_for(std::chrono::milliseconds{300});
    ASSERT_EQ(world_.heard("proposed twice"), 1u);
    world_.node(1).kill();
    cheat.kill();  // its engine is honest, and was told
    world_.heal();
    world_.run_slots(30);
    ASSERT_EQ(candidate(world_.node(0), 5).status, chain::Candidate::Status::active);
    world_.node(1).start();
    world_.run_slots(20);
    EXPECT_EQ(candidate(world_.node(0), 5).status, chain::Candidate::Status::barred);
    EXPECT_THAT(world_.violations(), IsEmpty());
}

}  // namespace
}  // namespace sennit::sim
