// SPDX-License-Identifier: MIT
#include "libp2p/noise/handshake_xx.hpp"

#include <gtest/gtest.h>

#include "libp2p/noise/noise_fixture.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::noise {
namespace {

Bytes written(HandshakeXx& side, BytesView payload) {
    Bytes out;
    const auto overhead = side.overhead();
    EXPECT_TRUE(side.write(payload, out));
    EXPECT_EQ(out.size(), payload.size() + overhead);
    return out;
}

Bytes sealed(CipherState& cipher, BytesView plain) {
    Bytes out(plain.size() + cipher.overhead());
    EXPECT_TRUE(cipher.encrypt({}, plain, out));
    return out;
}

Bytes opened(CipherState& cipher, BytesView sealed) {
    Bytes out(sealed.size() - cipher.overhead());
    EXPECT_TRUE(cipher.decrypt({}, sealed, out));
    return out;
}

HandshakeXx side(Role role, BytesView prologue = {}) {
    const auto options = fixture::options(role);
    return HandshakeXx{{role, options.local_static, options.local_ephemeral, to_bytes(prologue)}};
}

TEST(NoiseXx, agrees_with_cacophony_and_snow_to_the_last_message) {
    const auto file = vectors::load("noise_xx_public");
    for (const auto& item : *file.get_array("vectors")) {
        const auto make = [&](Role role, const std::string& name) {
            return HandshakeXx{{role, fixture::x25519_key(vectors::hex(item, name + "_static")),
                                fixture::x25519_key(vectors::hex(item, name + "_ephemeral")),
                                vectors::hex(item, name + "_prologue")}};
        };
        auto initiator = make(Role::initiator, "init");
        auto responder = make(Role::responder, "resp");
        const auto& messages = *item.get_array("messages");
        ASSERT_GT(messages.size(), 4u);
        for (std::size_t i = 0; i < 3; ++i) {
            auto& from = i % 2 == 0 ? initiator : responder;
            auto& to = i % 2 == 0 ? responder : initiator;
            EXPECT_TRUE(from.our_turn());
            EXPECT_FALSE(to.our_turn());
            const auto payload = vectors::hex(messages[i], "payload");
            const auto message = written(from, payload);
            EXPECT_EQ(to_hex(message), *messages[i].get_text("ciphertext"));
            EXPECT_EQ(*to.read(message), payload);
        }
        ASSERT_TRUE(initiator.done() && responder.done());
        EXPECT_EQ(initiator.handshake_hash(), responder.handshake_hash());
        if (const auto hash = item.get_text("handshake_hash")) {
            EXPECT_EQ(to_hex(initiator.handshake_hash()), *hash);
        }
        auto first = std::move(initiator).split();
        auto second = std::move(responder).split();
        for (std::size_t i = 3; i < messages.size(); ++i) {
            const auto payload = vectors::hex(messages[i], "payload");
            const auto message = sealed((i % 2 == 0 ? first : second).send, payload);
            EXPECT_EQ(to_hex(message), *messages[i].get_text("ciphertext"));
            EXPECT_EQ(opened((i % 2 == 0 ? second : first).receive, message), payload);
        }
    }
}

TEST(NoiseXx, tells_each_side_the_static_key_of_the_other) {
    auto initiator = side(Role::initiator);
    auto responder = side(Role::responder);
    EXPECT_TRUE(responder.read(written(initiator, {})));
    EXPECT_FALSE(responder.remote_static());
    EXPECT_TRUE(initiator.read(written(responder, {})));
    EXPECT_TRUE(responder.read(written(initiator, {})));
    EXPECT_EQ(initiator.remote_static(),
              fixture::options(Role::responder).local_static.public_key());
    EXPECT_EQ(responder.remote_static(),
              fixture::options(Role::initiator).local_static.public_key());
}

TEST(NoiseXx, does_not_agree_under_two_prologues) {
    auto initiator = side(Role::initiator, Bytes{1});
    auto responder = side(Role::responder, Bytes{2});
    EXPECT_TRUE(responder.read(written(initiator, {})));
    const auto read = initiator.read(written(responder, {}));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::mismatch);
}

