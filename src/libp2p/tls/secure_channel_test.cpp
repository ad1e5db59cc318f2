// SPDX-License-Identifier: MIT
#include "libp2p/tls/secure_channel.hpp"

#include <set>

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "base/bytes.hpp"
#include "libp2p/tls/testing.hpp"

namespace sennit::libp2p::tls {
namespace {

using ::testing::HasSubstr;
using testing::identity;
using testing::kNow;
using testing::Side;
using testing::talk;

std::vector<std::string> muxers(std::string_view a, std::string_view b = {}) {
    std::vector<std::string> out{std::string{a}};
    if (!b.empty()) out.emplace_back(b);
    return out;
}

TEST(TlsHandshake, tells_each_side_who_the_other_is_wherever_the_stream_is_cut) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1'000'000}}) {
        Side client{Role::client, 1};
        Side server{Role::server, 2};
        talk(client, server, step);
        ASSERT_TRUE(client.secured && server.secured);
        EXPECT_EQ(client.secured->remote_key, identity(2).public_key());
        EXPECT_EQ(server.secured->remote_key, identity(1).public_key());
        EXPECT_EQ(client.secured->stream_muxer, "/yamux/1.0.0");
        EXPECT_EQ(server.secured->stream_muxer, "/yamux/1.0.0");
    }
}

TEST(TlsHandshake, takes_two_flights_for_the_client_and_leaves_what_follows_alone) {
    Side client{Role::client, 1};
    Side server{Role::server, 2};
    server.hear(std::exchange(client.out, {}));
    client.hear(std::exchange(server.out, {}));
    ASSERT_TRUE(client.secured);
    EXPECT_FALSE(server.secured);
    auto flight = std::exchange(client.out, {});
    ASSERT_TRUE(client.secured->channel.seal(as_bytes("at once"), flight));
    BytesView in{flight};
    auto done = server.handshake.on_bytes(in, kNow, server.out);
    ASSERT_TRUE(done && *done);
    EXPECT_FALSE(in.empty());
    Bytes text;
    ASSERT_TRUE((*done)->channel.open(in, text));
    EXPECT_EQ(as_text(text), "at once");
    EXPECT_TRUE(server.out.empty()) << "no tickets";
}

TEST(TlsHandshake, agrees_on_the_clients_first_muxer_that_the_server_speaks) {
    Side client{Role::client, 1, {}, muxers("/mplex/6.7.0", "/yamux/1.0.0")};
    Side server{Role::server, 2};
    talk(client, server);
    ASSERT_TRUE(client.secured);
    EXPECT_EQ(client.secured->stream_muxer, "/yamux/1.0.0");
    Side none{Role::client, 1, {}, {}};
    Side other{Role::server, 2};
    talk(none, other);
    ASSERT_TRUE(none.secured && other.secured);
    EXPECT_FALSE(none.secured->stream_muxer) << "negotiated afterwards";
    EXPECT_FALSE(other.secured->stream_muxer);
}

TEST(TlsHandshake, ends_before_the_client_says_who_it_is_when_it_expected_somebody_else) {
    Side client{Role::client, 1, [](const PublicKey&) { return false; }};
    Side server{Role::server, 2};
    talk(client, server);
    ASSERT_TRUE(client.failed);
    EXPECT_EQ(client.failed->code, Errc::mismatch);
    EXPECT_THAT(client.failed->text(), HasSubstr("another peer than expected"));
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::io) << "it was told";
    EXPECT_FALSE(server.secured);
}

TEST(TlsHandshake, lets_a_server_refuse_and_the_client_hear_of_it_in_its_channel) {
    Side client{Role::client, 1};
    Side server{Role::server, 2, [](const PublicKey&) { return false; }};
    talk(client, server);
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::mismatch);
    EXPECT_TRUE(client.secured);
    ASSERT_TRUE(client.failed);
    EXPECT_EQ(client.failed->code, Errc::io);
    EXPECT_THAT(client.failed->text(), HasSubstr("alert"));
}

TEST(TlsHandshake, refuses_certificates_at_times_when_they_are_not_valid) {
    Side client{Role::client, 1};
    Side server{Role::server, 2};
    talk(client, server, 1000, Now{kNow.at, UnixTime{}});
    ASSERT_TRUE(client.failed);
    EXPECT_EQ(client.failed->code, Errc::timeout) << "in 1970";
}

TEST(TlsHandshake, refuses_what_is_no_tls) {
    for (const auto* bytes : {"GET / HTTP/1.1\r\n\r\n", "\x13/multistream/1.0.0\n"}) {
        Side server{Role::server, 2};
        server.hear(as_bytes(std::string_view{bytes}));
        ASSERT_TRUE(server.failed);
        EXPECT_EQ(server.failed->code, Errc::malformed);
        EXPECT_EQ(server.failed->at, 0u);
    }
    Side server{Role::server, 2};
    server.hear(Bytes{22, 3, 1, 0x7f, 0xff});
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::oversized);
}

