// SPDX-License-Identifier: MIT
#include "libp2p/keys.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "libp2p/protobuf.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p {
namespace {

const BytesView kMessage = as_bytes("sennit");

// SubjectPublicKeyInfo and signature of "sennit" by openssl 3.0: `openssl genrsa 2048` and
// `openssl ecparam -name prime256v1 -genkey`, then `openssl dgst -sha256 -sign`.
constexpr std::string_view kRsa =
    "30820122300d06092a864886f70d01010105000382010f003082010a0282010100eba357e3dea570734d"
    "86b56b2cbef7a7957c37d87c87906ee34089c51d1ff9c5e871709bb930cdc17cb08e14a9ca485f82c95a"
    "772d9cba8cf6c80c42ba500fc504b235aa7f3e102bc6f0ba5d8ea7b978ff193c3a569cf8806b141ee649"
    "32892726337e5fb9d468dbb2dc81f1fae9acceadd8eac4782a11b79ea532f647388142c8326bb00ff9bc"
    "3cf2d2eb64837e1f2bd82bc1a8d4369cb5d788b8abb835e73715dfbf581ab5fb52ee8d3bfd30b2355fa5"
    "0ab6258c08d4e585b188aa6fc6dcaa31ed21837d64bc3d37e0c826dd92db510b67708f981e8b21fb1468"
    "5e25f379d400f43c027d566f23840ec797469fcf238c5ded6ca4bc4c55d1f99db634199acb0203010001";
constexpr std::string_view kRsaSignature =
    "58004b2e34c538a0456468fd4b4fef4bd9b4323741813f916ef617dc9117e5a926745138291e839e2d2c"
    "3627f049fc4cc157651d4b25ce3596153f9c2c60f38a837e6c5ccb0930a1980278e99137a3b47a0e7a17"
    "02128d4d9075747c0d8660ce795bb7c1c9144f51331beb323eefcef997b30cdaf02374ed317b61fdd8ec"
    "fe24ac52e484500b9b8d58d157b545b4491197ce59a36165e215e2730e20c1112329638043c2cdb9e57d"
    "211067088ecbb487b8c214cf541d6bc8b4ebf569f6b595806c5e9ebe2f830bd8a5e369a91bc3b95bc32f"
    "6cfa3c38dd1dce925efdfbab3bd1bc9aef52ec303fb0c096d94f770f7353cbb0aae62fb33e609c4a079c"
    "7a7c5cc8";
constexpr std::string_view kEcdsa =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200044a3276b3e159df391b4f494f8e1644"
    "83a4b0562e850db5e0e6f6b019116f06bed36ba68314bc1b5f9644f04b97e2240687f53479ccb355c869"
    "8f8ab39189a7e6";
constexpr std::string_view kEcdsaSignature =
    "304402206508bdba41b5374126cb45f6a2aba90840020255892299062249517d77b5543102207c00809a"
    "37b0ed01ed9a1a957cd2096531dbe246e065717b7cce85eb6efd1cc5";

Bytes protobuf_of(std::uint64_t type, BytesView data) {
    protobuf::MessageWriter out;
    out.u64(1, type).bytes(2, data);
    return std::move(out).take();
}

Error refusal(std::string_view hex) {
    const auto key = PublicKey::decode(*from_hex(hex));
    return key ? Error{Errc::io, "accepted"} : key.error();
}

TEST(Libp2pKeys, reads_and_writes_the_golden_public_keys) {
    const auto file = vectors::load("peer_ids");
    for (const auto& item : *file.get_array("vectors")) {
        const auto bytes = vectors::hex(item, "public_key_protobuf");
        const auto key = PublicKey::decode(bytes);
        ASSERT_TRUE(key) << key.error().text();
        EXPECT_EQ(to_bytes(key->data()), vectors::hex(item, "public_key"));
        EXPECT_EQ(key->encode(), bytes);
        EXPECT_EQ(key->peer_id().text(), *item.get_text("base58"));
        std::string type{*item.get_text("type")};
        if (type == "ed25519") type = "Ed25519";
        EXPECT_EQ(to_string(key->type()), type);
    }
}

TEST(Libp2pKeys, reads_and_writes_the_golden_private_keys) {
    const auto file = vectors::load("peer_ids");
    int found = 0;
    for (const auto& item : *file.get_array("vectors")) {
        if (!item.find("private_key_protobuf")) continue;
        const auto bytes = vectors::hex(item, "private_key_protobuf");
        const auto key = PrivateKey::decode(bytes);
        ASSERT_TRUE(key) << key.error().text();
        EXPECT_EQ(key->encode(), bytes);
        EXPECT_EQ(key->peer_id().text(), *item.get_text("base58"));
        const auto signature = key->sign(kMessage);
        EXPECT_TRUE(key->public_key().verify(kMessage, signature));
        EXPECT_FALSE(key->public_key().verify(as_bytes("sennis"), signature));
        ++found;
    }
    EXPECT_EQ(found, 8);
}

TEST(Libp2pKeys, makes_identities_of_the_keys_of_crypto) {
    const auto ed25519 = crypto::Ed25519Key::from_seed({1});
    const auto key = PrivateKey::from_ed25519(ed25519);
    EXPECT_EQ(key.public_key(), PublicKey::from_ed25519(ed25519.public_key<NodeId>()));
    EXPECT_EQ(key.sign(kMessage), to_bytes(ed25519.sign(kMessage).view()));
    const auto secp256k1 = PrivateKey::from_secp256k1(Bytes(32, 1));
    EXPECT_EQ(secp256k1->type(), KeyType::secp256k1);
    EXPECT_TRUE(secp256k1->public_key().verify(kMessage, secp256k1->sign(kMessage)));
    EXPECT_EQ(PrivateKey::from_secp256k1(Bytes(32, 0)).error().code, Errc::malformed);
    EXPECT_EQ(PrivateKey::from_secp256k1(Bytes(31, 1)).error().code, Errc::malformed);
}

// The signature of Ed25519 over the empty message in RFC 8032 section 7.1, test 1.
TEST(Libp2pKeys, signs_with_ed25519_as_rfc_8032_does) {
    const auto file = vectors::load("peer_ids");
    for (const auto& item : *file.get_array("vectors")) {
        if (*item.get_text("name") != "rfc8032_test1") continue;
        EXPECT_EQ(to_hex(PrivateKey::decode(vectors::hex(item, "private_key_protobuf"))->sign({})),
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
                  "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
        return;
    }
    FAIL();
}

TEST(Libp2pKeys, verifies_rsa_and_ecdsa_of_openssl) {
    const auto rsa = *PublicKey::decode(protobuf_of(0, *from_hex(kRsa)));
    EXPECT_TRUE(rsa.verify(kMessage, *from_hex(kRsaSignature)));
    EXPECT_FALSE(rsa.verify(as_bytes("sennis"), *from_hex(kRsaSignature)));
    const auto ecdsa = *PublicKey::decode(protobuf_of(3, *from_hex(kEcdsa)));
    EXPECT_TRUE(ecdsa.verify(kMessage, *from_hex(kEcdsaSignature)));
    EXPECT_FALSE(ecdsa.verify(as_bytes("sennis"), *from_hex(kEcdsaSignature)));
    // Each under the other's type.
    EXPECT_FALSE(
        PublicKey::decode(protobuf_of(3, rsa.data()))->verify(kMessage, *from_hex(kRsaSignature)));
    EXPECT_FALSE(PublicKey::decode(protobuf_of(0, ecdsa.data()))
                     ->verify(kMessage, *from_hex(kEcdsaSignature)));
}

// The extension 1.3.6.1.4.1.53594.1.1 holds SEQUENCE{key, signature} over "libp2p-tls-handshake:"
// and the certificate's SubjectPublicKeyInfo. Where they lie was read off `openssl asn1parse`:
// the information begins with 3059 and has 91 bytes, the extension behind its OID.
TEST(Libp2pKeys, verifies_what_the_certificates_of_the_tls_specification_hold) {
    const auto file = vectors::load("tls_certificates");
    int signers = 0;
    for (const auto& item : *file.get_array("vectors")) {
        const std::string hex{*item.get_text("certificate")};
        const auto spki = hex.substr(hex.find("3059301306072a8648ce3d0201"), 2 * 91);
        Bytes message = to_bytes(as_bytes("libp2p-tls-handshake:"));
        const auto info = *from_hex(spki);
        message.insert(message.end(), info.begin(), info.end());
        const auto extension = *from_hex(hex.substr(hex.find("2b0601040183a25a0101") + 20));
        Reader in{extension};
        const auto header = [&] {  // tag and length, short or 81 xx
            (void)in.le<std::uint8_t>();
            const auto size = *in.le<std::uint8_t>();
            return std::size_t{size == 0x81 ? *in.le<std::uint8_t>() : size};
        };
        header();  // OCTET STRING of the extension
        header();  // SEQUENCE
        const auto key = PublicKey::decode(*in.take(header()));
        const auto signature = *in.take(header());
        ASSERT_TRUE(key) << key.error().text();
        EXPECT_EQ(key->verify(message, signature), *item.get_bool("valid"));
        if (!*item.get_bool("valid")) continue;
        EXPECT_EQ(key->peer_id().text(), *item.get_text("peer_id"));
        ++signers;
    }
    EXPECT_EQ(signers, 3);
}

TEST(Libp2pKeys, names_the_byte_where_a_public_key_goes_wrong) {
    const std::string key(64, '1');
    const auto expect = [](std::string_view hex, Errc code, std::uint64_t at) {
        const auto error = refusal(hex);
        EXPECT_EQ(error.code, code) << hex;
        EXPECT_EQ(error.at, at) << hex;
    };
    ASSERT_EQ(refusal("08011220" + key).code, Errc::io);
    expect("", Errc::malformed, 0);
    expect("1220" + key, Errc::malformed, 34);  // no type
    expect("0801", Errc::malformed, 2);         // no data
    expect("08041220" + key, Errc::unknown_type, 1);
    expect("0801121f" + key.substr(2), Errc::malformed, 4);
    expect("08011220" + key.substr(2), Errc::truncated, 3);
    expect("08021221" + key + "11", Errc::malformed, 4);  // 0x11: no compressed point
    expect("0800123a" + std::string(2 * 58, '1'), Errc::malformed, 4);
    expect("0803123a" + std::string(2 * 58, '1'), Errc::malformed, 4);
}

TEST(Libp2pKeys, takes_one_encoding_of_a_public_key) {
    const std::string key(64, '1');
    EXPECT_EQ(refusal("1220" + key + "0801").at, 0u);       // the other order
    EXPECT_EQ(refusal("0881001220" + key).at, 1u);          // a longer number
    EXPECT_EQ(refusal("08011220" + key + "1800").at, 36u);  // an unknown field
    EXPECT_EQ(refusal("080108011220" + key).at, 2u);        // a field twice
    for (const auto& hex : {"1220" + key + "0801", "0881001220" + key})
        EXPECT_EQ(refusal(hex).code, Errc::malformed);
}

TEST(Libp2pKeys, takes_data_of_4_kib_and_no_more) {
    EXPECT_TRUE(PublicKey::decode(protobuf_of(0, Bytes(4096, 1))));
    EXPECT_EQ(PublicKey::decode(protobuf_of(0, Bytes(4097, 1))).error().code, Errc::oversized);
}

TEST(Libp2pKeys, reads_an_ed25519_seed_without_its_public_half) {
    const auto whole = PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed({7}));
    const auto both = whole.encode();
    const auto seed = BytesView{both}.subspan(4, 32);
    EXPECT_EQ(PrivateKey::decode(protobuf_of(1, seed))->encode(), both);
}

TEST(Libp2pKeys, refuses_private_keys_that_cannot_sign_here) {
    const auto code = [](std::uint64_t type, BytesView data) {
        return PrivateKey::decode(protobuf_of(type, data)).error().code;
    };
    EXPECT_EQ(code(0, Bytes(1200, 1)), Errc::unsupported);
    EXPECT_EQ(code(3, Bytes(121, 1)), Errc::unsupported);
    EXPECT_EQ(code(4, Bytes(32, 1)), Errc::unknown_type);
    EXPECT_EQ(code(1, Bytes(33, 1)), Errc::malformed);
    EXPECT_EQ(code(1, Bytes(96, 1)), Errc::malformed);
    EXPECT_EQ(code(1, Bytes(64, 1)), Errc::mismatch);
    EXPECT_EQ(code(2, Bytes(32, 0)), Errc::malformed);
    EXPECT_EQ(code(2, Bytes(33, 1)), Errc::malformed);
    EXPECT_EQ(PrivateKey::decode(protobuf_of(1, Bytes(64, 1))).error().at, 4u + 32u);
    EXPECT_EQ(PrivateKey::decode(protobuf_of(2, Bytes(32, 0))).error().at, 4u);
}

TEST(Libp2pKeys, wipes_a_private_key_when_it_ends) {
    alignas(PrivateKey) std::array<std::uint8_t, sizeof(PrivateKey)> room{};
    const auto seed = crypto::Ed25519Key::Seed{0x5a, 0xa5, 0x5a, 0xa5, 1, 2, 3, 4};
    auto* const key =
        new (room.data()) PrivateKey{PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed))};
    const auto holds = [&] {
        // Volatile, or the compiler may take the bytes of an object that has ended for anything.
        const volatile std::uint8_t* const at = room.data();
        std::array<std::uint8_t, sizeof(PrivateKey)> now;
        for (std::size_t i = 0; i < now.size(); ++i) now[i] = at[i];
        return to_hex(now).find(to_hex(seed)) != std::string::npos;
    };
    EXPECT_TRUE(holds());
    key->~PrivateKey();
    EXPECT_FALSE(holds());
}

}  // namespace
}  // namespace sennit::libp2p
