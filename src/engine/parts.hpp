// SPDX-License-Identifier: MIT
#pragma once

#include "engine/core.hpp"

/// The engine's parts, each one concern. Private to engine/.
namespace sennit::engine {

/// Blocks on their way in: off the wire, from sync, from our own producer. Header rules, then
/// signatures in a worker, then relay, then execution on the chain's thread (CHAIN rules 1 to 6,
/// 13).
///
/// What cannot be judged yet waits, bounded: blocks of the future until their slot, blocks without
/// a known parent until it was executed, blocks whose certificate is missing for one slot, further
/// copies of a block until the first was checked.
class Intake {
  public:
    explicit Intake(Core& core) : core_{core} {}

    /// From a peer. `receipt` is empty for a block that sync fetched.
    void offer(PeerRef peer, std::optional<protocol::ReceiptId> receipt,
               const protocol::WireBlock& block);
    /// Our own, signed and recorded.
    void produced(BlockPtr block, CertificatePtr certificate);
    /// Executed blocks found on the disk at start.
    void restore(const Setup::Layer& layer);
    void on_wake();
    std::optional<Instant> deadline() const;
    void on_certificate(const BlockId& target);
    /// Drops what finality decided against.
    void forget(std::span<const BlockId> ids);
    void on_finalised(const BlockId& id);
    /// What it sent unasked, and nobody could look at yet, is dropped.
    void on_down(PeerRef peer);
    /// The tree began anew. What runs for the old one comes to nothing.
    void on_rebased();
    /// Blocks that waited for this one to be executed.
    void retry_children(const BlockId& parent);

    BlockPtr block(const BlockId& id) const;
    chain::StateViewPtr view(const BlockId& id) const;
    const std::vector<Address>* touched(const BlockId& id) const;
    const std::map<BlockId, BlockPtr>& unfinalised() const { return blocks_; }
    const std::map<BlockId, chain::StateViewPtr>& views() const { return views_; }
    bool has_transactions() const;
    void check_invariants() const;

  private:
    struct Candidate {
        PeerRef peer;
        std::optional<protocol::ReceiptId> receipt;
        protocol::WireBlock block;
        Instant since;
        bool wanted{false};                          ///< asked for by id
        std::optional<Instant> certificate_until{};  ///< its certificate was asked for
    };
    struct Held {
        Candidate candidate;
        Instant until;  ///< tried again then, or given up if it waits for a certificate
        std::optional<BlockId> certificate_of;
    };

    void consider(Candidate candidate);
    void settle(Candidate& candidate, protocol::Verdict verdict);
    void refuse(Candidate& candidate, const Error& why, bool last = true);
    std::size_t orphans_of(PeerRef peer) const;
    bool has_room(const Candidate& candidate) const;
    void wait_for_parent(Candidate candidate);
    void wait_for_slot(Candidate candidate, Slot slot);
    void wait_for_certificate(Candidate candidate, const BlockId& target);
    void wait_for_copy(Candidate candidate);
    std::vector<Candidate> take_copies(const BlockId& id);
    void check(Candidate candidate, chain::FactsPtr facts, CertificatePtr certificate);
    void on_checked(Candidate candidate, chain::FactsPtr facts, CertificatePtr certificate,
                    BlockChecked&& checked);
    void admit(const BlockPtr& block, const chain::FactsPtr& facts,
               const CertificatePtr& certificate);
    void execute(const BlockPtr& block, bool asked_for);
    void on_executed(const BlockPtr& block, BlockExecuted&& executed);
    void on_not_executed(const BlockPtr& block, const Error& why);
    void offer_done(const BlockId& id, bool accepted);