TEST(TlsHandshake, keeps_no_more_than_a_limit_whatever_comes) {
    Side server{Role::server, 2};
    // A ClientHello that promises 128 KiB, in records that are full.
    Bytes record{22, 3, 1, 0x40, 0x00, 1, 2, 0, 0};
    record.resize(5 + 0x4000);
    for (int i = 0; i < 10 && !server.failed; ++i) server.hear(record);
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::oversized) << server.failed->text();
    EXPECT_LE(server.failed->at, Handshake::kBytesMax + record.size());
    // A hello, and then nothing but records that mean nothing.
    Side client{Role::client, 1};
    Side other{Role::server, 2};
    other.hear(client.out);
    const Bytes nothing{20, 3, 3, 0, 1, 1};
    for (std::size_t i = 0; i < Handshake::kBytesMax && !other.failed; i += nothing.size())
        other.hear(nothing);
    EXPECT_TRUE(other.failed);
}

/// Somebody else's TLS: OpenSSL as its users set it up, without what libp2p asks for.
class Stranger {
  public:
    explicit Stranger(Role role, int version_max = TLS1_3_VERSION)
        : context_{SSL_CTX_new(TLS_method()), SSL_CTX_free} {
        SSL_CTX_set_max_proto_version(context_.get(), version_max);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (role == Role::client) {
            SSL_set_connect_state(ssl_.get());
        } else {
            SSL_set_accept_state(ssl_.get());
        }
    }
    Bytes answer(BytesView in) {
        BIO_write(SSL_get_rbio(ssl_.get()), in.data(), static_cast<int>(in.size()));
        SSL_do_handshake(ssl_.get());
        Bytes out(100'000);
        const int size = BIO_read(SSL_get_wbio(ssl_.get()), out.data(), 100'000);
        out.resize(static_cast<std::size_t>(std::max(size, 0)));
        return out;
    }
    /// What a libp2p peer would show.
    void shows(Credentials& credentials) {
        SSL_use_certificate(ssl_.get(), SSL_CTX_get0_certificate(credentials.context()));
        SSL_use_PrivateKey(ssl_.get(), SSL_CTX_get0_privatekey(credentials.context()));
    }
    SSL* ssl() { return ssl_.get(); }

  private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
};

TEST(TlsHandshake, refuses_a_client_without_a_certificate) {
    Stranger client{Role::client};
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    server.hear(client.answer(std::exchange(server.out, {})));
    ASSERT_TRUE(server.failed);
    EXPECT_THAT(server.failed->text(), HasSubstr("peer did not return a certificate"));
}

TEST(TlsHandshake, refuses_tls_1_2) {
    Stranger client{Role::client, TLS1_2_VERSION};
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    ASSERT_TRUE(server.failed);
    EXPECT_THAT(server.failed->text(), HasSubstr("unsupported protocol"));
}

TEST(TlsHandshake, refuses_a_client_that_offers_other_protocols) {
    Stranger client{Role::client};
    const Bytes offer{2, 'h', '2'};
    SSL_set_alpn_protos(client.ssl(), offer.data(), 3);
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::unsupported);
}

TEST(TlsHandshake, refuses_a_second_certificate) {
    Stranger client{Role::client};
    Credentials credentials{identity(1)};
    client.shows(credentials);
    const auto* at = credentials.certificate().data();
    auto* const more = d2i_X509(nullptr, &at, static_cast<long>(credentials.certificate().size()));
    SSL_add0_chain_cert(client.ssl(), more);
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    server.hear(client.answer(std::exchange(server.out, {})));
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::trailing);
}

TEST(TlsHandshake, takes_a_client_that_offers_no_protocol_at_all) {
    Stranger client{Role::client};
    Credentials credentials{identity(1)};
    client.shows(credentials);
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    server.hear(client.answer(std::exchange(server.out, {})));
    ASSERT_TRUE(server.secured) << server.failed->text();
    EXPECT_FALSE(server.secured->stream_muxer);
}

/// The hello as whoever is on the path sees it: record, message, random, session id, then ciphers.
TEST(TlsHandshake, names_no_server_and_resumes_nothing) {
    Side client{Role::client, 1};
    Reader hello{client.out};
    (void)hello.take(5 + 4 + 2 + 32);
    (void)hello.take(*hello.be<std::uint8_t>());
    (void)hello.take(*hello.be<std::uint16_t>());
    (void)hello.take(*hello.be<std::uint8_t>());
    (void)hello.be<std::uint16_t>();
    std::set<std::uint16_t> extensions;
    while (!hello.empty()) {
        extensions.insert(*hello.be<std::uint16_t>());
        (void)hello.take(*hello.be<std::uint16_t>());
    }
    EXPECT_TRUE(extensions.contains(16)) << "ALPN";
    EXPECT_TRUE(extensions.contains(43)) << "supported versions";
    for (const auto unwanted :
         std::vector<std::uint16_t>{0, 35, 41, 42})  // SNI, ticket, PSK, early data
        EXPECT_FALSE(extensions.contains(unwanted)) << unwanted;
}

