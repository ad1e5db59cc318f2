// SPDX-License-Identifier: MIT
#include "libp2p/tls/engine.hpp"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/bytes.hpp"
#include "libp2p/tls/certificate.hpp"

namespace sennit::libp2p::tls {

namespace {

/// ALPN for a muxer that is negotiated afterwards; last in every offer.
constexpr std::string_view kLibp2p = "libp2p";
/// OpenSSL adds this to the number of an alert that came (ssl.h, SSL_AD_REASON_OFFSET).
constexpr int kAlertReasons = SSL_AD_REASON_OFFSET;

}  // namespace

Engine::Engine(Handshake::Options options)
    : options_{std::move(options)}, ssl_{SSL_new(options_.credentials->context()), SSL_free} {
    SENNIT_ASSERT(ssl_ != nullptr);
    auto* const context = options_.credentials->context();
    // The same for all connections; each finds its engine through its SSL.
    SSL_CTX_set_cert_verify_callback(context, on_certificate, nullptr);
    SSL_CTX_set_alpn_select_cb(context, on_offer, nullptr);
    auto* const in = BIO_new(BIO_s_mem());
    auto* const out = BIO_new(BIO_s_mem());
    SENNIT_ASSERT(in != nullptr && out != nullptr);
    SSL_set_bio(ssl_.get(), in, out);  // which owns them now
    SENNIT_ASSERT(SSL_set_app_data(ssl_.get(), this) == 1);
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    if (options_.role == Role::server) {
        SSL_set_accept_state(ssl_.get());
    } else {
        SSL_set_connect_state(ssl_.get());
        offer_protocols();
    }
}

void Engine::offer_protocols() {
    Bytes offer;
    const auto add = [&](std::string_view name) {
        SENNIT_ASSERT(!name.empty() && name.size() <= 255);
        offer.push_back(static_cast<std::uint8_t>(name.size()));
        const auto bytes = as_bytes(name);
        offer.insert(offer.end(), bytes.begin(), bytes.end());
    };
    for (const auto& name : options_.stream_muxers) add(name);
    add(kLibp2p);
    SENNIT_ASSERT(
        SSL_set_alpn_protos(ssl_.get(), offer.data(), static_cast<unsigned>(offer.size())) == 0);
}

Engine& Engine::of(const SSL* ssl) {
    return *static_cast<Engine*>(SSL_get_app_data(ssl));
}

// Callbacks.

Result<PublicKey> Engine::look_at(X509_STORE_CTX* store) const {
    if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) != 1)
        return Error{Errc::trailing, "more than one certificate", Error::kNowhere, {}};
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(X509_STORE_CTX_get0_cert(store), &bytes);
    if (size <= 0) return Error{Errc::malformed, "no certificate", Error::kNowhere, {}};
    auto key = verify_certificate({bytes, static_cast<std::size_t>(size)}, now_);
    OPENSSL_free(bytes);
    // Last, so that it is proven who is there instead.
    if (key && options_.expected && !options_.expected(*key))
        return Error{Errc::mismatch, "another peer than expected", Error::kNowhere, {}};
    return key;
}

/// Instead of OpenSSL's own verification, which would look for authorities and at the clock.
int Engine::on_certificate(X509_STORE_CTX* store, void*) {
    auto& self = of(static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())));
    auto key = self.look_at(store);
    if (key) {
        self.remote_ = *std::move(key);
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    self.refused_ = std::move(key).error();
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);  // the alert bad_certificate
    return 0;
}

/// The first of the client's that we speak, as the specification asks.
int Engine::on_offer(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                     const unsigned char* offer, unsigned int offer_size, void*) {
    auto& self = of(ssl);
    const auto& muxers = self.options_.stream_muxers;
    // OpenSSL has checked that the lengths fit.
    for (BytesView rest{offer, offer_size}; !rest.empty();) {
        const auto name = rest.subspan(1, std::min<std::size_t>(rest[0], rest.size() - 1));
        const auto text = as_text(name);
        if (text == kLibp2p || std::ranges::find(muxers, text) != muxers.end()) {
            *chosen = name.data();
            *chosen_size = static_cast<unsigned char>(name.size());
            return SSL_TLSEXT_ERR_OK;
        }
        rest = rest.subspan(1 + name.size());
    }
    self.refused_ = Error{Errc::unsupported, "no ALPN protocol in common", Error::kNowhere, {}};
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Calls.

Engine::Outcome Engine::shake_hands(UnixTime now) {
    now_ = now;
    ERR_clear_error();
    return outcome(SSL_do_handshake(ssl_.get()));
}

Engine::Outcome Engine::read(Bytes& plain) {
    const auto before = plain.size();
    plain.resize(before + RecordCutter::kPlainMax);
    ERR_clear_error();
    std::size_t size = 0;
    const int got = SSL_read_ex(ssl_.get(), plain.data() + before, RecordCutter::kPlainMax, &size);
    plain.resize(before + (got == 1 ? size : 0));
    return outcome(got);
}

bool Engine::write(BytesView plain) {
    ERR_clear_error();
    std::size_t taken = 0;
    const int done = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &taken);
    if (done == 1) return taken == plain.size();
    (void)outcome(done);
    return false;
}

void Engine::put(BytesView record) {
    const int size = static_cast<int>(record.size());
    SENNIT_ASSERT(BIO_write(SSL_get_rbio(ssl_.get()), record.data(), size) == size);
}

void Engine::take(Bytes& out) {
    auto* const bio = SSL_get_wbio(ssl_.get());
    const char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    if (size <= 0) return;
    out.insert(out.end(), bytes, bytes + size);
    (void)BIO_reset(bio);
}

std::size_t Engine::owed() const {
    return BIO_ctrl_pending(SSL_get_wbio(ssl_.get()));
}

/// Also reads off, and off the thread, what OpenSSL says went wrong.
Engine::Outcome Engine::outcome(int returned) {
    if (returned == 1) return Outcome::done;
    const int kind = SSL_get_error(ssl_.get(), returned);
    if (kind == SSL_ERROR_WANT_READ) return Outcome::wants_more;
    const auto code = ERR_peek_error();
    const int reason = ERR_GET_REASON(code);
    const char* const text = ERR_reason_error_string(code);
    const std::string said = text == nullptr ? "" : text;
    if (refused_) {
        why_ = *refused_;
    } else if (kind == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
        why_ = Error{Errc::io, "the peer closed the channel", Error::kNowhere, {}};
    } else if (reason > kAlertReasons) {
        why_ = Error{Errc::io, "the peer refused", Error::kNowhere, said};
    } else if (reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC) {
        why_ = Error{Errc::mismatch, "a record that was not sealed next", Error::kNowhere, {}};
    } else {
        why_ = Error{Errc::malformed, "TLS", Error::kNowhere, said};
    }
    ERR_clear_error();
    return Outcome::failed;
}

Error Engine::why() const {
    return why_;
}

std::optional<std::string> Engine::stream_muxer() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    const std::string text{as_text({name, size})};
    if (text.empty() || text == kLibp2p) return std::nullopt;
    return text;
}

}  // namespace sennit::libp2p::tls
