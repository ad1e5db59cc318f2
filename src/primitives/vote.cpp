// SPDX-License-Identifier: MIT
#include "primitives/vote.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"

namespace sennit {

namespace {

constexpr std::string_view kSetDomain = "sennit/set/1";
constexpr std::string_view kVoteDomain = "sennit/vote/1";

/// 2^64 divided by the golden ratio: its multiples spread slots evenly over the weights.
constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;

static_assert(kSignersMax <= 8 * kBitmapSizeMax);

bool over_two_thirds(std::uint64_t part, std::uint64_t whole) {
    return Uint128{part} * 3 > Uint128{whole} * 2;
}

void hash_members(const ValidatorSet& set, Writer& out) {
    SENNIT_ASSERT(set.members.size() <= 0xffff);
    out.le(set.version).le(static_cast<std::uint16_t>(set.members.size()));
    for (const Member& member : set.members) out.hash(member.key).le(member.weight);
}

Digest hash_of(const ValidatorSet& current, const ValidatorSet* previous) {
    Writer out;
    out.text(kSetDomain);
    hash_members(current, out);
    if (previous != nullptr) hash_members(*previous, out);
    return crypto::keccak256(out.bytes());
}

void encode(const Checkpoint& checkpoint, Writer& out) {
    out.le(checkpoint.slot.value).hash(checkpoint.id);
}

Result<Checkpoint> decode_checkpoint(Reader& in) {
    Checkpoint checkpoint;
    SENNIT_TRY(checkpoint.slot.value, in.le<std::uint64_t>());
    SENNIT_TRY(checkpoint.id, in.hash<BlockId>());
    return checkpoint;
}

}  // namespace

std::uint64_t ValidatorSet::total_weight() const {
    std::uint64_t total = 0;
    for (const Member& member : members) total += member.weight;
    return total;
}

std::optional<std::size_t> ValidatorSet::index_of(const ValidatorKey& key) const {
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (members[i].key == key) return i;
    }
    return std::nullopt;
}

Quorum::Quorum(ValidatorSetPtr current, ValidatorSetPtr previous)
    : current_{std::move(current)}, previous_{std::move(previous)} {
    SENNIT_ASSERT(current_ != nullptr);
    for (const Member& member : current_->members) {
        by_key_.emplace_back(member.key, static_cast<std::uint32_t>(keys_.size()));
        keys_.push_back(member.key);
        weights_current_.push_back(member.weight);
    }
    std::sort(by_key_.begin(), by_key_.end());
    weights_previous_.resize(keys_.size());
    if (previous_) {
        std::vector<std::pair<ValidatorKey, std::uint32_t>> only_previous;
        for (const Member& member : previous_->members) {
            if (const auto bit = bit_of(member.key)) {
                weights_previous_[*bit] = member.weight;
                continue;
            }
            only_previous.emplace_back(member.key, static_cast<std::uint32_t>(keys_.size()));
            keys_.push_back(member.key);
            weights_current_.push_back(0);
            weights_previous_.push_back(member.weight);
        }
        by_key_.insert(by_key_.end(), only_previous.begin(), only_previous.end());
        std::sort(by_key_.begin(), by_key_.end());
        total_previous_ = previous_->total_weight();
    }
    total_current_ = current_->total_weight();
    set_hash_ = hash_of(*current_, previous_.get());
}

std::optional<std::size_t> Quorum::bit_of(const ValidatorKey& key) const {
    const auto found =
        std::ranges::lower_bound(by_key_, key, {}, [](const auto& e) { return e.first; });
    if (found == by_key_.end() || found->first != key) return std::nullopt;
    return found->second;
}

bool Quorum::reached(std::span<const std::uint8_t> bitmap) const {
    std::uint64_t current = 0;
    std::uint64_t previous = 0;
    for (std::size_t bit = 0; bit < size(); ++bit) {
        if (!bit_set(bitmap, bit)) continue;
        current += weights_current_[bit];
        previous += weights_previous_[bit];
    }
    return over_two_thirds(current, total_current_) &&
           (!joint() || over_two_thirds(previous, total_previous_));
}

bool Quorum::well_formed(std::span<const std::uint8_t> bitmap) const {
    if (bitmap.size() != bitmap_size()) return false;
    return size() % 8 == 0 || bitmap.back() >> (size() % 8) == 0;
}

std::uint64_t Quorum::weight(std::span<const std::uint8_t> bitmap) const {
    std::uint64_t sum = 0;
    for (std::size_t bit = 0; bit < size(); ++bit) {
        if (bit_set(bitmap, bit)) sum += weights_current_[bit];
    }
    return sum;
}

std::size_t count_bits(std::span<const std::uint8_t> bitmap) {
    std::size_t count = 0;
    for (const std::uint8_t byte : bitmap) count += static_cast<std::size_t>(std::popcount(byte));
    return count;
}

const Member& leader_of(const ValidatorSet& set, Slot slot) {
    SENNIT_ASSERT(!set.members.empty());
    const std::uint64_t spread = slot.value * kGoldenRatio;
    auto x = static_cast<std::uint64_t>(Uint128{set.total_weight()} * spread >> 64);
    for (const Member& member : set.members) {
        if (x < member.weight) return member;
        x -= member.weight;
    }
    return set.members.back();  // only if nobody has any weight
}

