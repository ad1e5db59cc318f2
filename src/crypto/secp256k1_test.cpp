// SPDX-License-Identifier: MIT
#include "crypto/secp256k1.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "crypto/keccak.hpp"

namespace sennit::crypto {
namespace {

constexpr std::string_view kOrder =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::string_view kHalfOrder =
    "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";

Word word(std::string_view hex) {
    return *hash_from_hex<Word>(hex);
}

// The example in EIP-155: nonce 9, 20 Gwei, 21000 gas, 1 ether to 0x3535...35 on chain 1.
struct Eip155 {
    Secp256k1Key key = *Secp256k1Key::from_bytes(Bytes(32, 0x46));
    Digest digest = keccak256(*from_hex(
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
        "80018080"));
    EcdsaSignature signature{
        word("28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"),
        word("67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"), 0};
    Address sender = *hash_from_hex<Address>("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
};

TEST(Secp256k1, signs_and_recovers_the_example_of_eip_155) {
    const Eip155 example;
    EXPECT_EQ(to_hex(example.digest),
              "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    EXPECT_EQ(example.key.sign(example.digest), example.signature);
    EXPECT_EQ(example.key.address(), example.sender);
    ASSERT_TRUE(recover_address(example.digest, example.signature));
    EXPECT_EQ(*recover_address(example.digest, example.signature), example.sender);
}

TEST(Secp256k1, recovers_another_address_from_another_digest_or_recovery_id) {
    const Eip155 example;
    Digest other_digest = example.digest;
    other_digest.bytes[0] ^= 1;
    EXPECT_NE(*recover_address(other_digest, example.signature), example.sender);
    EcdsaSignature other = example.signature;
    other.recovery = 1;
    EXPECT_NE(*recover_address(example.digest, other), example.sender);
}

TEST(Secp256k1, recovers_from_the_high_twin_and_calls_it_high) {
    const Eip155 example;
    EcdsaSignature twin = example.signature;
    twin.s = word("98341627668089e51348fccfb4c7ff31c55912f2d2e47ef09652acf665fad3be");
    twin.recovery = 1;
    EXPECT_EQ(*recover_address(example.digest, twin), example.sender);
    EXPECT_TRUE(is_low_s(example.signature.s));
    EXPECT_FALSE(is_low_s(twin.s));
}

TEST(Secp256k1, draws_the_line_of_low_s_at_half_the_order) {
    EXPECT_TRUE(is_low_s(word(kHalfOrder)));
    Word above = word(kHalfOrder);
    ++above.bytes[31];
    EXPECT_FALSE(is_low_s(above));
}

TEST(Secp256k1, always_signs_with_a_low_s) {
    const Secp256k1Key key = *Secp256k1Key::from_bytes(Bytes(32, 0x11));
    for (std::uint8_t i = 0; i < 50; ++i) {
        const Digest digest = keccak256(Bytes{i});
        const EcdsaSignature signature = key.sign(digest);
        EXPECT_TRUE(is_low_s(signature.s));
        EXPECT_EQ(*recover_address(digest, signature), key.address());
    }
}

TEST(Secp256k1, refuses_keys_that_are_no_scalars) {
    EXPECT_EQ(Secp256k1Key::from_bytes(Bytes(31, 1)).error().code, Errc::malformed);
    EXPECT_EQ(Secp256k1Key::from_bytes(Bytes(33, 1)).error().code, Errc::malformed);
    EXPECT_EQ(Secp256k1Key::from_bytes(Bytes(32, 0)).error().code, Errc::malformed);
    Bytes order = *from_hex(kOrder);
    EXPECT_EQ(Secp256k1Key::from_bytes(order).error().code, Errc::malformed);
    --order.back();
    EXPECT_TRUE(Secp256k1Key::from_bytes(order));
}

TEST(Secp256k1, refuses_signatures_whose_numbers_are_out_of_range) {
    const Eip155 example;
    const auto refused = [&](auto change) {
        EcdsaSignature signature = example.signature;
        change(signature);
        const auto found = recover_address(example.digest, signature);
        return found ? std::string{"accepted"} : std::string{to_string(found.error().code)};
    };
    const std::string malformed{to_string(Errc::malformed)};
    const std::string invalid{to_string(Errc::invalid)};
    EXPECT_EQ(refused([](auto& s) { s.recovery = 4; }), malformed);
    EXPECT_EQ(refused([](auto& s) { s.r = word(kOrder); }), malformed);
    EXPECT_EQ(refused([](auto& s) { s.s = word(kOrder); }), malformed);
    EXPECT_EQ(refused([](auto& s) { s.r = Word{}; }), invalid);
    EXPECT_EQ(refused([](auto& s) { s.s = Word{}; }), invalid);
    // R = r + n would be above the field's size.
    EXPECT_EQ(refused([](auto& s) { s.recovery = 2; }), invalid);
}

}  // namespace
}  // namespace sennit::crypto
