// SPDX-License-Identifier: MIT
#include "chain/registry.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"
#include "chain/ledger_fixture.hpp"

namespace sennit::chain {
namespace {

using fixture::account_key;
using fixture::call_data;
using fixture::kCoin;
using fixture::Ledger;
using fixture::unstaking;

/// Validators 0 to 3 with 100 coins each. Accounts 100 to 103 are rich and may register.
class RegistryTest : public testing::Test {
  protected:
    RegistryTest() : ledger_{fixture::genesis({100, 100, 100, 100})} {}

    Bytes registration(std::uint32_t number) const {
        return fixture::registration(ledger_.genesis, number, fixture::address(number),
                                     Bytes{1, 2, 3});
    }
    int join(std::uint32_t number, Amount stake) {
        return ledger_.call(account_key(number), registration(number), stake);
    }
    Candidate candidate(std::uint32_t number) {
        return ledger_.candidate(account_key(number).address());
    }
    Amount registry() const { return ledger_.balance(kRegistryAddress); }

    Bytes vote(std::uint32_t who, std::uint64_t source, std::uint64_t target,
               std::uint8_t fork) const {
        Vote out;
        out.key = fixture::validator_key(who).public_key<ValidatorKey>();
        out.link.source.slot = Slot{source};
        out.link.target = {Slot{target}, BlockId{{fork}}};
        const auto message = vote_signing_bytes(out.link, Digest{}, ledger_.genesis_id);
        out.signature = fixture::validator_key(who).sign(message);
        return evidence_item(out, Digest{}, ledger_.genesis_id);
    }
    Bytes header(std::uint32_t who, std::uint64_t slot, std::uint8_t fork) const {
        Header out;
        out.timestamp = Schedule{ledger_.genesis}.timestamp(Slot{slot});
        out.state_root = Digest{{fork}};
        out.validator = fixture::validator_key(who).public_key<ValidatorKey>();
        out.signature =
            fixture::validator_key(who).sign(header_signing_bytes(out, ledger_.genesis_id));
        return encode(out);
    }

