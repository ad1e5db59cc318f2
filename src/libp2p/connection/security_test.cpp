// SPDX-License-Identifier: MIT
/// How connections are secured: with noise or with TLS, and what if the two sides do not agree.
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "libp2p/connection/pair.hpp"

namespace sennit::libp2p {
namespace {

using ::testing::HasSubstr;
using testing::kEach;
using testing::Pair;
using testing::Securities;

const Securities kNoise{Security::noise};
const Securities kTls{Security::tls};

Pair make_pair(const Securities& proposes, const Securities& takes, std::size_t step = 1000) {
    return Pair{step, std::nullopt, /*same_identity=*/false, proposes, takes};
}

TEST(Security, has_a_name_on_the_wire) {
    for (const auto security : kEach) EXPECT_EQ(security_of(protocol_of(security)), security);
    EXPECT_FALSE(security_of("/plaintext/2.0.0"));
}

TEST(Security, is_what_the_dialler_likes_best_and_the_listener_takes_either) {
    for (const auto& proposes : {kNoise, kTls, kEach, Securities{Security::tls, Security::noise}}) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{100'000}}) {
            auto pair = make_pair(proposes, kEach, step);
            pair.run();
            ASSERT_TRUE(pair.dialler.ready && pair.listener.ready);
            EXPECT_EQ(pair.dialler.ready->security, proposes.front());
            EXPECT_EQ(pair.listener.ready->security, proposes.front());
            EXPECT_EQ(pair.dialler.ready->peer, pair.listener.identity().peer_id());
            EXPECT_EQ(pair.listener.ready->peer, pair.dialler.identity().peer_id());
            EXPECT_TRUE(pair.dialler.ready->early_muxer && pair.listener.ready->early_muxer);
        }
    }
}

TEST(Security, needs_three_flights_with_tls_too) {
    auto pair = make_pair(kTls, kEach, 100'000);
    (void)pair.carry(pair.dialler, pair.listener);
    (void)pair.carry(pair.listener, pair.dialler);
    EXPECT_TRUE(pair.dialler.ready);
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    pair.dialler.connection->write(id, as_bytes("hello"));
    (void)pair.carry(pair.dialler, pair.listener);
    ASSERT_TRUE(pair.listener.ready);
    (void)pair.carry(pair.listener, pair.dialler);
    EXPECT_EQ(pair.dialler.received[id], "hello");
}

TEST(Security, carries_a_megabyte_each_way_over_tls) {
    auto pair = make_pair(kTls, kEach, 20'000);
    pair.run();
    const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
    std::string all;
    for (int i = 0; all.size() < 1'000'000; ++i) all += std::to_string(i);
    for (std::size_t sent = 0; sent < all.size(); pair.run()) {
        const auto rest = std::string_view{all}.substr(sent);
        sent += pair.dialler.connection->write(id, as_bytes(rest));
    }
    EXPECT_EQ(pair.dialler.received[id], all);
}

TEST(Security, gives_a_link_no_more_than_it_takes) {
    for (const auto& proposes : {kNoise, kTls}) {
        auto pair = make_pair(proposes, kEach);
        pair.run();
        const auto id = *pair.dialler.connection->open({"/echo"}, pair.now);
        pair.dialler.connection->write(id, Bytes(100'000, 1));
        for (const std::size_t room : {100u, 1100u, 1500u, 4096u, 20'000u}) {
            Bytes out;
            EXPECT_LE(pair.dialler.connection->transmit(room, pair.now, out), room);
            EXPECT_EQ(out.empty(), room < 1100) << "too little to be worth a frame";
        }
    }
}

TEST(Security, that_the_listener_does_not_take_is_told_to_the_dialler) {
    for (const bool noise : {true, false}) {
        auto pair = make_pair(noise ? kNoise : kTls, noise ? kTls : kNoise);
        pair.run();
        ASSERT_TRUE(pair.dialler.closed && pair.listener.closed);
        EXPECT_EQ(pair.dialler.closed->code, Errc::unsupported);
        EXPECT_THAT(pair.dialler.closed->text(), HasSubstr("negotiating security"));
        EXPECT_TRUE(pair.dialler.connection->security_refused());
        EXPECT_FALSE(pair.listener.connection->security_refused());
    }
}

TEST(Security, may_be_the_second_choice_on_another_connection) {
    Pair pair{1000, std::nullopt, /*same_identity=*/false, kEach, kTls};
    pair.dialler.connection =
        std::make_unique<Connection>(Connection::Role::dialler, pair.dialler.config,
                                     testing::x25519(103), std::nullopt, pair.now, /*proposal=*/1);
    pair.run();
    ASSERT_TRUE(pair.dialler.ready);
    EXPECT_EQ(pair.dialler.ready->security, Security::tls);
    EXPECT_FALSE(pair.dialler.connection->security_refused());
}

TEST(Security, proves_with_tls_too_that_nobody_else_is_there) {
    Pair other{1000, testing::identity(9).peer_id(), /*same_identity=*/false, kTls};
    other.run();
    ASSERT_TRUE(other.dialler.closed && other.listener.closed);
    EXPECT_EQ(other.dialler.closed->code, Errc::mismatch);
    EXPECT_THAT(other.dialler.closed->text(), HasSubstr("another peer than expected"));
    EXPECT_FALSE(other.listener.ready);
    Pair self{1000, std::nullopt, /*same_identity=*/true, kTls};
    self.run();
    ASSERT_TRUE(self.dialler.closed);
    EXPECT_EQ(self.dialler.closed->code, Errc::mismatch);
}

TEST(Security, lets_tls_be_refused_too_before_the_remote_knows_who_we_are) {
    auto pair = make_pair(kTls, kEach);
    pair.dialler.refuses = true;
    pair.run();
    EXPECT_EQ(pair.dialler.secured, pair.listener.identity().peer_id());
    EXPECT_TRUE(pair.dialler.closed);
    EXPECT_FALSE(pair.listener.secured || pair.listener.ready);
}

TEST(Security, names_tls_when_its_handshake_or_a_record_breaks) {
    auto pair = make_pair(kTls, kEach);
    pair.run();
    (void)pair.dialler.connection->open({"/echo"}, pair.now);
    Bytes out;
    pair.dialler.connection->transmit(100'000, pair.now, out);
    out.back() ^= 1u;
    pair.listener.connection->on_bytes(out, pair.now);
    pair.listener.take_events(pair.now);
    ASSERT_TRUE(pair.listener.closed);
    EXPECT_THAT(pair.listener.closed->text(), HasSubstr("tls"));
    auto fresh = make_pair(kTls, kEach);
    const std::string hello = "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\nGET / HTTP/1.1";
    fresh.listener.connection->on_bytes(as_bytes(hello), fresh.now);
    fresh.listener.take_events(fresh.now);
    ASSERT_TRUE(fresh.listener.closed);
    EXPECT_THAT(fresh.listener.closed->text(), HasSubstr("tls handshake"));
}

/// Goal: a client as those that offer "libp2p" alone, and ask for the muxer in the channel.
TEST(Security, agrees_on_the_muxer_after_tls_with_peers_that_offer_none_in_it) {
    Pair pair{1000};
    auto& listener = *pair.listener.connection;
    tls::Handshake client{
        {.role = tls::Role::client,
         .credentials = std::make_shared<tls::Credentials>(testing::identity(7))}};
    Bytes out;
    multistream::Dialler security{{"/tls/1.0.0"}};
    security.start(out);
    client.start(out);
    std::optional<tls::Secured> secured;
    std::string heard;
    for (bool asked = false; !out.empty();) {
        listener.on_bytes(std::exchange(out, {}), pair.now);
        pair.listener.take_events(pair.now);
        Bytes back;
        listener.transmit(1 << 20, pair.now, back);
        BytesView in{back};
        if (!secured) {
            ASSERT_TRUE(security.on_bytes(in, out));
            auto done = client.on_bytes(in, pair.now, out);
            ASSERT_TRUE(done);
            if (*done) secured = **std::move(done);
        }
        if (!secured) continue;
        Bytes plain;
        ASSERT_TRUE(secured->channel.open(in, plain));
        heard += as_text(plain);
        if (std::exchange(asked, true)) continue;
        Bytes question;
        multistream::Dialler{{"/yamux/1.0.0"}}.start(question);
        ASSERT_TRUE(secured->channel.seal(question, out));
    }
    ASSERT_TRUE(pair.listener.ready);
    EXPECT_FALSE(pair.listener.ready->early_muxer);
    EXPECT_EQ(pair.listener.ready->peer, testing::identity(7).peer_id());
    EXPECT_THAT(heard, HasSubstr("/yamux/1.0.0"));
}

/// A client of OpenSSL alone, which can close its channel in order.
class Client {
  public:
    Client() : credentials_{testing::credentials(7)} {
        SSL_use_certificate(ssl_.get(), SSL_CTX_get0_certificate(credentials_->context()));
        SSL_use_PrivateKey(ssl_.get(), SSL_CTX_get0_privatekey(credentials_->context()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        const auto muxer = as_bytes("\x0c/yamux/1.0.0");
        SSL_set_alpn_protos(ssl_.get(), muxer.data(), static_cast<unsigned>(muxer.size()));
        SSL_set_connect_state(ssl_.get());
    }
    Bytes shake_hands(BytesView in) {
        BIO_write(SSL_get_rbio(ssl_.get()), in.data(), static_cast<int>(in.size()));
        SSL_do_handshake(ssl_.get());
        return taken();
    }
    Bytes say_and_close(BytesView plain) {
        SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        SSL_shutdown(ssl_.get());
        return taken();
    }

  private:
    Bytes taken() {
        Bytes out(100'000);
        const int size = BIO_read(SSL_get_wbio(ssl_.get()), out.data(), 100'000);
        out.resize(static_cast<std::size_t>(std::max(size, 0)));
        return out;
    }
    std::shared_ptr<tls::Credentials> credentials_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_method()),
                                                               SSL_CTX_free};
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{SSL_new(context_.get()), SSL_free};
};

TEST(Security, lets_the_last_words_be_read_that_come_with_the_end_of_tls) {
    for (const bool go_away : {false, true}) {
        Pair pair{1000};
        auto& listener = *pair.listener.connection;
        Client client;
        const std::string proposal = "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n";
        listener.on_bytes(as_bytes(proposal), pair.now);
        listener.on_bytes(client.shake_hands({}), pair.now);
        Bytes flight;
        listener.transmit(1 << 20, pair.now, flight);
        listener.on_bytes(client.shake_hands(BytesView{flight}.subspan(proposal.size())), pair.now);
        pair.listener.take_events(pair.now);
        ASSERT_TRUE(pair.listener.ready);

        // A stream with its data and FIN, then maybe GO_AWAY.
        const std::string words = "\x13/multistream/1.0.0\n\x06/echo\nlast words";
        Bytes plain{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, static_cast<std::uint8_t>(words.size())};
        plain.insert(plain.end(), words.begin(), words.end());
        const Bytes fin{0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0};
        plain.insert(plain.end(), fin.begin(), fin.end());
        const Bytes leaving{0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        if (go_away) plain.insert(plain.end(), leaving.begin(), leaving.end());
        listener.on_bytes(client.say_and_close(plain), pair.now);
        std::string heard;
        bool ended = false;
        std::optional<Connection::Closed> closed;
        while (auto event = listener.poll_event(pair.now)) {
            listener.check_invariants();
            ASSERT_FALSE(closed);
            if (const auto* readable = std::get_if<Connection::StreamReadable>(&*event)) {
                const auto text = to_bytes(listener.readable(readable->id));
                heard += as_text(text);
                listener.consume(readable->id, text.size(), pair.now);
            }
            ended = ended || std::holds_alternative<Connection::StreamRemoteClosed>(*event);
            if (auto* over = std::get_if<Connection::Closed>(&*event)) closed = std::move(*over);
        }
        EXPECT_EQ(heard, "last words");
        EXPECT_TRUE(ended);
        ASSERT_TRUE(closed);
        EXPECT_TRUE(closed->peer_left);
    }
}

}  // namespace
}  // namespace sennit::libp2p
