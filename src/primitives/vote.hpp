// SPDX-License-Identifier: MIT
#pragma once

#include "primitives/block.hpp"

namespace sennit {

/// Names of what votes link: a block by slot and id.
struct Checkpoint {
    Slot slot{};
    BlockId id{};

    auto operator<=>(const Checkpoint&) const = default;
};

struct Member {
    Address account{};
    Address payout{};
    ValidatorKey key{};
    std::uint64_t weight{0};  ///< stake in units of 10^9, rounded down

    bool operator==(const Member&) const = default;
};

/// One version of the validator set: members ordered by account (CHAIN rules 3 and 17).
struct ValidatorSet {
    std::uint32_t version{0};
    Slot first_slot{};  ///< in force from here
    std::vector<Member> members{};

    std::uint64_t total_weight() const;
    std::optional<std::size_t> index_of(const ValidatorKey& key) const;
    bool operator==(const ValidatorSet&) const = default;
};
using ValidatorSetPtr = std::shared_ptr<const ValidatorSet>;

/// Who may certify one target: a version, and the version before it while that is needed (CHAIN
/// rule 18). Bit order: the members of `current`, then those only in `previous`; who is who goes by
/// key. Members must be in order of account, at most 65 535 a version: the decoder's duty.
class Quorum {
  public:
    Quorum(ValidatorSetPtr current, ValidatorSetPtr previous);  ///< previous may be null: not joint

    bool joint() const { return previous_ != nullptr; }
    const ValidatorSet& current() const { return *current_; }
    const ValidatorSet* previous() const { return previous_.get(); }
    const Digest& set_hash() const { return set_hash_; }

    std::size_t size() const { return keys_.size(); }
    const ValidatorKey& key(std::size_t bit) const { return keys_[bit]; }
    std::optional<std::size_t> bit_of(const ValidatorKey& key) const;

    /// True iff the voters hold more than two thirds of `current`, and of `previous` when joint.
    bool reached(std::span<const std::uint8_t> bitmap) const;
    /// The bitmap has the right size and no spare bit set.
    bool well_formed(std::span<const std::uint8_t> bitmap) const;
    /// Weight of the bitmap's voters in `current`.
    std::uint64_t weight(std::span<const std::uint8_t> bitmap) const;
    std::size_t bitmap_size() const { return (size() + 7) / 8; }

  private:
    ValidatorSetPtr current_;
    ValidatorSetPtr previous_;
    std::vector<ValidatorKey> keys_;
    std::vector<std::uint64_t> weights_current_;
    std::vector<std::uint64_t> weights_previous_;
    std::vector<std::pair<ValidatorKey, std::uint32_t>> by_key_;  ///< sorted
    std::uint64_t total_current_{0};
    std::uint64_t total_previous_{0};
    Digest set_hash_;
};
using QuorumPtr = std::shared_ptr<const Quorum>;

inline bool bit_set(std::span<const std::uint8_t> bitmap, std::size_t bit) {
    return bit / 8 < bitmap.size() && (bitmap[bit / 8] >> (bit % 8) & 1u) != 0;
}
inline void set_bit(Bytes& bitmap, std::size_t bit) {
    bitmap[bit / 8] = static_cast<std::uint8_t>(bitmap[bit / 8] | 1u << (bit % 8));
}
std::size_t count_bits(std::span<const std::uint8_t> bitmap);

/// CHAIN rule 4: the member whose interval of the running sum holds
/// (W * (slot * golden ratio mod 2^64)) >> 64. The set must not be empty; if nobody in it has any
/// weight, it is the last.
const Member& leader_of(const ValidatorSet& set, Slot slot);

/// What every vote and certificate of one link has in common.
struct VoteLink {
    Checkpoint source{};
    Checkpoint target{};
    Digest source_digest{};  ///< CHAIN rule 23

    bool operator==(const VoteLink&) const = default;
};

/// CHAIN rule 7: "sennit/vote/1" || genesis || set_hash || source_slot || target_slot ||
/// source_digest || Keccak(source_id || target_id).
Bytes vote_signing_bytes(const VoteLink& link, const Digest& set_hash, const BlockId& genesis);

struct Vote {
    std::uint32_t set_version{0};
    ValidatorKey key{};
    VoteLink link{};
    Signature signature{};

    bool operator==(const Vote&) const = default;
};
constexpr std::size_t kVoteSize = 4 + 32 + 2 * 40 + 32 + 64;
void encode(const Vote& vote, Writer& out);
Result<Vote> decode_vote(Reader& in);
/// Keccak of the vote's bytes.
Digest vote_id(const Vote& vote);

/// CHAIN rule 8: signatures of a quorum over one link, in bit order.
struct Certificate {
    std::uint32_t set_version{0};
    bool joint{false};
    VoteLink link{};
    Height target_height{};  ///< unsigned hint, checked against the header
    Bytes bitmap{};
    std::vector<Signature> signatures{};

    /// Two-chain: it finalises its source (CHAIN rule 9).
    bool finalises() const { return link.target.slot.value == link.source.slot.value + 1; }
    bool operator==(const Certificate&) const = default;
};
using CertificatePtr = std::shared_ptr<const Certificate>;
/// 200: two disjoint sets of 100 under a joint quorum.
constexpr std::size_t kSignersMax = 200;
/// Bytes of a certificate without its bitmap and signatures.
constexpr std::size_t kCertificateSizeMin = 4 + 1 + 2 * 40 + 8 + 32 + 1;
/// In the order of rule 8. The bitmap's length is one byte; how many signatures follow, its bits
/// say. They must agree.
void encode(const Certificate& certificate, Writer& out);
Bytes encode(const Certificate& certificate);
Result<Certificate> decode_certificate(Reader& in);
Result<Certificate> decode_certificate(BytesView bytes);
/// Form only: sizes, version and jointness agree with `quorum`, the bitmap is a quorum. The
/// signatures are for workers: `vote_signing_bytes` with quorum.key(bit).
Result<void> check_certificate_form(const Certificate& certificate, const Quorum& quorum);

/// One half of evidence: what was signed, by whom (CHAIN rules 15, 16). For a proposal `bytes` is
/// the bincode header; for a vote it is the vote's signing bytes || key || signature.
struct Evidence {
    Bytes first{};
    Bytes second{};

    bool operator==(const Evidence&) const = default;
};
Bytes evidence_item(const Vote& vote, const Digest& set_hash, const BlockId& genesis);

}  // namespace sennit
