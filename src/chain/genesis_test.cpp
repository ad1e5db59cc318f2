// SPDX-License-Identifier: MIT
#include "chain/genesis.hpp"

#include <gmock/gmock.h>

#include "base/json.hpp"
#include "chain/genesis_fixture.hpp"
#include "chain/reserved.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {
namespace {

using testing::HasSubstr;

json::Value file(const Genesis& genesis) {
    return *json::parse(canonical_json(genesis));
}

std::string refusal(const json::Value& value) {
    const auto parsed = parse_genesis(json::write(value, json::Style::compact));
    return parsed ? "accepted" : parsed.error().text();
}

/// The file of two validators with one top-level key replaced.
std::string refusal_with(std::string key, json::Value value) {
    return refusal(file(fixture::genesis({4, 4})).set(std::move(key), std::move(value)));
}

std::string refusal_with_consensus(std::string key, json::Value value) {
    const auto whole = file(fixture::genesis({4, 4}));
    auto consensus = *whole.find("consensus");
    consensus.set(std::move(key), std::move(value));
    auto changed = whole;
    changed.set("consensus", std::move(consensus));
    return refusal(changed);
}

std::string refusal_of(const Genesis& genesis) {
    const auto checked = check_genesis(genesis);
    return checked ? "accepted" : checked.error().text();
}

TEST(Genesis, survives_being_written_and_read) {
    const auto genesis = fixture::genesis({4, 7, 11});
    const auto canonical = parse_genesis(canonical_json(genesis));
    ASSERT_TRUE(canonical) << canonical.error().text();
    EXPECT_EQ(*canonical, genesis);
    const auto pretty = parse_genesis(pretty_json(genesis));
    ASSERT_TRUE(pretty) << pretty.error().text();
    EXPECT_EQ(*pretty, genesis);
}

TEST(Genesis, canonical_form_has_sorted_keys_no_white_space_and_integers_as_text) {
    const auto text = canonical_json(fixture::genesis({4}));
    EXPECT_EQ(text.find_first_of(" \n\t"), std::string::npos);
    EXPECT_THAT(text, HasSubstr(R"("chain_id":"7777","consensus":{"epoch":"64","kind":"stake",)"));
    EXPECT_THAT(text, HasSubstr(R"("stake":"4000000000000000000")"));
    EXPECT_LT(text.find("\"alloc\""), text.find("\"validators\""));
}

TEST(Genesis, reads_integers_as_numbers_too_and_knows_two_defaults) {
    auto whole = file(fixture::genesis({4}));
    whole.set("chain_id", 7777).set("block_bytes_max", 60000);
    const auto parsed = parse_genesis(json::write(whole, json::Style::compact));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, fixture::genesis({4}));

