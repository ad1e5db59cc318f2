// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include "base/peer_id.hpp"
#include "base/rng.hpp"
#include "chain/state.hpp"
#include "protocol/protocol.hpp"

/// Catching up with a chain that others have (CHAIN section 5), as a state machine without sockets,
/// disk or clocks.
///
/// Up to the last finalised block it is anchored: proofs of finality first, one for each change of
/// the validator set, then the latest; from the certified id headers *down* to our base, in ranges
/// from many peers at once, kept on disk as unlinked; then bodies upwards, executed straight into
/// the base. Nobody can make us store more than the certified height allows, and a range that does
/// not link blames its sender. Above that id it fetches the unfinalised branch of a peer's head
/// and offers its blocks one by one to the engine's ordinary intake.
namespace sennit::sync {

/// The documents' words (MeshChain).
enum class Phase : std::uint8_t {
    idle,     ///< no peer to compare with
    syncing,  ///< fetching
    synced,   ///< at the heads that peers report
    behind,   ///< peers are ahead and nobody serves us
    error,    ///< the disk or a fault of consensus stopped it
};
std::string_view to_string(Phase phase);

/// What part of a whole sync is under way.
enum class Stage : std::uint8_t { none, proofs, headers, blocks, branch };
std::string_view to_string(Stage stage);

struct Progress {
    Phase phase{Phase::idle};
    Stage stage{Stage::none};
    Height from;     ///< base when this sync began
    Height current;  ///< of the stage: headers count downwards from the target
    Height target;
    double percent{100.0};         ///< of the stage
    double per_second{0};          ///< over the last ten seconds
    std::optional<Duration> left;  ///< at that rate
    std::string error;  ///< in Phase::error what stopped it, in Phase::behind what it lacks
};

struct Options {
    std::uint32_t headers_batch{192};  ///< the document's; larger where the peer allows it
    std::uint32_t headers_batch_sennit{2048};
    std::uint32_t blocks_batch{128};
    std::size_t header_ranges_max{8};  ///< in flight over all peers
    std::size_t header_writes_max{8};  ///< ranges that wait for the disk before more are asked for
    std::size_t body_requests_max{8};
    std::size_t window_blocks_max{4096};  ///< fetched or in flight ahead of what is executed
    std::size_t window_bytes_max{64 << 20};
    std::uint64_t anchor_gap{4};      ///< finalised lead of a peer that starts an anchored sync
    std::size_t branch_max{1 << 17};  ///< unfinalised blocks that are followed: days of them
    /// What the operator knows to be final (CHAIN rule 22): until the base has reached it nothing
    /// is followed but finality whose chain contains it.
    std::optional<Checkpoint> trusted;
};

// What sync asks of the engine.

struct Ask {
    protocol::RequestId request;
    PeerRef peer;
    protocol::MessagePtr message;
};
struct Forget {
    protocol::RequestId request;
};
/// A finality proof to check: form is right already; the signatures are for workers. Answer:
/// on_proof.
struct VerifyProof {
    std::uint64_t job{0};
    CertificatePtr certificate;
    QuorumPtr quorum;
};
/// Keep these linked or unlinked headers under their heights (Column::unlinked), in the order in
/// which they are given. Answer: on_headers_kept, once they can be read back.
struct KeepHeaders {
    std::vector<std::pair<Height, Bytes>> headers;
};
/// Read them back, upwards. Answer: on_headers_loaded.
struct LoadHeaders {
    Height from;
    std::uint32_t count{0};
};
/// Drop what was kept at and below this height.
struct DropHeaders {
    Height up_to;
};
/// Check header signatures, open transactions, then execute straight into the base, in this order.
/// Answer: on_appended.
struct Append {
    std::vector<protocol::WireBlock> blocks;
    std::vector<PeerRef> senders;  ///< of each block's body
};
/// A block of somebody's unfinalised branch, for the ordinary intake.
struct Offer {
    PeerRef peer;
    protocol::WireBlock block;
};
struct Blame {
    PeerRef peer;
    enum class What : std::uint8_t { overdue, wrong_answer, invalid } what{};
    std::string why;
};
/// Good work: raises a score and tells a latency.
struct Praise {
    PeerRef peer;
    Duration took;
    std::size_t items{0};
};

using Output = std::variant<Ask, Forget, VerifyProof, KeepHeaders, LoadHeaders, DropHeaders, Append,
                            Offer, Blame, Praise>;

/// What our chain looks like, told after every change.
struct Local {
    chain::FactsPtr base;  ///< finalised and applied
    BlockId head;
    Height head_height;
    Slot certified_slot;
};

class Sync {
  public:
    Sync(const chain::Genesis& genesis, BlockId genesis_id, Options options, Rng rng);

    /// Tells whether the engine's tree holds a block. Without it only base and head are known.
    void set_known(std::function<bool(const BlockId&)> known);

    void on_local(const Local& local, Now now);
    void on_peer(PeerRef peer, const protocol::PeerTraits& traits, Now now);
    void on_peer_gone(PeerRef peer, Now now);
    void on_status(PeerRef peer, const protocol::Status& status, Now now);

    /// What became of an Ask: sent, with the time when it is overdue; or refused.
    void on_sent(protocol::RequestId request, Instant overdue);
    void on_refused(protocol::RequestId request, protocol::Refusal why, Now now);
    void on_ready(PeerRef peer, Now now);
    /// Any answer, `Refused` included. Returns how to settle its receipt.
    protocol::Verdict on_answer(protocol::RequestId request, PeerRef peer,
                                const protocol::Message& answer, Now now);

    void on_proof(std::uint64_t job, bool valid, Now now);
    /// One KeepHeaders is on disk.
    void on_headers_kept(Now now);
    /// The first run of rows at or above `from`: it begins at `first`, or at `from` if that is not
    /// said. Empty: there are none.
    void on_headers_loaded(Height from, std::vector<Bytes> headers, Now now,
                           std::optional<Height> first = {});
    /// How far an Append came. `error` is about the first block that was not applied: mismatch
    /// condemns its body and so its sender, invalid condemns the block, io is ours.
    void on_appended(const chain::State::Appended& result, Now now);
    /// A block of an offered branch was taken in, or refused.
    void on_offer_done(const BlockId& id, bool accepted, Now now);

    std::optional<Output> poll();
    std::optional<Instant> deadline() const;
    void on_deadline(Now now);

    Progress progress(Now now) const;
    /// False until the base has reached the block that the operator trusts: what peers build on it
    /// may be a past that nobody risks anything for.
    bool trusts_base() const;
    Stage stage() const;
    /// A quorum's signatures have shown that the chain is far ahead of us: proposing would be on a
    /// block that everybody has left behind. A peer's mere claim never makes it true, else any
    /// liar could keep a validator from its duty.
    bool syncing() const;
    /// What is held in memory, whatever peers send: for metrics and tests.
    struct Held {
        std::size_t requests{0};
        std::size_t header_pieces{0};
        std::size_t header_writes{0};  ///< ranges that the disk has not taken yet
        std::size_t window_blocks{0};
        std::size_t window_bytes{0};
        std::size_t branch_ids{0};
        std::size_t branch_bytes{0};
    };
    Held held() const;
    void check_invariants() const;

  private:
    struct Core;
    std::unique_ptr<Core> core_;

  public:
    ~Sync();
    Sync(Sync&&) noexcept;
};

}  // namespace sennit::sync
