// SPDX-License-Identifier: MIT
/// Keys and signatures of the message "sennit" by the openssl command line, version 3.0:
///     openssl genrsa -out K 2048, or openssl ecparam -name CURVE -genkey -noout -out K
///     openssl pkey -in K -pubout -outform DER
///     openssl dgst -sha256 -sign K
#include "crypto/spki.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "base/bytes.hpp"

namespace sennit::crypto {
namespace {

const BytesView kMessage = as_bytes("sennit");

constexpr std::string_view kRsa2048 =
    "30820122300d06092a864886f70d01010105000382010f003082010a0282010100eba357e3dea570734d"
    "86b56b2cbef7a7957c37d87c87906ee34089c51d1ff9c5e871709bb930cdc17cb08e14a9ca485f82c95a"
    "772d9cba8cf6c80c42ba500fc504b235aa7f3e102bc6f0ba5d8ea7b978ff193c3a569cf8806b141ee649"
    "32892726337e5fb9d468dbb2dc81f1fae9acceadd8eac4782a11b79ea532f647388142c8326bb00ff9bc"
    "3cf2d2eb64837e1f2bd82bc1a8d4369cb5d788b8abb835e73715dfbf581ab5fb52ee8d3bfd30b2355fa5"
    "0ab6258c08d4e585b188aa6fc6dcaa31ed21837d64bc3d37e0c826dd92db510b67708f981e8b21fb1468"
    "5e25f379d400f43c027d566f23840ec797469fcf238c5ded6ca4bc4c55d1f99db634199acb0203010001";
constexpr std::string_view kRsa2048Signature =
    "58004b2e34c538a0456468fd4b4fef4bd9b4323741813f916ef617dc9117e5a926745138291e839e2d2c"
    "3627f049fc4cc157651d4b25ce3596153f9c2c60f38a837e6c5ccb0930a1980278e99137a3b47a0e7a17"
    "02128d4d9075747c0d8660ce795bb7c1c9144f51331beb323eefcef997b30cdaf02374ed317b61fdd8ec"
    "fe24ac52e484500b9b8d58d157b545b4491197ce59a36165e215e2730e20c1112329638043c2cdb9e57d"
    "211067088ecbb487b8c214cf541d6bc8b4ebf569f6b595806c5e9ebe2f830bd8a5e369a91bc3b95bc32f"
    "6cfa3c38dd1dce925efdfbab3bd1bc9aef52ec303fb0c096d94f770f7353cbb0aae62fb33e609c4a079c"
    "7a7c5cc8";

constexpr std::string_view kRsa1024 =
    "30819f300d06092a864886f70d010101050003818d0030818902818100deebd880c48414c9afd7bd5a52"
    "0b426678b462da6a80a9b92c62078fd1e13e569b8409c2069f1bec25b845fbb8c7ce7ae8c3d9e904966a"
    "f320753e4ad9dd7c85d97a92b6ea007f638a6ea2af76569515a37ec8325b9dda260a6bd23d88ed993b71"
    "64e45a60a24a36143ed8556fc4cc0250f20291103c8e3ede84b78942c4622d0203010001";
constexpr std::string_view kRsa1024Signature =
    "a3cbb23cafd21f70d542297829df5f5941f117388575ec7262edd54fa3643152a2f509ca9452ff1ce913"
    "fcde1a50d730a0f81b9e7d0342122e5b974091478228c2a9aa1fa718bb4ec3dc9845a6eea3912c269ecb"
    "7fbb37971fdb08bf457df79ed0f7e5a5f3a5c1ecac0a105d3fbb9c28983e28753d87613cd5f152225c51"
    "2422";

constexpr std::string_view kP256 =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200044a3276b3e159df391b4f494f8e1644"
    "83a4b0562e850db5e0e6f6b019116f06bed36ba68314bc1b5f9644f04b97e2240687f53479ccb355c869"
    "8f8ab39189a7e6";
constexpr std::string_view kP256Signature =
    "304402206508bdba41b5374126cb45f6a2aba90840020255892299062249517d77b5543102207c00809a"
    "37b0ed01ed9a1a957cd2096531dbe246e065717b7cce85eb6efd1cc5";

constexpr std::string_view kP384 =
    "3076301006072a8648ce3d020106052b81040022036200047010cb26747b2a76189bc4183d539d51d80a"
    "f5ac87c0e614b1c40eb04bbad89efe0c7fd01123624a3b97b0076921f0f1dbbe5a0816a3b1cb9dabab56"
    "da63e3949bf3c3a4c73439340cebbd63b644262c7668ac206d539f5e616b04b0aba4f5e7";
constexpr std::string_view kP384Signature =
    "3066023100c453f158753d1f76ffc97588112c96545bc36bd8626903b30271a03b0a9db8c96508813f1e"
    "e4c1803a7c4a08c0f92bb502310098a0b8c2184ee55ac0750f32db9a1962f35e2cdcd3197314574d9716"
    "237d861becaeaf3c395b8ff2a1793359e5789ff9";

constexpr std::string_view kP521 =
    "30819b301006072a8648ce3d020106052b810400230381860004002383d7d7caac6d90a30b56f9ab2124"
    "c78a75d60980e80ffa9e4f609fbd3ac399b82a0b09aab71552c814e2bcb01f808734fb566b1ccee6df85"
    "b3da251342963278001dfde017de748c6402acaf7a78924640e800de503d9a7576874336ea1884a2e39b"
    "5fb3e47538e3b7d6be8ae0824794954e825e1bac9bb53389321b94c92c780cff";
constexpr std::string_view kP521Signature =
    "308187024201b7d0ab92c2e3eb0d4e668f66ab18107eb993f559a82522f749ded6c818d1ff9d787929cd"
    "7d0fe79d240894bf9af7d0c3ab791c07efc1550fd1f4a6ae6f97e9022902413c4e173d1cb57c261c26e7"
    "373eb1bd773d035790e6a544b162ec5e9b01278e2c39eb169b93902e58304c30a8d5cb3e63b1fe8bafb9"
    "d43680e41088afc0cd26103a";

constexpr std::string_view kP224 =
    "304e301006072a8648ce3d020106052b81040021033a00048e59948a940530961cf5108fc4817830bbe1"
    "7b2f16331ee12580ddec326ac4335f87ff04d83add48cd9e11117c5deb17d5d7c5773f5ffabb";
constexpr std::string_view kP224Signature =
    "303c021c58f1094e161d83572381e7aa4f88f091441ff50a0946eed06ccb4e1a021c4a36f6a31bedbe6e"
    "9913a33ea0b1a9f33767406fc32c69c80542e659";

constexpr std::string_view kSecp256k1 =
    "3056301006072a8648ce3d020106052b8104000a0342000497db9fbc2abca06630894b3b4c704b7c75cd"
    "b5fed0f6b2e1a4a07abdc3a213ce6aa02b234ecfe86f3b79e66b3e190c8a6b9a1cc4f032d1a70248eda1"
    "13ff26f6";
constexpr std::string_view kSecp256k1Signature =
    "3044022047baf064edb95e38de231a9112b1b5106a2e1a1be1931991be54b26e9d16350b022067580666"
    "11ba94503c57af87022533879e73760849a40909dfa358c747061a13";

// openssl dgst -sha512 -sign; and -sha256 -sigopt rsa_padding_mode:pss -sign.
constexpr std::string_view kRsa2048Sha512 =
    "849329840c2eb97d67e9763e70a9c1c65804a1d827de4bdf4ab6db5f8e58018da52ca5f3e54bcac75bdb"
    "683dfb7a5be6bbd37fed168c4ca802457b0b897630847780ce3a106055cc202a1a146fc7bb35f33306f6"
    "a69711a43e4a721b50c7f9cdcec3507b7c8078daef1ebdb74f059887fdba03c04f7b82dd4b24b639cc77"
    "57c1bb8a6001f67f6667cbc98e6920138d633c1ea828833362425eab29c07ba63f5b4ac3588d9fdcbedb"
    "0e814cd372db3a2502d5c82405c1c5ea51e36ba27ae0032258099e15f2ae8b84cdf05847654fb26a73de"
    "9aa246d9c61cbc6cf1f2e68f09cfa61d4ffa5adb1ce054e1d1fce76494b48544dbef710322d42306eeff"
    "bfc65752";
constexpr std::string_view kRsa2048Pss =
    "c2aec73afdbfce3d189a96218ada6fdf1e045a7829d263dcae9e56f9c0133921303ea93b4bbea2c0eef4"
    "8c6a2a9f0516e3b42c74436f0506dc27f3afe885dc4370748f7847eac35642f553c45ef360cf38def588"
    "74c309cd30ea5ec63b345e5700c1de0d59c437c8d2840e2163be1e51e905d3557d2289a812b194a2d605"
    "21f2a77efadb85bb2f87161c7b36f7134603ef58dcd81e1bb3579e4da15b2516cb1415bad46ecff6a585"
    "b702a7ba0547d153629e3e347041c70706b1610fe6e1696baad405d24bd96b0ae6dffd8bdf5bd7220546"
    "a17929b72e58ff8246ccb26639b0eb7c12fa80ea72cf4e907021f8fd9fade8e337c310dddddf8f571818"
    "a9917d52";

// The key of kP256 with a compressed point (openssl ec -conv_form compressed), and with the curve
// written out (openssl ec -param_enc explicit).
constexpr std::string_view kP256Compressed =
    "3039301306072a8648ce3d020106082a8648ce3d030107032200024a3276b3e159df391b4f494f8e1644"
    "83a4b0562e850db5e0e6f6b019116f06be";
constexpr std::string_view kP256Explicit =
    "3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffffff00"
    "000001000000000000000000000000ffffffffffffffffffffffff305b0420ffffffff00000001000000"
    "000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd55769886bc651d06"
    "b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f7e900441046b17d1"
    "f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c"
    "0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faad"
    "a7179e84f3b9cac2fc632551020101034200044a3276b3e159df391b4f494f8e164483a4b0562e850db5"
    "e0e6f6b019116f06bed36ba68314bc1b5f9644f04b97e2240687f53479ccb355c8698f8ab39189a7e6";

bool rsa(std::string_view spki, std::string_view signature, BytesView message = kMessage) {
    return rsa_verify(*from_hex(spki), message, *from_hex(signature));
}

bool ecdsa(std::string_view spki, std::string_view signature, BytesView message = kMessage) {
    return ecdsa_verify(*from_hex(spki), message, *from_hex(signature));
}

TEST(Spki, verifies_signatures_that_openssl_made) {
    EXPECT_TRUE(rsa(kRsa2048, kRsa2048Signature));
    EXPECT_TRUE(ecdsa(kP256, kP256Signature));
    EXPECT_TRUE(ecdsa(kP256Compressed, kP256Signature));
    EXPECT_TRUE(ecdsa(kP384, kP384Signature));
    EXPECT_TRUE(ecdsa(kP521, kP521Signature));
}

TEST(Spki, refuses_another_message_key_or_signature) {
    EXPECT_FALSE(rsa(kRsa2048, kRsa2048Signature, as_bytes("sennis")));
    EXPECT_FALSE(ecdsa(kP256, kP256Signature, as_bytes("sennis")));
    EXPECT_FALSE(rsa(kRsa2048, kRsa1024Signature));
    EXPECT_FALSE(ecdsa(kP384, kP256Signature));
    EXPECT_FALSE(rsa(kRsa2048, ""));
    EXPECT_FALSE(ecdsa(kP256, ""));
    EXPECT_FALSE(ecdsa(kP256, std::string{kP256Signature} + "00"));
    EXPECT_FALSE(rsa("", kRsa2048Signature));
}

TEST(Spki, refuses_keys_of_the_other_kind) {
    EXPECT_FALSE(rsa(kP256, kP256Signature));
    EXPECT_FALSE(ecdsa(kRsa2048, kRsa2048Signature));
}

TEST(Spki, refuses_other_hashes_and_paddings) {
    EXPECT_FALSE(rsa(kRsa2048, kRsa2048Sha512));
    EXPECT_FALSE(rsa(kRsa2048, kRsa2048Pss));
    std::string pss{kRsa2048};  // the same key, as one for PSS: another algorithm, no parameters
    pss.replace(pss.find("300d06092a864886f70d0101010500"), 30, "300b06092a864886f70d01010a");
    pss.replace(0, 8, "30820120");
    EXPECT_FALSE(rsa(pss, kRsa2048Pss));
}

TEST(Spki, refuses_rsa_keys_under_2048_bits_and_curves_that_it_does_not_name) {
    EXPECT_FALSE(rsa(kRsa1024, kRsa1024Signature));
    EXPECT_FALSE(ecdsa(kP224, kP224Signature));
    EXPECT_FALSE(ecdsa(kSecp256k1, kSecp256k1Signature));
    EXPECT_FALSE(ecdsa(kP256Explicit, kP256Signature));
}

/// SubjectPublicKeyInfo of an RSA modulus of all ones, exponent 1: anybody can sign under it.
Bytes rsa_of_exponent_one(std::size_t modulus_size) {
    const auto der = [](std::uint8_t tag, BytesView value) {
        Writer out;
        out.raw(Bytes{tag, 0x82}).be(static_cast<std::uint16_t>(value.size())).raw(value);
        return std::move(out).take();
    };
    Bytes modulus(modulus_size + 1, 0xff);
    modulus.front() = 0;  // a positive number
    auto key = der(0x02, modulus);
    const Bytes exponent{0x02, 0x01, 0x01};
    key.insert(key.end(), exponent.begin(), exponent.end());
    auto bits = der(0x30, key);
    bits.insert(bits.begin(), 0);  // unused bits
    auto info = *from_hex("300d06092a864886f70d0101010500");
    const auto text = der(0x03, bits);
    info.insert(info.end(), text.begin(), text.end());
    return der(0x30, info);
}

/// The PKCS#1 v1.5 block itself, which exponent 1 leaves as it is.
Bytes padded(std::size_t size) {
    // RFC 8017 section 9.2: DigestInfo of SHA-256, then the digest of "sennit".
    const auto tail = *from_hex(
        "3031300d060960864801650304020105000420"
        "c30c2f5e8301aae379d2c7eaefc5502917867da6d01d5393ea92680dd43e7011");
    Bytes block(size, 0xff);
    block[0] = 0;
    block[1] = 1;
    block[size - tail.size() - 1] = 0;
    std::copy(tail.begin(), tail.end(), block.end() - static_cast<std::ptrdiff_t>(tail.size()));
    return block;
}

TEST(Spki, draws_the_line_at_rsa_keys_of_8192_bits) {
    EXPECT_TRUE(rsa_verify(rsa_of_exponent_one(256), kMessage, padded(256)));
    EXPECT_TRUE(rsa_verify(rsa_of_exponent_one(1024), kMessage, padded(1024)));
    EXPECT_FALSE(rsa_verify(rsa_of_exponent_one(1025), kMessage, padded(1025)));
    EXPECT_FALSE(rsa_verify(rsa_of_exponent_one(255), kMessage, padded(255)));
}

TEST(Spki, takes_a_key_in_no_encoding_but_its_own) {
    EXPECT_FALSE(rsa(std::string{kRsa2048} + "00", kRsa2048Signature));
    EXPECT_FALSE(ecdsa(std::string{kP256} + "00", kP256Signature));
    // 30 59 30 13 ..: the outer length as BER may write it.
    ASSERT_TRUE(kP256.starts_with("3059"));
    EXPECT_FALSE(ecdsa("308159" + std::string{kP256.substr(4)}, kP256Signature));
    // RSA's parameters left out instead of NULL.
    std::string bare{kRsa2048};
    bare.replace(bare.find("300d06092a864886f70d0101010500"), 30, "300b06092a864886f70d010101");
    bare.replace(0, 8, "30820120");
    EXPECT_FALSE(rsa(bare, kRsa2048Signature));
}

TEST(Spki, leaves_nothing_in_the_error_queue_of_openssl) {
    EXPECT_FALSE(rsa("30", kRsa2048Signature));
    EXPECT_FALSE(ecdsa(kP256, "30"));
    EXPECT_FALSE(rsa(kRsa2048, kRsa2048Pss));
    EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace sennit::crypto
