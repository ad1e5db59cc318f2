// SPDX-License-Identifier: MIT
#include "libp2p/tls/credentials.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/bytes.hpp"
#include "libp2p/tls/certificate.hpp"

namespace sennit::libp2p::tls {

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

/// What `write` encodes of `object`.
template <class Object, class Write>
Bytes encoded(Object* object, Write write) {
    unsigned char* bytes = nullptr;
    const int size = write(object, &bytes);
    SENNIT_ASSERT(size > 0);
    Bytes out{bytes, bytes + size};
    OPENSSL_free(bytes);
    return out;
}

void add_extension(X509* certificate, BytesView value) {
    const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> oid{
        OBJ_txt2obj("1.3.6.1.4.1.53594.1.1", 1), ASN1_OBJECT_free};
    const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> data{
        ASN1_OCTET_STRING_new(), ASN1_OCTET_STRING_free};
    SENNIT_ASSERT(oid != nullptr && data != nullptr);
    SENNIT_ASSERT(ASN1_OCTET_STRING_set(data.get(), value.data(), static_cast<int>(value.size())) ==
                  1);
    // Not critical: everybody looks for it, and nobody has to know that it is understood.
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, data.get()), X509_EXTENSION_free};
    SENNIT_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// Issuer and subject are the same, or js takes it for somebody else's signature.
void set_names(X509* certificate) {
    auto* const subject = X509_get_subject_name(certificate);
    const Bytes organization = to_bytes(as_bytes("libp2p.io"));
    SENNIT_ASSERT(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, organization.data(),
                                             static_cast<int>(organization.size()), -1, 0) == 1);
    SENNIT_ASSERT(X509_set_issuer_name(certificate, subject) == 1);
}

Certificate make_certificate(EVP_PKEY* key, const PrivateKey& identity) {
    Certificate out{X509_new(), X509_free};
    SENNIT_ASSERT(out != nullptr && X509_set_version(out.get(), X509_VERSION_3) == 1);
    SENNIT_ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1) == 1);
    SENNIT_ASSERT(ASN1_TIME_set_string_X509(X509_getm_notBefore(out.get()), "750101000000Z") == 1);
    SENNIT_ASSERT(ASN1_TIME_set_string_X509(X509_getm_notAfter(out.get()), "40960101000000Z") == 1);
    set_names(out.get());
    SENNIT_ASSERT(X509_set_pubkey(out.get(), key) == 1);
    const auto message = signed_bytes(encoded(key, i2d_PUBKEY));
    add_extension(out.get(),
                  encode_signed_key(identity.public_key().encode(), identity.sign(message)));
    SENNIT_ASSERT(X509_sign(out.get(), key, EVP_sha256()) > 0);
    return out;
}

Context make_context(X509* certificate, EVP_PKEY* key) {
    Context out{SSL_CTX_new(TLS_method()), SSL_CTX_free};
    SENNIT_ASSERT(out != nullptr);
    auto* const context = out.get();
    SENNIT_ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    SENNIT_ASSERT(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
    // Whatever the machine's openssl.cnf says.
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SENNIT_ASSERT(SSL_CTX_set_num_tickets(context, 0) == 1);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SENNIT_ASSERT(SSL_CTX_set_max_early_data(context, 0) == 1);
    SENNIT_ASSERT(SSL_CTX_set_recv_max_early_data(context, 0) == 1);
    // A connection at rest gives its record buffers back.
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(context, static_cast<long>(kCertificateSizeMax));
    SENNIT_ASSERT(SSL_CTX_use_certificate(context, certificate) == 1);
    SENNIT_ASSERT(SSL_CTX_use_PrivateKey(context, key) == 1);
    return out;
}

}  // namespace

struct Credentials::Made {
    Key key;
    Bytes certificate;
    Context context;
};

Credentials::Credentials(PrivateKey identity) : identity_{std::move(identity)} {}
Credentials::~Credentials() = default;

Credentials::Made& Credentials::made() {
    if (made_ != nullptr) return *made_;
    Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    SENNIT_ASSERT(key != nullptr);
    const auto certificate = make_certificate(key.get(), identity_);
    auto context = make_context(certificate.get(), key.get());
    made_ = std::make_unique<Made>(
        Made{std::move(key), encoded(certificate.get(), i2d_X509), std::move(context)});
    ERR_clear_error();
    return *made_;
}

const Bytes& Credentials::certificate() {
    return made().certificate;
}

ssl_ctx_st* Credentials::context() {
    return made().context.get();
}

}  // namespace sennit::libp2p::tls
