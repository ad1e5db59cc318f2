// SPDX-License-Identifier: MIT
#include "chain/genesis.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "chain/reserved.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {

namespace {

constexpr std::string_view kPossessionDomain = "sennit/pop/1";
constexpr std::string_view kStakeKind = "stake";

/// Bounds that keep timestamp, slot and clock arithmetic far from 64 bits.
constexpr std::uint64_t kGenesisTimeMax = 253'402'300'799;  // the last second of the year 9999
constexpr std::uint64_t kSlotSecondsMax = 86'400;
constexpr std::uint64_t kEpochSlotsMax = 0xffff'ffff;
constexpr std::uint64_t kUnbondingDefault = 14 * 86'400;
constexpr std::uint64_t kUnbondingMax = 3'155'760'000;  // a hundred years

/// Smallest gas limit in which one plain transfer fits; above 2^63 - 1 Ethereum's tools refuse.
constexpr std::uint64_t kGasLimitMin = 21'000;
constexpr std::uint64_t kGasLimitMax = 0x7fff'ffff'ffff'ffff;

/// A block must hold its header and one registration; a larger one than 8 MiB no peer would buffer.
constexpr std::uint64_t kBlockBytesMin = 4'000;
constexpr std::uint64_t kBlockBytesLargest = 8 * 1024 * 1024;

constexpr Uint128 kAnyAmount = ~Uint128{0};

Error wrong(std::string_view key, std::string_view why) {
    return Error{Errc::invalid, "genesis", Error::kNowhere,
                 std::string{key} + ": " + std::string{why}};
}

Error out_of_range(std::string_view key, Uint128 low, Uint128 high, Uint128 found) {
    return wrong(key, "expected an integer from " + to_decimal(low) + " to " + to_decimal(high) +
                          ", found " + to_decimal(found));
}

/// One object of the file, read key by key; every error names the whole path to the key.
class Section {
  public:
    static Result<Section> open(const json::Value& value, std::string path,
                                std::initializer_list<std::string_view> known) {
        if (!value.is_object()) {
            return wrong(path.empty() ? "file" : path, "expected an object");
        }
        Section section{value, std::move(path)};
        SENNIT_TRY(const auto members, value.as_object());
        for (const auto& member : members) {
            if (std::find(known.begin(), known.end(), member.key) == known.end()) {
                return wrong(section.path_of(member.key), "no such key is known");
            }
        }
        return section;
    }

    std::string path_of(std::string_view key) const {
        return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
    }
    const json::Value* find(std::string_view key) const { return value_->find(key); }
    Result<const json::Value*> get(std::string_view key) const {
        const auto* value = value_->find(key);
        if (value == nullptr) return wrong(path_of(key), "is missing");
        return value;
    }

    Result<std::uint64_t> u64(std::string_view key) const {
        SENNIT_TRY(const auto number, amount(key));
        if (number > ~std::uint64_t{0}) {
            return out_of_range(path_of(key), 0, ~std::uint64_t{0}, number);
        }
        return static_cast<std::uint64_t>(number);
    }
    Result<Uint128> amount(std::string_view key) const {
        SENNIT_TRY(const auto* value, get(key));
        return integer(*value, path_of(key));
    }
    template <class H>
    Result<H> hash(std::string_view key) const {
        SENNIT_TRY(const auto* value, get(key));
        if (auto text = value->as_text()) {
            if (auto hash = hash_from_hex<H>(*text)) return *hash;
        }
        return wrong(path_of(key),
                     "expected " + std::to_string(H::kSize) + " bytes as hexadecimal text");
    }

    /// A JSON integer, or decimal digits as text: readers in other languages lose digits of large
    /// numbers.
    static Result<Uint128> integer(const json::Value& value, std::string_view path) {
        if (value.is_text()) {
            SENNIT_TRY(const auto text, value.as_text());
            if (auto number = from_decimal(text)) return *number;
        } else if (auto number = value.as_u128()) {
            return *number;
        }
        return wrong(path, "expected an integer below 2^128, as number or decimal text");
    }