struct Pair {
    Pair() {
        talk(client, server);
        SENNIT_ASSERT(client.secured && server.secured);
    }
    Side client{Role::client, 1};
    Side server{Role::server, 2};
};

TEST(TlsChannel, carries_text_both_ways_wherever_the_stream_is_cut) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{999}, std::size_t{1'000'000}}) {
        Pair pair;
        std::string all;
        for (int i = 0; all.size() < 50'000; ++i) all += std::to_string(i);
        Bytes there;
        Bytes back;
        ASSERT_TRUE(pair.client.secured->channel.seal(as_bytes(all), there));
        EXPECT_LE(there.size(), all.size() + 4 * 22) << "full records";
        ASSERT_TRUE(pair.server.secured->channel.seal(as_bytes("yes"), back));
        pair.server.hear(there, step);
        pair.client.hear(back, step);
        EXPECT_EQ(as_text(pair.server.text), all);
        EXPECT_EQ(as_text(pair.client.text), "yes");
        EXPECT_EQ(pair.server.secured->channel.kept(), 0u);
    }
}

TEST(TlsChannel, ends_for_good_at_a_record_that_somebody_changed_repeated_or_left_out) {
    for (const int what : {0, 1, 2}) {
        Pair pair;
        Bytes one;
        Bytes two;
        ASSERT_TRUE(pair.client.secured->channel.seal(as_bytes("one"), one));
        ASSERT_TRUE(pair.client.secured->channel.seal(as_bytes("two"), two));
        if (what == 0) two.back() ^= 1u;
        if (what != 2) pair.server.hear(one);
        if (what == 1) pair.server.hear(one);
        pair.server.hear(two);
        ASSERT_TRUE(pair.server.failed);
        EXPECT_EQ(pair.server.failed->code, Errc::mismatch) << pair.server.failed->text();
        EXPECT_EQ(as_text(pair.server.text), what == 2 ? "" : "one");
        BytesView rest{one};
        Bytes text;
        EXPECT_FALSE(pair.server.secured->channel.open(rest, text));
        EXPECT_TRUE(text.empty() && rest.empty());
        EXPECT_FALSE(pair.server.secured->channel.seal(as_bytes("x"), text));
    }
}

/// Goal: a peer that keeps us busy with changes of keys, or has us pile up the answers. Method: a
/// stranger with a certificate.
TEST(TlsChannel, bears_so_many_changes_of_keys_in_a_row_and_unanswered) {
    for (const bool speaks : {false, true}) {
        Stranger client{Role::client};
        Credentials credentials{identity(1)};
        client.shows(credentials);
        Side server{Role::server, 2};
        server.hear(client.answer({}));
        server.hear(client.answer(std::exchange(server.out, {})));
        ASSERT_TRUE(server.secured);
        const auto update = [&] {
            SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
            if (speaks) SSL_write(client.ssl(), "x", 1);
            server.hear(client.answer({}));
        };
        for (std::size_t i = 0; i < Channel::kIdleRecordsMax; ++i) update();
        ASSERT_FALSE(server.failed);
        auto& channel = server.secured->channel;
        Bytes out;
        const auto overhead = channel.overhead();
        ASSERT_TRUE(channel.seal(as_bytes("x"), out));
        EXPECT_EQ(out.size(), 1 + overhead);
        EXPECT_EQ(channel.overhead(), Channel::kRecordOverhead + Channel::kKeyUpdateSize);
        if (speaks) {
            for (std::size_t i = 0; i < Channel::kIdleRecordsMax; ++i) update();
            EXPECT_FALSE(server.failed) << "text in between, and answers";
            for (std::size_t i = 0; i < Channel::kIdleRecordsMax; ++i) update();
        } else {
            update();
        }
        ASSERT_TRUE(server.failed);
        EXPECT_EQ(server.failed->code, Errc::busy);
        EXPECT_THAT(server.failed->text(), HasSubstr(speaks ? "changes of keys" : "without text"));
    }
}

TEST(TlsChannel, says_that_the_peer_closed) {
    Stranger client{Role::client};
    Credentials credentials{identity(1)};
    client.shows(credentials);
    Side server{Role::server, 2};
    server.hear(client.answer({}));
    server.hear(client.answer(std::exchange(server.out, {})));
    SSL_shutdown(client.ssl());
    server.hear(client.answer({}));
    ASSERT_TRUE(server.failed);
    EXPECT_EQ(server.failed->code, Errc::io);
    EXPECT_THAT(server.failed->text(), HasSubstr("closed"));
}

}  // namespace
}  // namespace sennit::libp2p::tls
