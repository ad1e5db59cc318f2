// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/keys.hpp"

struct ssl_ctx_st;

namespace sennit::libp2p::tls {

/// What a node shows in all its TLS handshakes: a fresh P-256 key, and a certificate of it that the
/// identity vouches for (see certificate.hpp).
///
/// Key and certificate are made when a handshake first needs them, and serve all that follow; the
/// key never leaves this object. The certificate is valid from 1975 to 4096, as rust-libp2p's are:
/// it lives no longer than the process, and a peer whose clock is wrong is refused nothing.
///
/// Not pure, and the one such thing here: OpenSSL draws the key, as it draws what each handshake
/// needs, from the system's randomness. Simulations that must repeat bit for bit use noise.
///
/// Used by one thread at a time.
class Credentials {
  public:
    explicit Credentials(PrivateKey identity);
    ~Credentials();
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;

    /// DER.
    const Bytes& certificate();
    /// TLS 1.3 and nothing else, the peer must show a certificate, nothing is resumed: no tickets,
    /// no cache, no early data. Lives as long as this.
    ssl_ctx_st* context();

  private:
    struct Made;
    Made& made();

    PrivateKey identity_;
    std::unique_ptr<Made> made_;
};

}  // namespace sennit::libp2p::tls
