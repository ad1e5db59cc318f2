// SPDX-License-Identifier: MIT
#include "primitives/account.hpp"

#include "primitives/rlp.hpp"

namespace sennit {

// Written out, so that they exist before any other static object; a test computes them.
constinit const Digest kEmptyTrieRoot{{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                       0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                       0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                       0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};
constinit const Digest kEmptyCodeHash{{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c,
                                       0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
                                       0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b,
                                       0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};
constinit const Digest kReservedCodeHash{{0xbc, 0xc9, 0x0f, 0x2d, 0x6d, 0xad, 0xa5, 0xb1,
                                          0x8e, 0x15, 0x5c, 0x17, 0xa1, 0xc0, 0xa5, 0x59,
                                          0x20, 0xaa, 0xe9, 0x4f, 0x39, 0x85, 0x7d, 0x39,
                                          0xd0, 0xd8, 0xed, 0x07, 0xae, 0x8f, 0x22, 0x8b}};

Bytes encode(const Account& account) {
    rlp::Encoder items{128};
    items.integer(account.nonce)
        .integer(account.balance)
        .string(account.storage_root.view())
        .string(account.code_hash.view());
    return rlp::encode_list(items);
}

Result<Account> decode_account(BytesView bytes) {
    rlp::Decoder outer{bytes};
    SENNIT_TRY(auto in, outer.list());
    SENNIT_TRY(outer.finish());
    Account account;
    SENNIT_TRY(account.nonce, in.integer64());
    SENNIT_TRY(account.balance, in.integer());
    SENNIT_TRY(account.storage_root, in.hash<Digest>());
    SENNIT_TRY(account.code_hash, in.hash<Digest>());
    SENNIT_TRY(in.finish());
    return account;
}

}  // namespace sennit
