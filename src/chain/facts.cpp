// SPDX-License-Identifier: MIT
#include "chain/facts.hpp"

#include "chain/signers.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {

namespace {

/// Members on disk: account, payout, key, weight.
constexpr std::size_t kMemberSize = 20 + 20 + 32 + 8;

Error broken(std::string_view rule, std::string detail = {}) {
    return Error{Errc::invalid, rule, Error::kNowhere, std::move(detail)};
}

std::string have_want(std::uint64_t have, std::uint64_t want) {
    return "have " + std::to_string(have) + " want " + std::to_string(want);
}

/// CHAIN rule 18: until a version's first block is final, both versions must agree.
bool joint_at(const Sets& sets, Slot finalised) {
    return sets.previous != nullptr && finalised < sets.current->first_slot;
}

/// A quorum of 200 keys is some 16 KiB and a hash: blocks of one branch with the same version share
/// it. On one branch a version is one set.
QuorumPtr quorum_of(const Sets& sets, bool joint, const QuorumPtr& shared) {
    if (shared && shared->joint() == joint && shared->current().version == sets.current->version) {
        return shared;
    }
    return std::make_shared<const Quorum>(sets.current, joint ? sets.previous : nullptr);
}

/// What the header alone says, beside slot and extra_data.
Result<void> check_plain_fields(const Facts& parent, const Header& header, const Genesis& genesis) {
    if (header.previous_hash != parent.id) {
        return broken("header's previous_hash is not its parent");
    }
    if (header.version != 1) {
        return broken("header of an unknown version", have_want(header.version, 1));
    }
    if (header.height != parent.height + 1) {
        return broken("header's height is not its parent's plus one",
                      have_want(header.height.value, parent.height.value + 1));
    }
    if (header.gas_limit != genesis.gas_limit) {
        return broken("header's gas limit is not the genesis value",
                      have_want(header.gas_limit, genesis.gas_limit));
    }
    if (header.gas_used > header.gas_limit) {
        return broken("header's gas used is over its gas limit",
                      have_want(header.gas_used, header.gas_limit));
    }
    return {};
}

Result<Slot> check_slot(const Facts& parent, const Header& header, const Schedule& schedule) {
    const auto slot = schedule.slot_of(header.timestamp);
    if (!slot) {
        return broken("header's timestamp is not a slot's start", std::to_string(header.timestamp));
    }
    if (*slot <= parent.slot) {
        return broken(
            "header's slot is not after its parent's",
            "have " + std::to_string(slot->value) + " parent " + std::to_string(parent.slot.value));
    }
    return *slot;
}

/// The ancestor that stands at `slot`, which is below the parent's J only if the block is wrong.
Result<FactsPtr> ancestor_at(const Facts& parent, Slot slot, const FactsLookup& lookup) {
    BlockId id = parent.id;
    while (true) {
        auto facts = lookup(id);
        if (!facts) {
            return Error{Errc::not_found, "ancestor is not held", Error::kNowhere, to_hex(id)};
        }
        if (facts->slot == slot) return facts;
        if (facts->slot < slot) {
            return broken("no ancestor stands at the slot that extra_data names",
                          std::to_string(slot.value));
        }
        id = facts->parent;
    }
}

/// CHAIN rules 5 and 9: reads J, and F with it, into `facts`, whose slot is set.
Result<void> derive_checkpoints(Facts& facts, const Facts& parent, const Header& header,
                                const FactsLookup& lookup) {
    SENNIT_TRY(const auto extra, decode_stake_extra(header.extra_data));
    if (extra.distance == 0 || extra.distance > facts.slot.value) {
        return broken("extra_data names no slot before the block's",
                      std::to_string(extra.distance));
    }
    const Slot named = facts.slot - extra.distance;
    if (named < parent.justified.slot) {
        return broken("extra_data names a slot before the parent's justified one",
                      have_want(named.value, parent.justified.slot.value));
    }
    facts.justified = parent.justified;
    facts.finalised = parent.finalised;
    if (named == parent.justified.slot) {
        if (!extra.bitmap.empty()) return broken("bitmap although no newer block is justified");
        return {};
    }
    SENNIT_TRY(const auto target, ancestor_at(parent, named, lookup));
    if (extra.bitmap.empty()) return broken("no bitmap although a newer block is justified");
    if (!target->quorum->well_formed(extra.bitmap)) return broken("bitmap does not fit the set");
    if (!target->quorum->reached(extra.bitmap)) return broken("bitmap without a quorum");
    facts.justified = target->checkpoint();
    if (target->slot == target->justified.slot + 1) facts.finalised = target->justified;
    return {};
}

FactsPtr held(const FactsLookup& lookup, const BlockId& id) {
    auto facts = lookup(id);
    SENNIT_ASSERT(facts != nullptr);
    return facts;
}

void write_checkpoint(Writer& out, const Checkpoint& checkpoint) {
    out.le(checkpoint.slot.value).hash(checkpoint.id);
}

Result<Checkpoint> read_checkpoint(Reader& in) {
    Checkpoint checkpoint;
    SENNIT_TRY(checkpoint.slot.value, in.le<std::uint64_t>());
    SENNIT_TRY(checkpoint.id, in.hash<BlockId>());
    return checkpoint;
}

void write_set(Writer& out, const ValidatorSetPtr& set, const SetDigest& digest_of) {
    out.hash(set ? digest_of(*set) : Digest{});
}

Result<ValidatorSetPtr> read_set(Reader& in, const SetLookup& lookup) {
    SENNIT_TRY(const auto digest, in.hash<Digest>());
    if (digest.is_zero()) return ValidatorSetPtr{};
    auto set = lookup(digest);
    if (!set) {
        return Error{Errc::not_found, "validator set is not held", in.offset(), to_hex(digest)};
    }
    return set;
}

Result<bool> read_flag(Reader& in) {
    SENNIT_TRY(const auto flag, in.le<std::uint8_t>());
    if (flag > 1) return in.fail(Errc::malformed, "flag is neither 0 nor 1");
    return flag == 1;
}

}  // namespace