  private:
    Section(const json::Value& value, std::string path) : value_{&value}, path_{std::move(path)} {}

    const json::Value* value_;
    std::string path_;
};

Result<StakeParameters> parse_consensus(const json::Value& value) {
    SENNIT_TRY(const auto section, Section::open(value, "consensus",
                                                 {"kind", "slot", "epoch", "validators_max",
                                                  "unbonding", "min_stake", "reward"}));
    SENNIT_TRY(const auto* kind, section.get("kind"));
    const auto name = kind->as_text();
    if (name && *name == "coherence") {
        return Error{Errc::unsupported, "genesis", Error::kNowhere,
                     "consensus.kind: \"coherence\" is not offered by this node, only \"stake\""};
    }
    if (!name || *name != kStakeKind) {
        return wrong("consensus.kind", "expected \"stake\" or \"coherence\"");
    }
    StakeParameters stake;
    SENNIT_TRY(stake.slot_seconds, section.u64("slot"));
    SENNIT_TRY(stake.epoch_slots, section.u64("epoch"));
    SENNIT_TRY(const auto validators_max, section.u64("validators_max"));
    if (validators_max > kValidatorsMax) {
        return out_of_range("consensus.validators_max", 1, kValidatorsMax, validators_max);
    }
    stake.validators_max = static_cast<std::uint32_t>(validators_max);
    stake.unbonding_seconds = kUnbondingDefault;
    if (section.find("unbonding") != nullptr) {
        SENNIT_TRY(stake.unbonding_seconds, section.u64("unbonding"));
    }
    SENNIT_TRY(stake.min_stake, section.amount("min_stake"));
    SENNIT_TRY(stake.reward, section.amount("reward"));
    return stake;
}

Result<std::vector<std::pair<Address, Amount>>> parse_alloc(const json::Value& value) {
    if (!value.is_object()) return wrong("alloc", "expected an object of address and amount");
    SENNIT_TRY(const auto members, value.as_object());
    std::vector<std::pair<Address, Amount>> alloc;
    for (const auto& member : members) {
        const auto address = hash_from_hex<Address>(member.key);
        if (!address) {
            return wrong("alloc." + member.key, "expected 20 bytes as hexadecimal text for a key");
        }
        SENNIT_TRY(const auto amount, Section::integer(member.value, "alloc." + member.key));
        alloc.emplace_back(*address, amount);
    }
    std::sort(alloc.begin(), alloc.end());
    return alloc;
}

Result<GenesisValidator> parse_validator(const json::Value& value, std::string path) {
    SENNIT_TRY(const auto section,
               Section::open(value, std::move(path),
                             {"account", "payout", "validator_key", "validator_pop", "node_key",
                              "node_pop", "stake"}));
    GenesisValidator validator;
    SENNIT_TRY(validator.account, section.hash<Address>("account"));
    SENNIT_TRY(validator.payout, section.hash<Address>("payout"));
    SENNIT_TRY(validator.validator_key, section.hash<ValidatorKey>("validator_key"));
    SENNIT_TRY(validator.validator_pop, section.hash<Signature>("validator_pop"));
    SENNIT_TRY(validator.node_key, section.hash<NodeId>("node_key"));
    SENNIT_TRY(validator.node_pop, section.hash<Signature>("node_pop"));
    SENNIT_TRY(validator.stake, section.amount("stake"));
    return validator;
}

Result<std::vector<GenesisValidator>> parse_validators(const json::Value& value) {
    if (!value.is_array()) return wrong("validators", "expected an array");
    SENNIT_TRY(const auto items, value.as_array());
    std::vector<GenesisValidator> validators;
    for (const auto& item : items) {
        SENNIT_TRY(auto validator,
                   parse_validator(item, "validators[" + std::to_string(validators.size()) + "]"));
        validators.push_back(std::move(validator));
    }
    std::sort(validators.begin(), validators.end(),
              [](const auto& a, const auto& b) { return a.account < b.account; });
    return validators;
}

Result<void> check_range(std::string_view key, Uint128 low, Uint128 high, Uint128 found) {
    if (found < low || found > high) return out_of_range(key, low, high, found);
    return {};
}

Result<void> check_parameters(const Genesis& genesis) {
    if (genesis.chain_id == 1) {
        return wrong("chain_id",
                     "1 is Ethereum's main net and LuxTensor's development chain: a transfer "
                     "signed here could be replayed there; expected 2 to " +
                         std::to_string(kChainIdMax));
    }
    SENNIT_TRY(check_range("chain_id", 2, kChainIdMax, genesis.chain_id));
    SENNIT_TRY(check_range("genesis_time", 1, kGenesisTimeMax, genesis.genesis_time));
    SENNIT_TRY(check_range("gas_limit", kGasLimitMin, kGasLimitMax, genesis.gas_limit));
    SENNIT_TRY(check_range("block_bytes_max", kBlockBytesMin, kBlockBytesLargest,
                           genesis.block_bytes_max));
    const auto& stake = genesis.stake;
    SENNIT_TRY(check_range("consensus.slot", 2, kSlotSecondsMax, stake.slot_seconds));
    SENNIT_TRY(check_range("consensus.epoch", 64, kEpochSlotsMax, stake.epoch_slots));
    SENNIT_TRY(check_range("consensus.validators_max", 1, kValidatorsMax, stake.validators_max));
    SENNIT_TRY(check_range("consensus.unbonding", 1, kUnbondingMax, stake.unbonding_seconds));
    // Below one unit of weight a member could neither lead nor count.
    SENNIT_TRY(check_range("consensus.min_stake", kWeightUnit, kAnyAmount, stake.min_stake));
    return {};
}

Result<void> check_possession(const Genesis& genesis, const GenesisValidator& validator,
                              KeyRole role, const std::string& path) {
    const bool is_validator = role == KeyRole::validator;
    const BytesView key = is_validator ? validator.validator_key.view() : validator.node_key.view();
    const auto& proof = is_validator ? validator.validator_pop : validator.node_pop;
    const std::string name = is_validator ? ".validator_" : ".node_";
    if (!crypto::ed25519_key_valid(key)) {
        return wrong(path + name + "key", "expected a canonical Ed25519 key of full order");
    }
    const auto message = possession_bytes(genesis.chain_id, validator.account, role, key);
    if (!crypto::ed25519_verify(key, message, proof.view())) {
        return wrong(path + name + "pop",
                     "expected the key's signature over chain id, account, role and key");
    }
    return {};
}

Result<void> check_account(const Address& account, const std::string& path) {
    if (account.is_zero() || is_reserved(account)) {
        return wrong(path, "expected an account that is neither zero nor reserved");
    }
    return {};
}

Result<void> check_validators(const Genesis& genesis) {
    if (genesis.validators.empty() || genesis.validators.size() > genesis.stake.validators_max) {
        return wrong("validators", "expected 1 to " + std::to_string(genesis.stake.validators_max) +
                                       " (consensus.validators_max), found " +
                                       std::to_string(genesis.validators.size()));
    }
    std::set<Digest> keys;
    Uint128 weight = 0;
    for (std::size_t i = 0; i < genesis.validators.size(); ++i) {
        const auto& validator = genesis.validators[i];
        const std::string path = "validators of account 0x" + to_hex(validator.account);
        SENNIT_TRY(check_account(validator.account, path));
        SENNIT_TRY(check_account(validator.payout, path + ".payout"));
        if (i > 0 && !(genesis.validators[i - 1].account < validator.account)) {
            return wrong(path, "expected every account once, in rising order");
        }
        for (const auto key : {validator.validator_key.view(), validator.node_key.view()}) {
            if (!keys.insert(Digest::from(key)).second) {
                return wrong(path, "expected every validator and node key once");
            }
        }
        if (validator.stake < genesis.stake.min_stake) {
            return out_of_range(path + ".stake", genesis.stake.min_stake, kAnyAmount,
                                validator.stake);
        }
        weight += validator.stake / kWeightUnit;  // at most 100 * 2^99
        SENNIT_TRY(check_possession(genesis, validator, KeyRole::validator, path));
        SENNIT_TRY(check_possession(genesis, validator, KeyRole::node, path));
    }
    if (weight >= kTotalWeightLimit) {
        return wrong("validators", "expected stakes that sum to less than 2^63 * 10^9");
    }
    return {};
}

/// Balances are 128 bits and sums are not checked where money moves: here is where they are.
Result<void> check_supply(const Genesis& genesis) {
    std::optional<Uint128> supply = checked_mul(genesis.stake.reward, kRewardsMax);
    for (std::size_t i = 0; i < genesis.alloc.size(); ++i) {
        const auto& [address, amount] = genesis.alloc[i];
        const std::string path = "alloc.0x" + to_hex(address);
        SENNIT_TRY(check_account(address, path));
        if (i > 0 && !(genesis.alloc[i - 1].first < address)) {
            return wrong(path, "expected every address once, in rising order");
        }
        if (supply) supply = checked_add(*supply, amount);
    }
    for (const auto& validator : genesis.validators) {
        if (supply) supply = checked_add(*supply, validator.stake);
    }
    if (!supply) {
        return wrong("alloc",
                     "expected allocations, stakes and 2^40 rewards to sum to less than 2^128");
    }
    return {};
}

std::string hex(BytesView bytes) {
    return "0x" + to_hex(bytes);
}

/// Keys are written in sorted order, which is what makes the plain writer's output canonical.
json::Value to_value(const Genesis& genesis) {
    auto alloc = json::Value::object();
    for (const auto& [address, amount] : genesis.alloc) {
        alloc.set(hex(address.view()), to_decimal(amount));
    }
    auto validators = json::Value::array();
    for (const auto& v : genesis.validators) {
        validators.push(json::Value::object({{"account", hex(v.account.view())},
                                             {"node_key", hex(v.node_key.view())},
                                             {"node_pop", hex(v.node_pop.view())},
                                             {"payout", hex(v.payout.view())},
                                             {"stake", to_decimal(v.stake)},
                                             {"validator_key", hex(v.validator_key.view())},
                                             {"validator_pop", hex(v.validator_pop.view())}}));
    }
    const auto& stake = genesis.stake;
    auto consensus = json::Value::object({{"epoch", to_decimal(stake.epoch_slots)},
                                          {"kind", kStakeKind},
                                          {"min_stake", to_decimal(stake.min_stake)},
                                          {"reward", to_decimal(stake.reward)},
                                          {"slot", to_decimal(stake.slot_seconds)},
                                          {"unbonding", to_decimal(stake.unbonding_seconds)},
                                          {"validators_max", to_decimal(stake.validators_max)}});
    return json::Value::object({{"alloc", std::move(alloc)},
                                {"block_bytes_max", to_decimal(genesis.block_bytes_max)},
                                {"chain_id", to_decimal(genesis.chain_id)},
                                {"consensus", std::move(consensus)},
                                {"gas_limit", to_decimal(genesis.gas_limit)},
                                {"genesis_time", to_decimal(genesis.genesis_time)},
                                {"min_gas_price", to_decimal(genesis.min_gas_price)},
                                {"validators", std::move(validators)}});
}

/// Two spaces a level, one member or item a line. The depth is that of `to_value`: four.
void print(const json::Value& value, std::size_t depth, std::string& out) {
    const std::string indent(2 * (depth + 1), ' ');
    std::string_view separator;
    if (const auto members = value.as_object(); members && !members->empty()) {
        out += "{\n";
        for (const auto& member : *members) {
            out.append(separator).append(indent);
            out += json::write(json::Value{member.key}, json::Style::compact) + ": ";
            print(member.value, depth + 1, out);
            separator = ",\n";
        }
        out += "\n" + std::string(2 * depth, ' ') + "}";
    } else if (const auto items = value.as_array(); items && !items->empty()) {
        out += "[\n";
        for (const auto& item : *items) {
            out.append(separator).append(indent);
            print(item, depth + 1, out);
            separator = ",\n";
        }
        out += "\n" + std::string(2 * depth, ' ') + "]";
    } else {
        out += json::write(value, json::Style::compact);
    }
}

}  // namespace

