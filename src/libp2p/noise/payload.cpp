// SPDX-License-Identifier: MIT
#include "libp2p/noise/payload.hpp"

#include "base/bytes.hpp"
#include "libp2p/protobuf.hpp"

namespace sennit::libp2p::noise {

namespace {

using protobuf::Field;
using protobuf::FieldReader;
using protobuf::MessageWriter;

constexpr std::string_view kSignatureDomain = "noise-libp2p-static-key:";

Result<void> decode_extensions(const Field& extensions, std::vector<std::string>& muxers) {
    SENNIT_TRY(auto in, FieldReader::inside(extensions));
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number != 2) continue;
        if (muxers.size() == HandshakePayload::kMuxersMax)
            return field.fail(Errc::oversized, "too many stream muxers");
        SENNIT_TRY(auto name, field.text(HandshakePayload::kMuxerNameMax));
        muxers.push_back(std::move(name));
    }
    return {};
}

}  // namespace

Result<HandshakePayload> HandshakePayload::decode(BytesView bytes) {
    HandshakePayload out;
    FieldReader in{bytes};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        switch (field.number) {
            case 1: {
                SENNIT_TRY(const auto key, field.bytes(kKeySizeMax));
                out.identity_key = to_bytes(key);
                break;
            }
            case 2: {
                SENNIT_TRY(const auto signature, field.bytes(kSignatureSizeMax));
                out.identity_signature = to_bytes(signature);
                break;
            }
            case 4: SENNIT_TRY(decode_extensions(field, out.stream_muxers)); break;
            default: break;
        }
    }
    if (out.identity_key.empty())
        return Error{Errc::malformed, "no identity key", bytes.size(), {}};
    if (out.identity_signature.empty())
        return Error{Errc::malformed, "no signature of the static key", bytes.size(), {}};
    return out;
}

Bytes HandshakePayload::encode() const {
    MessageWriter out;
    out.bytes(1, identity_key).bytes(2, identity_signature);
    if (!stream_muxers.empty()) {
        MessageWriter extensions;
        for (const auto& name : stream_muxers) extensions.text(2, name);
        out.message(4, extensions);
    }
    return std::move(out).take();
}

Bytes HandshakePayload::signed_bytes(const crypto::X25519Public& static_key) {
    Writer out;
    out.text(kSignatureDomain).hash(static_key);
    return std::move(out).take();
}

}  // namespace sennit::libp2p::noise
