// SPDX-License-Identifier: MIT
#include "libp2p/noise/secure_channel.hpp"

#include <gtest/gtest.h>

#include "libp2p/noise/noise_fixture.hpp"
#include "libp2p/vectors.hpp"

namespace sennit::libp2p::noise {
namespace {

/// One side of a handshake, and what became of it.
struct Side {
    explicit Side(Handshake::Options options) : handshake{std::move(options)} {
        handshake.start(out);
        handshake.check_invariants();
    }
    explicit Side(Role role) : Side{fixture::options(role)} {}

    /// In pieces of `step` bytes. What comes behind the handshake stays in `rest`.
    void hear(BytesView bytes, std::size_t step = std::size_t{1} << 20) {
        for (std::size_t at = 0; at < bytes.size() && !error && !secured; at += step) {
            auto in = bytes.subspan(at, std::min(step, bytes.size() - at));
            auto taken = handshake.on_bytes(in, out);
            handshake.check_invariants();
            if (!taken) {
                error = taken.error();
            } else if (*taken) {
                secured = *std::move(*taken);
                rest = to_bytes(in);
                rest.insert(
                    rest.end(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(std::min(at + step, bytes.size())),
                    bytes.end());
            } else {
                EXPECT_TRUE(in.empty());
            }
        }
    }
    Bytes take() { return std::exchange(out, {}); }
    Channel& channel() { return secured->channel; }

    Handshake handshake;
    Bytes out;
    std::optional<Secured> secured{};
    std::optional<Error> error{};
    Bytes rest{};
};

/// The three messages between the fixture's two sides.
struct Messages {
    Bytes a, b, c;
};

Messages talk(Side& initiator, Side& responder, std::size_t step = std::size_t{1} << 20) {
    Messages out;
    out.a = initiator.take();
    responder.hear(out.a, step);
    out.b = responder.take();
    initiator.hear(out.b, step);
    out.c = initiator.take();
    responder.hear(out.c, step);
    return out;
}

Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    return out;
}

Bytes sealed(Channel& channel, BytesView plain) {
    Bytes out;
    EXPECT_TRUE(channel.seal(plain, out));
    return out;
}

/// All text of a stream that comes in pieces of `step` bytes.
Result<Bytes> opened(Channel& channel, BytesView stream, std::size_t step = std::size_t{1} << 30) {
    Bytes plain;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        auto in = stream.subspan(at, std::min(step, stream.size() - at));
        const auto done = channel.open(in, plain);
        channel.check_invariants();
        SENNIT_TRY(done);
        EXPECT_TRUE(in.empty());
    }
    return plain;
}

Handshake::Options golden(const json::Value& item, Role role) {
    const std::string name = role == Role::initiator ? "initiator" : "responder";
    std::vector<std::string> muxers;
    for (const auto& muxer : *item.get_array("stream_muxers"))
        muxers.emplace_back(*muxer.as_text());
    const auto hex = [&](const char* key) { return vectors::hex(item, name + key); };
    return {.role = role,
            .identity = fixture::identity_of(fixture::identity_key(hex("_identity_seed"))),
            .verify = fixture::verify,
            .local_static = fixture::x25519_key(hex("_static_private")),
            .local_ephemeral = fixture::x25519_key(hex("_ephemeral_private")),
            .stream_muxers = muxers};
}

TEST(NoiseChannel, is_byte_for_byte_that_of_js_libp2p) {
    const auto file = vectors::load("noise_libp2p");
    for (const auto& item : *file.get_array("vectors")) {
        Side initiator{golden(item, Role::initiator)};
        Side responder{golden(item, Role::responder)};
        const auto said = talk(initiator, responder);
        EXPECT_EQ(said.a, vectors::hex(item, "message_a"));
        EXPECT_EQ(said.b, vectors::hex(item, "message_b"));
        EXPECT_EQ(said.c, vectors::hex(item, "message_c"));
        ASSERT_TRUE(initiator.secured && responder.secured);
        for (const auto* side : {&initiator, &responder}) {
            const auto other = golden(item, side == &initiator ? Role::responder : Role::initiator);
            EXPECT_EQ(side->secured->remote_key_protobuf, other.identity.public_key_protobuf);
            EXPECT_EQ(side->secured->remote_static, other.local_static.public_key());
            EXPECT_EQ(side->secured->remote_stream_muxers, other.stream_muxers);
            EXPECT_EQ(to_hex(side->secured->handshake_hash), *item.get_text("handshake_hash"));
        }
        for (const auto& message : *item.get_array("transport")) {
            const bool forward = *message.get_text("dir") == "i->r";
            const auto plain = vectors::hex(message, "plaintext");
            const auto frame = sealed((forward ? initiator : responder).channel(), plain);
            EXPECT_EQ(frame, vectors::hex(message, "frame"));
            EXPECT_EQ(*opened((forward ? responder : initiator).channel(), frame), plain);
        }
    }
}

TEST(NoiseHandshake, comes_out_the_same_wherever_the_stream_was_cut) {
    Side one{Role::initiator};
    Side two{Role::responder};
    const auto whole = talk(one, two);
    for (std::size_t step = 1; step <= whole.b.size(); ++step) {
        Side initiator{Role::initiator};
        Side responder{Role::responder};
        const auto said = talk(initiator, responder, step);
        EXPECT_EQ(said.b, whole.b) << step;
        EXPECT_EQ(said.c, whole.c) << step;
        ASSERT_TRUE(initiator.secured && responder.secured) << step;
    }
}

TEST(NoiseHandshake, leaves_what_comes_behind_it_to_the_channel) {
    for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        Side initiator{Role::initiator};
        Side responder{Role::responder};
        responder.hear(initiator.take());
        initiator.hear(responder.take());
        auto stream = initiator.take();
        ASSERT_TRUE(initiator.secured);
        ASSERT_TRUE(initiator.channel().seal(as_bytes("early"), stream));
        responder.hear(stream, step);
        ASSERT_TRUE(responder.secured);
        EXPECT_EQ(as_text(*opened(responder.channel(), responder.rest)), "early");
    }
}

