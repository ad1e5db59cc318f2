// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/chacha20_poly1305.hpp"
#include "crypto/secret.hpp"

/// The Noise protocol Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34) and
/// libp2p's use of it (libp2p/specs, noise/README.md). Names are those of the two specifications.
namespace sennit::libp2p::noise {

/// The longest Noise message, handshake or transport, in bytes.
constexpr std::size_t kMessageMax = 65'535;

/// A key and the number of the next message under it (section 5.1). Without a key, text passes as
/// it is.
class CipherState {
  public:
    static constexpr std::size_t kTagSize = crypto::ChaCha20Poly1305::kTagSize;
    /// 2^64 - 1 is reserved: the message before it is a key's last.
    static constexpr std::uint64_t kNonceReserved = ~std::uint64_t{0};

    CipherState() = default;
    explicit CipherState(const crypto::Secret& key) : cipher_{std::in_place, key} {}

    bool has_key() const { return cipher_.has_value(); }
    /// What sealing adds to a text.
    std::size_t overhead() const { return has_key() ? kTagSize : 0; }
    std::uint64_t nonce() const { return nonce_; }
    /// For carriers that lose messages, and for tests. A number must not come twice.
    void set_nonce(std::uint64_t nonce) { nonce_ = nonce; }

    /// Writes `plain` and `overhead()` bytes more to `out`, which has exactly that size. Error:
    /// oversized when the key has sealed all messages that it may.
    Result<void> encrypt(BytesView associated, BytesView plain, std::span<std::uint8_t> out);

    /// The inverse: `out` has the size of `sealed` less `overhead()`, or 0 where that is negative.
    /// Errors: truncated, shorter than a tag; mismatch, not what the other side sealed as this
    /// message; oversized as above. After an error the number stays, and `out` holds no text.
    Result<void> decrypt(BytesView associated, BytesView sealed, std::span<std::uint8_t> out);

  private:
    Result<void> check_nonce() const;

    std::optional<crypto::ChaCha20Poly1305> cipher_;
    std::uint64_t nonce_{0};
};

/// What both sides know so far: the hash of all that was sent, and the key made of all secrets
/// (section 5.2).
class SymmetricState {
  public:
    SymmetricState(std::string_view protocol_name, BytesView prologue);

    /// What sealing adds to a text at this point of the handshake.
    std::size_t overhead() const { return cipher_.overhead(); }

    void mix_key(const crypto::Secret& input);
    void mix_hash(BytesView bytes);
    /// Appends to `out`.
    Result<void> encrypt_and_hash(BytesView plain, Bytes& out);
    Result<Bytes> decrypt_and_hash(BytesView sealed);

    /// The initiator's messages under the first, the responder's under the second.
    std::pair<CipherState, CipherState> split() const;
    /// Names this conversation: no two have the same one, and both sides know it.
    const Digest& handshake_hash() const { return hash_; }

  private:
    CipherState cipher_;
    crypto::Secret chaining_key_;
    Digest hash_;
};

}  // namespace sennit::libp2p::noise
