// SPDX-License-Identifier: MIT
#include "crypto/spki.hpp"

#include <algorithm>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace sennit::crypto {

namespace {

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;
/// Above an RSA key of 8192 bits with an exponent as long; asked before OpenSSL parses anything.
constexpr std::size_t kSpkiSizeMax = 4096;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

/// OpenSSL queues errors a thread; what strangers send must not pile up there, or be taken for
/// the reason of somebody else's failure.
class ErrorQueue {
  public:
    ErrorQueue() { ERR_set_mark(); }
    ErrorQueue(const ErrorQueue&) = delete;
    ErrorQueue& operator=(const ErrorQueue&) = delete;
    ~ErrorQueue() { ERR_pop_to_mark(); }
};

/// Null unless all of `spki` is one key, written as DER writes it.
Key parse(BytesView spki) {
    Key none{nullptr, EVP_PKEY_free};
    if (spki.size() > kSpkiSizeMax) return none;
    const auto* at = spki.data();
    Key key{d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())), EVP_PKEY_free};
    if (key == nullptr) return none;
    // The parser takes BER's lengths, RSA without parameters, and bytes behind the key, so the key
    // is written again.
    unsigned char* written = nullptr;
    const int size = i2d_PUBKEY(key.get(), &written);
    if (size <= 0) return none;
    const bool same = std::ranges::equal(spki, BytesView{written, static_cast<std::size_t>(size)});
    OPENSSL_free(written);
    return same ? std::move(key) : std::move(none);
}

bool verify(EVP_PKEY* key, BytesView message, BytesView signature) {
    const Context context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    SENNIT_ASSERT(context != nullptr);
    return EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key,
                                   nullptr) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                            message.size()) == 1;
}

/// False for keys of any other kind too.
bool on_named_curve(EVP_PKEY* key) {
    // Explicit parameters may name a known curve by accident or on purpose (CVE-2020-0601).
    int is_explicit = 1;
    if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit) != 1 ||
        is_explicit != 0) {
        return false;
    }
    std::array<char, 32> name{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return false;
    const std::string_view curve{name.data(), size};
    return curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1";
}

}  // namespace

bool rsa_verify(BytesView spki, BytesView message, BytesView signature) {
    const ErrorQueue queue;
    const auto key = parse(spki);
    if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) return false;
    const int bits = EVP_PKEY_get_bits(key.get());
    return bits >= kRsaBitsMin && bits <= kRsaBitsMax && verify(key.get(), message, signature);
}

bool ecdsa_verify(BytesView spki, BytesView message, BytesView signature) {
    const ErrorQueue queue;
    const auto key = parse(spki);
    return key != nullptr && on_named_curve(key.get()) && verify(key.get(), message, signature);
}

}  // namespace sennit::crypto
