// SPDX-License-Identifier: MIT
#include "libp2p/peer_id.hpp"

#include <algorithm>

#include "crypto/sha256.hpp"
#include "libp2p/keys.hpp"
#include "libp2p/multibase.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p {

namespace {

// Codes of multiformats/multicodec.
constexpr std::uint64_t kIdentity = 0x00;
constexpr std::uint64_t kSha256 = 0x12;
constexpr std::uint64_t kCidVersion = 1;
constexpr std::uint64_t kLibp2pKey = 0x72;

/// The longest key that is its own hash.
constexpr std::size_t kInlinedMax = 42;

Bytes cid(BytesView multihash) {
    Writer out;
    write_varint(out, kCidVersion);
    write_varint(out, kLibp2pKey);
    out.raw(multihash);
    return std::move(out).take();
}

Result<PeerId> from_cid(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto version, read_varint(in));
    if (version != kCidVersion) return Error{Errc::malformed, "CID of another version", 0, {}};
    SENNIT_TRY(const auto codec, read_varint(in));
    if (codec != kLibp2pKey) return Error{Errc::malformed, "CID of something else", 1, {}};
    return PeerId::from_bytes(in.rest());
}

/// Text has one kind of error, because offsets in it say nothing after a change of base.
Error no_peer_id(const Error& why, std::string_view text) {
    return {Errc::malformed, "not a peer id", Error::kNowhere,
            "\"" + std::string{text.substr(0, kQuadraticDigitsMax)} + "\": " + why.text()};
}

}  // namespace

Result<PeerId> PeerId::from_bytes(BytesView multihash) {
    Reader in{multihash};
    const auto malformed = [&](std::string_view what) { return in.fail(Errc::malformed, what); };
    const auto code = read_varint(in);
    if (!code || (*code != kIdentity && *code != kSha256))
        return Error{Errc::malformed, "expected multihash identity or sha2-256", 0, {}};
    const auto size = read_varint(in);
    if (!size) return Error{Errc::malformed, size.error().what, size.error().at, {}};
    if (*size != in.remaining()) return malformed("multihash of another length");
    if (*code == kSha256 && *size != Digest::kSize) return malformed("expected 32 bytes of hash");
    if (*code == kIdentity) {
        if (*size > kInlinedMax) return malformed("inlined key over 42 bytes");
        const auto start = in.offset();
        if (const auto key = PublicKey::decode(in.rest()); !key) {
            return Error{Errc::malformed, key.error().what, start + key.error().at, {}};
        }
    }
    PeerId id;
    std::ranges::copy(multihash, id.bytes_.begin());
    id.size_ = static_cast<std::uint8_t>(multihash.size());
    return id;
}

Result<PeerId> PeerId::parse(std::string_view text) {
    const bool bare = text.starts_with('1') || text.starts_with("Qm");
    const auto bytes = bare ? decode_digits(Base::base58btc, text) : decode_multibase(text);
    if (!bytes) return no_peer_id(bytes.error(), text);
    if (!bare && text.front() == static_cast<char>(Base::base64url))
        return no_peer_id({Errc::malformed, "base that no peer id is written in"}, text);
    auto id = bare ? from_bytes(*bytes) : from_cid(*bytes);
    if (!id) return no_peer_id(id.error(), text);
    return id;
}

PeerId PeerId::of_key(BytesView public_key_protobuf) {
    const bool inlined = public_key_protobuf.size() <= kInlinedMax;
    Writer out{kSizeMax};
    write_varint(out, inlined ? kIdentity : kSha256);
    if (inlined) {
        write_prefixed(out, public_key_protobuf);
    } else {
        write_prefixed(out, crypto::sha256(public_key_protobuf).view());
    }
    PeerId id;
    std::ranges::copy(out.bytes(), id.bytes_.begin());
    id.size_ = static_cast<std::uint8_t>(out.size());
    return id;
}

std::string PeerId::text() const {
    return encode_digits(Base::base58btc, view());
}

std::string PeerId::cid_base32() const {
    return encode_multibase(Base::base32, cid(view()));
}

std::string PeerId::cid_base36() const {
    return encode_multibase(Base::base36, cid(view()));
}

std::optional<BytesView> PeerId::inlined_key() const {
    constexpr std::size_t kPrefixSize = 2;
    if (bytes_[0] != kIdentity) return std::nullopt;
    return view().subspan(kPrefixSize);
}

}  // namespace sennit::libp2p
