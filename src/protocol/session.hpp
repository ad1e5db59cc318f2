// SPDX-License-Identifier: MIT
#pragma once

#include "base/rng.hpp"
#include "protocol/framing/frame_budget.hpp"
#include "protocol/receipts.hpp"
#include "protocol/requests.hpp"

/// What a protocol with one peer a link has to write: a conversation on one link, and a factory.
/// `StreamProtocol` does the rest.
namespace sennit::protocol {

// What a session says.

/// Frames of its own: hello, pong, goodbye. Each is whole.
struct Write {
    SharedBytes frame;
    Priority priority{Priority::control};
    /// Control only: one that waits says all, so another is not queued behind it.
    bool once{false};
};
/// The handshake is done. `facts.link`, `carrier` and `inbound` are filled in by StreamProtocol.
struct Established {
    PeerFacts facts;
};
/// After Established: the identity was proven, an extension agreed.
struct FactsChanged {
    PeerFacts facts;
};
/// After Established: a neutral message for the engine.
struct Deliver {
    MessagePtr message;
    std::size_t bytes{0};              ///< on the wire
    std::optional<RequestId> answers;  ///< claimed with `SessionLink::claim`
    std::uint64_t tag{0};              ///< comes back when this message is answered
};
struct Offended {
    Offence offence{Offence::malformed};
    Error what;
    std::string where;
};
/// An address that the peer told of.
struct Heard {
    NetAddress address;
    std::optional<NodeId> id;
};
/// The link is of no more use; what was written before still leaves. Nothing follows.
struct Close {
    std::string why;
};

using SessionOutput =
    std::variant<Write, Established, FactsChanged, Deliver, Offended, Heard, Close>;

/// What all sessions of one instance share; owned by StreamProtocol, read by sessions.
struct StreamWorld {
    ChainViewPtr view;                  ///< never null: before the first one an empty one
    std::vector<NetAddress> listening;  ///< really bound
    std::shared_ptr<FrameBudget> budget;
    Stats counters;

    void count(std::string_view name, std::uint64_t n = 1);
};

/// What a session may know about its link. Outlives the session.
class SessionLink {
  public:
    SessionLink(const LinkOpen& open, StreamWorld& world, Rng rng)
        : open_{open}, world_{&world}, rng_{std::move(rng)} {}

    LinkId id() const { return open_.id; }
    bool inbound() const { return open_.inbound; }
    const NetAddress& local() const { return open_.local; }
    const NetAddress& remote() const { return open_.remote; }
    StreamWorld& world() { return *world_; }
    const ChainView& view() const { return *world_->view; }
    Rng& rng() { return rng_; }
    /// Asked of this peer and not answered.
    const Requests& requests() const { return requests_; }
    /// The answer to this one is complete and is delivered next. Without the claim a second answer
    /// in the same bytes would be matched to the same request.
    void claim(RequestId id) { requests_.claim(id); }
    /// False while we do not read from it (rule 1): its silence then is our doing.
    bool reading() const { return reading_; }

  private:
    friend class StreamProtocol;

    LinkOpen open_;
    StreamWorld* world_;
    Rng rng_;
    Requests requests_;
    bool reading_{true};
};

struct EncodeContext {
    /// The message that this one answers; nullptr if none.
    const Receipt* answering{nullptr};
    std::optional<RequestId> asks;
};

/// One message in one dialect: usually one frame. `tag` is kept with the request (a wire id).
struct Encoded {
    std::vector<SharedBytes> frames;
    std::uint64_t tag{0};
};
using EncodeResult = std::variant<Encoded, Refusal>;

/// One conversation on one link. Pure, and driven by StreamProtocol alone: after each call of an
/// `on_...` it polls until nothing comes. Nothing is called after Close was polled.
class Session {
  public:
    virtual ~Session() = default;

    /// First of all calls: who dialled may speak.
    virtual void on_open(Now now) = 0;
    /// Takes all of `bytes`, cut anywhere.
    virtual void on_bytes(BytesView bytes, Now now) = 0;
    /// `deadline()` has come; harmless when early. The handshake's own limit is StreamProtocol's.
    virtual void on_deadline(Now now) = 0;
    virtual std::optional<Instant> deadline() const = 0;
    virtual std::optional<SessionOutput> poll() = 0;

    /// Only after Established. A request must be one that `link.requests()` can tell from those
    /// that are there, else Refusal::busy.
    virtual EncodeResult encode(const Message& message, const EncodeContext& context, Now now) = 0;
    /// Sessions with equal numbers encode every message alike, so it is encoded once for all.
    virtual std::uint32_t dialect() const { return 0; }

    /// We are about to close, for this reason: the last chance to write a frame that says so.
    virtual void on_goodbye(std::string_view why) { static_cast<void>(why); }
    /// The view of the chain has changed.
    virtual void on_view(Now now) { static_cast<void>(now); }
    /// We read again after a pause.
    virtual void on_resumed(Now now) { static_cast<void>(now); }
    /// Nobody waits for this answer any more. It stays in `requests()` for a while.
    virtual void on_cancelled(RequestId id) { static_cast<void>(id); }

    /// How long an answer may take on this link, from now.
    virtual Duration answer_time(const Message& request) const {
        static_cast<void>(request);
        return std::chrono::seconds{20};
    }
    /// Pause between frames, for receivers that lose what comes back to back.
    virtual Duration frame_gap() const { return Duration::zero(); }
};

class SessionFactory {
  public:
    virtual ~SessionFactory() = default;

    /// `link` outlives the session.
    virtual std::unique_ptr<Session> open(SessionLink& link) = 0;
    /// False: unknown name or bad value.
    virtual bool set_option(std::string_view name, std::string_view value) {
        static_cast<void>(name);
        static_cast<void>(value);
        return false;
    }
};

}  // namespace sennit::protocol
