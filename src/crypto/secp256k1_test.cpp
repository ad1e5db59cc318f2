// SPDX-License-Identifier: MIT
#include "crypto/secp256k1.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "crypto/keccak.hpp"
#include "crypto/sha256.hpp"

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

// "sennit" signed by openssl 3.0: `openssl ecparam -name secp256k1 -genkey`, `openssl dgst -sha256
// -sign`. Of the two s one is openssl's, the other the order less it.
constexpr std::string_view kOpensslKey =
    "0297db9fbc2abca06630894b3b4c704b7c75cdb5fed0f6b2e1a4a07abdc3a213ce";
constexpr std::string_view kOpensslLow =
    "3044022047baf064edb95e38de231a9112b1b5106a2e1a1be1931991be54b26e9d16350b02206758"
    "066611ba94503c57af87022533879e73760849a40909dfa358c747061a13";
constexpr std::string_view kOpensslHigh =
    "3045022047baf064edb95e38de231a9112b1b5106a2e1a1be1931991be54b26e9d16350b02210098"
    "a7f999ee456bafc3a85078fddacc771c3b66de65a49731e02f05c58930272e";

bool verify(std::string_view key, std::string_view der, std::string_view message = "sennit") {
    return secp256k1_verify(*from_hex(key), sha256(as_bytes(message)), *from_hex(der));
}

TEST(Secp256k1, verifies_der_of_openssl_with_a_low_and_a_high_s) {
    EXPECT_TRUE(verify(kOpensslKey, kOpensslLow));
    EXPECT_TRUE(verify(kOpensslKey, kOpensslHigh));
    EXPECT_FALSE(verify(kOpensslKey, kOpensslLow, "sennis"));
}

TEST(Secp256k1, refuses_der_that_is_written_in_any_other_way) {
    const std::string der{kOpensslLow};
    EXPECT_FALSE(verify(kOpensslKey, ""));
    EXPECT_FALSE(verify(kOpensslKey, der + "00"));
    EXPECT_FALSE(verify(kOpensslKey, der.substr(0, der.size() - 2)));
    EXPECT_FALSE(verify(kOpensslKey, "3081" + der.substr(2)));  // a long form of the length
    std::string padded = "30" + to_hex(Bytes{static_cast<std::uint8_t>(der.size() / 2 - 1)}) +
                         "02" + to_hex(Bytes{static_cast<std::uint8_t>(32 + 1)}) + "00" +
                         der.substr(8);
    EXPECT_FALSE(verify(kOpensslKey, padded));
}

TEST(Secp256k1, takes_compressed_points_of_the_curve_for_keys_and_nothing_else) {
    EXPECT_TRUE(secp256k1_key_valid(*from_hex(kOpensslKey)));
    auto key = *from_hex(kOpensslKey);
    key.front() = 4;
    EXPECT_FALSE(secp256k1_key_valid(key));
    key.front() = 2;
    key.push_back(0);
    EXPECT_FALSE(secp256k1_key_valid(key));
    EXPECT_FALSE(secp256k1_key_valid(Bytes(33, 0)));
    EXPECT_FALSE(secp256k1_key_valid(Bytes{}));
    Bytes none(33, 0xff);  // x not below the field's size
    none.front() = 2;
    EXPECT_FALSE(secp256k1_key_valid(none));
    // The generator, uncompressed: SEC 2 section 2.4.1.
    EXPECT_FALSE(secp256k1_key_valid(
        *from_hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                  "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")));
}

TEST(Secp256k1, signs_der_with_the_low_s_that_recovery_signs_with) {
    const Secp256k1Key key = *Secp256k1Key::from_bytes(Bytes(32, 0x11));
    for (std::uint8_t i = 0; i < 50; ++i) {
        const Digest digest = sha256(Bytes{i});
        const auto der = key.sign_der(digest);
        EXPECT_TRUE(secp256k1_verify(key.public_key(), digest, der));
        const auto s = key.sign(digest).s;
        EXPECT_TRUE(to_hex(der).ends_with(to_hex(s).substr(s.bytes[0] == 0 ? 2 : 0)));
    }
    const Secp256k1Key one = *Secp256k1Key::from_bytes(
        *from_hex("0000000000000000000000000000000000000000000000000000000000000001"));
    EXPECT_EQ(to_hex(one.public_key()),
              "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
}

}  // namespace
}  // namespace sennit::crypto
