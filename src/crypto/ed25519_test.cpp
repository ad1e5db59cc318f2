// SPDX-License-Identifier: MIT
#include "crypto/ed25519.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit::crypto {
namespace {

struct Rfc8032 {
    std::string_view seed;
    std::string_view key;
    std::string_view message;
    std::string_view signature;
};

// RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
constexpr std::array kRfc8032{
    Rfc8032{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
            "39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    Rfc8032{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
            "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    Rfc8032{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
            "f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    Rfc8032{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba"
            "3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfb"
            "c7c66431e0303dca179c138ac17ad9bef1177331a704"}};

Ed25519Key key_of(std::string_view seed_hex) {
    const Bytes raw = *from_hex(seed_hex);
    Ed25519Key::Seed seed{};
    std::copy(raw.begin(), raw.end(), seed.begin());
    return Ed25519Key::from_seed(seed);
}

TEST(Ed25519, gives_the_keys_and_signatures_of_rfc_8032) {
    for (const auto& test : kRfc8032) {
        const Ed25519Key key = key_of(test.seed);
        const Bytes message = *from_hex(test.message);
        EXPECT_EQ(to_hex(key.seed()), test.seed);
        EXPECT_EQ(to_hex(key.public_key()), test.key);
        EXPECT_EQ(to_hex(key.public_key<ValidatorKey>()), test.key);
        EXPECT_EQ(to_hex(key.sign(message)), test.signature);
        EXPECT_TRUE(ed25519_verify(*from_hex(test.key), message, *from_hex(test.signature)));
        EXPECT_TRUE(ed25519_key_valid(*from_hex(test.key)));
    }
}

TEST(Ed25519, refuses_a_change_of_any_bit) {
    const Ed25519Key key = key_of(kRfc8032[2].seed);
    const Bytes message = *from_hex(kRfc8032[2].message);
    const NodeId name = key.public_key();
    const Signature good = key.sign(message);
    for (std::size_t bit = 0; bit < 512; ++bit) {
        Signature changed = good;
        changed.bytes[bit / 8] = static_cast<std::uint8_t>(changed.bytes[bit / 8] ^ 1u << bit % 8);
        EXPECT_FALSE(ed25519_verify(name.view(), message, changed.view())) << bit;
    }
    EXPECT_FALSE(ed25519_verify(name.view(), Bytes{0xaf, 0x83}, good.view()));
    EXPECT_FALSE(
        ed25519_verify(key_of(kRfc8032[1].seed).public_key().view(), message, good.view()));
}

TEST(Ed25519, refuses_keys_and_signatures_of_the_wrong_size) {
    const Ed25519Key key = key_of(kRfc8032[0].seed);
    const NodeId name = key.public_key();
    const Signature good = key.sign({});
    Bytes long_key = to_bytes(name.view());
    long_key.push_back(0);
    Bytes long_signature = to_bytes(good.view());
    long_signature.push_back(0);
    EXPECT_TRUE(ed25519_verify(name.view(), {}, good.view()));
    EXPECT_FALSE(ed25519_verify(name.view().first(31), {}, good.view()));
    EXPECT_FALSE(ed25519_verify(long_key, {}, good.view()));
    EXPECT_FALSE(ed25519_verify(name.view(), {}, good.view().first(63)));
    EXPECT_FALSE(ed25519_verify(name.view(), {}, long_signature));
    EXPECT_FALSE(ed25519_key_valid(name.view().first(31)));
    EXPECT_FALSE(ed25519_key_valid(long_key));
    EXPECT_FALSE(ed25519_key_valid({}));
}

TEST(Ed25519, refuses_the_twin_of_a_signature_whose_s_is_not_reduced) {
    const Ed25519Key key = key_of(kRfc8032[0].seed);
    const Bytes order =
        *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    Signature twin = key.sign({});
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += unsigned{twin.bytes[32 + i]} + order[i];
        twin.bytes[32 + i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    EXPECT_FALSE(ed25519_verify(key.public_key().view(), {}, twin.view()));
}

// All eight points whose order divides 8. For such a key there are signatures that fit every
// message: here R is the identity and S is 0.
constexpr std::array<std::string_view, 8> kSmallOrder{
    "0100000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"};

TEST(Ed25519, refuses_points_of_small_order) {
    Signature forged;
    forged.bytes[0] = 1;
    for (const auto hex : kSmallOrder) {
        const Bytes key = *from_hex(hex);
        EXPECT_FALSE(ed25519_key_valid(key)) << hex;
        for (std::uint8_t i = 0; i < 16; ++i) {
            EXPECT_FALSE(ed25519_verify(key, Bytes{i}, forged.view())) << hex;
        }
    }
}

// 12345 times the base point is a good key; with each point of small order added it is not: its
// order is then 2, 4 or 8 times the group's. Computed apart from any library.
TEST(Ed25519, takes_only_keys_of_exactly_the_prime_order) {
    EXPECT_TRUE(ed25519_key_valid(
        *from_hex("ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081")));
    constexpr std::array<std::string_view, 7> mixed{
        "40a4cf5c611d737a2f1c6fcca84d9cabfed80987f186a5a6c57e629bff1af27f",
        "af6e8e63f857d90bf1afb0d2cd8753a15efed2964adc823c24f85082207e073e",
        "cdbc161be64c4302f56443ff29ccf36a2075be1a1fa67ff126b56315f5681c38",
        "feaf9d07b868cc52786305312c376563c622b0386a10d105e3c1501b28d65f7e",
        "ad5b30a39ee28c85d0e3903357b263540127f6780e795a593a819d6400e50d80",
        "3e91719c07a826f40e504f2d3278ac5ea1012d69b5237dc3db07af7ddf81f8c1",
        "2043e9e419b3bcfd0a9bbc00d6330c95df8a41e5e059800ed94a9cea0a97e3c7"};
    for (const auto hex : mixed) EXPECT_FALSE(ed25519_key_valid(*from_hex(hex))) << hex;
}

TEST(Ed25519, refuses_keys_that_are_no_canonical_point) {
    // y + p instead of y, for the y below 19 that lie on the curve: p + 0, p + 1, p + 3, ...
    constexpr std::array<std::string_view, 12> last_bytes{"ed", "ee", "f0", "f1", "f2", "f3",
                                                          "f6", "f7", "fb", "fc", "fd", "ff"};
    for (const auto low : last_bytes) {
        Bytes key(32, 0xff);
        key[0] = from_hex(low)->front();
        EXPECT_FALSE(ed25519_key_valid(key)) << low;
        key[31] = 0x7f;
        EXPECT_FALSE(ed25519_key_valid(key)) << low;
    }
    Bytes off_curve(32, 0);
    off_curve[0] = 2;
    EXPECT_FALSE(ed25519_key_valid(off_curve));
}

}  // namespace
}  // namespace sennit::crypto