Sets Sets::at(Slot slot) const {
    if (!next || slot < next->first_slot) return *this;
    return {.previous = current, .current = next, .next = nullptr};
}

FactsPtr genesis_facts(const Genesis& genesis, const Header& header) {
    Facts facts;
    facts.id = header_id(header);
    facts.digest = Digest::from(facts.id.view());
    facts.justified = facts.checkpoint();
    facts.finalised = facts.checkpoint();
    facts.sets.current = std::make_shared<const ValidatorSet>(genesis_set(genesis));
    facts.executed = true;
    facts.quorum = quorum_of(facts.sets, /*joint=*/false, nullptr);
    return std::make_shared<const Facts>(std::move(facts));
}

Result<FactsPtr> derive_facts(const Facts& parent, const Header& header, const BlockId& id,
                              const Genesis& genesis, const FactsLookup& lookup) {
    SENNIT_ASSERT(parent.executed);
    const Schedule schedule{genesis};
    SENNIT_TRY(check_plain_fields(parent, header, genesis));
    SENNIT_TRY(const auto slot, check_slot(parent, header, schedule));

    Facts facts;
    facts.id = id;
    facts.parent = parent.id;
    facts.height = header.height;
    facts.slot = slot;
    facts.epoch_start = schedule.epoch_of(slot) > schedule.epoch_of(parent.slot);
    facts.sets = parent.sets.at(slot);
    if (leader_of(*facts.sets.current, slot).key != header.validator) {
        return broken("header's validator does not lead its slot", to_hex(header.validator));
    }
    SENNIT_TRY(derive_checkpoints(facts, parent, header, lookup));
    facts.digest =
        record_digest(parent.digest, slot, header, header.txs_root == transactions_root({}));
    facts.quorum = quorum_of(facts.sets, joint_at(facts.sets, facts.finalised.slot), parent.quorum);
    return FactsPtr{std::make_shared<const Facts>(std::move(facts))};
}

std::optional<VoteLink> required_link(const Facts& block, const Header& header,
                                      const FactsLookup& lookup) {
    const auto extra = decode_stake_extra(header.extra_data);
    SENNIT_ASSERT(extra.has_value());
    if (extra->bitmap.empty()) return std::nullopt;
    return link_for(*held(lookup, block.justified.id), lookup);
}

Result<void> check_companion(const Facts& block, const Header& header,
                             const Certificate& certificate, const FactsLookup& lookup) {
    const auto link = required_link(block, header, lookup);
    if (!link) {
        return Error{Errc::mismatch, "certificate beside a block that justifies nothing new"};
    }
    if (certificate.link != *link) {
        return Error{Errc::mismatch, "certificate of another link than the block's"};
    }
    const auto target = held(lookup, link->target.id);
    if (certificate.target_height != target->height) {
        return Error{Errc::mismatch, "certificate's height is not its target's", Error::kNowhere,
                     have_want(certificate.target_height.value, target->height.value)};
    }
    return check_certificate_form(certificate, *target->quorum);
}

bool claims_only(const Header& header, const Certificate& certificate) {
    const auto extra = decode_stake_extra(header.extra_data);
    SENNIT_ASSERT(extra.has_value());
    return covers(certificate.bitmap, extra->bitmap);
}

