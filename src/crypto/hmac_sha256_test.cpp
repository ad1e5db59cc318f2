// SPDX-License-Identifier: MIT
#include "crypto/hmac_sha256.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit::crypto {
namespace {

std::string hmac_hex(BytesView key, std::string_view message) {
    return to_hex(hmac_sha256(key, as_bytes(message)));
}

// RFC 4231, test cases 1 to 4, 6 and 7, and what is published of 5.
TEST(HmacSha256, gives_the_codes_of_rfc_4231) {
    EXPECT_EQ(hmac_hex(Bytes(20, 0x0b), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hmac_hex(as_bytes("Jefe"), "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac_hex(Bytes(20, 0xaa), std::string(50, '\xdd')),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(hmac_hex(*from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
                       std::string(50, '\xcd')),
              "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    EXPECT_EQ(hmac_hex(Bytes(20, 0x0c), "Test With Truncation").substr(0, 32),
              "a3b6167473100ee06e0c796c2955552b");
    EXPECT_EQ(hmac_hex(Bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(hmac_hex(Bytes(131, 0xaa),
                       "This is a test using a larger than block-size key and a larger than "
                       "block-size data. The key needs to be hashed before being used by the HMAC "
                       "algorithm."),
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

// RFC 5869, test case 3: no salt counts as 32 zeros, no info, 42 bytes.
TEST(HmacSha256, derives_the_keys_of_rfc_5869) {
    const std::string_view wanted =
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    const auto keys = hkdf2(Secret{}, Bytes(22, 0x0b));
    EXPECT_EQ(to_hex(keys[0].view()) + to_hex(keys[1].view()).substr(0, 20), wanted);
}

// The third output by its definition: HMAC(HMAC(chaining key, input), second || 3).
TEST(HmacSha256, derives_a_third_key_from_the_second) {
    const auto two = hkdf2(Secret{}, as_bytes("input"));
    const auto three = hkdf3(Secret{}, as_bytes("input"));
    EXPECT_EQ(to_hex(three[0].view()), to_hex(two[0].view()));
    EXPECT_EQ(to_hex(three[1].view()), to_hex(two[1].view()));
    Bytes tail = to_bytes(two[1].view());
    tail.push_back(3);
    const auto key = hmac_sha256(Bytes(32, 0), as_bytes("input"));
    EXPECT_EQ(to_hex(three[2].view()), to_hex(hmac_sha256(key.view(), tail)));
}

}  // namespace
}  // namespace sennit::crypto
