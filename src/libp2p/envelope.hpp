// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/keys.hpp"
#include "libp2p/multiaddr.hpp"

/// Statements that anybody may pass on and everybody can check: a payload signed by an identity
/// (libp2p/specs, RFC 0002), and the one kind of payload in use, a peer's own list of its addresses
/// (RFC 0003).
namespace sennit::libp2p {

/// Bytes of an envelope. js takes 8 KiB of identify with all it holds; this leaves room beside.
constexpr std::size_t kEnvelopeSizeMax = 16 * 1024;

/// What the signature covers besides the payload: a domain, which is never sent, so that a
/// statement cannot be passed off as one of another protocol, and the payload's type.
struct EnvelopeKind {
    std::string_view domain;
    BytesView payload_type;
};

struct OpenedEnvelope {
    PublicKey signer;
    Bytes payload;
};

/// Signed by `key`. Asserts that the result has no more than `kEnvelopeSizeMax` bytes.
Bytes seal_envelope(const PrivateKey& key, const EnvelopeKind& kind, BytesView payload);

/// The payload, if the signature over it is the signer's. Costs one verification, and only for an
/// envelope that is right in all else.
///
/// Errors: oversized; those of protobuf and of `PublicKey::decode`; malformed when a field is not
/// there; mismatch for another payload type; invalid for the signature.
Result<OpenedEnvelope> open_envelope(BytesView envelope, const EnvelopeKind& kind);

/// Where a peer says that it can be reached. Of two records of one peer the higher `seq` is newer.
struct PeerRecord {
    /// More than anybody listens on; strangers' records are kept.
    static constexpr std::size_t kAddressesMax = 100;

    PeerId peer;
    std::uint64_t seq{0};
    std::vector<Multiaddr> addresses;

    bool operator==(const PeerRecord&) const = default;

    /// PeerRecord{1 peer_id, 2 seq, 3 addresses{1 multiaddr}*}.
    ///
    /// Addresses that `Multiaddr` refuses are left out, because a peer may use transports that are
    /// younger than we are, but they count towards the limit. Errors: oversized; those of protobuf
    /// and of `PeerId::from_bytes`; malformed without a peer id.
    static Result<PeerRecord> decode(BytesView protobuf);
    Bytes encode() const;
};

/// Domain "libp2p-peer-record", payload type 0301.
EnvelopeKind peer_record_kind();

/// The record of `key`'s own peer, signed. Addresses that would make it too long are left out,
/// from the end.
Bytes seal_peer_record(const PrivateKey& key, std::uint64_t seq,
                       std::span<const Multiaddr> addresses);

/// Errors: those of `open_envelope`, and those of `PeerRecord::decode`, whose offsets count from
/// the payload's first byte; mismatch when somebody else than the peer has signed.
Result<PeerRecord> open_peer_record(BytesView envelope);

}  // namespace sennit::libp2p