    Core& core_;
    std::map<BlockId, BlockPtr> blocks_;  ///< admitted, above the finalised one
    std::map<BlockId, chain::StateViewPtr> views_;
    std::map<BlockId, std::vector<Address>> touched_;
    std::map<BlockId, std::vector<Candidate>> checking_;  ///< with further copies
    std::size_t copy_count_{0};
    std::uint64_t generation_{0};                        ///< of the tree
    std::map<BlockId, std::vector<Candidate>> orphans_;  ///< by the parent they wait for
    std::size_t orphan_count_{0};
    std::vector<Held> held_;
};

/// What a light client needs at a change of the set: the set, and the first link of finality whose
/// target it certified (CHAIN rules 8 and 21).
struct SetProof {
    ValidatorSetPtr set;
    CertificatePtr certificate;
};
Bytes encode(const SetProof& proof);
Result<SetProof> decode_proof(BytesView bytes);

/// Votes and certificates: verified, counted, relayed; made and stored (CHAIN rules 7 to 9, 13 to
/// 15).
class Ballots {
  public:
    explicit Ballots(Core& core) : core_{core} {}

    void on_votes(PeerRef peer, protocol::ReceiptId receipt, const protocol::Votes& votes);
    void on_certificates(PeerRef peer, protocol::ReceiptId receipt,
                         const protocol::Certificates& certificates);
    /// What waits of it is dropped.
    void on_down(PeerRef peer);
    void own(const Vote& vote);
    /// Votes that came before their block.
    void on_block(const BlockId& id);
    /// A certificate whose signatures hold.
    void certify(const CertificatePtr& certificate);
    /// The first finality proof under a version is kept for those who follow.
    void keep_proof(const SetProof& proof);
    /// A certificate that finalises and whose signatures hold is the proof we show, if it is the
    /// newest.
    void keep_finality(const CertificatePtr& certificate);

  private:
    void verify(std::optional<PeerRef> peer, std::optional<protocol::ReceiptId> receipt,
                std::vector<Vote> votes);
    struct Sender {
        PeerRef peer;
        protocol::ReceiptId receipt;
    };
    struct Told {
        protocol::ReceiptId receipt;
        std::vector<CertificatePtr> certificates;
    };

    /// Errors: invalid, where a certificate does not fit its target.
    Result<std::vector<CertificatePtr>> wanted(std::span<const CertificatePtr> told) const;
    void check(Sender from, std::span<const CertificatePtr> told);
    void on_checked(Sender from, std::span<const CertificatePtr> certificates,
                    const SignaturesChecked& checked);
    void count(const std::vector<Vote>& votes);
    void store(const Certificate& certificate);
    void note_finality(const CertificatePtr& certificate);

    Core& core_;
    std::set<std::uint32_t> proofs_kept_;
    /// Whose certificates are being checked, a message at a time; and the latest that came
    /// meanwhile, since a newer one is worth more.
    std::map<PeerRef, std::optional<Told>> checking_;
};

/// Transactions: opened by workers, taken into the pool, passed on (and answered, when they are
/// our own user's).
class Traffic {
  public:
    explicit Traffic(Core& core) : core_{core} {}

    void on_transactions(PeerRef peer, protocol::ReceiptId receipt,
                         const protocol::Transactions& message);
    /// What it sent and nobody looked at yet is dropped.
    void on_down(PeerRef peer);
    void on_submit(Ticket ticket, Bytes rlp);
    /// The same for the node itself: checked, taken into the pool, on the disk, then passed on.
    void submit(Bytes rlp, std::function<void(const Result<TxId>&)> done);
    void restore(std::vector<Bytes> rlp);
    /// Joined and left the head's branch.
    void on_reorg(const std::vector<BlockPtr>& left, const std::vector<BlockPtr>& joined,
                  const std::set<Address>& touched);

  private:
    /// One message's, opened some at a time: one job a peer at once, so that no peer's flood makes
    /// another's transactions or anybody's blocks wait.
    struct Arrived {
        protocol::ReceiptId receipt;
        std::vector<protocol::SharedSlice> rlp;
        std::vector<std::optional<Address>> claims;  ///< of protocols with a `from` field
        std::size_t done{0};
        bool accepted{false};
        bool wrong{false};
    };
    struct Sender {
        std::deque<Arrived> arrived;  ///< the front is being opened
        double patience;              ///< for transactions that are well formed and of no use
        Instant since;
        bool gone{false};
    };