Result<Genesis> parse_genesis(std::string_view text) {
    SENNIT_TRY(const auto file, json::parse(text));
    SENNIT_TRY(const auto section,
               Section::open(file, "",
                             {"chain_id", "genesis_time", "gas_limit", "min_gas_price",
                              "block_bytes_max", "consensus", "alloc", "validators"}));
    Genesis genesis;
    SENNIT_TRY(genesis.chain_id, section.u64("chain_id"));
    SENNIT_TRY(genesis.genesis_time, section.u64("genesis_time"));
    SENNIT_TRY(genesis.gas_limit, section.u64("gas_limit"));
    SENNIT_TRY(genesis.min_gas_price, section.u64("min_gas_price"));
    if (section.find("block_bytes_max") != nullptr) {
        SENNIT_TRY(genesis.block_bytes_max, section.u64("block_bytes_max"));
    }
    SENNIT_TRY(const auto* consensus, section.get("consensus"));
    SENNIT_TRY(genesis.stake, parse_consensus(*consensus));
    SENNIT_TRY(const auto* alloc, section.get("alloc"));
    SENNIT_TRY(genesis.alloc, parse_alloc(*alloc));
    SENNIT_TRY(const auto* validators, section.get("validators"));
    SENNIT_TRY(genesis.validators, parse_validators(*validators));
    SENNIT_TRY(check_genesis(genesis));
    return genesis;
}

