// SPDX-License-Identifier: MIT
#pragma once

#include "base/json.hpp"
#include "base/net_address.hpp"
#include "primitives/vote.hpp"
#include "protocol/enum_set.hpp"
#include "protocol/wire_block.hpp"

/// What peers say to each other, free of any protocol's bytes (CONTRACT 3).
///
/// One variant for five protocols: each protocol translates the part it has words for, and says in
/// its traits which part that is. Field names are the chain's; limits are the protocols' own,
/// except that no list is longer than its `k...Max` here, whoever sends it.
namespace sennit::protocol {

/// Longest list of each sort that a protocol hands to the engine or is asked to send.
constexpr std::size_t kHeadersMax = 2048;
constexpr std::size_t kBlocksMax = 128;
constexpr std::size_t kIdsMax = 8192;
constexpr std::size_t kVotesMax = 1024;
constexpr std::size_t kCertificatesMax = 256;
constexpr std::size_t kEvidencesMax = 64;
constexpr std::size_t kPeersMax = 256;

/// By height, or by id.
using Locator = std::variant<Height, BlockId>;

/// What one knows about a block before one has it. Zero: the protocol does not say.
struct BlockRef {
    BlockId id;
    Height height;
    BlockId parent;
    std::uint64_t timestamp{0};

    bool operator==(const BlockRef&) const = default;
};

/// Where a node stands. A protocol that has no word for a field leaves it zero: only
/// `head_height` is in all five.
struct Status {
    std::uint64_t chain_id{0};
    BlockId genesis;
    BlockId head;
    Height head_height;
    Checkpoint certified;
    Height certified_height;
    Checkpoint finalised;
    Height finalised_height;
    std::uint32_t set_version{0};
    std::uint64_t stake{0};  ///< MeshChain's PEER_HELLO; claimed, in the chain's units of weight

    bool operator==(const Status&) const = default;
};

/// A block exists; who wants it asks.
struct Announce {
    BlockRef block;
};

struct Transactions {
    std::vector<WireTransaction> transactions;
};
struct TransactionIds {
    std::vector<TxId> ids;
};
struct GetTransactions {
    std::vector<TxId> ids;
};

/// A block whole, with the certificate that its bitmap names if there is one.
struct NewBlock {
    WireBlock block;
};
/// BIP 152's idea: a short id is the low `bits` bits of SipHash-2-4 under `salt` of the tx id.
struct CompactBlock {
    struct Prefilled {
        std::uint32_t index{0};
        WireTransaction transaction;
    };

    WireHeader header;
    CertificatePtr certificate;
    std::uint64_t salt{0};
    std::uint8_t bits{48};
    std::vector<std::uint64_t> short_ids;
    std::vector<Prefilled> prefilled;
};
struct GetBlockTransactions {
    BlockId block;
    std::vector<std::uint32_t> indexes;
};
struct BlockTransactions {
    BlockId block;
    std::vector<WireTransaction> transactions;
};

/// `newest_first` walks from `from` downwards; a protocol that cannot refuses it (see `Form`).
struct GetHeaders {
    Locator from;
    std::uint32_t max{0};
    bool newest_first{false};
};
/// In the order that was asked for. Certificates: those which the headers' bitmaps name and the
/// answerer holds; fewer is not wrong.
struct Headers {
    std::vector<WireHeader> headers;
    std::vector<CertificatePtr> certificates;
};
struct GetBlockIds {
    Height from;
    std::uint32_t max{0};
};
struct BlockIds {
    Height from;  ///< as asked; BloomCoin's answer does not repeat it, its matching restores it
    std::vector<BlockId> ids;
};
struct BlockRange {
    Height from;
    std::uint32_t max{0};
};
struct GetBlocks {
    std::variant<BlockRange, std::vector<BlockId>> what;
};
struct Blocks {
    std::vector<WireBlock> blocks;
};
struct GetBodies {
    std::vector<BlockId> ids;
};
struct Bodies {
    struct Body {
        BlockId id;
        std::vector<WireTransaction> transactions;
    };
    std::vector<Body> bodies;
};

struct Votes {
    std::vector<Vote> votes;
};
/// The first finality proof under each set version from here on (CHAIN rule 21).
struct FromSetVersion {
    std::uint32_t version{0};
};
/// The certificate of the highest certified block, and the latest that finalises.
struct LatestCertificate {};
struct GetCertificates {
    std::variant<FromSetVersion, LatestCertificate, std::vector<BlockId>> what;
};
/// `sets` are the versions that the certificates bring into force, so that a light client can
/// follow; each stands before the first certificate that needs it.
struct Certificates {
    std::vector<CertificatePtr> certificates;
    std::vector<ValidatorSetPtr> sets;
};
/// At most kEvidencesMax.
struct Evidences {
    std::vector<Evidence> items;
};

/// A range of the state below `block`, from `first` on: of the accounts, or of one account's
/// storage. Keys are hashed (secure trie).
struct GetState {
    Locator block;
    std::optional<Digest> account;
    Digest first;
    std::uint32_t bytes_max{0};
};
struct StateChunk {
    struct Entry {
        Digest key;
        Bytes value;
    };

    BlockRef block;
    std::optional<Digest> account;
    Digest first;
    std::vector<Entry> entries;  ///< keys strictly rising
    std::vector<Bytes> proof;    ///< both edges, or absence
    bool more{false};
};

/// Merkle proofs at a block, or at the latest finalised one.
struct GetProof {
    std::optional<BlockId> block;
    std::vector<Address> accounts;
};
struct Proof {
    struct Account {
        Address address;
        std::vector<Bytes> nodes;  ///< EIP-1186 order
    };