    void open_next(PeerRef peer);
    void on_opened(PeerRef peer, TransactionsOpened&& opened);
    void tire(PeerRef peer, Sender& sender);
    void relay(const TransactionPtr& tx);

    Core& core_;
    std::map<PeerRef, Sender> senders_;
};

/// Errors: io, also for a row that is none.
Result<std::vector<KeptEvidence>> load_evidence(const chain::Store& store);

/// Evidence of what validators did that none may (CHAIN rules 15 and 16): kept until the chain has
/// judged the key for good, across restarts, and brought before the registry by the node's account
/// if it has one. Who brings it first earns a tenth of what the key loses.
class Reporter {
  public:
    explicit Reporter(Core& core) : core_{core} {}

    void restore(std::vector<KeptEvidence> kept);
    /// Signatures hold. `what` is for the operator: "proposed twice in slot 7".
    void on_offence(const ValidatorKey& offender, Evidence evidence, const std::string& what);
    /// From a peer: judged by a worker unless it is about nobody whom we could still accuse.
    void on_evidence(PeerRef peer, protocol::ReceiptId receipt, const protocol::Evidences& message);
    /// All open cases, to a peer that came: it may have an account, or know somebody who has.
    void tell(PeerRef peer);
    void on_wake();
    std::optional<Instant> deadline() const;
    void check_invariants() const;

  private:
    struct Case {
        Evidence evidence;
        Slot due;                ///< brought then, unless somebody else has
        TransactionPtr brought;  ///< ours, the last
    };
    using Cases = std::map<ValidatorKey, Case>;

    bool may_accuse(const ValidatorKey& offender) const;
    void on_judged(PeerRef peer, protocol::ReceiptId receipt, std::vector<Evidence> items,
                   const EvidenceJudged& judged);
    Case open(const ValidatorKey& offender, Evidence evidence) const;
    Cases::iterator close(Cases::iterator at);
    bool pursue(const ValidatorKey& offender, Case& found);
    bool brought_by_another(const ValidatorKey& offender, const Case& found) const;
    void bring(Case& found);

    Core& core_;
    Cases cases_;
    Slot looked_;
};

/// The validator's duties carried out: build, sign, record, send; vote.
class Producer {
  public:
    explicit Producer(Core& core) : core_{core} {}

    void on_wake();
    std::optional<Instant> deadline() const;
    void on_executed(const chain::Facts& block);
    /// Peers came or went.
    void on_company();
    void on_foreign_signature(const ValidatorKey& key, Slot slot);

  private:
    std::size_t transactions_max() const;
    void build(validator::Validator::ProposeDuty duty);
    void sign(const validator::Validator::ProposeDuty& duty, chain::BuiltBlock&& built);

    Core& core_;
    bool told_to_wait_{false};
};

/// Answers what peers ask. Serving is pulled (CONTRACT rule 3): of each peer one question at a time
/// is dealt with, the next when the protocol has taken the answer; a few more wait in order, and
/// what comes on top is refused. Peers have their turns one after another, and all of them together
/// only so many reads of the database, so that nobody's flood of questions makes others wait.
class Desk {
  public:
    explicit Desk(Core& core) : core_{core} {}

    /// True if the message was a request and is being dealt with.
    bool on_request(PeerRef peer, protocol::ReceiptId receipt, const protocol::MessagePtr& message);
    /// Its queue has room again.
    void on_ready(PeerRef peer);
    /// Whatever it asked is forgotten.
    void on_down(PeerRef peer);
    void check_invariants() const;

  private:
    struct Question {
        protocol::ReceiptId receipt;
        protocol::MessagePtr message;
    };
    struct Asker {
        enum class State : std::uint8_t {
            idle,     ///< has asked nothing
            waiting,  ///< for its turn
            loading,  ///< a worker reads the answer to its first question
            full,     ///< the protocol had no room for that answer: until Ready
        };
        State state{State::idle};
        std::deque<Question> questions;
        protocol::MessagePtr answer;  ///< while full; null: to be made again
        double patience;              ///< for questions on top of those that may wait
        Instant since;
        Instant scored;
    };
    using MakeAnswer = std::function<protocol::MessagePtr(JobResult&&)>;

