// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <set>

#include "crypto/ed25519.hpp"
#include "protocol/moderntensor/codec.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "protocol/session.hpp"

namespace sennit::protocol::moderntensor {

/// What the sessions of one instance share.
struct Local {
    std::uint64_t chain_id{0};
    BlockId genesis;
    crypto::Ed25519Key key;
    NodeId id;
    std::optional<std::uint16_t> announced_port;  ///< instead of the bound one
    std::set<Digest> nonces;                      ///< of our own open links
};

/// One ModernTensor conversation.
///
///     hello --HELLO of the peer--> talking --DISCONNECT, bad frame, 120 s of silence--> closed
///
/// Two kinds of peer. An original is a client: it is served the finalised chain in its own JSON,
/// and only its transactions and its knowledge of peers are taken. A peer whose HELLO names
/// `sennit/1` speaks type 0x50 in binary as well; its requests carry numbers, so many may be in
/// flight.
class TensorSession final : public Session {
  public:
    /// Both outlive the session.
    TensorSession(SessionLink& link, Local& local);
    ~TensorSession() override;

    void on_open(Now now) override;
    void on_bytes(BytesView bytes, Now now) override;
    void on_deadline(Now now) override;
    std::optional<Instant> deadline() const override;
    std::optional<SessionOutput> poll() override;
    EncodeResult encode(const Message& message, const EncodeContext& context, Now now) override;
    std::uint32_t dialect() const override { return sennit_ ? 1 : 0; }
    void on_goodbye(std::string_view why) override;
    void on_resumed(Now now) override;

  private:
    void say_hello();
    void on_hello(const Frame& frame, Now now);
    Result<void> check_hello(const Hello& hello) const;
    void establish(Now now);
    void refuse(std::string_view reason, Offence offence, Error what);

    void on_frame(const Frame& frame, Now now);
    void on_bad_frame(Error error);
    void on_json(Type type, const Frame& frame);
    void on_message(MessagePtr message, const Frame& frame, Type type);
    void on_get_state(const Frame& frame);
    void on_disconnect(BytesView reason);
    void on_proof(BytesView signature);
    void on_extension(Type type, const Frame& frame);
    /// The open request of that number that `answer` answers; nullptr: nobody asked.
    const Requests::Pending* pending(std::uint32_t request, Kind answer) const;
    bool answer_empty(const Message& message);
    void filter(Peers& peers) const;

    EncodeResult encode_plain(const Message& message, const EncodeContext& context);
    EncodeResult encode_sennit(const Message& message, const EncodeContext& context);

    void write(Type type, std::string_view payload = {});
    void offend(Offence offence, Error what, std::string_view where);
    void close(std::string why);

    SessionLink* link_;
    Local* local_;
    Layout layout_;
    FrameReader reader_;
    std::deque<SessionOutput> out_;
    Digest nonce_;
    Bytes hello_ours_;    // payloads, until the proof has come
    Bytes hello_theirs_;  // likewise
    PeerFacts facts_;
    Instant heard_{};
    Instant pinged_{};
    std::uint32_t last_request_{0};
    bool talking_{false};
    bool sennit_{false};
    bool closed_{false};
};

class TensorFactory final : public SessionFactory {
  public:
    explicit TensorFactory(Local local) : local_{std::move(local)} {}

    std::unique_ptr<Session> open(SessionLink& link) override {
        return std::make_unique<TensorSession>(link, local_);
    }

  private:
    Local local_;
};

/// Everything that a session of this protocol can put into words.
extern const KindSet kSennitKinds;
extern const FormSet kSennitForms;

}  // namespace sennit::protocol::moderntensor
