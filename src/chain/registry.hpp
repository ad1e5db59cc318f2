// SPDX-License-Identifier: MIT
#pragma once

#include "chain/execution.hpp"

namespace sennit::chain {

/// The validator registry's system calls and views (CHAIN section 1; docs/registry.md has the
/// selectors, the storage layout and every reason for a failure).
///
/// A call runs inside the overlay's inner level, with its value already in the registry's balance;
/// any error means that the caller rolls back. Errc::io alone is the disk's.
class Registry {
  public:
    Registry(Overlay& state, const Genesis& genesis, const BlockId& genesis_id,
             const BlockContext& context)
        : state_{state}, genesis_{genesis}, genesis_id_{genesis_id}, context_{context} {}

    Result<void> call(const Address& sender, Amount value, BytesView data);

  private:
    Result<void> register_candidate(const Address& sender, Amount value, BytesView data);
    Result<void> stake(const Address& sender, Amount value, BytesView data);
    Result<void> unstake(const Address& sender, BytesView data);
    Result<void> withdraw(const Address& sender, BytesView data);
    Result<void> evidence(const Address& sender, BytesView data);

    Result<void> check_weight();
    Result<void> enlist(const Address& account, Amount stake);
    Result<void> pay(const Address& to, Amount amount);
    Result<void> burn(Amount amount);

    Overlay& state_;
    const Genesis& genesis_;
    const BlockId& genesis_id_;
    const BlockContext& context_;
};

/// Gas of a call beyond the intrinsic; 0 for what the registry does not know.
std::uint64_t registry_gas(BytesView data);

/// Answers `version()`, `members(uint32)` and `candidate(address)`. Errors: invalid ("execution
/// reverted") for anything else, and for members of a version that is not kept.
Result<Bytes> registry_view(Overlay& state, BytesView data);

/// The data of a call that brings evidence before the registry.
Bytes evidence_call(const Evidence& evidence);

/// What evidence against a validator key can still do, in some state.
enum class Prosecution : std::uint8_t {
    open,  ///< the key has stake, bonded or unbonding
    over,  ///< it is barred already
    moot,  ///< no candidate's key, or one that has no stake left
};
/// Errors: io.
Result<Prosecution> prosecution(const StateReader& state, const ValidatorKey& key);

/// Moves money between accounts; an account that has none gets one, and zero leaves no trace. The
/// source must have it (the caller has checked).
Result<void> transfer(Overlay& state, const Address& from, const Address& to, Amount amount);
Result<void> credit(Overlay& state, const Address& to, Amount amount);

}  // namespace sennit::chain
