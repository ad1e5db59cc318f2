// SPDX-License-Identifier: MIT
#include "chain/signers.hpp"

#include <gtest/gtest.h>

namespace sennit::chain {
namespace {

/// Signature of bit n: n + 1 in every byte.
CertificatePtr signed_by(Bytes bitmap) {
    auto out = std::make_shared<Certificate>();
    for (std::size_t bit = 0; bit < bitmap.size() * 8; ++bit) {
        if (!bit_set(bitmap, bit)) continue;
        auto& signature = out->signatures.emplace_back();
        signature.bytes.fill(static_cast<std::uint8_t>(bit + 1));
    }
    out->bitmap = std::move(bitmap);
    return out;
}

TEST(Signers, a_bitmap_covers_its_parts_and_nothing_else) {
    const Bytes whole{0b1011, 0b1};
    EXPECT_TRUE(covers(whole, whole));
    EXPECT_TRUE(covers(whole, Bytes{0b0011, 0}));
    EXPECT_TRUE(covers(whole, Bytes{0, 0}));
    EXPECT_FALSE(covers(whole, Bytes{0b0100, 0}));
    EXPECT_FALSE(covers(whole, Bytes{0b1011, 0b11}));
}

TEST(Signers, the_union_of_two_certificates_has_each_signature_once_in_bit_order) {
    const auto one = signed_by({0b1101, 0b00});
    const auto other = signed_by({0b0111, 0b10});
    EXPECT_EQ(*merged(one, other), *signed_by({0b1111, 0b10}));
    EXPECT_EQ(*merged(other, one), *signed_by({0b1111, 0b10}));
}

TEST(Signers, what_adds_nobody_changes_nothing) {
    const auto one = signed_by({0b1101});
    EXPECT_EQ(merged(one, one), one);
    EXPECT_EQ(merged(one, signed_by({0b0101})), one);
}

}  // namespace
}  // namespace sennit::chain
