// SPDX-License-Identifier: MIT
#include "libp2p/noise/payload.hpp"

#include <gtest/gtest.h>

#include "libp2p/noise/noise_fixture.hpp"
#include "libp2p/protobuf.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::noise {
namespace {

using protobuf::MessageWriter;

HandshakePayload payload() {
    return {Bytes(36, 1), Bytes(64, 2), {"/yamux/1.0.0", "/mplex/6.7.0"}};
}

TEST(NoisePayload, signs_static_keys_as_js_libp2p_does) {
    const auto file = vectors::load("noise_libp2p");
    for (const auto& item : *file.get_array("payload_signatures")) {
        const auto identity =
            fixture::identity_of(fixture::identity_key(vectors::hex(item, "identity_seed")));
        const auto key = fixture::x25519_key(vectors::hex(item, "static_private")).public_key();
        EXPECT_EQ(to_bytes(key.view()), vectors::hex(item, "static_public"));
        const auto message = HandshakePayload::signed_bytes(key);
        EXPECT_EQ(message, vectors::hex(item, "signed_bytes"));
        const HandshakePayload made{identity.public_key_protobuf, identity.sign(message), {}};
        EXPECT_EQ(made.identity_signature, vectors::hex(item, "signature"));
        EXPECT_EQ(made.encode(), vectors::hex(item, "payload"));
        EXPECT_EQ(*HandshakePayload::decode(made.encode()), made);
    }
}

TEST(NoisePayload, keeps_the_muxers_in_their_order) {
    EXPECT_EQ(*HandshakePayload::decode(payload().encode()), payload());
    auto turned = payload();
    std::swap(turned.stream_muxers[0], turned.stream_muxers[1]);
    EXPECT_EQ(*HandshakePayload::decode(turned.encode()), turned);
}

TEST(NoisePayload, skips_what_it_does_not_know) {
    MessageWriter extensions;
    extensions.bytes(1, Bytes(34, 7)).text(2, "/yamux/1.0.0").u64(9, 9);
    MessageWriter out;
    out.u64(3, 1).bytes(1, Bytes{1}).bytes(2, Bytes{2}).message(4, extensions).text(77, "x");
    EXPECT_EQ(*HandshakePayload::decode(out.view()),
              (HandshakePayload{Bytes{1}, Bytes{2}, {"/yamux/1.0.0"}}));
}

TEST(NoisePayload, refuses_one_without_key_or_signature) {
    for (const std::uint32_t only : {1u, 2u}) {
        MessageWriter out;
        out.bytes(only, Bytes(36, 1));
        const auto decoded = HandshakePayload::decode(out.view());
        ASSERT_FALSE(decoded);
        EXPECT_EQ(decoded.error().code, Errc::malformed);
        EXPECT_EQ(decoded.error().what,
                  only == 1 ? "no signature of the static key" : "no identity key");
    }
    EXPECT_FALSE(HandshakePayload::decode({}));
}

TEST(NoisePayload, refuses_one_that_was_cut_anywhere_but_between_its_fields) {
    const auto whole = payload().encode();
    const auto fields = whole.size() - (MessageWriter{}.text(2, "/yamux/1.0.0").view().size() * 2);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // Without its extensions it is whole again.
        if (size == fields - 2) continue;
        EXPECT_FALSE(HandshakePayload::decode(BytesView{whole}.first(size))) << size;
    }
}

TEST(NoisePayload, takes_what_is_at_its_limits_and_refuses_what_is_above) {
    const auto decode = [](const HandshakePayload& item) {
        const auto decoded = HandshakePayload::decode(item.encode());
        return decoded ? std::optional<Errc>{} : decoded.error().code;
    };
    auto item = payload();
    item.identity_key.resize(HandshakePayload::kKeySizeMax);
    item.identity_signature.resize(HandshakePayload::kSignatureSizeMax);
    item.stream_muxers.assign(HandshakePayload::kMuxersMax,
                              std::string(HandshakePayload::kMuxerNameMax, 'm'));
    EXPECT_EQ(decode(item), std::nullopt);
    auto key = item;
    key.identity_key.push_back(0);
    EXPECT_EQ(decode(key), Errc::oversized);
    auto signature = item;
    signature.identity_signature.push_back(0);
    EXPECT_EQ(decode(signature), Errc::oversized);
    auto name = item;
    name.stream_muxers.back().push_back('m');
    EXPECT_EQ(decode(name), Errc::oversized);
    auto count = item;
    count.stream_muxers.emplace_back("m");
    EXPECT_EQ(decode(count), Errc::oversized);
}

}  // namespace
}  // namespace sennit::libp2p::noise
