// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/carrier.hpp"
#include "base/peer_id.hpp"
#include "protocol/message.hpp"

/// The contract between a wire protocol and the node (CONTRACT 1 and 2).
///
/// A protocol is pure: it turns links and bytes into peers and messages, and back. Whatever it
/// learns comes in as an `Input`, whatever it wants goes out as an `Output`, so that a run can be
/// recorded, replayed and fuzzed, and the daemon and the simulator drive the same code:
///
///     protocol.handle(input, now);                    // or send, announce
///     while (auto output = protocol.poll()) carry_out(std::move(*output));
///     wake_at(protocol.deadline());                   // then handle(Deadline{}, now)
namespace sennit::protocol {

using ReceiptId = Strong<struct ReceiptIdTag, std::uint64_t>;
using RequestId = Strong<struct RequestIdTag, std::uint64_t>;
using CheckId = Strong<struct CheckIdTag, std::uint64_t>;
using SaveId = Strong<struct SaveIdTag, std::uint64_t>;

/// Names an item that is announced, so that a newer one can replace it or it can be withdrawn: an
/// item id, or a constant for "our latest status".
using ItemKey = Hash<struct ItemKeyTag>;
template <class Tag>
ItemKey key_of(const Hash<Tag>& id) {
    return ItemKey::from(id.view());
}

/// Unsettled bytes of one peer above which the protocol stops reading from it (rule 1).
constexpr std::size_t kUnsettledBytesMax = 4 * 1024 * 1024;
/// How long a receipt of a peer that left can still be settled against its identity (rule 1).
constexpr Duration kBlameKept = std::chrono::minutes{10};

// Peers.

/// Who a peer says that it is. Only proven identities merge across links and protocols, keep a
/// score across addresses, or lose to a duplicate; else whoever says a victim's id first locks it
/// out (rule 6).
struct Identity {
    std::optional<NodeId> id;
    bool proven{false};

    bool operator==(const Identity&) const = default;
};

/// What one peer can be told and asked, after negotiation.
struct PeerTraits {
    KindSet says;                  ///< kinds that may be sent to it
    FormSet answers;               ///< forms of request that it answers
    bool sennit{false};            ///< speaks this protocol's Sennit extension
    bool finalised_only{true};     ///< cannot reorganise: give it the finalised chain alone
    std::uint32_t headers_max{0};  ///< per request
    std::uint32_t blocks_max{0};   ///< per request, ids and bodies too

