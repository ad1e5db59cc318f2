// SPDX-License-Identifier: MIT
#include "crypto/chacha20_poly1305.hpp"

#include <algorithm>
#include <limits>

#include <openssl/evp.h>

namespace sennit::crypto {

namespace {

/// Fetched once and kept: a fetch for each key costs more than the sealing of a short message.
const EVP_CIPHER* algorithm() {
    static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    SENNIT_ASSERT(fetched != nullptr);
    return fetched;
}

/// OpenSSL counts in int.
int size_of(BytesView bytes) {
    SENNIT_ASSERT(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(bytes.size());
}

/// OpenSSL goes over its input twice, to cipher it and to hash it. In pieces of this size it still
/// lies in the first cache the second time: a quarter faster for 64 KiB. Whole cipher blocks.
constexpr std::size_t kPieceSize = 8'192;

/// Associated bytes and text of a message whose nonce is set. OpenSSL takes an absent text for the
/// end of the message, so nothing is said where there is nothing.
void feed(EVP_CIPHER_CTX* context, BytesView associated, BytesView text, std::uint8_t* out) {
    int written = 0;
    if (!associated.empty()) {
        const bool done = EVP_CipherUpdate(context, nullptr, &written, associated.data(),
                                           size_of(associated)) == 1;
        SENNIT_ASSERT(done);
    }
    while (!text.empty()) {
        const auto piece = text.first(std::min(text.size(), kPieceSize));
        const bool done =
            EVP_CipherUpdate(context, out, &written, piece.data(), size_of(piece)) == 1;
        SENNIT_ASSERT(done && written == size_of(piece));
        text = text.subspan(piece.size());
        out += piece.size();
    }
}

}  // namespace

void ChaCha20Poly1305::Free::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);  // wipes the key
}

ChaCha20Poly1305::ChaCha20Poly1305(const Secret& key) : context_{EVP_CIPHER_CTX_new()} {
    SENNIT_ASSERT(context_ != nullptr);
    const bool done =
        EVP_CipherInit_ex2(context_.get(), algorithm(), key.data(), nullptr, 1, nullptr) == 1;
    SENNIT_ASSERT(done && EVP_CIPHER_CTX_get_iv_length(context_.get()) == sizeof(Nonce));
}

void ChaCha20Poly1305::seal(const Nonce& nonce, BytesView associated, BytesView plain,
                            std::span<std::uint8_t> out) {
    SENNIT_ASSERT(out.size() == plain.size() + kTagSize);
    EVP_CIPHER_CTX* const context = context_.get();
    bool done = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 1, nullptr) == 1;
    SENNIT_ASSERT(done);
    feed(context, associated, plain, out.data());
    std::uint8_t* const tag = out.data() + plain.size();
    int written = 0;
    done = EVP_CipherFinal_ex(context, tag, &written) == 1 && written == 0 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1;
    SENNIT_ASSERT(done);
}

bool ChaCha20Poly1305::open(const Nonce& nonce, BytesView associated, BytesView sealed,
                            std::span<std::uint8_t> out) {
    if (sealed.size() < kTagSize) {
        SENNIT_ASSERT(out.empty());
        return false;
    }
    const auto text = sealed.first(sealed.size() - kTagSize);
    SENNIT_ASSERT(out.size() == text.size());
    // OpenSSL wants the tag in memory that it may write to.
    std::array<std::uint8_t, kTagSize> tag;
    std::copy(sealed.end() - kTagSize, sealed.end(), tag.begin());
    EVP_CIPHER_CTX* const context = context_.get();
    const bool done =
        EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 0, nullptr) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1;
    SENNIT_ASSERT(done);
    feed(context, associated, text, out.data());
    std::array<std::uint8_t, kTagSize> nothing;
    int written = 0;
    if (EVP_CipherFinal_ex(context, nothing.data(), &written) == 1) return true;
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
}

}  // namespace sennit::crypto