TEST(NoiseHandshake, tells_the_muxers_of_the_other_side_best_first) {
    auto options = fixture::options(Role::responder);
    options.stream_muxers = {"/b", "/a", "/c"};
    Side initiator{Role::initiator};
    Side responder{options};
    talk(initiator, responder);
    ASSERT_TRUE(initiator.secured && responder.secured);
    EXPECT_EQ(initiator.secured->remote_stream_muxers, options.stream_muxers);
    EXPECT_EQ(responder.secured->remote_stream_muxers,
              fixture::options(Role::initiator).stream_muxers);
}

/// A handshake in which one byte of one message changes on its way, and what follows a length that
/// grew is made up. True if a side took it for good although it heard something that was not said.
/// Whoever refuses must say why, in `error`.
bool taken_though_changed(int which, std::size_t at, std::uint8_t flip,
                          std::optional<Error>& error) {
    Side initiator{Role::initiator};
    Side responder{Role::responder};
    const auto change = [&](Bytes message) {
        message[at] = static_cast<std::uint8_t>(message[at] ^ flip);
        if (at < 2) message.resize(message.size() + 70'000);
        return message;
    };
    const auto a = initiator.take();
    responder.hear(which == 0 ? change(a) : a);
    if (responder.error) {
        error = responder.error;
        return false;
    }
    const auto b = responder.take();
    initiator.hear(which == 1 ? change(b) : b);
    if (initiator.error) {
        error = initiator.error;
        EXPECT_TRUE(initiator.out.empty());
        return false;
    }
    if (which < 2) return true;
    responder.hear(change(initiator.take()));
    error = responder.error;
    return responder.secured.has_value();
}

TEST(NoiseHandshake, refuses_a_change_of_any_byte_and_says_why) {
    Side one{Role::initiator};
    Side two{Role::responder};
    const auto said = talk(one, two);
    const std::array sizes{said.a.size(), said.b.size(), said.c.size()};
    for (int which = 0; which < 3; ++which) {
        for (std::size_t at = 0; at < sizes[static_cast<std::size_t>(which)]; ++at) {
            for (const std::uint8_t flip : {std::uint8_t{1}, std::uint8_t{0x80}}) {
                std::optional<Error> error;
                EXPECT_FALSE(taken_though_changed(which, at, flip, error)) << which << ' ' << at;
                ASSERT_TRUE(error) << which << ' ' << at;
                EXPECT_FALSE(error->what.empty());
            }
        }
    }
}

TEST(NoiseHandshake, refuses_a_length_that_no_message_has_before_it_keeps_any_of_it) {
    const auto refusal = [](Role role, Bytes length) {
        Side side{role};
        side.hear(length);
        return side.error ? std::optional{side.error->code} : std::nullopt;
    };
    EXPECT_EQ(refusal(Role::responder, {0xff, 0xff}), Errc::oversized);
    EXPECT_EQ(refusal(Role::responder, {0x10, 0x01}), Errc::oversized);
    EXPECT_EQ(refusal(Role::responder, {0x10, 0x00}), Errc::trailing);
    EXPECT_EQ(refusal(Role::responder, {0, 33}), Errc::trailing);
    EXPECT_EQ(refusal(Role::responder, {0, 32}), std::nullopt);
    EXPECT_EQ(refusal(Role::responder, {0, 31}), Errc::truncated);
    EXPECT_EQ(refusal(Role::initiator, {0x10, 0x01}), Errc::oversized);
    EXPECT_EQ(refusal(Role::initiator, {0x10, 0x00}), std::nullopt);
    EXPECT_EQ(refusal(Role::initiator, {0, 95}), Errc::truncated);
    EXPECT_EQ(refusal(Role::initiator, {0, 96}), std::nullopt);
}

TEST(NoiseHandshake, fails_the_same_way_after_it_failed_once) {
    Side responder{Role::responder};
    responder.hear(Bytes{0xff, 0xff});
    ASSERT_TRUE(responder.error);
    Side initiator{Role::initiator};
    const auto good = initiator.take();
    auto in = BytesView{good};
    const auto again = responder.handshake.on_bytes(in, responder.out);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, responder.error->code);
    EXPECT_TRUE(responder.out.empty());
}

