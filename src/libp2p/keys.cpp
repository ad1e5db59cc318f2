// SPDX-License-Identifier: MIT
#include "libp2p/keys.hpp"

#include <algorithm>

#include "crypto/sha256.hpp"
#include "crypto/spki.hpp"
#include "crypto/wipe.hpp"
#include "libp2p/protobuf.hpp"

namespace sennit::libp2p {

namespace {

constexpr std::size_t kDataSizeMax = 4096;
constexpr std::size_t kEd25519Size = 32;
constexpr std::size_t kSecretSize = 32;
/// The shortest SubjectPublicKeyInfo of those we verify with: P-256, compressed. Also makes sure
/// that only Ed25519 and secp256k1 keys are short enough to stand inlined in a peer id.
constexpr std::size_t kSpkiSizeMin = 59;

/// What the protobufs of both halves look like.
struct Fields {
    KeyType type;
    BytesView data;
    std::size_t data_at;
};

Result<KeyType> key_type(const protobuf::Field& field) {
    SENNIT_TRY(const auto number, field.u64());
    if (number > static_cast<std::uint64_t>(KeyType::ecdsa))
        return field.fail(Errc::unknown_type, "key type that nobody defined");
    return static_cast<KeyType>(number);
}

Result<Fields> read_fields(BytesView bytes) {
    std::optional<KeyType> type;
    std::optional<protobuf::Field> data;
    protobuf::FieldReader in{bytes};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number == 1) {
            SENNIT_TRY(type, key_type(field));
        } else if (field.number == 2) {
            data = field;
        }
    }
    if (!type) return Error{Errc::malformed, "key without a type", bytes.size(), {}};
    if (!data) return Error{Errc::malformed, "key without data", bytes.size(), {}};
    SENNIT_TRY(const auto view, data->bytes(kDataSizeMax));
    return Fields{*type, view, data->at()};
}

Bytes write_fields(KeyType type, BytesView data) {
    protobuf::MessageWriter out;
    out.u64(1, static_cast<std::uint64_t>(type)).bytes(2, data);
    return std::move(out).take();
}

/// Of Ed25519 only the size is asked: to check the point takes 110 us, more than two verifications,
/// and under bytes that are no point, or one of small order, no signature is right. A secp256k1
/// point takes a few us.
bool is_key(KeyType type, BytesView data) {
    switch (type) {
        case KeyType::ed25519: return data.size() == kEd25519Size;
        case KeyType::secp256k1: return crypto::secp256k1_key_valid(data);
        case KeyType::rsa:
        case KeyType::ecdsa: return data.size() >= kSpkiSizeMin;
    }
    return false;
}

}  // namespace

std::string_view to_string(KeyType type) {
    switch (type) {
        case KeyType::rsa: return "RSA";
        case KeyType::ed25519: return "Ed25519";
        case KeyType::secp256k1: return "secp256k1";
        case KeyType::ecdsa: return "ECDSA";
    }
    return "unknown";
}

Result<PublicKey> PublicKey::decode(BytesView protobuf) {
    SENNIT_TRY(const auto fields, read_fields(protobuf));
    if (!is_key(fields.type, fields.data))
        return Error{Errc::malformed, "not a key of its type", fields.data_at, {}};
    PublicKey key{fields.type, to_bytes(fields.data)};
    // The specification asks writers for one encoding, so that a key has one peer id. Whoever
    // wrote another would be known by two ids: the hash of what it wrote, and ours.
    const auto written = key.encode();
    const auto [differs, unused] = std::ranges::mismatch(protobuf, written);
    if (differs != protobuf.end() || written.size() != protobuf.size()) {
        return Error{Errc::malformed,
                     "key not in its one encoding",
                     static_cast<std::uint64_t>(differs - protobuf.begin()),
                     {}};
    }
    return key;
}

PublicKey PublicKey::from_ed25519(const NodeId& key) {
    return {KeyType::ed25519, to_bytes(key.view())};
}

Bytes PublicKey::encode() const {
    return write_fields(type_, data_);
}

PeerId PublicKey::peer_id() const {
    return PeerId::of_key(encode());
}

bool PublicKey::verify(BytesView message, BytesView signature) const {
    switch (type_) {
        case KeyType::ed25519: return crypto::ed25519_verify(data_, message, signature);
        case KeyType::secp256k1:
            return crypto::secp256k1_verify(data_, crypto::sha256(message), signature);
        case KeyType::rsa: return crypto::rsa_verify(data_, message, signature);
        case KeyType::ecdsa: return crypto::ecdsa_verify(data_, message, signature);
    }
    return false;
}

PrivateKey PrivateKey::from_ed25519(const crypto::Ed25519Key& key) {
    return {PublicKey::from_ed25519(key.public_key<NodeId>()), key};
}

Result<PrivateKey> PrivateKey::from_secp256k1(BytesView secret32) {
    SENNIT_TRY(const auto key, crypto::Secp256k1Key::from_bytes(secret32));
    auto public_key = PublicKey::decode(write_fields(KeyType::secp256k1, key.public_key()));
    SENNIT_ASSERT(public_key);
    return PrivateKey{*std::move(public_key), key};
}

Result<PrivateKey> PrivateKey::decode(BytesView protobuf) {
    SENNIT_TRY(const auto fields, read_fields(protobuf));
    const auto [type, data, at] = fields;
    if (type == KeyType::secp256k1) {
        auto key = from_secp256k1(data);
        if (!key) return Error{Errc::malformed, key.error().what, at, {}};
        return key;
    }
    if (type != KeyType::ed25519)
        return Error{Errc::unsupported, "only Ed25519 and secp256k1 can sign here", at, {}};
    if (data.size() != kSecretSize && data.size() != kSecretSize + kEd25519Size)
        return Error{Errc::malformed, "Ed25519 key of neither 32 nor 64 bytes", at, {}};
    crypto::Ed25519Key::Seed seed;
    std::ranges::copy(data.first(kSecretSize), seed.begin());
    const auto key = crypto::Ed25519Key::from_seed(seed);
    crypto::wipe(seed);
    const auto public_half = data.subspan(kSecretSize);
    if (!public_half.empty() && !std::ranges::equal(public_half, key.public_key().view()))
        return Error{Errc::mismatch, "public half of another key", at + kSecretSize, {}};
    return from_ed25519(key);
}

Bytes PrivateKey::encode() const {
    if (const auto* key = std::get_if<crypto::Secp256k1Key>(&secret_))
        return write_fields(type(), key->secret());
    const auto& seed = std::get<crypto::Ed25519Key>(secret_).seed();
    Bytes both{seed.begin(), seed.end()};
    both.insert(both.end(), public_.data().begin(), public_.data().end());
    auto out = write_fields(type(), both);
    crypto::wipe(both);
    return out;
}

Bytes PrivateKey::sign(BytesView message) const {
    if (const auto* key = std::get_if<crypto::Secp256k1Key>(&secret_))
        return key->sign_der(crypto::sha256(message));
    return to_bytes(std::get<crypto::Ed25519Key>(secret_).sign(message).view());
}

}  // namespace sennit::libp2p
