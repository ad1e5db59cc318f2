// SPDX-License-Identifier: MIT
#include "crypto/secp256k1.hpp"

#include <algorithm>
#include <tuple>

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>

#include "crypto/keccak.hpp"

namespace sennit::crypto {

namespace {

/// Made once, then only read, so threads share it.
const secp256k1_context* context() {
    static const secp256k1_context* const made =
        secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    SENNIT_ASSERT(made != nullptr);
    return made;
}

/// (n - 1) / 2 for the group's order n, big-endian.
constexpr Word kHalfOrder{{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                           0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
                           0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0}};

/// Bytes of the longest DER signature: two integers of 33 bytes, each with tag and length.
constexpr std::size_t kDerSizeMax = 72;

Secp256k1Point compressed(const secp256k1_pubkey& key) {
    Secp256k1Point point;
    std::size_t size = point.size();
    secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_COMPRESSED);
    SENNIT_ASSERT(size == point.size());
    return point;
}

/// nullopt for any other length: the library takes uncompressed points too.
std::optional<secp256k1_pubkey> parse_point(BytesView key33) {
    secp256k1_pubkey key;
    if (key33.size() != std::tuple_size_v<Secp256k1Point>) return std::nullopt;
    if (secp256k1_ec_pubkey_parse(context(), &key, key33.data(), key33.size()) != 1)
        return std::nullopt;
    return key;
}

Bytes to_der(const secp256k1_ecdsa_signature& signature) {
    Bytes der(kDerSizeMax);
    std::size_t size = der.size();
    const int done =
        secp256k1_ecdsa_signature_serialize_der(context(), der.data(), &size, &signature);
    SENNIT_ASSERT(done == 1);
    der.resize(size);
    return der;
}

Address address_of(const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> point;  // 0x04, x, y
    std::size_t size = point.size();
    secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    SENNIT_ASSERT(size == point.size());
    const Digest digest = keccak256(BytesView{point}.subspan(1));
    return Address::from(digest.view().last(Address::kSize));
}

}  // namespace

Result<Secp256k1Key> Secp256k1Key::from_bytes(BytesView secret32) {
    if (secret32.size() != 32) {
        return Error{Errc::malformed, "secp256k1 key is not 32 bytes long"};
    }
    Secp256k1Key key;
    std::copy(secret32.begin(), secret32.end(), key.secret_.begin());
    secp256k1_pubkey public_key;
    if (secp256k1_ec_pubkey_create(context(), &public_key, key.secret_.data()) != 1) {
        return Error{Errc::malformed, "secp256k1 key is zero or not below the order"};
    }
    key.address_ = address_of(public_key);
    key.point_ = compressed(public_key);
    return key;
}

Secp256k1Key::~Secp256k1Key() {
    sodium_memzero(secret_.data(), secret_.size());
}

EcdsaSignature Secp256k1Key::sign(const Digest& digest) const {
    secp256k1_ecdsa_recoverable_signature raw;
    const int done = secp256k1_ecdsa_sign_recoverable(context(), &raw, digest.data(),
                                                      secret_.data(), nullptr, nullptr);
    SENNIT_ASSERT(done == 1);
    std::array<std::uint8_t, 64> compact;
    int recovery = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &recovery,
                                                            &raw);
    const BytesView both{compact};
    return EcdsaSignature{Word::from(both.first(32)), Word::from(both.last(32)),
                          static_cast<std::uint8_t>(recovery)};
}

Bytes Secp256k1Key::sign_der(const Digest& digest) const {
    secp256k1_ecdsa_signature raw;
    const int done =
        secp256k1_ecdsa_sign(context(), &raw, digest.data(), secret_.data(), nullptr, nullptr);
    SENNIT_ASSERT(done == 1);
    return to_der(raw);
}

Result<Address> recover_address(const Digest& digest, const EcdsaSignature& signature) {
    if (signature.recovery > 3) return Error{Errc::malformed, "recovery id above 3"};
    std::array<std::uint8_t, 64> compact;
    std::copy(signature.r.bytes.begin(), signature.r.bytes.end(), compact.begin());
    std::copy(signature.s.bytes.begin(), signature.s.bytes.end(), compact.begin() + 32);
    secp256k1_ecdsa_recoverable_signature raw;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &raw, compact.data(),
                                                            signature.recovery) != 1) {
        return Error{Errc::malformed, "r or s is not below the group's order"};
    }
    secp256k1_pubkey key;
    if (secp256k1_ecdsa_recover(context(), &key, &raw, digest.data()) != 1) {
        return Error{Errc::invalid, "no key fits the signature"};
    }
    return address_of(key);
}

bool secp256k1_key_valid(BytesView key33) {
    return parse_point(key33).has_value();
}

bool secp256k1_verify(BytesView key33, const Digest& digest, BytesView der) {
    const auto key = parse_point(key33);
    secp256k1_ecdsa_signature raw;
    if (!key || der.empty() ||  // the library aborts on a null pointer
        secp256k1_ecdsa_signature_parse_der(context(), &raw, der.data(), der.size()) != 1) {
        return false;
    }
    secp256k1_ecdsa_signature low;
    secp256k1_ecdsa_signature_normalize(context(), &low, &raw);  // verify refuses a high s
    return secp256k1_ecdsa_verify(context(), &low, digest.data(), &*key) == 1;
}

bool is_low_s(const Word& s) {
    return s <= kHalfOrder;
}

}  // namespace sennit::crypto