    Ledger ledger_;
};

TEST_F(RegistryTest, registers_a_candidate_with_its_keys_and_addresses) {
    EXPECT_EQ(join(100, 5 * kCoin), 1);
    EXPECT_EQ(registry(), 405 * kCoin);
    const Candidate expected{
        .status = Candidate::Status::active,
        .listed = true,
        .unbonding_since = 0,
        .validator_key = fixture::validator_key(100).public_key<ValidatorKey>(),
        .node_key = fixture::node_key(100).public_key<NodeId>(),
        .payout = fixture::address(100),
        .stake = 5 * kCoin,
        .unbonding = 0,
        .addresses = {1, 2, 3}};
    EXPECT_EQ(candidate(100), expected);
    EXPECT_EQ(join(100, 5 * kCoin), 0) << "an account registers once";
    EXPECT_EQ(registry(), 405 * kCoin);
}

TEST_F(RegistryTest, refuses_registrations_that_lack_something) {
    EXPECT_EQ(join(100, kCoin - 1), 0) << "below min_stake";
    EXPECT_EQ(ledger_.call(account_key(101), registration(100), kCoin), 0)
        << "another account's proof";
    EXPECT_EQ(ledger_.call(account_key(100),
                           fixture::registration(ledger_.genesis, 100, kRegistryAddress), kCoin),
              0)
        << "reserved payout";
    EXPECT_EQ(ledger_.call(account_key(100), fixture::registration(ledger_.genesis, 100, Address{}),
                           kCoin),
              0)
        << "no payout";
    EXPECT_EQ(
        ledger_.call(account_key(100),
                     fixture::registration(ledger_.genesis, 100, fixture::address(1), Bytes(97)),
                     kCoin),
        0)
        << "addresses over three words";
    auto other_chain = ledger_.genesis;
    other_chain.chain_id = 8888;
    EXPECT_EQ(ledger_.call(account_key(100),
                           fixture::registration(other_chain, 100, fixture::address(1)), kCoin),
              0);
    auto trailing = registration(100);
    trailing.push_back(0);
    EXPECT_EQ(ledger_.call(account_key(100), trailing, kCoin), 0);
    EXPECT_EQ(candidate(100), Candidate{});
    EXPECT_EQ(registry(), 400 * kCoin) << "every value came back";
    EXPECT_EQ(
        ledger_.call(account_key(100),
                     fixture::registration(ledger_.genesis, 100, fixture::address(1), Bytes(96)),
                     kCoin),
        1);
}

TEST_F(RegistryTest, keys_serve_once_for_ever) {
    // Account 100 with the validator key of 0, and with its node key as validator key.
    const auto account = account_key(100).address();
    const auto with_keys = [&](const crypto::Ed25519Key& validator,
                               const crypto::Ed25519Key& node) {
        abi::Answer out{6};
        const auto id = ledger_.genesis.chain_id;
        out.word(validator.public_key<Word>())
            .bytes(fixture::possession(id, account, KeyRole::validator, validator).view())
            .word(node.public_key<Word>())
            .bytes(fixture::possession(id, account, KeyRole::node, node).view())
            .address(fixture::address(1))
            .bytes({});
        return ledger_.call(
            account_key(100),
            call_data("register(bytes32,bytes,bytes32,bytes,address,bytes)", std::move(out).take()),
            kCoin);
    };
    EXPECT_EQ(with_keys(fixture::validator_key(0), fixture::node_key(100)), 0);
    EXPECT_EQ(with_keys(fixture::node_key(0), fixture::node_key(100)), 0);
    EXPECT_EQ(with_keys(fixture::validator_key(100), fixture::validator_key(0)), 0);
    EXPECT_EQ(with_keys(fixture::validator_key(100), fixture::validator_key(100)), 0);
    EXPECT_EQ(with_keys(fixture::validator_key(100), fixture::node_key(100)), 1);
}

TEST_F(RegistryTest, stake_grows_and_shrinks_within_the_minimum) {
    const auto stake = call_data("stake()");
    EXPECT_EQ(ledger_.call(account_key(100), stake, kCoin), 0) << "not registered";
    ASSERT_EQ(join(100, 5 * kCoin), 1);
    EXPECT_EQ(ledger_.call(account_key(100), stake, 0), 0);
    EXPECT_EQ(ledger_.call(account_key(100), stake, 2 * kCoin), 1);
    EXPECT_EQ(candidate(100).stake, 7 * kCoin);

    EXPECT_EQ(ledger_.call(account_key(100), unstaking(0)), 0);
    EXPECT_EQ(ledger_.call(account_key(100), unstaking(7 * kCoin + 1)), 0);
    EXPECT_EQ(ledger_.call(account_key(100), unstaking(6 * kCoin + 1)), 0)
        << "leaves a dust of stake";
    EXPECT_EQ(ledger_.call(account_key(100), unstaking(kCoin), 1), 0) << "takes no value";
    EXPECT_EQ(ledger_.call(account_key(100), unstaking(2 * kCoin)), 1);
    EXPECT_EQ(candidate(100).stake, 5 * kCoin);
    EXPECT_EQ(candidate(100).unbonding, 2 * kCoin);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("unstake(uint256)", Bytes(32, 0xff))), 1);
    EXPECT_EQ(candidate(100).stake, 0u);
    EXPECT_EQ(candidate(100).unbonding, 7 * kCoin);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("unstake(uint256)", Bytes(32, 0xff))), 0);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("withdraw()")), 0) << "no clock runs yet";
    EXPECT_EQ(registry(), 407 * kCoin);
}

TEST_F(RegistryTest, candidate_that_was_never_elected_unbonds_too_and_may_come_back) {
    ledger_.genesis.stake.validators_max = 4;
    ASSERT_EQ(join(100, 5 * kCoin), 1);
    ASSERT_EQ(ledger_.call(account_key(100), unstaking(5 * kCoin)), 1);
    ledger_.next_epoch();
    EXPECT_NE(candidate(100).unbonding_since, 0u);
    EXPECT_FALSE(candidate(100).listed);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("stake()"), kCoin - 1), 0);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("stake()"), kCoin), 1);
    EXPECT_TRUE(candidate(100).listed);
    EXPECT_EQ(candidate(100).unbonding, 5 * kCoin) << "the clock of the old stake runs on";
    ledger_.block(ledger_.slot + 340);
    EXPECT_EQ(ledger_.call(account_key(100), call_data("withdraw()")), 1);
    EXPECT_EQ(candidate(100).stake, kCoin);
}

