// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

namespace sennit {

/// Root of an empty trie: Keccak(RLP of the empty string).
extern const Digest kEmptyTrieRoot;
/// Keccak of nothing: the code hash of an account without code.
extern const Digest kEmptyCodeHash;
/// Keccak(fe): the code hash of reserved accounts, whose one byte of code is fe.
extern const Digest kReservedCodeHash;

/// An account as Ethereum's state trie holds it.
struct Account {
    std::uint64_t nonce{0};
    Amount balance{0};
    Digest storage_root{kEmptyTrieRoot};
    Digest code_hash{kEmptyCodeHash};

    bool operator==(const Account&) const = default;
    /// EIP-161: such an account is not stored.
    bool empty() const { return nonce == 0 && balance == 0 && code_hash == kEmptyCodeHash; }
};

/// RLP[nonce, balance, storage root, code hash].
Bytes encode(const Account& account);
Result<Account> decode_account(BytesView rlp);

}  // namespace sennit