VoteLink link_for(const Facts& target, const FactsLookup& lookup) {
    return {.source = target.justified,
            .target = target.checkpoint(),
            .source_digest = held(lookup, target.justified.id)->digest};
}

Bytes encode(const Facts& facts) {
    return encode(facts, set_digest);
}

Bytes encode(const Facts& facts, const SetDigest& digest_of) {
    SENNIT_ASSERT(facts.quorum != nullptr);
    Writer out{384};
    out.hash(facts.id).hash(facts.parent).le(facts.height.value).le(facts.slot.value);
    write_checkpoint(out, facts.justified);
    write_checkpoint(out, facts.finalised);
    out.hash(facts.digest).le(std::uint8_t{facts.epoch_start}).le(std::uint8_t{facts.executed});
    out.le(std::uint8_t{facts.quorum->joint()});
    write_set(out, facts.sets.previous, digest_of);
    write_set(out, facts.sets.current, digest_of);
    write_set(out, facts.sets.next, digest_of);
    return std::move(out).take();
}

Result<FactsPtr> decode_facts(BytesView bytes, const SetLookup& sets, const QuorumPtr& shared) {
    Reader in{bytes};
    Facts facts;
    SENNIT_TRY(facts.id, in.hash<BlockId>());
    SENNIT_TRY(facts.parent, in.hash<BlockId>());
    SENNIT_TRY(facts.height.value, in.le<std::uint64_t>());
    SENNIT_TRY(facts.slot.value, in.le<std::uint64_t>());
    SENNIT_TRY(facts.justified, read_checkpoint(in));
    SENNIT_TRY(facts.finalised, read_checkpoint(in));
    SENNIT_TRY(facts.digest, in.hash<Digest>());
    SENNIT_TRY(facts.epoch_start, read_flag(in));
    SENNIT_TRY(facts.executed, read_flag(in));
    SENNIT_TRY(const bool joint, read_flag(in));
    SENNIT_TRY(facts.sets.previous, read_set(in, sets));
    SENNIT_TRY(facts.sets.current, read_set(in, sets));
    SENNIT_TRY(facts.sets.next, read_set(in, sets));
    SENNIT_TRY(in.finish());
    if (!facts.sets.current || (joint && !facts.sets.previous)) {
        return Error{Errc::malformed, "facts without the sets that they need"};
    }
    // Unlike on one branch, the same version need not be the same set here.
    const bool same = shared && shared->current() == *facts.sets.current &&
                      (!joint || (shared->joint() && *shared->previous() == *facts.sets.previous));
    facts.quorum = quorum_of(facts.sets, joint, same ? shared : nullptr);
    return FactsPtr{std::make_shared<const Facts>(std::move(facts))};
}

Bytes encode(const ValidatorSet& set) {
    Writer out{4 + 8 + 2 + set.members.size() * kMemberSize};
    out.le(set.version).le(set.first_slot.value);
    out.le(static_cast<std::uint16_t>(set.members.size()));
    for (const auto& member : set.members) {
        out.hash(member.account).hash(member.payout).hash(member.key).le(member.weight);
    }
    return std::move(out).take();
}

Result<ValidatorSet> decode_validator_set(BytesView bytes) {
    Reader in{bytes};
    ValidatorSet set;
    SENNIT_TRY(set.version, in.le<std::uint32_t>());
    SENNIT_TRY(set.first_slot.value, in.le<std::uint64_t>());
    SENNIT_TRY(const auto count, in.le<std::uint16_t>());
    if (count == 0 || count > kValidatorsMax) {
        return in.fail(Errc::malformed, "validator set is empty or has over 100 members");
    }
    Uint128 total = 0;
    for (std::size_t i = 0; i < count; ++i) {
        Member member;
        SENNIT_TRY(member.account, in.hash<Address>());
        SENNIT_TRY(member.payout, in.hash<Address>());
        SENNIT_TRY(member.key, in.hash<ValidatorKey>());
        SENNIT_TRY(member.weight, in.le<std::uint64_t>());
        if (i > 0 && !(set.members.back().account < member.account)) {
            return in.fail(Errc::malformed, "members are not in rising order of account");
        }
        total += member.weight;
        set.members.push_back(member);
    }
    if (total == 0 || total >= kTotalWeightLimit) {
        return in.fail(Errc::malformed, "weights do not sum to 1 to 2^63 - 1");
    }
    SENNIT_TRY(in.finish());
    return set;
}

Digest set_digest(const ValidatorSet& set) {
    return crypto::keccak256(encode(set));
}

}  // namespace sennit::chain