    // A file without the two keys, by cutting them out of the text.
    auto text = canonical_json(fixture::genesis({4}));
    for (const std::string_view cut : {R"("block_bytes_max":"60000",)", R"("unbonding":"1000",)"}) {
        ASSERT_NE(text.find(cut), std::string::npos);
        text.erase(text.find(cut), cut.size());
    }
    const auto defaults = parse_genesis(text);
    ASSERT_TRUE(defaults);
    EXPECT_EQ(defaults->block_bytes_max, 60'000u);
    EXPECT_EQ(defaults->stake.unbonding_seconds, 14u * 86'400);
}

TEST(Genesis, refuses_unknown_and_missing_keys_by_name) {
    EXPECT_THAT(refusal_with("colour", 3), HasSubstr("colour: no such key"));
    EXPECT_THAT(refusal_with_consensus("slots", 3), HasSubstr("consensus.slots: no such key"));
    EXPECT_THAT(refusal(json::Value::object({{"chain_id", 5}})),
                HasSubstr("genesis_time: is missing"));
    EXPECT_THAT(refusal(json::Value::array()), HasSubstr("expected an object"));
}

TEST(Genesis, refuses_chain_id_1_and_says_why) {
    EXPECT_THAT(refusal_with("chain_id", 1), HasSubstr("replayed"));
    EXPECT_THAT(refusal_with("chain_id", 0), HasSubstr("chain_id: expected an integer from 2"));
    EXPECT_THAT(refusal_with("chain_id", kChainIdMax + 1), HasSubstr("chain_id"));
    EXPECT_THAT(refusal_with("chain_id", "0x10"), HasSubstr("decimal text"));
}

TEST(Genesis, refuses_parameters_out_of_their_bounds) {
    EXPECT_THAT(refusal_with("gas_limit", 20'999), HasSubstr("gas_limit: expected"));
    EXPECT_THAT(refusal_with("block_bytes_max", 100), HasSubstr("block_bytes_max: expected"));
    EXPECT_THAT(refusal_with("genesis_time", 0), HasSubstr("genesis_time: expected"));
    EXPECT_THAT(refusal_with_consensus("slot", 1), HasSubstr("consensus.slot: expected"));
    EXPECT_THAT(refusal_with_consensus("epoch", 63), HasSubstr("consensus.epoch: expected"));
    EXPECT_THAT(refusal_with_consensus("validators_max", 101), HasSubstr("1 to 100"));
    EXPECT_THAT(refusal_with_consensus("validators_max", 1),
                HasSubstr("validators: expected 1 to 1"));
    EXPECT_THAT(refusal_with_consensus("min_stake", 999'999'999), HasSubstr("min_stake: expected"));
    EXPECT_THAT(refusal_with_consensus("min_stake", fixture::kCoin * 5),
                HasSubstr(".stake: expected"));
    EXPECT_THAT(refusal_with_consensus("kind", "work"), HasSubstr("consensus.kind: expected"));
    EXPECT_THAT(refusal_with_consensus("kind", "coherence"), HasSubstr("not offered"));
    EXPECT_THAT(refusal_with("validators", json::Value::array()),
                HasSubstr("validators: expected 1"));
}

TEST(Genesis, refuses_a_supply_that_rewards_could_push_over_128_bits) {
    const Uint128 limit = ~Uint128{0};
    EXPECT_EQ(refusal_with_consensus("reward", 0), "accepted");
    EXPECT_THAT(refusal_with_consensus("reward", limit >> 40), HasSubstr("2^128"));
    EXPECT_THAT(refusal_with("alloc", json::Value::object({{"0x" + std::string(40, 'a'), limit}})),
                HasSubstr("2^128"));
}

TEST(Genesis, refuses_stakes_beyond_63_bits_of_weight) {
    auto genesis = fixture::genesis({4, 4});
    genesis.stake.reward = 0;
    genesis.validators[0].stake = kWeightUnit * (Uint128{1} << 62);
    EXPECT_EQ(refusal_of(genesis), "accepted");
    genesis.validators[1].stake = kWeightUnit * (Uint128{1} << 62);
    EXPECT_THAT(refusal_of(genesis), HasSubstr("2^63"));
}

TEST(Genesis, refuses_keys_that_are_shared_weak_or_unproven) {
    auto genesis = fixture::genesis({4, 4});
    genesis.validators[1].node_key = NodeId::from(genesis.validators[0].validator_key.view());
    EXPECT_THAT(refusal_of(genesis), HasSubstr("key once"));

    genesis = fixture::genesis({4, 4});
    genesis.validators[0].validator_key = ValidatorKey{};
    EXPECT_THAT(refusal_of(genesis), HasSubstr("full order"));

    genesis = fixture::genesis({4, 4});
    std::swap(genesis.validators[0].validator_pop, genesis.validators[1].validator_pop);
    EXPECT_THAT(refusal_of(genesis), HasSubstr(".validator_pop: expected"));

    genesis = fixture::genesis({4, 4});
    genesis.validators[0].node_pop.bytes[0] ^= 1;
    EXPECT_THAT(refusal_of(genesis), HasSubstr(".node_pop: expected"));

    genesis = fixture::genesis({4, 4});
    genesis.chain_id = 7778;
    EXPECT_THAT(refusal_of(genesis), HasSubstr("_pop: expected")) << "proofs are for one chain";
}

TEST(Genesis, refuses_accounts_twice_or_reserved) {
    auto genesis = fixture::genesis({4, 4});
    genesis.alloc.push_back(genesis.alloc.back());
    EXPECT_THAT(refusal_of(genesis), HasSubstr("every address once"));

    genesis = fixture::genesis({4, 4});
    genesis.alloc.insert(genesis.alloc.begin(), {kRegistryAddress, 1});
    EXPECT_THAT(refusal_of(genesis), HasSubstr("neither zero nor reserved"));

    genesis = fixture::genesis({4, 4});
    genesis.validators[1].payout = kRoundsAddress;
    EXPECT_THAT(refusal_of(genesis), HasSubstr("neither zero nor reserved"));

    genesis = fixture::genesis({4, 4});
    std::swap(genesis.validators[0], genesis.validators[1]);
    EXPECT_THAT(refusal_of(genesis), HasSubstr("rising order"));
}

TEST(Genesis, header_of_block_0_commits_to_every_parameter) {
    const auto genesis = fixture::genesis({4, 4});
    const auto header = genesis_header(genesis, Digest{});
    EXPECT_EQ(header.version, 1u);
    EXPECT_EQ(header.height, Height{0});
    EXPECT_EQ(header.timestamp, genesis.genesis_time);
    EXPECT_EQ(header.gas_limit, genesis.gas_limit);
    EXPECT_EQ(header.txs_root, crypto::keccak256({}));
    EXPECT_EQ(header.receipts_root, crypto::keccak256({}));
    EXPECT_TRUE(header.signature.is_zero());
    EXPECT_TRUE(header.validator.is_zero());
    EXPECT_EQ(Digest::from(header.extra_data),
              crypto::keccak256(as_bytes(canonical_json(genesis))));

    auto other = genesis;
    other.stake.reward += 1;
    EXPECT_NE(header_id(genesis_header(other, Digest{})), header_id(header));
}

TEST(Schedule, knows_slots_only_at_their_start) {
    const Schedule schedule{1000, 3, 64};
    EXPECT_EQ(schedule.slot_of(1000), Slot{0});
    EXPECT_EQ(schedule.slot_of(1009), Slot{3});
    EXPECT_EQ(schedule.slot_of(1010), std::nullopt);
    EXPECT_EQ(schedule.slot_of(997), std::nullopt);
    EXPECT_EQ(schedule.epoch_of(Slot{63}), 0u);
    EXPECT_EQ(schedule.epoch_of(Slot{64}), 1u);
}

}  // namespace
}  // namespace sennit::chain
