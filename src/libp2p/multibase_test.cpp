// SPDX-License-Identifier: MIT
#include "libp2p/multibase.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/rng.hpp"

namespace sennit::libp2p {
namespace {

constexpr Base kBases[]{Base::base32, Base::base36, Base::base58btc, Base::base64url};

struct Pair {
    Base base;
    const char* bytes;  // as text
    const char* digits;
};

// RFC 4648 section 10 without padding; for base58 draft-msporny-base58; for base36 and the leading
// zeros the test files of multiformats/multibase ("yes mani !").
constexpr Pair kKnown[]{
    {Base::base32, "", ""},
    {Base::base32, "f", "my"},
    {Base::base32, "fo", "mzxq"},
    {Base::base32, "foo", "mzxw6"},
    {Base::base32, "foob", "mzxw6yq"},
    {Base::base32, "fooba", "mzxw6ytb"},
    {Base::base32, "foobar", "mzxw6ytboi"},
    {Base::base64url, "f", "Zg"},
    {Base::base64url, "fo", "Zm8"},
    {Base::base64url, "foo", "Zm9v"},
    {Base::base64url, "\xfb\xff", "-_8"},
    {Base::base58btc, "Hello World!", "2NEpo7TZRRrLZSi2U"},
    {Base::base58btc, "The quick brown fox jumps over the lazy dog.",
     "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
    {Base::base58btc, "yes mani !", "7paNL19xttacUY"},
    {Base::base36, "yes mani !", "2lcpzo5yikidynfl"},
    {Base::base32, "yes mani !", "pfsxgidnmfxgsibb"},
};

TEST(Multibase, writes_and_reads_the_known_texts) {
    for (const auto& [base, bytes, digits] : kKnown) {
        EXPECT_EQ(encode_digits(base, as_bytes(bytes)), digits);
        EXPECT_EQ(as_text(*decode_digits(base, digits)), bytes) << digits;
        EXPECT_EQ(*decode_multibase(static_cast<char>(base) + std::string{digits}),
                  to_bytes(as_bytes(bytes)));
    }
    EXPECT_EQ(encode_multibase(Base::base58btc, as_bytes("yes mani !")), "z7paNL19xttacUY");
}

TEST(Multibase, knows_every_digit_of_its_alphabets) {
    // Digits in rising order, so the bytes are what Python makes of 0, 1, 2, ... in that base.
    const auto hex = [](Base base, std::string_view digits) {
        return to_hex(*decode_digits(base, digits));
    };
    EXPECT_EQ(hex(Base::base32, "abcdefghijklmnopqrstuvwxyz234567"),
              "00443214c74254b635cf84653a56d7c675be77df");
    EXPECT_EQ(
        hex(Base::base64url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        "00108310518720928b30d38f41149351559761969b71d79f"
        "8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3dfbf");
    EXPECT_EQ(hex(Base::base36, "0123456789abcdefghijklmnopqrstuvwxyz"),
              "00e81f0211d9facce272c611612af8e50aa8700357fafb");
    EXPECT_EQ(
        hex(Base::base58btc, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
        "000111d38e5fc9071ffcd20b4a763cc9ae4f252bb4e48fd66a835e252ada93ff480d6dd43dc62a641155a5");
}

TEST(Multibase, keeps_leading_zero_bytes) {
    EXPECT_EQ(encode_digits(Base::base58btc, *from_hex("0000287fb4cd")), "11233QC4");
    EXPECT_EQ(to_hex(*decode_digits(Base::base58btc, "11233QC4")), "0000287fb4cd");
    EXPECT_EQ(encode_digits(Base::base36, *from_hex("00000001")), "0001");
    EXPECT_EQ(to_hex(*decode_digits(Base::base36, "00")), "0000");
}

TEST(Multibase, returns_every_byte_string_and_takes_no_text_but_its_own) {
    auto rng = Rng{7};
    for (const auto base : kBases) {
        for (std::size_t size = 0; size <= 160; ++size) {
            Bytes bytes(size);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
            const auto digits = encode_digits(base, bytes);
            EXPECT_EQ(*decode_digits(base, digits), bytes);
        }
        for (int i = 0; i < 20'000; ++i) {
            std::string text(rng.below(6), '\0');
            for (auto& letter : text) letter = static_cast<char>('-' + rng.below('z' - '-' + 1));
            const auto bytes = decode_digits(base, text);
            if (bytes) {
                EXPECT_EQ(encode_digits(base, *bytes), text);
            }
        }
    }
}

TEST(Multibase, names_the_character_that_is_none_of_the_base) {
    const auto at = [](Base base, std::string_view digits) {
        return decode_digits(base, digits).error().at;
    };
    EXPECT_EQ(at(Base::base58btc, "ab0"), 2u);  // neither 0, O, I nor l
    EXPECT_EQ(at(Base::base32, "aB"), 1u);
    EXPECT_EQ(at(Base::base32, "my======"), 2u);
    EXPECT_EQ(at(Base::base36, "aZ"), 1u);
    EXPECT_EQ(at(Base::base64url, "a+"), 1u);
    EXPECT_EQ(decode_multibase("bmY").error().at, 2u);
}

TEST(Multibase, refuses_bits_behind_the_last_byte) {
    for (const auto& [base, digits] : {std::pair{Base::base32, "mz"},
                                       {Base::base32, "a"},
                                       {Base::base32, "mzxw6ytba"},
                                       {Base::base64url, "Zh"},
                                       {Base::base64url, "Z"},
                                       {Base::base64url, "Zm9vA"}}) {
        ASSERT_FALSE(decode_digits(base, digits)) << digits;
        EXPECT_EQ(decode_digits(base, digits).error().code, Errc::malformed);
    }
}

TEST(Multibase, refuses_text_over_its_limit_before_reading_it) {
    EXPECT_TRUE(decode_digits(Base::base58btc, std::string(256, 'z')));
    EXPECT_EQ(decode_digits(Base::base58btc, std::string(257, '!')).error().code, Errc::oversized);
    EXPECT_EQ(decode_digits(Base::base36, std::string(257, 'z')).error().code, Errc::oversized);
    EXPECT_TRUE(decode_digits(Base::base32, std::string(2048, 'a')));
    EXPECT_EQ(decode_digits(Base::base32, std::string(2049, 'a')).error().code, Errc::oversized);
}

TEST(Multibase, refuses_letters_of_other_bases) {
    EXPECT_EQ(decode_multibase("").error().code, Errc::truncated);
    EXPECT_EQ(decode_multibase("f00").error().code, Errc::unsupported);
    EXPECT_EQ(decode_multibase("BMY").error().code, Errc::unsupported);
}

}  // namespace
}  // namespace sennit::libp2p