    void refuse(PeerRef peer, Asker& asker, protocol::ReceiptId receipt);
    void wait_for_turn(PeerRef peer, Asker& asker);
    void next();
    void load(PeerRef peer, Job job, MakeAnswer make);
    void answer(PeerRef peer, protocol::MessagePtr message);
    void settle_first(PeerRef peer, Asker& asker, protocol::Verdict verdict);
    void serve(PeerRef peer, const protocol::GetHeaders& ask);
    void serve(PeerRef peer, const protocol::GetBlocks& ask);
    void serve(PeerRef peer, const protocol::GetBodies& ask);
    void serve(PeerRef peer, const protocol::GetTransactions& ask);
    void serve(PeerRef peer, const protocol::GetCertificates& ask);
    void serve(PeerRef peer, const protocol::GetPeers& ask);
    void serve_branch_headers(PeerRef peer, const protocol::GetHeaders& ask);

    Core& core_;
    std::map<PeerRef, Asker> askers_;
    std::deque<PeerRef> turns_;  ///< who waits, in turn
    std::size_t loads_{0};       ///< under way, also for askers that left
    std::size_t kept_{0};        ///< answers that wait for room
};

/// Carries out what sync asks for: requests, checks, the database, and execution into the base.
class Catching {
  public:
    explicit Catching(Core& core) : core_{core} {}

    void drain();
    /// True if the message was an answer to a request of ours, and is settled.
    bool on_answer(PeerRef peer, const protocol::Received& received);
    /// The base is being moved.
    bool appending() const { return append_running_; }
    /// Once finality was applied: one of the two at a time moves the base.
    void append_next();

  private:
    struct Appending {
        std::vector<BlockPtr> blocks;  ///< checked, a prefix of what was asked
        std::optional<Error> error;    ///< of the first that failed its checks
        bool checked{false};
    };

    void carry_out(const sync::Ask& ask);
    void carry_out(const sync::Forget& forget);
    void carry_out(const sync::VerifyProof& verify);
    void carry_out(const sync::KeepHeaders& keep);
    void carry_out(const sync::LoadHeaders& load);
    void carry_out(const sync::DropHeaders& drop);
    void carry_out(const sync::Append& append);
    void carry_out(const sync::Offer& offer);
    void carry_out(const sync::Blame& blame);
    void carry_out(const sync::Praise& praise);
    void tell_progress();
    void on_appended(const Appending& front, BlocksAppended&& result);

    Core& core_;
    std::map<protocol::RequestId, PeerRef> asked_;
    std::deque<std::shared_ptr<Appending>>
        appending_;  ///< in order; the front is next for the chain
    bool append_running_{false};
    CertificatePtr proven_;  ///< the newest proof of the sync under way
    Height dropped_up_to_;
    sync::Stage told_stage_{sync::Stage::none};
    Instant told_at_{};
};

/// Peers coming, going, telling where they stand; whom to dial.
class Meeting {
  public:
    explicit Meeting(Core& core) : core_{core} {}

    void on_up(PeerRef peer, const protocol::PeerFacts& facts);
    void on_changed(PeerRef peer, const protocol::PeerFacts& facts);
    void on_down(PeerRef peer, const std::string& why);
    void on_found(InstanceId instance, const protocol::Found& found);
    void on_misbehaved(InstanceId instance, const protocol::Misbehaved& what);
    void on_status(PeerRef peer, const protocol::Status& status);
    void on_peers(PeerRef peer, const protocol::Peers& message);
    void on_wake();

    protocol::Status our_status() const;
    /// For people: address and what it calls itself.
    std::string name_of(PeerRef peer) const;
    /// To Sennit peers, when the head or finality moved.
    void tell_status();
    const std::map<PeerRef, protocol::PeerFacts>& facts() const { return facts_; }

  private:
    Core& core_;
    std::map<PeerRef, protocol::PeerFacts> facts_;
};

}  // namespace sennit::engine