TEST_F(RegistryTest, withdrawn_account_registers_again_but_never_with_its_old_keys) {
    ASSERT_EQ(join(100, 5 * kCoin), 1);
    ASSERT_EQ(ledger_.call(account_key(100), unstaking(5 * kCoin)), 1);
    ledger_.next_epoch();
    ledger_.block(ledger_.slot + 340);
    ASSERT_EQ(ledger_.call(account_key(100), call_data("withdraw()")), 1);
    EXPECT_EQ(candidate(100), Candidate{});
    EXPECT_EQ(join(100, 5 * kCoin), 0);
}

TEST_F(RegistryTest, double_vote_burns_half_and_pays_a_tenth_of_it) {
    const auto before = ledger_.state.supply();
    const auto reporter = account_key(100);
    const auto balance = ledger_.balance(reporter.address());
    const auto data = fixture::accusation(vote(0, 1, 5, 1), vote(0, 1, 5, 2));
    EXPECT_EQ(ledger_.call(reporter, data), 1);
    const auto fee = estimate_gas(kRegistryAddress, data);
    EXPECT_EQ(ledger_.balance(reporter.address()), balance - fee + 5 * kCoin);
    EXPECT_EQ(ledger_.state.supply(), before - 45 * kCoin);
    EXPECT_EQ(candidate(0).status, Candidate::Status::barred);
    EXPECT_EQ(candidate(0).stake, 0u);
    EXPECT_EQ(candidate(0).unbonding, 50 * kCoin);
    EXPECT_EQ(ledger_.call(reporter, data), 0) << "once per key";
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(header(0, 5, 1), header(0, 5, 2))), 0);
    EXPECT_EQ(ledger_.call(account_key(0), call_data("stake()"), kCoin), 0) << "barred";
}

TEST_F(RegistryTest, surround_vote_burns_half_and_double_proposal_a_twentieth) {
    const auto reporter = account_key(100);
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(vote(1, 2, 8, 1), vote(1, 1, 9, 1))), 1);
    EXPECT_EQ(candidate(1).unbonding, 50 * kCoin);
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(header(2, 5, 1), header(2, 5, 2))), 1);
    EXPECT_EQ(candidate(2).unbonding, 95 * kCoin);
    EXPECT_EQ(registry(), (100 + 50 + 95 + 100) * kCoin);
}

TEST_F(RegistryTest, evidence_reaches_what_is_unbonding_and_ends_with_it) {
    ASSERT_EQ(ledger_.call(account_key(0), unstaking(60 * kCoin)), 1);
    const auto data = fixture::accusation(header(0, 5, 1), header(0, 5, 2));
    EXPECT_EQ(ledger_.call(account_key(100), data), 1);
    EXPECT_EQ(candidate(0).unbonding, 95 * kCoin);

    ASSERT_EQ(ledger_.call(account_key(1), unstaking(100 * kCoin)), 1);
    for (int i = 0; i < 3; ++i) ledger_.next_epoch();
    ledger_.block(ledger_.slot + 340);
    ASSERT_EQ(ledger_.call(account_key(1), call_data("withdraw()")), 1);
    EXPECT_EQ(ledger_.call(account_key(100), fixture::accusation(header(1, 5, 1), header(1, 5, 2))),
              0)
        << "nothing is bonded or unbonding";
}

TEST_F(RegistryTest, refuses_evidence_against_strangers_and_evidence_of_nothing) {
    const auto reporter = account_key(100);
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(vote(77, 1, 5, 1), vote(77, 1, 5, 2))), 0);
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(vote(0, 1, 5, 1), vote(0, 1, 5, 1))), 0);
    EXPECT_EQ(ledger_.call(reporter, fixture::accusation(Bytes(2'000), Bytes(2'000))), 0);
    EXPECT_EQ(
        ledger_.call(reporter, fixture::accusation(vote(0, 1, 5, 1), vote(0, 1, 5, 2)), kCoin), 0)
        << "takes no value";
    EXPECT_EQ(registry(), 400 * kCoin);
}

