// SPDX-License-Identifier: MIT
#include "libp2p/envelope.hpp"

#include <algorithm>

#include "libp2p/protobuf.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p {

namespace {

/// Room in an envelope for all but the payload, when the key is one that can sign here.
constexpr std::size_t kAroundPayload = 256;

/// Tag and length of a field of at most 16 KiB.
constexpr std::size_t kFieldOverhead = 4;

Bytes signed_bytes(const EnvelopeKind& kind, BytesView payload) {
    Writer out{kind.domain.size() + kind.payload_type.size() + payload.size() + 16};
    write_prefixed(out, as_bytes(kind.domain));
    write_prefixed(out, kind.payload_type);
    write_prefixed(out, payload);
    return std::move(out).take();
}

struct Fields {
    std::optional<protobuf::Field> public_key, payload_type, payload, signature;
};

Result<Fields> read_fields(BytesView envelope) {
    Fields fields;
    protobuf::FieldReader in{envelope};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        switch (field.number) {
            case 1: fields.public_key = field; break;
            case 2: fields.payload_type = field; break;
            case 3: fields.payload = field; break;
            case 5: fields.signature = field; break;
            default: break;
        }
    }
    const auto missing = [&](std::string_view what) {
        return Error{Errc::malformed, what, envelope.size(), {}};
    };
    if (!fields.public_key) return missing("envelope without a key");
    if (!fields.payload_type) return missing("envelope without a payload type");
    if (!fields.payload) return missing("envelope without a payload");
    if (!fields.signature) return missing("envelope without a signature");
    return fields;
}

/// Adds the offset of an embedded message to an error inside it.
Error inside(const protobuf::Field& field, Error error) {
    if (error.at != Error::kNowhere) error.at += field.at();
    return error;
}

Result<PeerId> read_peer(const protobuf::Field& field) {
    SENNIT_TRY(const auto bytes, field.bytes());
    auto id = PeerId::from_bytes(bytes);
    if (!id) return inside(field, std::move(id).error());
    return id;
}

/// AddressInfo{1 multiaddr}. nullopt for one that we cannot read.
Result<std::optional<Multiaddr>> read_address(const protobuf::Field& field) {
    SENNIT_TRY(auto in, protobuf::FieldReader::inside(field));
    std::optional<Multiaddr> out;
    while (!in.done()) {
        SENNIT_TRY(const auto inner, in.next());
        if (inner.number != 1) continue;
        SENNIT_TRY(const auto bytes, inner.bytes());
        auto address = Multiaddr::from_bytes(bytes);
        out = address ? std::optional{*std::move(address)} : std::nullopt;
    }
    return out;
}

std::size_t size_in_record(const Multiaddr& address) {
    return address.view().size() + 2 * kFieldOverhead;
}

}  // namespace

Bytes seal_envelope(const PrivateKey& key, const EnvelopeKind& kind, BytesView payload) {
    protobuf::MessageWriter out;
    out.bytes(1, key.public_key().encode()).bytes(2, kind.payload_type).bytes(3, payload);
    out.bytes(5, key.sign(signed_bytes(kind, payload)));
    SENNIT_ASSERT(out.view().size() <= kEnvelopeSizeMax);
    return std::move(out).take();
}

Result<OpenedEnvelope> open_envelope(BytesView envelope, const EnvelopeKind& kind) {
    if (envelope.size() > kEnvelopeSizeMax)
        return Error{Errc::oversized, "envelope too long", kEnvelopeSizeMax, {}};
    SENNIT_TRY(const auto fields, read_fields(envelope));
    SENNIT_TRY(const auto payload_type, fields.payload_type->bytes());
    if (!std::ranges::equal(payload_type, kind.payload_type))
        return fields.payload_type->fail(Errc::mismatch, "payload of another type");
    SENNIT_TRY(const auto key_bytes, fields.public_key->bytes());
    auto signer = PublicKey::decode(key_bytes);
    if (!signer) return inside(*fields.public_key, std::move(signer).error());
    SENNIT_TRY(const auto payload, fields.payload->bytes());
    SENNIT_TRY(const auto signature, fields.signature->bytes());
    if (!signer->verify(signed_bytes(kind, payload), signature))
        return fields.signature->fail(Errc::invalid, "signature that is not the signer's");
    return OpenedEnvelope{*std::move(signer), to_bytes(payload)};
}

Result<PeerRecord> PeerRecord::decode(BytesView protobuf) {
    std::optional<PeerId> peer;
    std::uint64_t seq = 0;
    std::vector<Multiaddr> addresses;
    std::size_t count = 0;
    protobuf::FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number == 1) {
            SENNIT_TRY(peer, read_peer(field));
        } else if (field.number == 2) {
            SENNIT_TRY(seq, field.u64());
        } else if (field.number == 3) {
            if (++count > kAddressesMax)
                return field.fail(Errc::oversized, "record of too many addresses");
            SENNIT_TRY(auto address, read_address(field));
            if (address) addresses.push_back(*std::move(address));
        }
    }
    if (!peer) return Error{Errc::malformed, "record without a peer id", protobuf.size(), {}};
    return PeerRecord{*peer, seq, std::move(addresses)};
}

Bytes PeerRecord::encode() const {
    protobuf::MessageWriter out;
    out.bytes(1, peer.view()).u64(2, seq);
    for (const auto& address : addresses) {
        protobuf::MessageWriter info;
        info.bytes(1, address.view());
        out.message(3, info);
    }
    return std::move(out).take();
}

EnvelopeKind peer_record_kind() {
    static constexpr std::array<std::uint8_t, 2> kType{0x03, 0x01};
    return {"libp2p-peer-record", kType};
}

Bytes seal_peer_record(const PrivateKey& key, std::uint64_t seq,
                       std::span<const Multiaddr> addresses) {
    PeerRecord record{key.peer_id(), seq, {}};
    auto room = kEnvelopeSizeMax - kAroundPayload;
    for (const auto& address : addresses) {
        if (record.addresses.size() == PeerRecord::kAddressesMax) break;
        if (size_in_record(address) > room) break;
        room -= size_in_record(address);
        record.addresses.push_back(address);
    }
    return seal_envelope(key, peer_record_kind(), record.encode());
}

Result<PeerRecord> open_peer_record(BytesView envelope) {
    SENNIT_TRY(const auto opened, open_envelope(envelope, peer_record_kind()));
    SENNIT_TRY(auto record, PeerRecord::decode(opened.payload));
    if (record.peer != opened.signer.peer_id())
        return Error{Errc::mismatch, "record that another peer has signed", 0, {}};
    return record;
}

}  // namespace sennit::libp2p
