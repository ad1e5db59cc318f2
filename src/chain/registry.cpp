// SPDX-License-Identifier: MIT
#include "chain/registry.hpp"

#include <set>

#include "chain/registry_abi.hpp"
#include "chain/registry_evidence.hpp"
#include "chain/registry_sets.hpp"
#include "crypto/ed25519.hpp"

namespace sennit::chain {

namespace {

// Selectors, so that a call costs no hash; a test derives them from the signatures.
constexpr abi::Selector kRegister =
    0x5a0ba2ea;                               // register(bytes32,bytes,bytes32,bytes,address,bytes)
constexpr abi::Selector kStake = 0x3a4b66f1;  // stake()
constexpr abi::Selector kUnstake = 0x2e17de78;    // unstake(uint256)
constexpr abi::Selector kWithdraw = 0x3ccfd60b;   // withdraw()
constexpr abi::Selector kEvidence = 0x9e8892a2;   // evidence(bytes,bytes)
constexpr abi::Selector kVersion = 0x54fd4d50;    // version()
constexpr abi::Selector kMembers = 0x5f59bb40;    // members(uint32)
constexpr abi::Selector kCandidate = 0xbf4c988e;  // candidate(address)

/// Two signatures and nine words of storage, or two signatures and a conviction.
constexpr std::uint64_t kGasWithSignatures = 60'000;
constexpr std::uint64_t kGasPlain = 30'000;

/// A convict's money pays whoever brought the proof; little enough that nobody offends for it.
constexpr Amount kBountyDivisor = 10;

/// unstake(2^256 - 1): everything, as wallets write "max".
bool is_max(const Word& word) {
    for (const auto byte : word.bytes) {
        if (byte != 0xff) return false;
    }
    return true;
}

Error fails(std::string_view why) {
    return Error{Errc::invalid, why};
}
Error reverted() {
    return Error{Errc::invalid, "execution reverted"};
}

Word numeric(std::uint64_t value) {
    return abi::word_from(Uint128{value});
}

Result<Bytes> view_version(RegistryStore& store) {
    SENNIT_TRY(const auto head, store.head());
    SENNIT_TRY(const auto hash, store.set_hash());
    abi::Answer answer{3};
    answer.integer(head.version).integer(head.first_slot.value).word(Word::from(hash.view()));
    return std::move(answer).take();
}

Result<Bytes> view_members(RegistryStore& store, BytesView data) {
    abi::Arguments arguments{data, 1};
    const auto version = arguments.integer();
    if (!version || !arguments.finish() || *version > 0xffff'ffff) return reverted();
    SENNIT_TRY(const auto set, store.frozen(static_cast<std::uint32_t>(*version)));
    if (!set) return reverted();
    std::vector<Word> accounts;
    std::vector<Word> keys;
    std::vector<Word> payouts;
    std::vector<Word> weights;
    for (const auto& member : set->members) {
        accounts.push_back(abi::word_from(member.account));
        keys.push_back(Word::from(member.key.view()));
        payouts.push_back(abi::word_from(member.payout));
        weights.push_back(numeric(member.weight));
    }
    abi::Answer answer{5};
    answer.integer(set->first_slot.value).array(accounts).array(keys).array(payouts).array(weights);
    return std::move(answer).take();
}

Result<Bytes> view_candidate(RegistryStore& store, BytesView data) {
    abi::Arguments arguments{data, 1};
    const auto account = arguments.address();
    if (!account || !arguments.finish()) return reverted();
    SENNIT_TRY(const auto candidate, store.candidate(*account));
    abi::Answer answer{9};
    answer.integer(static_cast<std::uint8_t>(candidate.status))
        .integer(candidate.listed ? 1u : 0u)
        .word(Word::from(candidate.validator_key.view()))
        .word(Word::from(candidate.node_key.view()))
        .address(candidate.payout)
        .integer(candidate.stake)
        .integer(candidate.unbonding)
        .integer(candidate.unbonding_since)
        .bytes(candidate.addresses);
    return std::move(answer).take();
}

struct Registration {
    ValidatorKey validator_key;
    NodeId node_key;
    Address payout;
    Bytes addresses;
};

Result<void> check_possession(BytesView key, BytesView proof, BytesView message) {
    if (!crypto::ed25519_key_valid(key)) return fails("key is not canonical or not of full order");
    if (!crypto::ed25519_verify(key, message, proof)) return fails("proof of possession is wrong");
    return {};
}

Result<Registration> read_registration(const Genesis& genesis, const Address& sender,
                                       BytesView data) {
    Registration out;
    abi::Arguments arguments{data, 6};
    SENNIT_TRY(const auto validator_key, arguments.word());
    SENNIT_TRY(const auto validator_proof, arguments.bytes(Signature::kSize));
    SENNIT_TRY(const auto node_key, arguments.word());
    SENNIT_TRY(const auto node_proof, arguments.bytes(Signature::kSize));
    SENNIT_TRY(out.payout, arguments.address());
    SENNIT_TRY(const auto addresses, arguments.bytes(kAddressesSizeMax));
    SENNIT_TRY(arguments.finish());
    out.addresses = to_bytes(addresses);
    out.validator_key = ValidatorKey::from(validator_key.view());
    out.node_key = NodeId::from(node_key.view());
    if (out.payout.is_zero() || is_reserved(out.payout)) return fails("payout is zero or reserved");
    if (validator_key == node_key) return fails("one key for validator and node");
    const auto message = [&](KeyRole role, const Word& key) {
        return possession_bytes(genesis.chain_id, sender, role, key.view());
    };
    SENNIT_TRY(check_possession(validator_key.view(), validator_proof,
                                message(KeyRole::validator, validator_key)));
    SENNIT_TRY(check_possession(node_key.view(), node_proof, message(KeyRole::node, node_key)));
    return out;
}

}  // namespace

Result<void> credit(Overlay& state, const Address& to, Amount amount) {
    if (amount == 0) return {};
    SENNIT_TRY(auto account, state.account(to));
    const auto balance = checked_add(account.balance, amount);
    SENNIT_ASSERT(balance.has_value());  // the supply fits: check_genesis
    account.balance = *balance;
    state.set_account(to, account);
    return {};
}

Result<void> transfer(Overlay& state, const Address& from, const Address& to, Amount amount) {
    if (amount == 0) return {};
    SENNIT_TRY(auto account, state.account(from));
    SENNIT_ASSERT(account.balance >= amount);
    account.balance -= amount;
    state.set_account(from, account);
    return credit(state, to, amount);
}

std::uint64_t registry_gas(BytesView data) {
    const auto selector = abi::selector_of(data);
    if (!selector) return 0;
    switch (*selector) {
        case kRegister:
        case kEvidence: return kGasWithSignatures;
        case kStake:
        case kUnstake:
        case kWithdraw: return kGasPlain;
        default: return 0;
    }
}

Result<Bytes> registry_view(Overlay& state, BytesView data) {
    RegistryStore store{state};
    const auto selector = abi::selector_of(data);
    if (!selector) return reverted();
    switch (*selector) {
        case kVersion:
            if (!abi::Arguments(data, 0).finish()) return reverted();
            return view_version(store);
        case kMembers: return view_members(store, data);
        case kCandidate: return view_candidate(store, data);
        default: return reverted();
    }
}

Bytes evidence_call(const Evidence& evidence) {
    abi::Answer arguments{2};
    arguments.bytes(evidence.first).bytes(evidence.second);
    Writer out;
    out.be(kEvidence).raw(std::move(arguments).take());
    return std::move(out).take();
}

Result<Prosecution> prosecution(const StateReader& state, const ValidatorKey& key) {
    Overlay overlay{state};
    RegistryStore store{overlay};
    SENNIT_TRY(const auto use, store.key_use(key.view()));
    if (!use.used || use.role != KeyRole::validator) return Prosecution::moot;
    if (use.barred) return Prosecution::over;
    SENNIT_TRY(const auto candidate, store.candidate(use.account));
    const bool stake = candidate.stake != 0 || candidate.unbonding != 0;
    return candidate.validator_key == key && stake ? Prosecution::open : Prosecution::moot;
}

Result<void> Registry::call(const Address& sender, Amount value, BytesView data) {
    const auto selector = abi::selector_of(data);
    if (!selector) return fails("no selector");
    const bool payable = *selector == kRegister || *selector == kStake;
    if (value != 0 && !payable) return fails("this call takes no value");
    switch (*selector) {
        case kRegister: return register_candidate(sender, value, data);
        case kStake: return stake(sender, value, data);
        case kUnstake: return unstake(sender, data);
        case kWithdraw: return withdraw(sender, data);
        case kEvidence: return evidence(sender, data);
        default: return fails("unknown selector");
    }
}

Result<void> Registry::register_candidate(const Address& sender, Amount value, BytesView data) {
    RegistryStore store{state_};
    SENNIT_TRY(const auto existing, store.candidate(sender));
    if (existing.status != Candidate::Status::none) return fails("account is registered");
    if (value < genesis_.stake.min_stake) return fails("stake below the minimum");
    SENNIT_TRY(check_weight());
    SENNIT_TRY(auto registration, read_registration(genesis_, sender, data));
    for (const auto key : {registration.validator_key.view(), registration.node_key.view()}) {
        SENNIT_TRY(const auto use, store.key_use(key));
        if (use.used) return fails("key was used before");
    }
    SENNIT_TRY(enlist(sender, value));
    store.set_candidate(sender, {.status = Candidate::Status::active,
                                 .listed = true,
                                 .validator_key = registration.validator_key,
                                 .node_key = registration.node_key,
                                 .payout = registration.payout,
                                 .stake = value,
                                 .addresses = std::move(registration.addresses)});
    store.set_key_use(registration.validator_key.view(),
                      {.account = sender, .role = KeyRole::validator, .used = true});
    store.set_key_use(registration.node_key.view(),
                      {.account = sender, .role = KeyRole::node, .used = true});
    return {};
}

Result<void> Registry::stake(const Address& sender, Amount value, BytesView data) {
    SENNIT_TRY(abi::Arguments(data, 0).finish());
    if (value == 0) return fails("no value");
    RegistryStore store{state_};
    SENNIT_TRY(auto candidate, store.candidate(sender));
    if (candidate.status == Candidate::Status::none) return fails("account is not registered");
    if (candidate.status == Candidate::Status::barred) return fails("key is barred");
    candidate.stake += value;  // both are part of the supply
    if (candidate.stake < genesis_.stake.min_stake) return fails("stake below the minimum");
    SENNIT_TRY(check_weight());
    if (!candidate.listed) {
        SENNIT_TRY(enlist(sender, candidate.stake));
        candidate.listed = true;
    }
    store.set_candidate(sender, candidate);
    return {};
}

Result<void> Registry::unstake(const Address& sender, BytesView data) {
    abi::Arguments arguments{data, 1};
    SENNIT_TRY(const auto wanted, arguments.word());
    SENNIT_TRY(arguments.finish());
    RegistryStore store{state_};
    SENNIT_TRY(auto candidate, store.candidate(sender));
    const auto amount = is_max(wanted) ? candidate.stake : abi::integer_from(wanted);
    if (!amount || *amount > candidate.stake) return fails("more than the stake");
    if (*amount == 0) return fails("nothing to unstake");
    candidate.stake -= *amount;
    if (candidate.stake != 0 && candidate.stake < genesis_.stake.min_stake) {
        return fails("remaining stake below the minimum");
    }
    candidate.unbonding += *amount;
    candidate.unbonding_since = 0;
    store.set_candidate(sender, candidate);
    return {};
}

Result<void> Registry::withdraw(const Address& sender, BytesView data) {
    SENNIT_TRY(abi::Arguments(data, 0).finish());
    RegistryStore store{state_};
    SENNIT_TRY(auto candidate, store.candidate(sender));
    if (candidate.unbonding == 0) return fails("nothing is unbonding");
    if (candidate.unbonding_since == 0) return fails("unbonding clock has not started");
    if (context_.timestamp - candidate.unbonding_since < genesis_.stake.unbonding_seconds) {
        return fails("still unbonding");
    }
    SENNIT_TRY(pay(sender, candidate.unbonding));
    candidate.unbonding = 0;
    candidate.unbonding_since = 0;
    if (candidate.stake == 0 && !candidate.listed) candidate = Candidate{};
    store.set_candidate(sender, candidate);
    return {};
}

Result<void> Registry::evidence(const Address& sender, BytesView data) {
    abi::Arguments arguments{data, 2};
    SENNIT_TRY(const auto first, arguments.bytes(kEvidenceItemMax));
    SENNIT_TRY(const auto second, arguments.bytes(kEvidenceItemMax));
    SENNIT_TRY(arguments.finish());
    SENNIT_TRY(const auto offence, judge(first, second, genesis_, genesis_id_));

    RegistryStore store{state_};
    SENNIT_TRY(auto use, store.key_use(offence.key.view()));
    if (!use.used || use.role != KeyRole::validator) return fails("key is no validator's");
    if (use.barred) return fails("key is barred already");
    SENNIT_TRY(auto candidate, store.candidate(use.account));
    const Amount held = candidate.stake + candidate.unbonding;
    if (candidate.validator_key != offence.key || held == 0) return fails("key has no stake left");

    const Amount lost = held / offence.burnt_divisor();
    const Amount bounty = lost / kBountyDivisor;
    use.barred = true;
    store.set_key_use(offence.key.view(), use);
    candidate.status = Candidate::Status::barred;
    candidate.stake = 0;
    candidate.unbonding = held - lost;
    // Off the list nobody would start the clock again; it runs, and no set in force has the key.
    if (candidate.listed) candidate.unbonding_since = 0;
    store.set_candidate(use.account, candidate);
    SENNIT_TRY(pay(sender, bounty));
    return burn(lost - bounty);
}

/// The sum of all weights is at most all that the registry holds.
Result<void> Registry::check_weight() {
    SENNIT_TRY(const auto account, state_.account(kRegistryAddress));
    if (account.balance / kWeightUnit >= kTotalWeightLimit) return fails("total weight over 2^63");
    return {};
}

/// Puts an account on the list. When that is full, the least candidate that is in no set must have
/// less stake, and gives way: what it had staked unbonds from now.
Result<void> Registry::enlist(const Address& account, Amount stake) {
    RegistryStore store{state_};
    SENNIT_TRY(auto head, store.head());
    if (head.candidates < kCandidatesMax) {
        store.set_listed(head.candidates, account);
        ++head.candidates;
        store.set_head(head);
        return {};
    }
    SENNIT_TRY(const auto sets, read_sets(store));
    std::set<ValidatorKey> elected;
    for (const auto& set : {sets.previous, sets.current, sets.next}) {
        if (!set) continue;
        for (const auto& member : set->members) elected.insert(member.key);
    }
    struct Place {
        Amount stake{0};
        Address account;
        std::size_t index{0};
    };
    std::optional<Place> least;
    for (std::size_t i = 0; i < head.candidates; ++i) {
        SENNIT_TRY(const auto other, store.listed(i));
        SENNIT_TRY(const auto candidate, store.candidate(other));
        if (elected.contains(candidate.validator_key)) continue;
        const bool lesser = !least || candidate.stake < least->stake ||
                            (candidate.stake == least->stake && least->account < other);
        if (lesser) least = Place{candidate.stake, other, i};
    }
    if (!least || least->stake >= stake) return fails("registry is full");
    SENNIT_TRY(auto gone, store.candidate(least->account));
    gone.listed = false;
    gone.unbonding += gone.stake;
    gone.stake = 0;
    gone.unbonding_since = context_.timestamp;
    store.set_candidate(least->account, gone);
    store.set_listed(least->index, account);
    return {};
}

Result<void> Registry::pay(const Address& to, Amount amount) {
    return transfer(state_, kRegistryAddress, to, amount);
}

Result<void> Registry::burn(Amount amount) {
    SENNIT_TRY(auto account, state_.account(kRegistryAddress));
    SENNIT_ASSERT(account.balance >= amount);
    account.balance -= amount;
    state_.set_account(kRegistryAddress, account);
    return {};
}

}  // namespace sennit::chain
