// SPDX-License-Identifier: MIT
#include "chain/registry_evidence.hpp"

#include <algorithm>

#include "crypto/ed25519.hpp"

namespace sennit::chain {

namespace {

constexpr std::string_view kVoteDomain = "sennit/vote/1";
/// domain, genesis, set hash, source slot, target slot, source digest, hash of the two ids
constexpr std::size_t kVoteMessageSize = kVoteDomain.size() + 32 + 32 + 8 + 8 + 32 + 32;
constexpr std::size_t kVoteItemSize = kVoteMessageSize + ValidatorKey::kSize + Signature::kSize;
static_assert(kVoteItemSize < kHeaderSizeMin, "size tells a vote from a header");

Error acquitted(std::string_view why) {
    return Error{Errc::invalid, why};
}

struct SignedVote {
    BytesView message;
    Slot source;
    Slot target;
    ValidatorKey key;
};

Result<SignedVote> open_vote(BytesView item, const BlockId& genesis_id) {
    SignedVote vote;
    vote.message = item.first(kVoteMessageSize);
    Reader in{item};
    SENNIT_TRY(const auto domain, in.take(kVoteDomain.size()));
    if (as_text(domain) != kVoteDomain) return acquitted("evidence is no vote");
    SENNIT_TRY(const auto genesis, in.hash<BlockId>());
    if (genesis != genesis_id) return acquitted("vote of another chain");
    SENNIT_TRY(in.take(Digest::kSize));
    SENNIT_TRY(vote.source.value, in.le<std::uint64_t>());
    SENNIT_TRY(vote.target.value, in.le<std::uint64_t>());
    SENNIT_TRY(in.take(2 * Digest::kSize));
    SENNIT_TRY(vote.key, in.hash<ValidatorKey>());
    SENNIT_TRY(const auto signature, in.take(Signature::kSize));
    SENNIT_TRY(in.finish());
    if (!crypto::ed25519_verify(vote.key.view(), vote.message, signature)) {
        return acquitted("vote's signature is wrong");
    }
    return vote;
}

Result<Offence> judge_votes(const SignedVote& first, const SignedVote& second) {
    if (first.key != second.key) return acquitted("votes of two keys");
    if (first.target == second.target) {
        if (std::ranges::equal(first.message, second.message)) return acquitted("one vote, twice");
        return Offence{Offence::Kind::double_vote, first.key};
    }
    const auto surrounds = [](const SignedVote& outer, const SignedVote& inner) {
        return outer.source < inner.source && inner.source < inner.target &&
               inner.target < outer.target;
    };
    if (surrounds(first, second) || surrounds(second, first)) {
        return Offence{Offence::Kind::surround_vote, first.key};
    }
    return acquitted("votes that do not contradict each other");
}

Result<Header> open_header(BytesView item, const BlockId& genesis_id) {
    SENNIT_TRY(auto header, decode_header(item));
    if (!crypto::ed25519_verify(header.validator.view(), header_signing_bytes(header, genesis_id),
                                header.signature.view())) {
        return acquitted("header's signature is wrong");
    }
    return header;
}

}  // namespace

Result<ValidatorKey> accused(BytesView item) {
    if (item.size() == kVoteItemSize)
        return ValidatorKey::from(item.subspan(kVoteMessageSize, ValidatorKey::kSize));
    SENNIT_TRY(const auto header, decode_header(item));
    return header.validator;
}

Result<Offence> judge(BytesView first, BytesView second, const Genesis& genesis,
                      const BlockId& genesis_id) {
    if (first.size() == kVoteItemSize && second.size() == kVoteItemSize) {
        SENNIT_TRY(const auto one, open_vote(first, genesis_id));
        SENNIT_TRY(const auto other, open_vote(second, genesis_id));
        return judge_votes(one, other);
    }
    SENNIT_TRY(const auto one, open_header(first, genesis_id));
    SENNIT_TRY(const auto other, open_header(second, genesis_id));
    if (one.validator != other.validator) return acquitted("headers of two keys");
    if (one.timestamp != other.timestamp || !Schedule{genesis}.slot_of(one.timestamp)) {
        return acquitted("headers that are not of one slot");
    }
    // The signature counts: strict Ed25519 lets nobody else make a second one for the same header.
    if (one == other) return acquitted("one header, twice");
    return Offence{Offence::Kind::double_proposal, one.validator};
}

}  // namespace sennit::chain