Bytes vote_signing_bytes(const VoteLink& link, const Digest& set_hash, const BlockId& genesis) {
    Writer out{kVoteDomain.size() + 4 * Digest::kSize + 2 * 8};
    out.text(kVoteDomain).hash(genesis).hash(set_hash);
    out.le(link.source.slot.value).le(link.target.slot.value).hash(link.source_digest);
    out.hash(
        crypto::Keccak256{}.update(link.source.id.view()).update(link.target.id.view()).finish());
    return std::move(out).take();
}

void encode(const Vote& vote, Writer& out) {
    out.le(vote.set_version).hash(vote.key);
    encode(vote.link.source, out);
    encode(vote.link.target, out);
    out.hash(vote.link.source_digest).hash(vote.signature);
}

Result<Vote> decode_vote(Reader& in) {
    Vote vote;
    SENNIT_TRY(vote.set_version, in.le<std::uint32_t>());
    SENNIT_TRY(vote.key, in.hash<ValidatorKey>());
    SENNIT_TRY(vote.link.source, decode_checkpoint(in));
    SENNIT_TRY(vote.link.target, decode_checkpoint(in));
    SENNIT_TRY(vote.link.source_digest, in.hash<Digest>());
    SENNIT_TRY(vote.signature, in.hash<Signature>());
    return vote;
}

Digest vote_id(const Vote& vote) {
    Writer out{kVoteSize};
    encode(vote, out);
    return crypto::keccak256(out.bytes());
}

void encode(const Certificate& certificate, Writer& out) {
    SENNIT_ASSERT(certificate.bitmap.size() <= kBitmapSizeMax);
    SENNIT_ASSERT(certificate.signatures.size() == count_bits(certificate.bitmap));
    out.le(certificate.set_version).le(std::uint8_t{certificate.joint});
    encode(certificate.link.source, out);
    encode(certificate.link.target, out);
    out.le(certificate.target_height.value).hash(certificate.link.source_digest);
    out.le(static_cast<std::uint8_t>(certificate.bitmap.size())).raw(certificate.bitmap);
    for (const Signature& signature : certificate.signatures) out.hash(signature);
}

Bytes encode(const Certificate& certificate) {
    Writer out{kCertificateSizeMin + certificate.bitmap.size() +
               certificate.signatures.size() * Signature::kSize};
    encode(certificate, out);
    return std::move(out).take();
}

Result<Certificate> decode_certificate(Reader& in) {
    Certificate certificate;
    SENNIT_TRY(certificate.set_version, in.le<std::uint32_t>());
    SENNIT_TRY(const auto joint, in.le<std::uint8_t>());
    if (joint > 1) return in.fail(Errc::malformed, "certificate's joint flag is neither 0 nor 1");
    certificate.joint = joint == 1;
    SENNIT_TRY(certificate.link.source, decode_checkpoint(in));
    SENNIT_TRY(certificate.link.target, decode_checkpoint(in));
    SENNIT_TRY(certificate.target_height.value, in.le<std::uint64_t>());
    SENNIT_TRY(certificate.link.source_digest, in.hash<Digest>());
    SENNIT_TRY(const auto bitmap_size, in.le<std::uint8_t>());
    if (bitmap_size > kBitmapSizeMax) return in.fail(Errc::oversized, "bitmap over 25 bytes");
    SENNIT_TRY(const auto bitmap, in.take(bitmap_size));
    certificate.bitmap = to_bytes(bitmap);
    const std::size_t signers = count_bits(bitmap);
    SENNIT_TRY(auto signatures, in.take(signers * Signature::kSize));
    certificate.signatures.reserve(signers);
    for (; !signatures.empty(); signatures = signatures.subspan(Signature::kSize)) {
        certificate.signatures.push_back(Signature::from(signatures.first(Signature::kSize)));
    }
    return certificate;
}

Result<Certificate> decode_certificate(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(auto certificate, decode_certificate(in));
    SENNIT_TRY(in.finish());
    return certificate;
}

Result<void> check_certificate_form(const Certificate& certificate, const Quorum& quorum) {
    if (certificate.set_version != quorum.current().version) {
        return Error{Errc::mismatch, "certificate of another set version", Error::kNowhere,
                     "have " + std::to_string(certificate.set_version) + " want " +
                         std::to_string(quorum.current().version)};
    }
    if (certificate.joint != quorum.joint()) {
        return Error{Errc::mismatch, "certificate and target differ in being joint"};
    }
    if (certificate.link.target.slot <= certificate.link.source.slot) {
        return Error{Errc::invalid, "certificate's target is not after its source"};
    }
    if (!quorum.well_formed(certificate.bitmap)) {
        return Error{Errc::malformed, "certificate's bitmap does not fit the set"};
    }
    if (certificate.signatures.size() != count_bits(certificate.bitmap)) {
        return Error{Errc::malformed, "certificate's signatures do not fit its bitmap"};
    }
    if (!quorum.reached(certificate.bitmap)) {
        return Error{Errc::invalid, "certificate without a quorum"};
    }
    return {};
}

Bytes evidence_item(const Vote& vote, const Digest& set_hash, const BlockId& genesis) {
    Bytes signed_bytes = vote_signing_bytes(vote.link, set_hash, genesis);
    Writer out{signed_bytes.size() + ValidatorKey::kSize + Signature::kSize};
    out.raw(signed_bytes).hash(vote.key).hash(vote.signature);
    return std::move(out).take();
}

}  // namespace sennit
