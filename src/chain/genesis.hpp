// SPDX-License-Identifier: MIT
#pragma once

#include "primitives/vote.hpp"

namespace sennit::chain {

/// Parameters of `stake` consensus (CHAIN section 2).
struct StakeParameters {
    std::uint64_t slot_seconds{0};
    std::uint64_t epoch_slots{0};
    std::uint32_t validators_max{0};
    std::uint64_t unbonding_seconds{0};
    Amount min_stake{0};
    Amount reward{0};

    bool operator==(const StakeParameters&) const = default;
};

struct GenesisValidator {
    Address account;
    Address payout;
    ValidatorKey validator_key;
    Signature validator_pop;
    NodeId node_key;
    Signature node_pop;
    Amount stake{0};

    bool operator==(const GenesisValidator&) const = default;
};

/// Everything that two nodes must agree on before the first block. Block 0 commits to all of it.
struct Genesis {
    std::uint64_t chain_id{0};
    std::uint64_t genesis_time{0};  ///< Unix seconds
    std::uint64_t gas_limit{0};
    std::uint64_t min_gas_price{0};
    std::uint64_t block_bytes_max{60'000};
    StakeParameters stake;
    std::vector<std::pair<Address, Amount>> alloc;  ///< sorted by address
    std::vector<GenesisValidator> validators;       ///< sorted by account

    bool operator==(const Genesis&) const = default;
};

/// Largest chain id that MetaMask takes.
constexpr std::uint64_t kChainIdMax = 4'503'599'627'370'476;

/// Most members of a set: certificates and bitmaps are sized for it.
constexpr std::uint32_t kValidatorsMax = 100;
/// One unit of weight (CHAIN rule 3).
constexpr Amount kWeightUnit = 1'000'000'000;
/// W stays below it, so that 3 * sum and W * x fit where quorums and leaders are computed.
constexpr std::uint64_t kTotalWeightLimit = std::uint64_t{1} << 63;
/// Rewards that must fit beside the genesis supply: one a second for 34 000 years.
constexpr Uint128 kRewardsMax = Uint128{1} << 40;

/// Stake in units of 10^9, rounded down. The stake must be below 2^63 units.
constexpr std::uint64_t weight_of(Amount stake) {
    return static_cast<std::uint64_t>(stake / kWeightUnit);
}

/// Reads and checks a genesis file: every key known, every bound of CHAIN sections 1 and 2, proofs
/// of possession, supply plus 2^40 rewards within 128 bits. Each error names the key and what it
/// should have been.
Result<Genesis> parse_genesis(std::string_view json);
Result<void> check_genesis(const Genesis& genesis);
/// Sorted keys, no white space, integers as decimal strings: what block 0 commits to.
std::string canonical_json(const Genesis& genesis);
/// The same with line breaks, for people.
std::string pretty_json(const Genesis& genesis);

/// Header of block 0 over the state root that the genesis allocation gives.
Header genesis_header(const Genesis& genesis, const Digest& state_root);

/// Version 0: the genesis validators, in force from slot 0.
ValidatorSet genesis_set(const Genesis& genesis);

/// Proof of possession: the key's signature over "sennit/pop/1" || chain_id || account || role ||
/// key.
enum class KeyRole : std::uint8_t { validator = 0, node = 1 };
Bytes possession_bytes(std::uint64_t chain_id, const Address& account, KeyRole role, BytesView key);

/// Where slots and epochs lie in time.
class Schedule {
  public:
    Schedule() = default;
    Schedule(std::uint64_t genesis_time, std::uint64_t slot_seconds, std::uint64_t epoch_slots)
        : genesis_time_{genesis_time}, slot_seconds_{slot_seconds}, epoch_slots_{epoch_slots} {}
    explicit Schedule(const Genesis& g)
        : Schedule{g.genesis_time, g.stake.slot_seconds, g.stake.epoch_slots} {}

    std::uint64_t slot_seconds() const { return slot_seconds_; }
    std::uint64_t epoch_slots() const { return epoch_slots_; }
    std::uint64_t timestamp(Slot slot) const { return genesis_time_ + slot.value * slot_seconds_; }
    /// nullopt: before genesis, or not on a slot's boundary.
    std::optional<Slot> slot_of(std::uint64_t timestamp) const {
        if (timestamp < genesis_time_ || (timestamp - genesis_time_) % slot_seconds_ != 0) {
            return std::nullopt;
        }
        return Slot{(timestamp - genesis_time_) / slot_seconds_};
    }
    std::uint64_t epoch_of(Slot slot) const { return slot.value / epoch_slots_; }
    Slot epoch_start(std::uint64_t epoch) const { return Slot{epoch * epoch_slots_}; }

  private:
    std::uint64_t genesis_time_{0};
    std::uint64_t slot_seconds_{1};
    std::uint64_t epoch_slots_{1};
};

}  // namespace sennit::chain