    bool operator==(const PeerTraits&) const = default;
};

struct PeerFacts {
    std::optional<LinkId> link;  ///< none over exchanges and shared media
    Carrier carrier{Carrier::stream};
    Identity identity;
    NetAddress address;  ///< where it can be dialled, as far as known; else where it came from
    bool inbound{false};
    PeerTraits traits;
    std::optional<Status> status;  ///< where the handshake carries it; later ones come as Received
    std::string agent;
};

// In.

struct Start {};
/// Say goodbye, hang up every link, emit PeerDown for every peer. Nothing is dialled afterwards.
struct Stop {};
/// `deadline()` has come, or something else woke the driver: harmless when early.
struct Deadline {};

/// Answers a Check: one verdict for each of its signatures, in order.
struct Checked {
    CheckId job;
    std::vector<bool> verdicts;
};
/// The value is durable.
struct Saved {
    SaveId id;
};

/// A validator or candidate of the registry, as protocols see it: Nawal's table of senders.
struct Candidate {
    Address account;
    NodeId node_key;
    std::uint64_t stake{0};  ///< in the chain's units of weight
    std::vector<NetAddress> addresses;
};

/// The chain as protocols need it: heights for a HELLO, senders' keys and addresses, indexes and
/// prefixes to shorten what is sent. Given at start, on each new head and validator set.
struct ChainView {
    BlockId genesis;
    std::uint64_t chain_id{0};
    std::uint64_t genesis_time{0};
    std::uint32_t slot_seconds{0};
    Status status;
    BlockRef head;
    BlockRef finalised;
    std::vector<BlockRef> recent;  ///< of the best chain, newest first, at most 256
    ValidatorSetPtr validators;    ///< in force at the head
    ValidatorSetPtr previous;      ///< while certificates are joint; else null
    std::vector<Candidate> candidates;
};
using ChainViewPtr = std::shared_ptr<const ChainView>;

/// Dial it, in the protocol's own way. Leads to a PeerUp or to one Unreachable.
struct Connect {
    NetAddress to;
};
struct Disconnect {
    PeerId peer;
    std::string why;
};
/// The item was heard from elsewhere, mined, or superseded: do not send it any more.
struct Withdraw {
    ItemKey key;
};
/// The answer is no longer wanted. One that comes all the same is dropped and not blamed.
struct Cancel {
    RequestId request;
};

enum class Verdict : std::uint8_t {
    accept,  ///< right and new: may be forwarded
    ignore,  ///< not useful, nobody's fault
    reject,  ///< wrong: costs the sender
};
/// Exactly once for each Received. A request's receipt is settled after its answer was sent.
struct Settle {
    ReceiptId receipt;
    Verdict verdict{Verdict::accept};
};
/// What `peers` thinks of a peer, 0 to 100.
struct Score {
    PeerId peer;
    int score{0};
};
/// Options that may change while running. Unknown names and bad values are counted and ignored.
struct SetOptions {
    std::vector<std::pair<std::string, std::string>> options;
};

using Input = std::variant<Start, Stop, Deadline, CarrierInput, Checked, Saved, ChainViewPtr,
                           Connect, Disconnect, Withdraw, Cancel, Settle, Score, SetOptions>;

// Out.

/// Comes before anything else of this peer.
struct PeerUp {
    PeerId peer;
    PeerFacts facts;
};
/// Identity proven, address learnt, extension agreed. Replaces all facts.
struct PeerChanged {
    PeerId peer;
    PeerFacts facts;
};
/// Nothing of this peer comes afterwards, and its requests are not answered any more.
struct PeerDown {
    PeerId peer;
    std::string why;
};
/// An address that may be worth dialling. Never a private or loopback one unless its source is
/// (rule 8). No `from`: announced on the local network.
struct Found {
    NetAddress address;
    std::optional<NodeId> id;
    std::optional<PeerId> from;
};
/// A Connect that led to no peer.
struct Unreachable {
    NetAddress address;
    std::string why;
};

struct Received {
    PeerId peer;
    ReceiptId receipt;
    MessagePtr message;
    std::optional<RequestId> answers;
    std::size_t bytes{0};  ///< on the wire: what the receipt holds until it is settled
};

enum class Offence : std::uint8_t {
    framing,      ///< the stream has lost its sync
    malformed,    ///< a message that its format does not allow
    oversized,    ///< above the limit of its kind
    forged,       ///< a signature of the wire is wrong
    unsolicited,  ///< an answer that nobody asked for
    flooding,     ///< more than the protocol's own rate
    silent,       ///< no sign of life within the protocol's own time
    rejected,     ///< the engine settled with reject
};
constexpr std::size_t kOffences = static_cast<std::size_t>(Offence::rejected) + 1;
std::string_view to_string(Offence offence);

/// Reported, never punished here: only `peers` scores and bans (rule 10). `peer` may have left, or
/// never have been up; identity and address say whom it concerns.
struct Misbehaved {
    std::optional<PeerId> peer;
    Identity identity;
    NetAddress address;
    Offence offence{Offence::malformed};
    Error what;
    std::string where;  ///< the wire's name of the message: "HELLO"
};

/// A peer that refused as busy has room again.
struct Ready {
    PeerId peer;
};

enum class Fate : std::uint8_t { left, replaced, expired, dropped };
/// What became of an announced item; `dropped` covers Withdraw, a full queue and Stop.
struct Ended {
    ItemKey key;
    Fate fate{Fate::left};
};

/// An Ed25519 signature of the wire, for the worker pool.
struct SignatureCheck {
    NodeId key;
    Bytes message;
    Signature signature;
};
struct Check {
    CheckId job;
    std::vector<SignatureCheck> signatures;
};
/// Keep this across restarts; it comes back at construction. Replaces an older value.
struct Save {
    SaveId id;
    std::string key;
    Bytes value;
};

using Output = std::variant<CarrierOutput, PeerUp, PeerChanged, PeerDown, Found, Unreachable,
                            Received, Misbehaved, Ready, Ended, Check, Save>;

// The protocol.

/// The four queues of a peer; a lower one leaves first.
enum class Priority : std::uint8_t {
    control,  ///< handshake, pings, requests
    urgent,   ///< votes, headers, new blocks
    normal,   ///< transactions
    bulk,     ///< answers to sync
};
constexpr std::size_t kPriorities = 4;

struct Outgoing {
    MessagePtr message;
    Priority priority{Priority::normal};
    std::optional<Instant> expires;    ///< not worth sending afterwards
    std::optional<RequestId> asks;     ///< the answer comes back with it
    std::optional<ReceiptId> answers;  ///< not settled yet
    std::optional<ItemKey> key;        ///< announce: an equal key replaces what still waits
};

enum class Refusal : std::uint8_t {
    unsupported,  ///< no word for this kind or form, or this peer cannot read it
    too_large,    ///< never fits a message of this protocol
    busy,         ///< queue, requests in flight or budget are full: wait for Ready
    gone,         ///< no such peer, or no such receipt to answer
};
std::string_view to_string(Refusal refusal);

struct Sent {
    Instant overdue;  ///< when an answer to `asks` is late on this network, airtime included
    std::vector<std::pair<PeerId, Refusal>> refused;
};

struct Traits {
    KindSet says;   ///< kinds it has words for
    FormSet forms;  ///< forms of request it has words for
    std::size_t message_size_max{0};
    std::uint32_t requests_in_flight_max{0};  ///< per peer
    bool fans_out{false};                     ///< chooses receivers itself: use announce
    bool shared_medium{false};                ///< all hear what one sends
};

/// Counters with names in snake_case, sorted; pure code logs nothing. The reason of a refusal or
/// drop is part of the name: "dropped_unknown_type".
using Stats = std::map<std::string, std::uint64_t, std::less<>>;

/// One wire protocol over one network, with all carriers of that network.
class Protocol {
  public:
    virtual ~Protocol() = default;

    /// From carriers, workers and the engine.
    virtual void handle(const Input& input, Now now) = 0;
    /// One message to many, encoded once. Who is refused is in the answer; who is not has it in
    /// its queue. `asks` and `answers` go to exactly one peer.
    virtual Sent send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) = 0;
    /// To whom the protocol chooses, only where `traits().fans_out`; Errc::unsupported elsewhere
    /// and for kinds without a word, oversized, busy. `except` have it already.
    virtual Result<void> announce(const Outgoing& outgoing, std::span<const PeerId> except,
                                  Now now) = 0;
    /// What is to be done next; nullopt: nothing until the next input.
    virtual std::optional<Output> poll() = 0;
    /// When `Deadline` is wanted; nullopt: never.
    virtual std::optional<Instant> deadline() const = 0;

    virtual const Traits& traits() const = 0;
    virtual Stats stats() const = 0;
    /// Aborts if the instance contradicts itself. For tests and fuzzers, after each step.
    virtual void check_invariants() const {}
};

}  // namespace sennit::protocol
