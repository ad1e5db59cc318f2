// SPDX-License-Identifier: MIT
#include "libp2p/tls/certificate.hpp"

#include <algorithm>
#include <chrono>

#include "base/bytes.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/spki.hpp"
#include "libp2p/tls/der.hpp"

namespace sennit::libp2p::tls {

namespace {

using der::Element;

constexpr std::string_view kPrefix = "libp2p-tls-handshake:";

// AlgorithmIdentifiers, whole.
constexpr std::array<std::uint8_t, 12> kEcdsaSha256{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
constexpr std::array<std::uint8_t, 15> kRsaSha256{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                  0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
constexpr std::array<std::uint8_t, 7> kEd25519{0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
/// Before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo.
constexpr std::array<std::uint8_t, 12> kEd25519Spki{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct SignedKey {
    BytesView key;
    BytesView signature;
};

/// What counts of a certificate; views of it.
struct Parsed {
    Element tbs;
    UnixTime not_before;
    UnixTime not_after;
    Element spki;
    SignedKey identity;
    Element algorithm;
    Element signature;
};

Error malformed(std::string_view what, std::uint64_t at) {
    return {Errc::malformed, what, at, {}};
}

bool is_digits(BytesView text) {
    return std::ranges::all_of(text, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

/// YYMMDDHHMMSSZ for years to 2049, YYYYMMDDHHMMSSZ: RFC 5280, 4.1.2.5.
Result<UnixTime> read_time(der::Reader& in) {
    const bool is_short = in.next_is(der::kUtcTime);
    SENNIT_TRY(const auto time, in.take(is_short ? der::kUtcTime : der::kGeneralizedTime));
    const std::size_t year_digits = is_short ? 2 : 4;
    const auto text = time.content;
    if (text.size() != year_digits + 11 || text.back() != 'Z' ||
        !is_digits(text.first(text.size() - 1))) {
        return malformed("not a certificate's time", time.at);
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int out = 0;
        for (const auto c : text.subspan(at, digits)) out = out * 10 + (c - '0');
        return out;
    };
    const auto two = [&](std::size_t index) { return number(year_digits + 2 * index, 2); };
    int year = number(0, year_digits);
    if (is_short) year += year < 50 ? 2000 : 1900;
    const std::chrono::year_month_day day{std::chrono::year{year},
                                          std::chrono::month{static_cast<unsigned>(two(0))},
                                          std::chrono::day{static_cast<unsigned>(two(1))}};
    if (!day.ok() || two(2) > 23 || two(3) > 59 || two(4) > 59)
        return malformed("no such time", time.at);
    const auto days = std::chrono::sys_days{day}.time_since_epoch();
    return UnixTime{days + std::chrono::hours{two(2)} + std::chrono::minutes{two(3)} +
                    std::chrono::seconds{two(4)}};
}

Result<SignedKey> read_signed_key(const Element& value) {
    der::Reader outer{value};
    SENNIT_TRY(const auto sequence, outer.take(der::kSequence));
    SENNIT_TRY(outer.done());
    der::Reader in{sequence};
    SENNIT_TRY(const auto key, in.take(der::kOctetString));
    SENNIT_TRY(const auto signature, in.take(der::kOctetString));
    SENNIT_TRY(in.done());
    return SignedKey{key.content, signature.content};
}

/// The libp2p one, if this is it; nullopt for one that may be ignored.
Result<std::optional<Element>> read_extension(const Element& extension) {
    der::Reader in{extension};
    SENNIT_TRY(const auto oid, in.take(der::kOid));
    bool critical = false;
    if (in.next_is(der::kBoolean)) {
        SENNIT_TRY(const auto flag, in.take(der::kBoolean));
        // DER leaves out what is the default, false.
        if (flag.content.size() != 1 || flag.content[0] != 0xff)
            return malformed("not a DER boolean", flag.at);
        critical = true;
    }
    SENNIT_TRY(const auto value, in.take(der::kOctetString));
    SENNIT_TRY(in.done());
    if (std::ranges::equal(oid.content, kExtensionOid)) return std::optional{value};
    if (critical) return Error{Errc::unsupported, "unknown critical extension", oid.at, {}};
    return std::optional<Element>{};
}

Result<SignedKey> read_extensions(const Element& wrapped) {
    der::Reader outer{wrapped};
    SENNIT_TRY(const auto list, outer.take(der::kSequence));
    SENNIT_TRY(outer.done());
    std::optional<Element> found;
    std::size_t count = 0;
    for (der::Reader in{list}; !in.empty();) {
        SENNIT_TRY(const auto extension, in.take(der::kSequence));
        if (++count > kExtensionsMax)
            return Error{Errc::oversized, "too many extensions", extension.at, {}};
        SENNIT_TRY(const auto ours, read_extension(extension));
        if (ours && found)
            return Error{Errc::duplicate, "second libp2p extension", extension.at, {}};
        if (ours) found = ours;
    }
    if (!found) return Error{Errc::not_found, "no libp2p extension", wrapped.at, {}};
    return read_signed_key(*found);
}

Result<void> read_version(der::Reader& in) {
    SENNIT_TRY(const auto wrapped, in.take(der::context(0)));
    der::Reader outer{wrapped};
    SENNIT_TRY(const auto version, outer.take(der::kInteger));
    SENNIT_TRY(outer.done());
    if (version.content.size() != 1 || version.content[0] != 2)
        return Error{Errc::unsupported, "not an X.509 certificate of version 3", version.at, {}};
    return {};
}

/// `out.tbs` is what it is about; its own algorithm must be the one outside.
Result<void> read_tbs(Parsed& out) {
    der::Reader in{out.tbs};
    SENNIT_TRY(read_version(in));
    SENNIT_TRY(in.take(der::kInteger));
    SENNIT_TRY(const auto algorithm, in.take(der::kSequence));
    if (!std::ranges::equal(algorithm.whole, out.algorithm.whole))
        return Error{Errc::mismatch, "two signature algorithms", algorithm.at, {}};
    SENNIT_TRY(in.take(der::kSequence));  // issuer
    SENNIT_TRY(const auto validity, in.take(der::kSequence));
    der::Reader times{validity};
    SENNIT_TRY(out.not_before, read_time(times));
    SENNIT_TRY(out.not_after, read_time(times));
    SENNIT_TRY(times.done());
    SENNIT_TRY(in.take(der::kSequence));  // subject
    SENNIT_TRY(out.spki, in.take(der::kSequence));
    for (const auto number : {std::uint8_t{1}, std::uint8_t{2}}) {
        if (in.next_is(der::context_value(number)))
            return Error{Errc::unsupported, "unique id in a certificate", out.spki.at, {}};
    }
    if (in.empty()) return Error{Errc::not_found, "no libp2p extension", out.tbs.at, {}};
    SENNIT_TRY(const auto extensions, in.take(der::context(3)));
    SENNIT_TRY(in.done());
    SENNIT_TRY(out.identity, read_extensions(extensions));
    return {};
}

Result<Parsed> parse(BytesView bytes) {
    if (bytes.size() > kCertificateSizeMax)
        return Error{Errc::oversized, "certificate too long", 0, {}};
    der::Reader outer{bytes};
    SENNIT_TRY(const auto certificate, outer.take(der::kSequence));
    SENNIT_TRY(outer.done());
    der::Reader in{certificate};
    Parsed out{};
    SENNIT_TRY(out.tbs, in.take(der::kSequence));
    SENNIT_TRY(out.algorithm, in.take(der::kSequence));
    SENNIT_TRY(out.signature, in.take(der::kBitString));
    SENNIT_TRY(in.done());
    // The number of bits that are none comes first.
    if (out.signature.content.empty() || out.signature.content[0] != 0)
        return malformed("signature of no whole bytes", out.signature.at);
    out.signature.content = out.signature.content.subspan(1);
    SENNIT_TRY(read_tbs(out));
    return out;
}

bool ed25519_spki_verify(BytesView spki, BytesView message, BytesView signature) {
    constexpr auto kHeader = kEd25519Spki.size();
    if (spki.size() != kHeader + 32 || !std::ranges::equal(spki.first(kHeader), kEd25519Spki))
        return false;
    return crypto::ed25519_verify(spki.subspan(kHeader), message, signature);
}

Result<void> check_self_signature(const Parsed& in) {
    const auto is = [&](const auto& algorithm) {
        return std::ranges::equal(in.algorithm.whole, algorithm);
    };
    const auto spki = in.spki.whole;
    const auto message = in.tbs.whole;
    const auto signature = in.signature.content;
    bool right = false;
    if (is(kEcdsaSha256)) {
        right = crypto::ecdsa_verify(spki, message, signature);
    } else if (is(kRsaSha256)) {
        right = crypto::rsa_verify(spki, message, signature);
    } else if (is(kEd25519)) {
        right = ed25519_spki_verify(spki, message, signature);
    } else {
        return Error{Errc::unsupported, "certificate's signature algorithm", in.algorithm.at, {}};
    }
    if (right) return {};
    return Error{Errc::mismatch, "certificate not signed by its own key", in.signature.at, {}};
}

}  // namespace

Bytes signed_bytes(BytesView spki) {
    Writer out;
    out.text(kPrefix).raw(spki);
    return std::move(out).take();
}

Bytes encode_signed_key(BytesView key_protobuf, BytesView signature) {
    Bytes inner;
    der::append(inner, der::kOctetString, key_protobuf);
    der::append(inner, der::kOctetString, signature);
    Bytes out;
    der::append(out, der::kSequence, inner);
    return out;
}

Result<PublicKey> verify_certificate(BytesView der, UnixTime now) {
    SENNIT_TRY(const auto parsed, parse(der));
    if (now < parsed.not_before)
        return Error{Errc::timeout, "certificate not valid yet", parsed.tbs.at, {}};
    if (now > parsed.not_after)
        return Error{Errc::timeout, "certificate not valid any more", parsed.tbs.at, {}};
    SENNIT_TRY(auto key, PublicKey::decode(parsed.identity.key));
    SENNIT_TRY(check_self_signature(parsed));
    if (!key.verify(signed_bytes(parsed.spki.whole), parsed.identity.signature))
        return Error{
            Errc::mismatch, "certificate's key not signed by the identity", Error::kNowhere, {}};
    return key;
}

}  // namespace sennit::libp2p::tls