TEST_F(RegistryTest, convict_leaves_at_the_next_version_and_withdraws_the_rest) {
    ASSERT_EQ(
        ledger_.call(account_key(100), fixture::accusation(vote(0, 1, 5, 1), vote(0, 1, 5, 2))), 1);
    EXPECT_EQ(ledger_.sets.current->total_weight(), 400'000'000'000u) << "quorums do not move";
    ledger_.next_epoch();
    ASSERT_NE(ledger_.sets.next, nullptr);
    EXPECT_EQ(ledger_.sets.next->members.size(), 3u);
    ledger_.next_epoch();
    ledger_.next_epoch();
    ledger_.block(ledger_.slot + 340);
    const auto before = ledger_.balance(account_key(0).address());
    const auto data = call_data("withdraw()");
    EXPECT_EQ(ledger_.call(account_key(0), data), 1);
    EXPECT_EQ(ledger_.balance(account_key(0).address()),
              before + 50 * kCoin - estimate_gas(kRegistryAddress, data));
}

TEST_F(RegistryTest, refuses_stake_that_would_take_the_weight_over_63_bits) {
    auto genesis = ledger_.genesis;
    genesis.stake.reward = 0;
    const Amount huge = kWeightUnit * ((Uint128{1} << 63) - 500'000'000'000);
    for (auto& [address, amount] : genesis.alloc) {
        if (address == account_key(100).address()) amount = huge + kCoin * 1000;
    }
    ASSERT_TRUE(check_genesis(genesis));
    ledger_ = Ledger{genesis};
    EXPECT_EQ(join(100, huge), 1) << "400 of the 500 coins of weight are taken";
    EXPECT_EQ(ledger_.call(account_key(101), registration(101), 100 * kCoin), 0);
    EXPECT_EQ(ledger_.call(account_key(101), registration(101), 99 * kCoin), 1);
    EXPECT_EQ(ledger_.call(account_key(101), call_data("stake()"), kCoin), 0);
}

TEST_F(RegistryTest, full_registry_replaces_its_least_unelected_candidate_only_for_a_larger_stake) {
    ledger_ = Ledger{fixture::genesis({100, 100, 100, 1})};
    ledger_.genesis.stake.validators_max = 4;
    auto rich = account_key(100);
    for (std::uint32_t i = 0; i < 252; ++i) {
        const auto number = 200 + i;
        ASSERT_EQ(ledger_.run(ledger_.transaction(rich, account_key(number).address(), 10 * kCoin)),
                  1);
        ASSERT_EQ(join(number, kCoin * 2 + i), 1);
    }
    EXPECT_EQ(join(101, 2 * kCoin), 0) << "no more than the least, validator 200";
    EXPECT_EQ(join(101, 2 * kCoin + 1), 1);
    EXPECT_TRUE(candidate(101).listed);
    EXPECT_FALSE(candidate(200).listed);
    EXPECT_EQ(candidate(200).unbonding, 2 * kCoin);
    EXPECT_EQ(candidate(200).stake, 0u);
    EXPECT_NE(candidate(200).unbonding_since, 0u) << "no set has it: its clock runs at once";
    EXPECT_EQ(ledger_.call(account_key(200), call_data("stake()"), kCoin), 0)
        << "too little to return";
    EXPECT_EQ(ledger_.call(account_key(200), call_data("stake()"), 3 * kCoin), 1);
    EXPECT_TRUE(candidate(200).listed);
    EXPECT_EQ(ledger_.sets.current->members.size(), 4u);
    for (std::uint32_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(candidate(i).listed) << "elected members stay, however small";
    }
}

TEST_F(RegistryTest, views_answer_in_solidity_abi) {
    const auto view = [&](Bytes data) {
        return call_view(ledger_.state, ledger_.genesis, kRegistryAddress, data);
    };
    ASSERT_EQ(join(100, 5 * kCoin), 1);
    ledger_.next_epoch();
    ledger_.next_epoch();

    Bytes data = *view(call_data("version()"));
    ASSERT_EQ(data.size(), 96u);
    EXPECT_EQ(data[31], 1u);
    EXPECT_EQ(data[63], 128u) << "first slot";
    const auto hash = Quorum{ledger_.sets.current, nullptr}.set_hash();
    EXPECT_EQ(Digest::from(BytesView{data}.last(32)), hash);

    for (const std::uint32_t version : {0u, 1u}) {
        const auto members = *view(fixture::one_word("members(uint32)", version));
        const std::size_t count = version == 0 ? 4 : 5;
        EXPECT_EQ(members.size(), 32 * (5 + 4 * (1 + count)));
        EXPECT_EQ(members[31], version == 0 ? 0u : 128u);
    }
    EXPECT_EQ(view(fixture::one_word("members(uint32)", 2)).error().what, "execution reverted");
    EXPECT_EQ(view(fixture::one_word("members(uint32)", 3)).error().what, "execution reverted");
    EXPECT_FALSE(view(fixture::one_word("members(uint32)", Uint128{1} << 32)));
    EXPECT_FALSE(view(call_data("members(uint32)")));

    Writer account;
    account.hash(abi::word_from(account_key(100).address()));
    const auto answer = *view(call_data("candidate(address)", account.bytes()));
    ASSERT_EQ(answer.size(), 32u * 11);
    EXPECT_EQ(answer[31], 1u);
    EXPECT_EQ(BytesView{answer}.subspan(64, 32)[0],
              fixture::validator_key(100).public_key<ValidatorKey>().bytes[0]);
    EXPECT_EQ(answer[32 * 9 + 31], 3u) << "three bytes of addresses";
    account = Writer{};
    account.hash(abi::word_from(fixture::address(5)));
    EXPECT_EQ((*view(call_data("candidate(address)", account.bytes())))[31], 0u) << "status none";
}

TEST_F(RegistryTest, views_in_a_transaction_fail_like_any_unknown_call) {
    EXPECT_EQ(ledger_.call(account_key(100), call_data("version()")), 0);
    EXPECT_EQ(ledger_.run(ledger_.transaction(account_key(100), kRegistryAddress, kCoin)), 0)
        << "a plain transfer to the registry comes back";
    EXPECT_EQ(registry(), 400 * kCoin);
}

/// Random calls, good and bad, over many epochs: what is burnt and what is paid out are all that
/// changes the supply, and the registry holds exactly what it owes.
TEST_F(RegistryTest, conserves_money_over_random_sequences) {
    struct Person {
        std::uint32_t number;
        crypto::Secp256k1Key key;
    };
    std::vector<Person> people;  // making a key costs more than a call
    for (const std::uint32_t number : {0u, 1u, 2u, 3u, 100u, 101u, 102u, 103u}) {
        people.push_back({number, account_key(number)});
    }
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        ledger_ = Ledger{fixture::genesis({100, 90, 80, 70})};
        Rng rng{seed};
        Amount expected = ledger_.state.supply();
        int succeeded = 0;
        for (int step = 0; step < 250; ++step) {
            const auto& [number, key] = people[rng.below(people.size())];
            const Amount amount = kCoin * rng.below(40);
            Bytes data;
            Amount value = 0;
            switch (rng.below(8)) {
                case 0:
                    data = registration(number);
                    value = amount;
                    break;
                case 1:
                    data = call_data("stake()");
                    value = amount;
                    break;
                case 2:
                case 3: data = unstaking(amount); break;
                case 4: data = call_data("withdraw()"); break;
                case 5: data = call_data("unstake(uint256)", Bytes(32, 0xff)); break;
                case 6: value = amount; break;
                default:
                    if (rng.below(8) != 0) continue;
                    data = fixture::accusation(vote(number, 1, 5, 1), vote(number, 1, 5, 2));
            }
            const Slot at = ledger_.slot + 1 + rng.below(60);
            auto context = ledger_.context(at);
            context.total_weight = 7;
            context.voted_weight = rng.below(8);
            const auto accused = ledger_.candidate(key.address());
            const Amount held = accused.stake + accused.unbonding;
            const auto tx = ledger_.transaction(key, kRegistryAddress, value, data);
            succeeded += ledger_.block(at, {tx}, context).receipts.at(0).status;
            ledger_.finalised = at - 1;

            expected += ledger_.genesis.stake.reward * context.voted_weight / 7;
            const auto after = ledger_.candidate(key.address());
            if (after.status == Candidate::Status::barred && accused.status != after.status) {
                expected -= held / 2 - held / 20;
            }
            ASSERT_EQ(to_decimal(ledger_.state.supply()), to_decimal(expected)) << "seed " << seed;
            Amount owed = 0;
            for (const auto& person : people) {
                const auto books = ledger_.candidate(person.key.address());
                owed += books.stake + books.unbonding;
            }
            ASSERT_EQ(to_decimal(registry()), to_decimal(owed)) << "seed " << seed;
        }
        EXPECT_GT(succeeded, 30) << "seed " << seed << " exercised too little";
        EXPECT_GT(ledger_.sets.current->version, 3u);
    }
}

}  // namespace
}  // namespace sennit::chain
