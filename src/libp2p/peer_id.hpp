// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

namespace sennit::libp2p {

/// Who a libp2p peer is: a multihash of its public key's protobuf (libp2p/specs, peer-ids.md).
///
/// A key whose protobuf has at most 42 bytes (Ed25519, secp256k1) is its own hash, `00 len key`,
/// and can be read out of the id again; longer ones are `12 20 sha256`. 34 to 44 bytes, so ids are
/// values. Not the engine's PeerId, which numbers sessions.
class PeerId {
  public:
    static constexpr std::size_t kSizeMax = 44;

    /// The id as bytes. Errors: malformed unless it is one of the two hashes, whole; an inlined
    /// key has to be a key.
    static Result<PeerId> from_bytes(BytesView multihash);
    /// base58btc as in 12D3Koo…, 16Uiu2H…, Qm…; or a CIDv1 of codec 0x72 in base32, base36 or
    /// base58btc with its multibase letter. Errors: malformed.
    static Result<PeerId> parse(std::string_view text);
    /// Of a key's protobuf.
    static PeerId of_key(BytesView public_key_protobuf);

    BytesView view() const { return {bytes_.data(), size_}; }
    /// base58btc, as every implementation prints it.
    std::string text() const;
    std::string cid_base32() const;
    std::string cid_base36() const;
    /// The key's protobuf, if the id holds it.
    std::optional<BytesView> inlined_key() const;

    auto operator<=>(const PeerId&) const = default;

  private:
    std::array<std::uint8_t, kSizeMax> bytes_{};  ///< zero behind the end, so that == is right
    std::uint8_t size_{0};
};

}  // namespace sennit::libp2p
