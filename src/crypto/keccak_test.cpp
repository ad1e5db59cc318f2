// SPDX-License-Identifier: MIT
#include "crypto/keccak.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace sennit::crypto {
namespace {

/// 0, 1, ..., 250, 0, 1, ...
Bytes counting(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
    return out;
}

TEST(Keccak, gives_the_published_digests) {
    EXPECT_EQ(to_hex(keccak256({})),
              "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_EQ(to_hex(keccak256(as_bytes("abc"))),
              "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    EXPECT_EQ(to_hex(keccak256(as_bytes("The quick brown fox jumps over the lazy dog"))),
              "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
}

// Around the block size of 136 bytes the padding takes its three forms: two bytes, one byte that is
// both ends, a block of its own. Expected values: a separate implementation that was checked
// against a library's SHA3-256.
TEST(Keccak, pads_at_every_edge_of_a_block) {
    const std::vector<std::pair<std::size_t, std::string>> expected{
        {1, "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"},
        {135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"},
        {136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"},
        {137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"},
        {271, "27eceb59ebc3dc8a04a5b135be641591a7278540e4556a2ba9f408194e666ec3"},
        {272, "8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"},
        {273, "3f02f134370e4debb95140ef49ddd3aed8c65ff1ed83a43f1b269421f179c5f9"},
        {1000, "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"}};
    for (const auto& [size, digest] : expected) {
        EXPECT_EQ(to_hex(keccak256(counting(size))), digest) << size << " bytes";
    }
}

TEST(Keccak, does_not_see_where_its_input_was_cut) {
    const Bytes input = counting(300);
    const Digest whole = keccak256(input);
    for (std::size_t first = 0; first <= 150; ++first) {
        for (const std::size_t second : {0u, 1u, 7u, 8u, 135u, 136u, 149u}) {
            const BytesView rest = BytesView{input}.subspan(first);
            const Digest pieces = Keccak256{}
                                      .update(BytesView{input}.first(first))
                                      .update(rest.first(second))
                                      .update(rest.subspan(second))
                                      .finish();
            ASSERT_EQ(pieces, whole) << first << " then " << second;
        }
    }
}

TEST(Keccak, starts_afresh_after_a_digest) {
    Keccak256 hash;
    hash.update(as_bytes("something else"));
    const Digest other = hash.finish();
    EXPECT_NE(other, keccak256(as_bytes("abc")));
    EXPECT_EQ(hash.update(as_bytes("abc")).finish(), keccak256(as_bytes("abc")));
}

}  // namespace
}  // namespace sennit::crypto