/// What an honest initiator says about a responder with these options.
std::optional<Error> refusal_of(Handshake::Options options) {
    Side initiator{Role::initiator};
    Side responder{std::move(options)};
    talk(initiator, responder);
    EXPECT_TRUE(!initiator.error || initiator.out.empty());
    return initiator.error;
}

TEST(NoiseHandshake, refuses_a_static_key_that_the_identity_did_not_sign) {
    auto wrong = fixture::options(Role::responder);
    wrong.identity.sign = [sign = wrong.identity.sign](BytesView message) {
        auto signature = sign(message);
        signature[5] ^= 1;
        return signature;
    };
    auto of_another_key = fixture::options(Role::responder);
    of_another_key.identity.sign = [sign = of_another_key.identity.sign](BytesView) {
        const auto other = fixture::options(Role::initiator).local_static.public_key();
        return sign(HandshakePayload::signed_bytes(other));
    };
    auto without_domain = fixture::options(Role::responder);
    without_domain.identity.sign = [sign = without_domain.identity.sign](BytesView message) {
        return sign(message.last(32));
    };
    auto of_another_identity = fixture::options(Role::responder);
    of_another_identity.identity.public_key_protobuf =
        fixture::options(Role::initiator).identity.public_key_protobuf;
    for (const auto& options : {wrong, of_another_key, without_domain, of_another_identity}) {
        const auto error = refusal_of(options);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, Errc::mismatch);
        EXPECT_EQ(error->what, "static key not signed by the identity");
    }
    EXPECT_FALSE(refusal_of(fixture::options(Role::responder)));
}

TEST(NoiseHandshake, refuses_a_side_without_key_or_signature) {
    auto no_key = fixture::options(Role::responder);
    no_key.identity.public_key_protobuf.clear();
    auto no_signature = fixture::options(Role::responder);
    no_signature.identity.sign = [](BytesView) { return Bytes{}; };
    for (const auto& options : {no_key, no_signature}) {
        const auto error = refusal_of(options);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, Errc::malformed);
    }
}

