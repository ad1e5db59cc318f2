// SPDX-License-Identifier: MIT
#include "libp2p/tls/certificate.hpp"

#include <gtest/gtest.h>

#include "libp2p/tls/credentials.hpp"
#include "libp2p/tls/der.hpp"
#include "libp2p/tls/testing.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::tls {
namespace {

using testing::kNow;

/// The specification's, and one of ours.
Bytes good(std::size_t number = 0) {
    const auto file = vectors::load("tls_certificates");
    return vectors::hex((*file.get_array("vectors"))[number], "certificate");
}

Errc refusal(BytesView der, UnixTime now = kNow.wall) {
    const auto key = verify_certificate(der, now);
    EXPECT_FALSE(key);
    return key ? Errc::io : key.error().code;
}

Bytes replaced(Bytes in, std::string_view from_hex_text, std::string_view to_hex_text) {
    const auto from = *from_hex(from_hex_text);
    const auto to = *from_hex(to_hex_text);
    const auto found = std::search(in.begin(), in.end(), from.begin(), from.end());
    SENNIT_ASSERT(found != in.end() && from.size() == to.size());
    std::copy(to.begin(), to.end(), found);
    return in;
}

TEST(TlsCertificate, tells_who_the_specifications_certificates_authenticate) {
    const auto file = vectors::load("tls_certificates");
    int refused = 0;
    for (const auto& item : *file.get_array("vectors")) {
        const auto key = verify_certificate(vectors::hex(item, "certificate"), kNow.wall);
        ASSERT_EQ(bool{key}, *item.get_bool("valid"));
        if (key) {
            EXPECT_EQ(key->peer_id().text(), *item.get_text("peer_id"));
        } else {
            EXPECT_EQ(key.error().code, Errc::mismatch) << key.error().text();
            ++refused;
        }
    }
    EXPECT_EQ(refused, 1);
}

TEST(TlsCertificate, takes_those_that_we_make) {
    Credentials credentials{testing::identity(1)};
    const auto key = verify_certificate(credentials.certificate(), kNow.wall);
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(*key, testing::identity(1).public_key());
    Credentials other{testing::identity(1)};
    EXPECT_NE(credentials.certificate(), other.certificate()) << "a key for each process";
}

TEST(TlsCertificate, is_valid_from_its_first_second_to_its_last_and_at_no_other_time) {
    using namespace std::chrono;
    const UnixTime first{sys_days{year{1975} / 1 / 1}.time_since_epoch() + 13h};
    const UnixTime last{sys_days{year{4096} / 1 / 1}.time_since_epoch() + 13h};
    EXPECT_TRUE(verify_certificate(good(), first));
    EXPECT_TRUE(verify_certificate(good(), last));
    EXPECT_EQ(refusal(good(), first - 1us), Errc::timeout);
    EXPECT_EQ(refusal(good(), last + 1us), Errc::timeout);
}

TEST(TlsCertificate, refuses_times_that_are_none) {
    const auto hex = [](std::string_view text) { return to_hex(as_bytes(text)); };
    for (const auto* time : {"750101130000+", "751301130000Z", "750230130000Z", "750001130000Z",
                             "750101240000Z", "750101136000Z", "750101130060Z", "75010113000xZ"}) {
        EXPECT_EQ(refusal(replaced(good(), hex("750101130000Z"), hex(time))), Errc::malformed)
            << time;
    }
}

TEST(TlsCertificate, refuses_one_that_was_cut_anywhere_or_has_something_behind_it) {
    const auto whole = good();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(refusal(BytesView{whole}.first(size)), Errc::truncated) << size;
    auto longer = whole;
    longer.push_back(0);
    EXPECT_EQ(refusal(longer), Errc::trailing);
    longer.resize(kCertificateSizeMax + 1);
    EXPECT_EQ(refusal(longer), Errc::oversized);
}

TEST(TlsCertificate, refuses_one_in_which_any_byte_was_changed) {
    for (std::size_t number = 0; number < 3; ++number) {
        const auto whole = good(number);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            auto changed = whole;
            changed[i] ^= 0x01u;
            EXPECT_FALSE(verify_certificate(changed, kNow.wall)) << i;
        }
    }
}

