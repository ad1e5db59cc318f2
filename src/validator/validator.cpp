// SPDX-License-Identifier: MIT
#include "validator/validator.hpp"

#include <algorithm>

namespace sennit::validator {

namespace {

constexpr std::uint8_t kRecordVersion = 1;
// Echoes of our own messages come back within a few slots; what is older proves nothing.
constexpr std::size_t kSignedMax = 256;

using WallDuration = WallTimeline::duration;

WallDuration slot_length(const chain::Schedule& schedule) {
    return std::chrono::seconds{static_cast<std::int64_t>(schedule.slot_seconds())};
}

// D: the time that a message is given to reach everybody.
WallDuration delay_bound(const chain::Schedule& schedule) {
    return slot_length(schedule) / 3;
}

UnixTime start_of(const chain::Schedule& schedule, Slot slot) {
    return from_unix_seconds(schedule.timestamp(slot));
}

// The slot that `now` lies in; 0 before genesis too, since slot 0 has neither leader nor votes.
Slot slot_at(const chain::Schedule& schedule, UnixTime now) {
    const auto genesis = start_of(schedule, Slot{0});
    if (now < genesis) return Slot{0};
    return Slot{static_cast<std::uint64_t>((now - genesis) / slot_length(schedule))};
}

}  // namespace

Bytes encode(const SlashingRecord& record) {
    Writer out;
    out.le(kRecordVersion).le(record.proposed_last.value);
    out.le(record.target_last.value).le(record.source_highest.value);
    return std::move(out).take();
}

Result<SlashingRecord> decode_slashing_record(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto version, in.le<std::uint8_t>());
    if (version != kRecordVersion) {
        return Error{Errc::unknown_type, "slashing record of an unknown version", 0, {}};
    }
    SlashingRecord record;
    SENNIT_TRY(record.proposed_last.value, in.le<std::uint64_t>());
    SENNIT_TRY(record.target_last.value, in.le<std::uint64_t>());
    SENNIT_TRY(record.source_highest.value, in.le<std::uint64_t>());
    SENNIT_TRY(in.finish());
    if (record.source_highest.value != 0 && record.source_highest >= record.target_last) {
        return Error{Errc::malformed,
                     "slashing record with a source not before its target",
                     Error::kNowhere,
                     {}};
    }
    return record;
}

Validator::Validator(crypto::Ed25519Key key, BlockId genesis_id, chain::Schedule schedule,
                     std::optional<SlashingRecord> record, Options options, Now now)
    : key_{std::move(key)},
      key_id_{key_.public_key<ValidatorKey>()},
      genesis_id_{genesis_id},
      schedule_{schedule},
      record_{record.value_or(SlashingRecord{})},
      options_{options},
      silent_until_{now.wall},
      watching_{options.watch_first} {
    const auto slot = slot_at(schedule_, now.wall);
    former_run_ = std::max({slot, record_.proposed_last, record_.target_last});
    if (watching_) watch(now.wall);
}

void Validator::watch(UnixTime now) {
    // The slot that is running was not watched from its start, unless it begins just now.
    const auto slot = slot_at(schedule_, now);
    const bool whole = now <= start_of(schedule_, slot);
    silent_until_ = start_of(schedule_, slot + (whole ? 2 : 3));
}

void Validator::on_company(bool any, UnixTime now) {
    if (company_ && now >= silent_until_) watching_ = false;
    if (!watching_ || any == company_) return;
    company_ = any;
    if (any) watch(now);
}

UnixTime Validator::next_wake(UnixTime now) const {
    const auto next = now < start_of(schedule_, Slot{0}) ? Slot{1} : slot_at(schedule_, now) + 1;
    const auto freeze_at = start_of(schedule_, next) - delay_bound(schedule_);
    return now < freeze_at ? freeze_at : start_of(schedule_, next);
}

bool Validator::silent(UnixTime now) const {
    return stopped_ || waits_for_company() || now < silent_until_;
}

void Validator::freeze(Slot slot, const chain::Tree& tree) {
    const auto head = tree.head();
    frozen_slot_ = slot;
    frozen_ = {tree.certified_at(head->id)->slot, head->height};
}

bool Validator::in_vote_window(Slot slot, UnixTime now) const {
    const auto start = start_of(schedule_, slot);
    return now >= start && now <= start + delay_bound(schedule_);
}