Result<void> check_genesis(const Genesis& genesis) {
    SENNIT_TRY(check_parameters(genesis));
    SENNIT_TRY(check_supply(genesis));
    return check_validators(genesis);
}

std::string canonical_json(const Genesis& genesis) {
    return json::write(to_value(genesis), json::Style::canonical);
}

std::string pretty_json(const Genesis& genesis) {
    std::string out;
    print(to_value(genesis), 0, out);
    return out + "\n";
}

Header genesis_header(const Genesis& genesis, const Digest& state_root) {
    Header header;
    header.timestamp = genesis.genesis_time;
    header.state_root = state_root;
    header.txs_root = transactions_root({});
    header.receipts_root = receipts_root({}, {});
    header.gas_limit = genesis.gas_limit;
    header.extra_data = to_bytes(crypto::keccak256(as_bytes(canonical_json(genesis))).view());
    return header;
}

ValidatorSet genesis_set(const Genesis& genesis) {
    ValidatorSet set;
    for (const auto& validator : genesis.validators) {
        set.members.push_back({.account = validator.account,
                               .payout = validator.payout,
                               .key = validator.validator_key,
                               .weight = weight_of(validator.stake)});
    }
    return set;
}

Bytes possession_bytes(std::uint64_t chain_id, const Address& account, KeyRole role,
                       BytesView key) {
    Writer out{kPossessionDomain.size() + 8 + Address::kSize + 1 + key.size()};
    out.text(kPossessionDomain).le(chain_id).hash(account);
    out.le(static_cast<std::uint8_t>(role)).raw(key);
    return std::move(out).take();
}

}  // namespace sennit::chain