TEST(NoiseHandshake, does_not_say_who_it_is_to_another_peer_than_expected) {
    const auto them = fixture::options(Role::responder).identity.public_key_protobuf;
    for (const bool right : {true, false}) {
        auto options = fixture::options(Role::initiator);
        options.expected = [&](BytesView key) { return std::ranges::equal(key, them) == right; };
        Side initiator{options};
        Side responder{Role::responder};
        const auto said = talk(initiator, responder);
        EXPECT_EQ(said.c.empty(), !right);
        EXPECT_EQ(initiator.secured.has_value(), right);
        if (!right) {
            EXPECT_EQ(initiator.error->code, Errc::mismatch);
        }
    }
}

class NoiseChannelTest : public testing::Test {
  protected:
    NoiseChannelTest() { talk(initiator_, responder_); }
    Channel& from() { return initiator_.channel(); }
    Channel& to() { return responder_.channel(); }

    Side initiator_{Role::initiator};
    Side responder_{Role::responder};
};

TEST_F(NoiseChannelTest, opens_the_same_text_wherever_the_stream_was_cut) {
    const auto text = pattern(2'000);
    for (std::size_t step = 1; step <= 2'108; ++step) {
        Bytes stream;
        for (const std::size_t size : {1u, 500u, 0u, 99u, 700u, 700u})
            ASSERT_TRUE(from().seal(BytesView{text}.first(size), stream));
        Bytes wanted;
        for (const std::size_t size : {1u, 500u, 99u, 700u, 700u})
            wanted.insert(wanted.end(), text.begin(),
                          text.begin() + static_cast<std::ptrdiff_t>(size));
        const auto plain = opened(to(), stream, step);
        ASSERT_TRUE(plain) << step;
        ASSERT_EQ(*plain, wanted) << step;
        EXPECT_TRUE(to().at_boundary());
    }
}

TEST_F(NoiseChannelTest, fills_its_frames_and_never_more) {
    const auto text = pattern(2 * Channel::kPlainMax + 1);
    const auto stream = sealed(from(), text);
    EXPECT_EQ(stream.size(), text.size() + 3 * 18);
    EXPECT_EQ(stream[0], 0xff);
    EXPECT_EQ(stream[1], 0xff);
    EXPECT_EQ(stream[2 * Channel::kFrameMax + 1], 17);
    for (const std::size_t step : {1'000u, 65'536u, 65'537u, 65'538u}) {
        const auto again = step == 1'000u ? stream : sealed(from(), text);
        const auto plain = opened(to(), again, step);
        ASSERT_TRUE(plain);
        EXPECT_TRUE(*plain == text);
    }
}

TEST_F(NoiseChannelTest, takes_a_frame_without_text) {
    Bytes frame{0, 16};
    frame.resize(18);
    auto ciphers = [] {
        const auto key = [](std::uint8_t byte) {
            return CipherState{crypto::Secret::from(Bytes(32, byte))};
        };
        return HandshakeXx::Ciphers{key(1), key(2)};
    };
    Channel channel{ciphers()};
    auto other = ciphers();
    ASSERT_TRUE(other.receive.encrypt({}, {}, std::span{frame}.subspan(2)));
    EXPECT_EQ(*opened(channel, frame), Bytes{});
    EXPECT_TRUE(channel.at_boundary());
}

TEST_F(NoiseChannelTest, grows_with_what_came_in_and_holds_nothing_at_rest) {
    const auto stream = sealed(from(), pattern(Channel::kPlainMax));
    const BytesView view{stream};
    EXPECT_TRUE(opened(to(), view.first(10)));
    EXPECT_LE(to().kept(), 20u);
    EXPECT_FALSE(to().at_boundary());
    EXPECT_TRUE(opened(to(), view.subspan(10, 60'000), 1'000));
    EXPECT_LE(to().kept(), Channel::kFrameMax);
    EXPECT_TRUE(opened(to(), view.subspan(60'010)));
    EXPECT_EQ(to().kept(), 0u);
}

TEST_F(NoiseChannelTest, keeps_its_room_while_frames_come_cut) {
    const auto stream = sealed(from(), pattern(10 * Channel::kPlainMax));
    const BytesView view{stream};
    EXPECT_TRUE(opened(to(), view.first(Channel::kFrameMax + 65'000), 1'000));
    const auto room = to().kept();
    EXPECT_TRUE(opened(to(), view.subspan(Channel::kFrameMax + 65'000, 65'000)));
    EXPECT_EQ(to().kept(), room);
}

/// The stream of three frames with the text before any fault still good.
std::optional<Error> refusal_of_stream(Channel& channel, BytesView stream, std::size_t& good) {
    Bytes plain;
    auto in = stream;
    const auto done = channel.open(in, plain);
    channel.check_invariants();
    good = plain.size();
    return done ? std::nullopt : std::optional{done.error()};
}

TEST_F(NoiseChannelTest, refuses_a_change_of_any_byte_and_gives_the_text_before_it) {
    std::array<Bytes, 3> frames;
    {
        Side initiator{Role::initiator};
        Side responder{Role::responder};
        talk(initiator, responder);
        for (auto& frame : frames) frame = sealed(initiator.channel(), Bytes(10, 'x'));
    }
    const Bytes stream = Writer{}.raw(frames[0]).raw(frames[1]).raw(frames[2]).bytes();
    for (std::size_t at = 0; at < stream.size(); ++at) {
        Side initiator{Role::initiator};
        Side responder{Role::responder};
        talk(initiator, responder);
        auto changed = stream;
        changed[at] ^= 4;
        // Filler for a length that grew.
        changed.resize(changed.size() + 2'000);
        std::size_t good = 0;
        const auto error = refusal_of_stream(responder.channel(), changed, good);
        ASSERT_TRUE(error) << at;
        const auto frame = at / 28;
        EXPECT_EQ(error->at, frame * 28) << at;
        EXPECT_EQ(good, frame * 10) << at;
        std::size_t none = 0;
        EXPECT_TRUE(refusal_of_stream(responder.channel(), frames[frame], none)) << "not final";
        EXPECT_EQ(none, 0u);
    }
}

TEST_F(NoiseChannelTest, refuses_frames_that_are_repeated_left_out_or_out_of_order) {
    const auto one = sealed(from(), as_bytes("one"));
    const auto two = sealed(from(), as_bytes("two"));
    const auto three = sealed(from(), as_bytes("three"));
    const auto refused = [&](std::initializer_list<Bytes> frames) {
        Side initiator{Role::initiator};
        Side responder{Role::responder};
        talk(initiator, responder);
        Writer stream;
        for (const auto& frame : frames) stream.raw(frame);
        std::size_t good = 0;
        const auto error = refusal_of_stream(responder.channel(), stream.bytes(), good);
        return error ? std::optional{error->code} : std::nullopt;
    };
    EXPECT_EQ(refused({one, two, three}), std::nullopt);
    EXPECT_EQ(refused({one, one}), Errc::mismatch);
    EXPECT_EQ(refused({one, three}), Errc::mismatch);
    EXPECT_EQ(refused({two, one}), Errc::mismatch);
    EXPECT_EQ(refused({sealed(to(), as_bytes("one"))}), Errc::mismatch);
    EXPECT_EQ(refused({{0, 15}, Bytes(15)}), Errc::truncated);
    EXPECT_EQ(refused({{0, 0}}), Errc::truncated);
}

TEST_F(NoiseChannelTest, gives_no_text_of_a_frame_that_is_not_whole) {
    const auto stream = sealed(from(), Bytes(100, 'x'));
    std::size_t good = 1;
    EXPECT_FALSE(refusal_of_stream(to(), BytesView{stream}.first(stream.size() - 1), good));
    EXPECT_EQ(good, 0u);
    EXPECT_FALSE(to().at_boundary());
}

TEST(NoiseChannel, stops_when_its_keys_have_sealed_all_that_they_may) {
    HandshakeXx::Ciphers ciphers{CipherState{crypto::Secret{}}, CipherState{crypto::Secret{}}};
    ciphers.send.set_nonce(CipherState::kNonceReserved - 1);
    Channel channel{std::move(ciphers)};
    Bytes out;
    const auto done = channel.seal(Bytes(Channel::kPlainMax + 1), out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::oversized);
    EXPECT_EQ(out.size(), Channel::kFrameMax);
}

}  // namespace
}  // namespace sennit::libp2p::noise
