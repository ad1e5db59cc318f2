// SPDX-License-Identifier: MIT
#include "crypto/sha256.hpp"

#include <memory>

#include <openssl/evp.h>

namespace sennit::crypto {

namespace {

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

/// Fetched once and kept: a fetch inside each digest costs three times the digest of a short text.
const EVP_MD* algorithm() {
    static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    SENNIT_ASSERT(fetched != nullptr);
    return fetched;
}

/// Scratch space that carries nothing from one digest to the next; one a thread.
EVP_MD_CTX* scratch() {
    thread_local const Context context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    SENNIT_ASSERT(context != nullptr);
    return context.get();
}

}  // namespace

Digest sha256(BytesView bytes) {
    EVP_MD_CTX* const context = scratch();
    Digest digest;
    const bool done = EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1 &&
                      EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
                      EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
    SENNIT_ASSERT(done);
    return digest;
}

}  // namespace sennit::crypto