TEST(NoiseXx, refuses_messages_that_are_too_short_or_too_long) {
    auto initiator = side(Role::initiator);
    const auto a = written(initiator, {});
    auto in_time = side(Role::responder);
    EXPECT_TRUE(in_time.read(a));
    const auto b = written(in_time, {});
    for (std::size_t size = 0; size < a.size(); ++size) {
        auto responder = side(Role::responder);
        const auto read = responder.read(BytesView{a}.first(size));
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error().code, Errc::truncated) << size;
    }
    for (std::size_t size = 0; size < b.size(); ++size) {
        auto again = side(Role::initiator);
        EXPECT_EQ(written(again, {}), a);
        EXPECT_FALSE(again.read(BytesView{b}.first(size))) << size;
    }
    const auto read = initiator.read(Bytes(kMessageMax + 1));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::oversized);
}

// An initiator that says 0 for its key would know the first secret whatever the responder's is.
TEST(NoiseXx, refuses_keys_of_small_order_and_says_where) {
    auto responder = side(Role::responder);
    EXPECT_TRUE(responder.read(Bytes(32)));
    Bytes out;
    const auto write = responder.write({}, out);
    ASSERT_FALSE(write);
    EXPECT_EQ(write.error().code, Errc::malformed);

    auto initiator = side(Role::initiator);
    EXPECT_EQ(written(initiator, {}).size(), 32u);
    const auto read = initiator.read(Bytes(96));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::malformed);
    EXPECT_EQ(read.error().at, 0u);
}

TEST(NoiseXx, names_the_field_that_was_changed) {
    auto initiator = side(Role::initiator);
    auto responder = side(Role::responder);
    EXPECT_TRUE(responder.read(written(initiator, {})));
    const auto b = written(responder, Bytes{1, 2, 3});
    for (const auto& [changed, field] : {std::pair{0u, 32u}, {32u, 32u}, {79u, 32u}, {80u, 80u}}) {
        auto again = side(Role::initiator);
        EXPECT_EQ(written(again, {}).size(), 32u);
        auto message = b;
        message[changed] ^= 1;
        const auto read = again.read(message);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::mismatch);
        EXPECT_EQ(read.error().at, field) << changed;
    }
}

TEST(NoiseCipherState, never_uses_the_reserved_number) {
    CipherState send{crypto::Secret{}};
    CipherState receive{crypto::Secret{}};
    send.set_nonce(CipherState::kNonceReserved - 1);
    receive.set_nonce(CipherState::kNonceReserved - 1);
    const auto last = sealed(send, Bytes{7});
    EXPECT_EQ(opened(receive, last), Bytes{7});
    Bytes out(17);
    Bytes plain(1);
    for (int i = 0; i < 2; ++i) {
        const auto encrypted = send.encrypt({}, Bytes{7}, out);
        ASSERT_FALSE(encrypted);
        EXPECT_EQ(encrypted.error().code, Errc::oversized);
        EXPECT_EQ(out, Bytes(17));
        const auto decrypted = receive.decrypt({}, last, plain);
        ASSERT_FALSE(decrypted);
        EXPECT_EQ(decrypted.error().code, Errc::oversized);
        EXPECT_EQ(send.nonce(), CipherState::kNonceReserved);
    }
}

TEST(NoiseCipherState, keeps_its_number_when_a_message_is_not_authentic) {
    CipherState send{crypto::Secret{}};
    CipherState receive{crypto::Secret{}};
    const auto message = sealed(send, Bytes{1, 2, 3});
    auto changed = message;
    changed[0] ^= 1;
    Bytes plain(3, 9);
    const auto decrypted = receive.decrypt({}, changed, plain);
    ASSERT_FALSE(decrypted);
    EXPECT_EQ(decrypted.error().code, Errc::mismatch);
    EXPECT_EQ(plain, Bytes(3));
    EXPECT_EQ(receive.nonce(), 0u);
    EXPECT_EQ(opened(receive, message), (Bytes{1, 2, 3}));
    EXPECT_EQ(receive.nonce(), 1u);
    EXPECT_EQ(receive.decrypt({}, BytesView{message}.first(15), {}).error().code, Errc::truncated);
}

TEST(NoiseCipherState, passes_text_as_it_is_without_a_key) {
    CipherState open;
    EXPECT_EQ(sealed(open, Bytes{1, 2}), (Bytes{1, 2}));
    EXPECT_EQ(opened(open, Bytes{1, 2}), (Bytes{1, 2}));
    EXPECT_EQ(open.nonce(), 0u);
}

}  // namespace
}  // namespace sennit::libp2p::noise
