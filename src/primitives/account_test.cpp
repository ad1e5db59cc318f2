// SPDX-License-Identifier: MIT
#include "primitives/account.hpp"

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"

namespace sennit {
namespace {

TEST(Account, constants_are_the_hashes_that_they_name) {
    EXPECT_EQ(kEmptyTrieRoot, crypto::keccak256(Bytes{0x80}));
    EXPECT_EQ(kEmptyCodeHash, crypto::keccak256({}));
    EXPECT_EQ(kReservedCodeHash, crypto::keccak256(Bytes{0xfe}));
}

TEST(Account, an_empty_one_has_ethereums_bytes) {
    EXPECT_EQ(to_hex(encode(Account{})),
              "f8448080a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
              "a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_TRUE(Account{}.empty());
    EXPECT_FALSE((Account{.nonce = 1}.empty()));
    EXPECT_FALSE((Account{.balance = 1}.empty()));
    EXPECT_FALSE((Account{.code_hash = kReservedCodeHash}.empty()));
}

TEST(Account, comes_back_from_its_bytes_and_from_nothing_else) {
    const Account account{.nonce = ~std::uint64_t{0},
                          .balance = ~Amount{0},
                          .storage_root = kEmptyCodeHash,
                          .code_hash = kReservedCodeHash};
    Bytes bytes = encode(account);
    ASSERT_TRUE(decode_account(bytes));
    EXPECT_EQ(*decode_account(bytes), account);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_account(BytesView{bytes}.first(size)).error().code, Errc::truncated)
            << size;
    }
    bytes.push_back(0);
    EXPECT_EQ(decode_account(bytes).error().code, Errc::trailing);
}

TEST(Account, a_balance_of_more_than_128_bits_is_refused) {
    Bytes bytes = encode(Account{.balance = ~Amount{0}});
    // f8 <length> 80 90 <16 bytes>: one byte more in front of the balance, and both lengths with
    // it.
    ASSERT_EQ(bytes[3], 0x90);
    ++bytes[1];
    ++bytes[3];
    bytes.insert(bytes.begin() + 4, 1);
    EXPECT_EQ(decode_account(bytes).error().code, Errc::oversized);
}

}  // namespace
}  // namespace sennit
