// SPDX-License-Identifier: MIT
#include "crypto/chacha20_poly1305.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "crypto/sodium.hpp"

namespace sennit::crypto {
namespace {

struct Published {
    std::string_view key;
    std::string_view nonce;
    std::string_view associated;
    std::string plain;
    std::string_view sealed;
};

/// RFC 8439, section 2.8.2 and appendix A.5.
std::vector<Published> published() {
    return {
        {"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
         "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
         "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
         "future, sunscreen would be it.",
         "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
         "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
         "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
        {"1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
         "000000000102030405060708", "f33388860000000000004e91",
         "Internet-Drafts are draft documents valid for a maximum of six months and may be "
         "updated, replaced, or obsoleted by other documents at any time. It is inappropriate to "
         "use Internet-Drafts as reference material or to cite them other than as "
         "/\xe2\x80\x9cwork in progress./\xe2\x80\x9d",
         "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e"
         "382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd"
         "60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c76"
         "7b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a"
         "0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276"
         "27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b0270"
         "9beead9d67890cbb22392336fea1851f38"}};
}

ChaCha20Poly1305::Nonce nonce_of(std::string_view hex) {
    const Bytes raw = *from_hex(hex);
    ChaCha20Poly1305::Nonce nonce{};
    std::copy(raw.begin(), raw.end(), nonce.begin());
    return nonce;
}

Bytes seal(ChaCha20Poly1305& cipher, const Published& test) {
    Bytes out(test.plain.size() + ChaCha20Poly1305::kTagSize);
    cipher.seal(nonce_of(test.nonce), *from_hex(test.associated), as_bytes(test.plain), out);
    return out;
}

TEST(ChaCha20Poly1305, gives_the_messages_of_rfc_8439) {
    for (const auto& test : published()) {
        ChaCha20Poly1305 cipher{Secret::from(*from_hex(test.key))};
        const Bytes sealed = seal(cipher, test);
        EXPECT_EQ(to_hex(sealed), test.sealed);
        Bytes plain(test.plain.size());
        EXPECT_TRUE(cipher.open(nonce_of(test.nonce), *from_hex(test.associated), sealed, plain));
        EXPECT_EQ(as_text(plain), test.plain);
    }
}

// Long messages go through OpenSSL in pieces; libsodium takes them whole.
TEST(ChaCha20Poly1305, gives_the_long_messages_of_libsodium) {
    sodium_ready();
    const Secret key = Secret::from(Bytes(32, 0x42));
    const ChaCha20Poly1305::Nonce nonce{1, 2, 3};
    ChaCha20Poly1305 cipher{key};
    for (const std::size_t size : {8'191u, 8'192u, 8'193u, 16'384u, 65'519u}) {
        Bytes plain(size);
        for (std::size_t i = 0; i < size; ++i)
            plain[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
        Bytes wanted(size + ChaCha20Poly1305::kTagSize);
        crypto_aead_chacha20poly1305_ietf_encrypt(wanted.data(), nullptr, plain.data(), size,
                                                  nullptr, 0, nullptr, nonce.data(), key.data());
        Bytes sealed(wanted.size());
        cipher.seal(nonce, {}, plain, sealed);
        EXPECT_TRUE(sealed == wanted) << size;
        EXPECT_TRUE(cipher.open(nonce, {}, sealed, std::span{sealed}.first(size)));
        sealed.resize(size);
        EXPECT_TRUE(sealed == plain) << size;
    }
}

// One context seals and opens, in any order, with other nonces between: nothing may be left over.
TEST(ChaCha20Poly1305, gives_the_same_message_again_after_others) {
    const auto test = published()[0];
    ChaCha20Poly1305 cipher{Secret::from(*from_hex(test.key))};
    Bytes other(100 + ChaCha20Poly1305::kTagSize);
    cipher.seal({}, {}, Bytes(100, 1), other);
    Bytes plain(100);
    EXPECT_FALSE(cipher.open(nonce_of(test.nonce), {}, other, plain));
    EXPECT_EQ(plain, Bytes(100));
    EXPECT_TRUE(cipher.open({}, {}, other, plain));
    EXPECT_EQ(plain, Bytes(100, 1));
    EXPECT_EQ(to_hex(seal(cipher, test)), test.sealed);
}

TEST(ChaCha20Poly1305, seals_and_opens_in_place) {
    const auto test = published()[0];
    ChaCha20Poly1305 cipher{Secret::from(*from_hex(test.key))};
    Bytes text = to_bytes(as_bytes(test.plain));
    const auto size = text.size();
    text.resize(size + ChaCha20Poly1305::kTagSize);
    const auto nonce = nonce_of(test.nonce);
    const Bytes associated = *from_hex(test.associated);
    cipher.seal(nonce, associated, BytesView{text}.first(size), text);
    EXPECT_EQ(to_hex(text), test.sealed);
    EXPECT_TRUE(cipher.open(nonce, associated, text, std::span{text}.first(size)));
    EXPECT_EQ(as_text(BytesView{text}.first(size)), test.plain);
}

TEST(ChaCha20Poly1305, seals_nothing_as_a_tag_of_its_own_for_each_nonce) {
    ChaCha20Poly1305 cipher{Secret{}};
    Bytes first(ChaCha20Poly1305::kTagSize);
    Bytes second(ChaCha20Poly1305::kTagSize);
    cipher.seal({}, {}, {}, first);
    cipher.seal({1}, {}, {}, second);
    EXPECT_NE(first, second);
    EXPECT_TRUE(cipher.open({}, {}, first, {}));
    EXPECT_FALSE(cipher.open({}, {}, second, {}));
}

TEST(ChaCha20Poly1305, refuses_a_change_of_any_bit_and_leaves_no_text_behind) {
    const auto test = published()[0];
    ChaCha20Poly1305 cipher{Secret::from(*from_hex(test.key))};
    const Bytes sealed = *from_hex(test.sealed);
    const Bytes associated = *from_hex(test.associated);
    const auto nonce = nonce_of(test.nonce);
    Bytes plain(test.plain.size());
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
        Bytes changed = sealed;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
        EXPECT_FALSE(cipher.open(nonce, associated, changed, plain)) << bit;
        EXPECT_EQ(plain, Bytes(plain.size())) << bit;
    }
    EXPECT_FALSE(cipher.open(nonce, {}, sealed, plain));
    EXPECT_FALSE(cipher.open({}, associated, sealed, plain));
    ChaCha20Poly1305 another{Secret{}};
    EXPECT_FALSE(another.open(nonce, associated, sealed, plain));
    EXPECT_FALSE(cipher.open(nonce, associated, BytesView{sealed}.first(15), {}));
    EXPECT_TRUE(cipher.open(nonce, associated, sealed, plain));
}

}  // namespace
}  // namespace sennit::crypto