TEST(TlsCertificate, refuses_a_length_that_der_writes_otherwise) {
    // The certificate's own, once without and once with too many bytes.
    auto open_ended = good();
    open_ended[1] = 0x80;
    EXPECT_EQ(refusal(open_ended), Errc::malformed);
    auto three_bytes = good();
    three_bytes[1] = 0x83;
    EXPECT_EQ(refusal(three_bytes), Errc::oversized);
    EXPECT_EQ(refusal(Bytes{0x30, 0x81, 0x05, 0, 0, 0, 0, 0}), Errc::malformed);
    EXPECT_EQ(refusal(Bytes{0x30, 0x82, 0x00, 0x01, 0}), Errc::malformed);
}

/// Takes a certificate apart and writes it again with other extensions; its signature is wrong
/// then, which is looked at last.
Bytes with_extensions(const std::vector<Bytes>& extensions, std::uint8_t unique_id = 0) {
    const auto whole = good();
    der::Reader outer{whole};
    der::Reader certificate{*outer.take(der::kSequence)};
    der::Reader tbs{*certificate.take(der::kSequence)};
    Bytes parts;
    const auto copy = [&](std::uint8_t tag) {
        const auto element = tbs.take(tag);
        parts.insert(parts.end(), element->whole.begin(), element->whole.end());
    };
    copy(der::context(0));
    copy(der::kInteger);
    for (int i = 0; i < 5; ++i) copy(der::kSequence);
    if (unique_id != 0) der::append(parts, der::context_value(unique_id), Bytes{0, 1});
    Bytes list;
    for (const auto& extension : extensions) der::append(list, der::kSequence, extension);
    Bytes wrapped;
    der::append(wrapped, der::kSequence, list);
    der::append(parts, der::context(3), wrapped);
    Bytes body;
    der::append(body, der::kSequence, parts);
    for (const auto tag : {der::kSequence, der::kBitString}) {
        const auto element = certificate.take(tag);
        body.insert(body.end(), element->whole.begin(), element->whole.end());
    }
    Bytes out;
    der::append(out, der::kSequence, body);
    return out;
}

Bytes extension(BytesView oid, bool critical, BytesView value) {
    Bytes out;
    der::append(out, der::kOid, oid);
    if (critical) der::append(out, der::kBoolean, Bytes{0xff});
    der::append(out, der::kOctetString, value);
    return out;
}

Bytes signed_key() {
    const auto identity = testing::identity(1);
    return encode_signed_key(identity.public_key().encode(), identity.sign(Bytes{}));
}

const Bytes kKeyUsage{0x55, 0x1d, 0x0f};

TEST(TlsCertificate, refuses_what_its_extensions_must_not_be) {
    const auto ours = extension(kExtensionOid, false, signed_key());
    const auto foreign = extension(kKeyUsage, false, Bytes{1});
    EXPECT_EQ(refusal(with_extensions({ours})), Errc::mismatch) << "all but the signature is right";
    EXPECT_EQ(refusal(with_extensions({extension(kExtensionOid, true, signed_key())})),
              Errc::mismatch)
        << "critical, and understood";
    EXPECT_EQ(refusal(with_extensions({foreign, ours})), Errc::mismatch) << "ignored";
    EXPECT_EQ(refusal(with_extensions({foreign})), Errc::not_found);
    EXPECT_EQ(refusal(with_extensions({})), Errc::not_found);
    EXPECT_EQ(refusal(with_extensions({ours, extension(kKeyUsage, true, Bytes{1})})),
              Errc::unsupported);
    EXPECT_EQ(refusal(with_extensions({ours, ours})), Errc::duplicate);
    std::vector<Bytes> many(kExtensionsMax, foreign);
    many.push_back(ours);
    EXPECT_EQ(refusal(with_extensions(many)), Errc::oversized);
    EXPECT_EQ(refusal(with_extensions({ours}, 1)), Errc::unsupported);
    EXPECT_EQ(refusal(with_extensions({ours}, 2)), Errc::unsupported);
    EXPECT_EQ(refusal(with_extensions({extension(kExtensionOid, false, Bytes{0x30, 0})})),
              Errc::truncated)
        << "neither key nor signature";
    auto longer = signed_key();
    longer.push_back(0);
    EXPECT_EQ(refusal(with_extensions({extension(kExtensionOid, false, longer)})), Errc::trailing);
    EXPECT_EQ(
        refusal(with_extensions({extension(kExtensionOid, false, encode_signed_key({}, {}))})),
        Errc::malformed)
        << "no key";
}

}  // namespace
}  // namespace sennit::libp2p::tls
