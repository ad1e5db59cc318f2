// SPDX-License-Identifier: MIT
#include "crypto/x25519.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit::crypto {
namespace {

X25519Key key_of(std::string_view hex) {
    return X25519Key{Secret::from(*from_hex(hex))};
}

X25519Public public_of(std::string_view hex) {
    return *hash_from_hex<X25519Public>(hex);
}

// RFC 7748, section 5.2.
TEST(X25519, gives_the_products_of_rfc_7748) {
    EXPECT_EQ(to_hex(key_of("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
                         .shared(public_of(
                             "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
                         ->view()),
              "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    EXPECT_EQ(to_hex(key_of("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d")
                         .shared(public_of(
                             "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"))
                         ->view()),
              "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

// RFC 7748, section 5.2: each product is the next key, each key the next coordinate.
TEST(X25519, gives_the_thousandth_iterate_of_rfc_7748) {
    auto coordinate = public_of("0900000000000000000000000000000000000000000000000000000000000000");
    auto secret = Secret::from(coordinate.view());
    for (int i = 0; i < 1000; ++i) {
        const auto product = X25519Key{secret}.shared(coordinate);
        ASSERT_TRUE(product);
        coordinate = X25519Public::from(secret.view());
        secret = *product;
    }
    EXPECT_EQ(to_hex(secret.view()),
              "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

// RFC 7748, section 6.1.
TEST(X25519, lets_two_sides_agree_as_in_rfc_7748) {
    const auto alice = key_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const auto bob = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    EXPECT_EQ(to_hex(alice.public_key()),
              "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    EXPECT_EQ(to_hex(bob.public_key()),
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const std::string_view shared =
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    EXPECT_EQ(to_hex(alice.shared(bob.public_key())->view()), shared);
    EXPECT_EQ(to_hex(bob.shared(alice.public_key())->view()), shared);
}

// 0, 1, the two coordinates of order 8, and p - 1; then p and p + 1, which are 0 and 1 again.
TEST(X25519, refuses_a_key_that_would_decide_the_secret_alone) {
    const auto key = key_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    constexpr std::array<std::string_view, 7> small{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    for (const auto hex : small) {
        const auto shared = key.shared(public_of(hex));
        ASSERT_FALSE(shared) << hex;
        EXPECT_EQ(shared.error().code, Errc::malformed);
    }
}

}  // namespace
}  // namespace sennit::crypto
