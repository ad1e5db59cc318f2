// SPDX-License-Identifier: MIT
#include "libp2p/noise/symmetric_state.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "crypto/hmac_sha256.hpp"
#include "crypto/sha256.hpp"

namespace sennit::libp2p::noise {

namespace {

/// Section 12.3: four zero bytes, then the number, little-endian.
crypto::ChaCha20Poly1305::Nonce encode_nonce(std::uint64_t number) {
    crypto::ChaCha20Poly1305::Nonce out{};
    for (std::size_t i = 0; i < 8; ++i) out[4 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    return out;
}

Digest first_hash(std::string_view protocol_name) {
    const auto name = as_bytes(protocol_name);
    if (name.size() > Digest::kSize) return crypto::sha256(name);
    Digest out;
    std::copy(name.begin(), name.end(), out.bytes.begin());
    return out;
}

}  // namespace

Result<void> CipherState::check_nonce() const {
    if (nonce_ != kNonceReserved) return {};
    return Error{Errc::oversized, "no message left under this key", Error::kNowhere, {}};
}

Result<void> CipherState::encrypt(BytesView associated, BytesView plain,
                                  std::span<std::uint8_t> out) {
    SENNIT_ASSERT(out.size() == plain.size() + overhead());
    if (!cipher_) {
        std::copy(plain.begin(), plain.end(), out.begin());
        return {};
    }
    SENNIT_TRY(check_nonce());
    cipher_->seal(encode_nonce(nonce_), associated, plain, out);
    ++nonce_;
    return {};
}

Result<void> CipherState::decrypt(BytesView associated, BytesView sealed,
                                  std::span<std::uint8_t> out) {
    SENNIT_ASSERT(out.size() == sealed.size() - std::min(sealed.size(), overhead()));
    if (!cipher_) {
        std::copy(sealed.begin(), sealed.end(), out.begin());
        return {};
    }
    if (sealed.size() < kTagSize) return Error{Errc::truncated, "shorter than its tag", 0, {}};
    SENNIT_TRY(check_nonce());
    if (!cipher_->open(encode_nonce(nonce_), associated, sealed, out))
        return Error{Errc::mismatch, "not what the other side sealed", 0, {}};
    ++nonce_;
    return {};
}

SymmetricState::SymmetricState(std::string_view protocol_name, BytesView prologue)
    : hash_{first_hash(protocol_name)} {
    chaining_key_ = crypto::Secret::from(hash_.view());
    mix_hash(prologue);
}

void SymmetricState::mix_key(const crypto::Secret& input) {
    const auto keys = crypto::hkdf2(chaining_key_, input.view());
    chaining_key_ = keys[0];
    cipher_ = CipherState{keys[1]};
}

void SymmetricState::mix_hash(BytesView bytes) {
    hash_ = crypto::sha256(Writer{Digest::kSize + bytes.size()}.hash(hash_).raw(bytes).bytes());
}

Result<void> SymmetricState::encrypt_and_hash(BytesView plain, Bytes& out) {
    const auto start = out.size();
    out.resize(start + plain.size() + overhead());
    const auto sealed = std::span{out}.subspan(start);
    SENNIT_TRY(cipher_.encrypt(hash_.view(), plain, sealed));
    mix_hash(sealed);
    return {};
}

Result<Bytes> SymmetricState::decrypt_and_hash(BytesView sealed) {
    Bytes plain(sealed.size() - std::min(sealed.size(), overhead()));
    SENNIT_TRY(cipher_.decrypt(hash_.view(), sealed, plain));
    mix_hash(sealed);
    return plain;
}

std::pair<CipherState, CipherState> SymmetricState::split() const {
    const auto keys = crypto::hkdf2(chaining_key_, {});
    return {CipherState{keys[0]}, CipherState{keys[1]}};
}

}  // namespace sennit::libp2p::noise
