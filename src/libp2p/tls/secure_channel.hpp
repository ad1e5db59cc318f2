// SPDX-License-Identifier: MIT
#pragma once

#include "base/time.hpp"
#include "libp2p/tls/credentials.hpp"
#include "libp2p/tls/record.hpp"

namespace sennit::libp2p::tls {

enum class Role : std::uint8_t { client, server };

/// Whether this is who we want to talk to.
using ExpectPeer = std::function<bool(const PublicKey& key)>;

/// OpenSSL's state of one connection, between two buffers in memory.
class Engine;

/// A connection after its handshake: text in, TLS records out, and back; in the manner of
/// noise::Channel.
class Channel {
  public:
    static constexpr std::size_t kPlainMax = RecordCutter::kPlainMax;
    /// Of a record of text: header, type and tag.
    static constexpr std::size_t kRecordOverhead = RecordCutter::kHeaderSize + 1 + 16;
    /// Of the answer to a peer's change of keys; OpenSSL holds the last one back until we speak.
    static constexpr std::size_t kKeyUpdateSize = kRecordOverhead + 5;
    /// Answers to the peer's changes of keys, which leave with our next text: some 37 of them.
    static constexpr std::size_t kOwedMax = 1024;
    /// Records in a row that bring no text: session tickets, changes of keys. js sends two tickets.
    static constexpr std::size_t kIdleRecordsMax = 32;

    /// `records`: at the boundary where the handshake ended.
    Channel(std::unique_ptr<Engine> engine, RecordCutter records);
    Channel(Channel&&) noexcept;
    Channel& operator=(Channel&&) noexcept;
    ~Channel();

    /// Appends records for all of `plain` to `out`, each as full as can be; none for no text.
    /// Error, final: io after an error of `open`, or when OpenSSL fails.
    Result<void> seal(BytesView plain, Bytes& out);

    /// Takes all of `in` and appends the text of all records that are whole to `plain`; keeps the
    /// beginning of one that is not.
    ///
    /// Errors, all final, at the record in the stream since the handshake's first byte: those of
    /// RecordCutter; mismatch for a record that is not what the other side sealed next; busy after
    /// `kIdleRecordsMax`, and over `kOwedMax`; io when the peer closed or said what it dislikes.
    /// The text before is good and is in `plain`. A client may get here what its server thinks of
    /// its certificate.
    Result<void> open(BytesView& in, Bytes& plain);

    /// The error was that the peer closed in order, with close_notify.
    bool ended() const;
    /// What `seal` would add to one record's text at most, bytes.
    std::size_t overhead() const;
    /// Memory held for the record under way.
    std::size_t kept() const { return records_.kept(); }
    void check_invariants() const;

  private:
    Result<void> open_record(BytesView record, Bytes& plain);

    std::unique_ptr<Engine> engine_;
    RecordCutter records_;
    std::size_t idle_{0};
    std::optional<Error> failed_{};
};

/// What a handshake was for.
struct Secured {
    PublicKey remote_key;  ///< the other side holds its secret half
    /// Of ours, agreed on by ALPN; nullopt: it is negotiated afterwards.
    std::optional<std::string> stream_muxer;
    Channel channel;
};

/// libp2p's handshake in TLS 1.3 over a stream of bytes, both sides with certificates
/// (libp2p/specs, tls/tls.md); OpenSSL carries it out, between buffers.
///
///     Handshake handshake{options};
///     handshake.start(out);                                        // send out
///     while (!in.empty()) {
///         SENNIT_TRY(auto secured, handshake.on_bytes(in, now, out));   // send out, then look
///         if (secured) ...                                         // rest of in is for its
///         channel
///     }
///
///     client:  start -> hello;  server's flight -> certificate, and Secured
///     server:                   hello -> flight;  certificate -> Secured
///
/// Bytes in, bytes out, the time for the certificate's validity among them: OpenSSL is asked
/// neither to verify it nor what time it is. What is not pure is chance, see Credentials.
///
/// A client that expects somebody finds out before it says who it is, and is Secured before the
/// server has looked at its certificate (both as with noise). Neither names a server (SNI).
///
/// A stranger costs a server a key agreement and a signature, and at most `kBytesMax` bytes; its
/// certificate is looked at once TLS has it whole, and must be the only one.
class Handshake {
  public:
    /// From the peer, records and all. A ClientHello with a post-quantum share has 1.8 KiB, the
    /// largest certificate 8.
    static constexpr std::size_t kBytesMax = 32 * 1024;

    struct Options {
        Role role;
        std::shared_ptr<Credentials> credentials;
        ExpectPeer expected{};                     ///< none: anybody
        std::vector<std::string> stream_muxers{};  ///< ours, best first; at most 255 bytes each
    };

    explicit Handshake(Options options);
    Handshake(Handshake&&) noexcept;
    Handshake& operator=(Handshake&&) noexcept;
    ~Handshake();

    /// Once, before all else. Appends what a client says first; nothing for a server.
    void start(Bytes& out);

    /// Takes from the front of `in` what belongs to the handshake, appends answers to `out`, and
    /// says when it is done; nothing is to be called after that.
    ///
    /// Errors, all final, after which `out` tells the peer so: those of RecordCutter and
    /// `verify_certificate`; oversized after `kBytesMax`; trailing for a second certificate;
    /// mismatch for somebody else than was expected; unsupported for no protocol in common (ALPN);
    /// io for what the peer dislikes about us; malformed for all that is not TLS 1.3 as it should
    /// be. A peer that offers no ALPN at all is taken, as go takes it.
    Result<std::optional<Secured>> on_bytes(BytesView& in, Now now, Bytes& out);

    void check_invariants() const;

  private:
    enum class State : std::uint8_t { fresh, talking, done };

    Result<void> on_record(BytesView record, Now now, Bytes& out);

    std::unique_ptr<Engine> engine_;
    RecordCutter records_;
    State state_{State::fresh};
    bool complete_{false};
    std::optional<Error> failed_{};
};

}  // namespace sennit::libp2p::tls
