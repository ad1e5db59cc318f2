// SPDX-License-Identifier: MIT
#pragma once

#include "chain/facts.hpp"
#include "chain/overlay.hpp"

namespace sennit::chain {

/// Most accounts in the registry's list: an epoch's first block reads all of them.
constexpr std::size_t kCandidatesMax = 256;
/// Network addresses of a candidate: three words of storage.
constexpr std::size_t kAddressesSizeMax = 96;

/// Someone who may become a member of the validator set, as the registry remembers them.
struct Candidate {
    enum class Status : std::uint8_t {
        none = 0,    ///< never registered, or everything was withdrawn
        active = 1,  ///< may be elected
        barred = 2,  ///< convicted: may only withdraw
    };

    Status status{Status::none};
    bool listed{false};                ///< in the list that elections walk through
    std::uint64_t unbonding_since{0};  ///< Unix seconds; 0: the clock does not run yet (rule 19)
    ValidatorKey validator_key;
    NodeId node_key;
    Address payout;
    Amount stake{0};
    Amount unbonding{0};
    Bytes addresses{};

    bool operator==(const Candidate&) const = default;
};

/// What a key was used for. Kept for ever: no key serves twice (CHAIN section 1).
struct KeyUse {
    Address account;
    KeyRole role{KeyRole::validator};
    bool used{false};
    bool barred{false};

    bool operator==(const KeyUse&) const = default;
};

/// The registry's storage as Solidity would lay it out, so that a storage proof of any field can be
/// read with Ethereum's tools. docs/registry.md has the declaration.
///
/// Rules are elsewhere: this only knows where things lie. Errors: Errc::io, the disk's, also for a
/// layout that cannot be.
class RegistryStore {
  public:
    explicit RegistryStore(Overlay& state) : state_{state} {}

    struct Head {
        std::uint32_t version{0};     ///< of the set in force
        std::uint16_t candidates{0};  ///< length of the list
        Slot first_slot;              ///< of the set in force

        bool operator==(const Head&) const = default;
    };
    Result<Head> head();
    void set_head(const Head& head);
    /// Of the set in force, without its predecessor (CHAIN rule 18, not joint).
    Result<Digest> set_hash();
    void set_set_hash(const Digest& hash);

    Result<Address> listed(std::size_t index);
    void set_listed(std::size_t index, const Address& account);

    Result<Candidate> candidate(const Address& account);
    /// Status none clears every word.
    void set_candidate(const Address& account, const Candidate& candidate);

    Result<KeyUse> key_use(BytesView key);
    void set_key_use(BytesView key, const KeyUse& use);

    /// nullopt when the ring holds another version, or none.
    Result<std::optional<ValidatorSet>> frozen(std::uint32_t version);
    /// Overwrites what lies at the version's place in the ring.
    Result<void> freeze(const ValidatorSet& set);

  private:
    Result<Word> load(const Word& key);
    void store(const Word& key, const Word& value);

    Overlay& state_;
};

}  // namespace sennit::chain
