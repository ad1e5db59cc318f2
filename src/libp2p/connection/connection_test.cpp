// SPDX-License-Identifier: MIT
#include "libp2p/connection/connection.hpp"

#include <gmock/gmock.h>

#include "libp2p/connection/pair.hpp"

namespace sennit::libp2p {
namespace {

using ::testing::HasSubstr;
using testing::Pair;
using namespace std::chrono_literals;

TEST(Connection, is_ready_on_both_sides_and_knows_who_is_there) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        Pair pair{step};
        pair.run();
        ASSERT_TRUE(pair.dialler.ready && pair.listener.ready);
        EXPECT_EQ(pair.dialler.ready->peer, pair.listener.identity().peer_id());
        EXPECT_EQ(pair.listener.ready->peer, pair.dialler.identity().peer_id());
        EXPECT_TRUE(pair.dialler.ready->early_muxer);
        EXPECT_EQ(pair.dialler.connection->next_wake(), pair.dialler.connection->next_wake());
    }
}

/// Goal: header, proposal and handshake A; header, echo and B; C and the muxer's first frame.
TEST(Connection, needs_three_flights_until_streams_run) {
    Pair pair{100'000};
    EXPECT_GT(pair.carry(pair.dialler, pair.listener), 0u);
    EXPECT_GT(pair.carry(pair.listener, pair.dialler), 0u);
    EXPECT_TRUE(pair.dialler.ready) << "it knows the listener now, and that they both speak yamux";
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    pair.dialler.connection->write(id, as_bytes("hello"));
    pair.carry(pair.dialler, pair.listener);
    ASSERT_TRUE(pair.listener.ready);
    EXPECT_EQ(pair.listener.protocols.size(), 1u);
    pair.carry(pair.listener, pair.dialler);
    EXPECT_EQ(pair.dialler.received[id], "hello") << "an answer after three round trips";
}

TEST(Connection, carries_what_streams_say_wherever_the_link_cuts) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{13}, std::size_t{100'000}}) {
        Pair pair{step};
        pair.run();
        const auto one = *pair.dialler.connection->open({"/echo"}, pair.now);
        const auto two = *pair.listener.connection->open({"/none", "/echo"}, pair.now);
        EXPECT_EQ(pair.dialler.connection->write(one, as_bytes("lazy")), 4u);
        EXPECT_EQ(pair.listener.connection->write(two, as_bytes("not yet")), 0u)
            << "two proposals: nobody knows which it will be";
        pair.run();
        EXPECT_EQ(pair.dialler.agreed[one], "/echo");
        EXPECT_EQ(pair.listener.agreed[two], "/echo");
        EXPECT_EQ(pair.listener.connection->write(two, as_bytes("late")), 4u);
        pair.run();
        EXPECT_EQ(pair.dialler.received[one], "lazy");
        EXPECT_EQ(pair.listener.received[two], "late");
    }
}

TEST(Connection, closes_streams_in_both_directions_and_forgets_them) {
    Pair pair{1000};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    pair.dialler.connection->write(id, as_bytes("x"));
    pair.dialler.connection->close_write(id);
    pair.run();
    EXPECT_EQ(pair.dialler.received[id], "x");
    EXPECT_TRUE(pair.dialler.remote_closed.contains(id));
    EXPECT_EQ(pair.dialler.connection->write(id, as_bytes("y")), 0u);
    EXPECT_TRUE(pair.dialler.failed.empty());
}

TEST(Connection, says_that_the_peer_speaks_no_such_protocol) {
    Pair pair{1000};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/none", "/neither"}, pair.now);
    pair.run();
    ASSERT_TRUE(pair.dialler.failed.contains(id));
    EXPECT_EQ(pair.dialler.failed.at(id).code, Errc::unsupported);
    EXPECT_TRUE(pair.listener.protocols.empty());
    EXPECT_EQ(pair.listener.connection->negotiations(), 0u);
}