    std::optional<WireHeader> header;
    CertificatePtr certificate;
    std::vector<Account> accounts;
};
/// Whose records the sender wants to hear of: a light node to its gateway.
struct Interest {
    std::vector<Address> accounts;
};

struct GetPeers {
    std::uint32_t max{0};
};
struct Peers {
    struct Peer {
        NetAddress address;
        std::optional<NodeId> id;
    };
    std::vector<Peer> peers;
};

/// The answer to a request that gets no other.
struct Refused {
    Errc code{Errc::unsupported};
    std::string why;
};

// BloomCoin's gossip about oscillators. Nothing is range checked: NaN arrives as NaN.

struct PhaseState {
    float r{0};
    float psi{0};
    std::vector<float> phases;
};
struct GetPhase {};
struct Coherence {
    float r{0};
    float psi{0};
};
/// A certificate of coherence as announced: its threshold and rounds are claims (CHAIN 3).
struct Bloom {
    std::uint32_t start{0};
    std::uint32_t end{0};
    float threshold{0};
    std::uint32_t required_rounds{0};
    std::vector<float> r;
    std::vector<float> psi;
    std::vector<float> phases;
};

// Nawal's federated learning. Times are Unix seconds as the original's floats.

struct RoundStart {
    std::string round_id;
    std::string coordinator_id;
    std::string dataset_name;
    std::uint64_t target_participants{0};
    double start_time{0};
    double deadline{0};
    Amount min_stake{0};
    Amount reward_pool{0};
    std::optional<std::string> model_hash;
};
/// Whose payload the original leaves to its users; `round_id` is in it where they follow custom.
struct RoundUpdate {
    json::Value payload;
};
struct ModelDelta {
    enum class Step : std::uint8_t { offer, request, transfer };

    Step step{Step::transfer};
    std::string round_id;
    std::string model_cid;
    double quality_score{0};
};
struct RoundProposal {
    std::string round_id;
    json::Value proposal;
};
/// Counted under the signing peer, whatever `voter_id` says: the original lets one peer cast three.
struct RoundVote {
    std::string round_id;
    std::string voter_id;
    bool approve{false};
};

/// What only an embedding application knows.
struct Application {
    std::string name;
    Bytes bytes;
};

using Message =
    std::variant<Status, Announce, Transactions, TransactionIds, GetTransactions, NewBlock,
                 CompactBlock, GetBlockTransactions, BlockTransactions, GetHeaders, Headers,
                 GetBlockIds, BlockIds, GetBlocks, Blocks, GetBodies, Bodies, Votes,
                 GetCertificates, Certificates, Evidences, GetState, StateChunk, GetProof, Proof,
                 Interest, GetPeers, Peers, Refused, PhaseState, GetPhase, Coherence, Bloom,
                 RoundStart, RoundUpdate, ModelDelta, RoundProposal, RoundVote, Application>;
using MessagePtr = std::shared_ptr<const Message>;

/// The alternatives of `Message`, in its order.
enum class Kind : std::uint8_t {
    status,
    announce,
    transactions,
    transaction_ids,
    get_transactions,
    new_block,
    compact_block,
    get_block_transactions,
    block_transactions,
    get_headers,
    headers,
    get_block_ids,
    block_ids,
    get_blocks,
    blocks,
    get_bodies,
    bodies,
    votes,
    get_certificates,
    certificates,
    evidences,
    get_state,
    state_chunk,
    get_proof,
    proof,
    interest,
    get_peers,
    peers,
    refused,
    phase_state,
    get_phase,
    coherence,
    bloom,
    round_start,
    round_update,
    model_delta,
    round_proposal,
    round_vote,
    application,
};
constexpr std::size_t kKinds = std::variant_size_v<Message>;
static_assert(static_cast<std::size_t>(Kind::application) + 1 == kKinds);

inline Kind kind_of(const Message& message) {
    return static_cast<Kind>(message.index());
}
/// The name of the struct: "NewBlock".
std::string_view to_string(Kind kind);

template <class T>
MessagePtr make_message(T message) {
    return std::make_shared<const Message>(std::in_place_type<T>, std::move(message));
}

/// Ways to ask. A protocol has a word for a kind of request and yet not for each way of it:
/// BloomCoin asks for ids by height and blocks by id, and has no headers at all.
enum class Form : std::uint8_t {
    headers_by_height,
    headers_by_id,
    headers_newest_first,  ///< together with one of the two above
    ids_by_height,
    blocks_by_height,
    blocks_by_id,
    bodies_by_id,
    transactions_by_id,
    block_transactions,
    certificates_by_version,
    certificates_latest,
    certificates_by_id,
    state,
    proofs,
    peers,
    phase,
};
constexpr std::size_t kForms = static_cast<std::size_t>(Form::phase) + 1;
std::string_view to_string(Form form);

using KindSet = EnumSet<Kind, kKinds>;
using FormSet = EnumSet<Form, kForms>;

/// The forms that a request needs, all of them; empty for a message that asks nothing.
FormSet forms_of(const Message& message);

/// The kind that answers a request, besides `refused`; nullopt for what is no request.
std::optional<Kind> answer_kind(Kind request);

}  // namespace sennit::protocol
