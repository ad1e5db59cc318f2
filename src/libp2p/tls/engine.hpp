// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/ssl.h>

#include "libp2p/tls/secure_channel.hpp"

namespace sennit::libp2p::tls {

/// One SSL object, its two buffers, and what its callbacks need. Stays where it is: OpenSSL points
/// to it.
class Engine {
  public:
    explicit Engine(Handshake::Options options);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// What a call of OpenSSL came to.
    enum class Outcome : std::uint8_t { done, wants_more, failed };

    Outcome shake_hands(UnixTime now);
    /// Appends the text of the one record that was put in; wants_more if it had none.
    Outcome read(Bytes& plain);
    bool write(BytesView plain);

    void put(BytesView record);
    /// Appends what is there to send.
    void take(Bytes& out);
    std::size_t owed() const;  ///< how many bytes that would be

    /// The peer closed in order, with close_notify.
    bool ended() const { return ended_; }
    /// Why the last call failed.
    Error why() const;
    const std::optional<PublicKey>& remote_key() const { return remote_; }
    std::optional<std::string> stream_muxer() const;

  private:
    static int on_certificate(X509_STORE_CTX* store, void*);
    static int on_offer(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                        const unsigned char* offer, unsigned int offer_size, void*);
    static Engine& of(const SSL* ssl);

    Result<PublicKey> look_at(X509_STORE_CTX* store) const;
    Outcome outcome(int returned);
    void offer_protocols();

    Handshake::Options options_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    UnixTime now_{};  ///< of the input that is being handled
    std::optional<PublicKey> remote_;
    std::optional<Error> refused_;  ///< by a callback, which can tell OpenSSL only that it was
    Error why_{};
    bool ended_{false};
};

}  // namespace sennit::libp2p::tls