std::optional<Validator::ProposeDuty> Validator::on_time(UnixTime now, const chain::Tree& tree,
                                                         bool has_transactions) {
    const auto slot = slot_at(schedule_, now);
    if (now >= start_of(schedule_, slot + 1) - delay_bound(schedule_)) {
        if (frozen_slot_ != slot + 1) freeze(slot + 1, tree);
        return std::nullopt;
    }
    // A freeze that was slept through: what is known now is no less than what was known then, so
    // that this key at worst keeps a vote back.
    if (frozen_slot_ != slot) freeze(slot, tree);

    if (slot <= duty_done_ || slot <= record_.proposed_last || !in_vote_window(slot, now)) {
        return std::nullopt;
    }
    if (silent(now) || tree.fault()) return std::nullopt;
    if (!options_.empty_blocks && !has_transactions) return std::nullopt;
    auto out = duty(slot, tree);
    if (out) duty_done_ = slot;
    return out;
}

std::optional<Validator::ProposeDuty> Validator::duty(Slot slot, const chain::Tree& tree) const {
    ProposeDuty out;
    out.slot = slot;
    out.parent = tree.head();
    if (out.parent->slot >= slot) return std::nullopt;
    if (leader_of(*out.parent->sets.at(slot).current, slot).key != key_id_) return std::nullopt;
    out.justified = tree.certified_at(out.parent->id);
    if (out.justified->slot > out.parent->justified.slot) {
        out.certificate = tree.certificate(out.justified->id);
    }
    if (out.certificate == nullptr) {
        // Not newer; or the root after a start, whose certificate nobody gave to the tree.
        out.justified = tree.find(out.parent->justified.id);
        if (out.justified == nullptr) return std::nullopt;
    } else {
        out.extra.bitmap = out.certificate->bitmap;
    }
    out.extra.distance = slot - out.justified->slot;
    return out;
}

std::optional<Validator::Signed> Validator::sign_proposal(const Header& header, Slot slot) {
    SENNIT_ASSERT(header.validator == key_id_ && header.timestamp == schedule_.timestamp(slot));
    if (stopped_ || slot <= record_.proposed_last) return std::nullopt;
    record_.proposed_last = slot;
    remember(slot);
    return Signed{record_, key_.sign(header_signing_bytes(header, genesis_id_))};
}

std::optional<Validator::SignedVote> Validator::vote_for(const chain::Facts& block,
                                                         const chain::Tree& tree, UnixTime now) {
    if (silent(now) || tree.fault() || !in_vote_window(block.slot, now)) return std::nullopt;
    if (tree.standing(block.id) != chain::Tree::Standing::executed) return std::nullopt;
    if (!block.quorum->bit_of(key_id_)) return std::nullopt;
    if (block.slot <= record_.target_last) return std::nullopt;
    if (block.justified.slot < record_.source_highest) return std::nullopt;
    if (frozen_slot_ != block.slot) return std::nullopt;
    if (std::pair{block.justified.slot, block.height} <= frozen_) return std::nullopt;

    record_.target_last = block.slot;
    record_.source_highest = block.justified.slot;
    remember(block.slot);
    Vote vote{block.quorum->current().version, key_id_, chain::link_for(block, tree.lookup()), {}};
    vote.signature =
        key_.sign(vote_signing_bytes(vote.link, block.quorum->set_hash(), genesis_id_));
    return SignedVote{record_, vote};
}

void Validator::remember(Slot slot) {
    signed_.insert(slot);
    if (signed_.size() > kSignedMax) signed_.erase(signed_.begin());
}

std::optional<std::string> Validator::on_own_signature(Slot slot) {
    if (stopped_ || slot <= former_run_ || signed_.contains(slot)) return std::nullopt;
    if (signed_.size() == kSignedMax && slot < *signed_.begin()) return std::nullopt;
    stopped_ = true;
    return "validator key " + to_hex(key_id_) + " signed in slot " + std::to_string(slot.value) +
           ", but not on this machine: another one runs the same key. This node signs nothing "
           "more; stop one of the two, or both will lose their stake";
}

void Validator::check_invariants() const {
    SENNIT_ASSERT(record_.source_highest.value == 0 ||
                  record_.source_highest < record_.target_last);
    SENNIT_ASSERT(signed_.size() <= kSignedMax);
    if (!signed_.empty()) {
        SENNIT_ASSERT(*signed_.rbegin() <= std::max(record_.proposed_last, record_.target_last));
    }
}

}  // namespace sennit::validator