TEST(Connection, carries_a_megabyte_each_way) {
    Pair pair{20'000};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    std::string all;
    for (int i = 0; all.size() < 1'000'000; ++i) all += std::to_string(i);
    std::size_t sent = 0;
    while (sent < all.size()) {
        const auto taken =
            pair.dialler.connection->write(id, as_bytes(std::string_view{all}.substr(sent)));
        sent += taken;
        pair.run();
    }
    EXPECT_EQ(pair.dialler.received[id], all);
}

/// A peer as rust-libp2p is: it names no muxers in its handshake, and negotiates them after it.
class OldPeer {
  public:
    explicit OldPeer(noise::Role role) : role_{role}, key_{testing::identity(7)} {
        noise::Handshake::Options options{
            .role = role,
            .identity = {key_.public_key().encode(),
                         [this](BytesView message) { return key_.sign(message); }},
            .verify = [](BytesView, BytesView, BytesView) { return true; },
            .local_static = testing::x25519(70),
            .local_ephemeral = testing::x25519(71)};
        handshake_.emplace(std::move(options));
    }

    /// Talks until it has nothing more to say; the muxer is agreed on then, or never.
    void talk(testing::End& with, Now now) {
        Bytes out = begin();
        for (int i = 0; i < 10; ++i) {
            if (!out.empty()) with.connection->on_bytes(out, now);
            with.take_events(now);
            out.clear();
            Bytes in;
            if (with.connection->transmit(100'000, now, in) == 0) return;
            out = answer(in);
        }
    }
    PeerId id() const { return key_.peer_id(); }
    std::optional<std::string> muxer;

  private:
    Bytes begin() {
        Bytes out;
        if (role_ == noise::Role::initiator) security_dialler_.start(out);
        return out;
    }
    Bytes answer(BytesView in) {
        Bytes out;
        if (!secured_) {
            const bool agreed = role_ == noise::Role::initiator ? step(security_dialler_, in, out)
                                                                : step(security_listener_, in, out);
            if (!agreed) return out;
            if (!started_) handshake_->start(out);
            started_ = true;
            auto secured = handshake_->on_bytes(in, out);
            EXPECT_TRUE(secured);
            if (!*secured) return out;
            secured_ = **std::move(secured);
            if (role_ == noise::Role::initiator) {
                Bytes plain;
                muxer_dialler_.start(plain);
                EXPECT_TRUE(secured_->channel.seal(plain, out));
            }
        }
        if (muxer) return out;  // what comes now is the muxer's
        Bytes plain;
        EXPECT_TRUE(secured_->channel.open(in, plain));
        BytesView rest{plain};
        Bytes said;
        const auto agreed = role_ == noise::Role::initiator ? muxer_dialler_.on_bytes(rest, said)
                                                            : muxer_listener_.on_bytes(rest, said);
        EXPECT_TRUE(agreed);
        if (*agreed && !muxer) muxer = **agreed;
        EXPECT_TRUE(secured_->channel.seal(said, out));
        return out;
    }
    template <class Side>
    bool step(Side& side, BytesView& in, Bytes& out) {
        if (security_agreed_) return true;
        const auto agreed = side.on_bytes(in, out);
        EXPECT_TRUE(agreed);
        security_agreed_ = agreed->has_value();
        return security_agreed_;
    }

    noise::Role role_;
    PrivateKey key_;
    std::optional<noise::Handshake> handshake_;
    std::optional<noise::Secured> secured_;
    multistream::Dialler security_dialler_{{"/noise"}};
    multistream::Listener security_listener_{[](auto name) { return name == "/noise"; }};
    multistream::Dialler muxer_dialler_{{"/mplex/6.7.0", "/yamux/1.0.0"}};
    multistream::Listener muxer_listener_{[](auto name) { return name == "/yamux/1.0.0"; }};
    bool security_agreed_{false};
    bool started_{false};
};

TEST(Connection, agrees_on_the_muxer_afterwards_with_peers_that_name_none_in_the_handshake) {
    {
        Pair pair{1000};
        OldPeer peer{noise::Role::responder};
        peer.talk(pair.dialler, pair.now);
        ASSERT_TRUE(pair.dialler.ready);
        EXPECT_FALSE(pair.dialler.ready->early_muxer);
        EXPECT_EQ(pair.dialler.ready->peer, peer.id());
        EXPECT_EQ(peer.muxer, "/yamux/1.0.0");
    }
    Pair pair{1000};
    OldPeer peer{noise::Role::initiator};
    peer.talk(pair.listener, pair.now);
    ASSERT_TRUE(pair.listener.ready);
    EXPECT_FALSE(pair.listener.ready->early_muxer);
    EXPECT_EQ(peer.muxer, "/yamux/1.0.0") << "its second proposal";
}

TEST(Connection, refuses_somebody_else_than_was_dialled_before_it_says_who_it_is) {
    Pair pair{1000, testing::identity(9).peer_id()};
    pair.run();
    ASSERT_TRUE(pair.dialler.closed);
    EXPECT_EQ(pair.dialler.closed->code, Errc::mismatch);
    EXPECT_FALSE(pair.listener.ready);
}

TEST(Connection, can_refuse_who_it_dialled_before_it_says_who_it_is) {
    Pair pair{100'000};
    pair.dialler.refuses = true;
    pair.run();
    EXPECT_EQ(pair.dialler.secured, pair.listener.identity().peer_id());
    EXPECT_TRUE(pair.dialler.closed);
    EXPECT_FALSE(pair.dialler.ready);
    EXPECT_FALSE(pair.listener.secured) << "it never knew";
    EXPECT_FALSE(pair.listener.closed) << "and waits for the link's end";
}

TEST(Connection, tells_whom_it_refuses_once_both_know_each_other) {
    Pair pair{100'000};
    pair.listener.refuses = true;
    pair.run();
    EXPECT_TRUE(pair.listener.closed);
    EXPECT_FALSE(pair.listener.ready);
    ASSERT_TRUE(pair.dialler.closed);
    EXPECT_THAT(pair.dialler.closed->text(), HasSubstr("the peer left"));
}

TEST(Connection, counts_streams_whose_protocol_is_agreed_on_or_that_it_opened) {
    Pair pair{100'000};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    EXPECT_EQ(pair.dialler.connection->streams_size(), 1u);
    EXPECT_EQ(pair.listener.connection->streams_size(), 0u);
    pair.run();
    EXPECT_EQ(pair.listener.connection->streams(), std::vector{id});
    EXPECT_EQ(pair.listener.connection->streams_size(), 1u);
    pair.dialler.connection->reset(id);
    pair.run();
    EXPECT_EQ(pair.dialler.connection->streams_size(), 0u);
    EXPECT_EQ(pair.listener.connection->streams_size(), 0u);
}

TEST(Connection, refuses_itself) {
    Pair pair{1000, std::nullopt, /*same_identity=*/true};
    pair.run();
    ASSERT_TRUE(pair.dialler.closed);
    EXPECT_EQ(pair.dialler.closed->code, Errc::mismatch);
}

TEST(Connection, gives_an_upgrade_its_time_and_no_more) {
    Pair pair{1000};
    EXPECT_EQ(pair.listener.connection->next_wake(), pair.now.at + 10s);
    pair.now.at += 10s;
    pair.listener.connection->on_time(pair.now);
    pair.listener.take_events(pair.now);
    ASSERT_TRUE(pair.listener.closed);
    EXPECT_EQ(pair.listener.closed->code, Errc::timeout);
    EXPECT_EQ(pair.listener.connection->next_wake(), Instant::max());
}

TEST(Connection, gives_a_streams_negotiation_its_time) {
    Pair pair{1000};
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    EXPECT_EQ(pair.dialler.connection->next_wake(), pair.now.at + 10s);
    pair.now.at += 10s;
    pair.dialler.connection->on_time(pair.now);
    pair.dialler.take_events(pair.now);
    ASSERT_TRUE(pair.dialler.failed.contains(id));
    EXPECT_EQ(pair.dialler.failed.at(id).code, Errc::timeout);
}

TEST(Connection, names_the_stage_in_which_it_broke) {
    struct Bad {
        std::string bytes;
        const char* text;
    };
    const std::string header = "\x13/multistream/1.0.0\n";
    for (const auto& [bytes, text] :
         {Bad{"GET / HTTP/1.1\r\n\r\n" + std::string(100, ' '), "negotiating security"},
          Bad{header + "\x07/noise\n" + std::string(200, '\0'), "noise handshake"}}) {
        Pair pair{1000};
        pair.listener.connection->on_bytes(as_bytes(bytes), pair.now);
        pair.listener.take_events(pair.now);
        ASSERT_TRUE(pair.listener.closed) << text;
        EXPECT_THAT(pair.listener.closed->text(), HasSubstr(text));
        pair.listener.connection->on_bytes(as_bytes(bytes), pair.now);
        EXPECT_FALSE(pair.listener.connection->poll_event(pair.now)) << "closed once";
    }
}

TEST(Connection, ends_at_a_frame_that_somebody_changed) {
    Pair pair{1000};
    pair.run();
    (void)pair.dialler.connection->open({"/echo"}, pair.now);
    Bytes out;
    pair.dialler.connection->transmit(100'000, pair.now, out);
    out.back() ^= 1u;
    pair.listener.connection->on_bytes(out, pair.now);
    pair.listener.take_events(pair.now);
    ASSERT_TRUE(pair.listener.closed);
    EXPECT_THAT(pair.listener.closed->text(), HasSubstr("noise"));
}

TEST(Connection, tells_the_peer_when_it_leaves) {
    Pair pair{1000};
    pair.run();
    (void)pair.listener.connection->open({"/echo"}, pair.now);
    pair.run();
    pair.dialler.connection->close();
    pair.run();
    EXPECT_TRUE(pair.dialler.closed);
    EXPECT_TRUE(pair.listener.closed);
    EXPECT_EQ(pair.dialler.connection->open({"/echo"}, pair.now).error().code, Errc::unsupported);
}

TEST(Connection, says_why_when_the_link_goes_down) {
    Pair pair{1000};
    pair.run();
    pair.dialler.connection->on_link_down({Errc::io, "cable cut", Error::kNowhere, {}});
    pair.dialler.take_events(pair.now);
    ASSERT_TRUE(pair.dialler.closed);
    EXPECT_EQ(pair.dialler.closed->what, "cable cut");
}

TEST(Connection, opens_no_stream_before_it_is_ready) {
    Pair pair{1000};
    EXPECT_EQ(pair.dialler.connection->open({"/echo"}, pair.now).error().code, Errc::unsupported);
}

TEST(Connection, resets_streams_of_a_peer_that_closes_before_it_says_what_they_are) {
    Pair pair{1000};
    pair.run();
    for (int i = 0; i < 20; ++i) {
        const auto id = *pair.dialler.connection->open({"/none"}, pair.now);
        pair.dialler.connection->close_write(id);
        pair.run();
        EXPECT_TRUE(pair.dialler.failed.contains(id));
    }
    EXPECT_EQ(pair.listener.connection->negotiations(), 0u);
    EXPECT_TRUE(pair.listener.failed.empty()) << "they were nobody's";
}

}  // namespace
}  // namespace sennit::libp2p
