// SPDX-License-Identifier: MIT
#include "chain/trust.hpp"

#include <charconv>

#include "chain/state.hpp"

namespace sennit::chain {

namespace {

constexpr std::uint64_t kDay = 24 * 3600;

std::string in_words(std::uint64_t seconds) {
    if (seconds >= 2 * kDay) return std::to_string(seconds / kDay) + " days";
    if (seconds >= 2 * 3600) return std::to_string(seconds / 3600) + " hours";
    return std::to_string(seconds) + " seconds";
}

Result<bool> contains(const Snapshot& db, const Checkpoint& trusted, const Schedule& schedule) {
    SENNIT_TRY(const auto bytes, stored_header(db, trusted.id));
    if (!bytes) return false;
    SENNIT_TRY(const auto header, decode_header(*bytes));
    SENNIT_TRY(const auto final_id, stored_id(db, header.height));
    return final_id == trusted.id && schedule.slot_of(header.timestamp) == trusted.slot;
}

}  // namespace

bool too_old_to_follow(const Genesis& genesis, Slot finalised, UnixTime wall) {
    const auto at = Schedule{genesis}.timestamp(finalised);
    const auto now = unix_seconds(wall);
    return now > at && now - at > genesis.stake.unbonding_seconds / 2;
}

Result<void> check_trust(const Genesis& genesis, const Snapshot& db, const Facts& base,
                         const std::optional<Checkpoint>& trusted, UnixTime wall) {
    const Schedule schedule{genesis};
    if (trusted && trusted->slot <= base.slot) {
        SENNIT_TRY(const bool held, contains(db, *trusted, schedule));
        if (held) return {};
        return Error{Errc::mismatch,
                     "this node's chain does not contain the trusted block, so it followed "
                     "another one; check the block, or start again in an empty directory",
                     Error::kNowhere, to_text(*trusted)};
    }
    if (trusted || !too_old_to_follow(genesis, base.slot, wall)) return {};
    const auto age = unix_seconds(wall) - schedule.timestamp(base.slot);
    return Error{Errc::timeout, "the last final block here is too old to go on from alone",
                 Error::kNowhere,
                 "it is " + in_words(age) + " old, and stake can be withdrawn after " +
                     in_words(genesis.stake.unbonding_seconds) +
                     ", so keys with nothing to lose could show this node another chain. Ask "
                     "somebody whom you trust for a recent final block (`sennit status` prints "
                     "it as checkpoint) and start with --trust slot:id. If you know that the chain "
                     "has not moved since, that is --trust " +
                     to_text(base.checkpoint())};
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
    const auto colon = text.find(':');
    Checkpoint out;
    const auto digits = text.substr(0, colon);
    const auto* end = digits.data() + digits.size();
    const auto [stop, bad] = std::from_chars(digits.data(), end, out.slot.value);
    if (colon == std::string_view::npos || digits.empty() || bad != std::errc{} || stop != end) {
        return Error{Errc::malformed, "expected slot:id, as in 1234:0x5e...", Error::kNowhere,
                     std::string{text}};
    }
    SENNIT_TRY(out.id, hash_from_hex<BlockId>(text.substr(colon + 1)));
    return out;
}

std::string to_text(const Checkpoint& checkpoint) {
    return std::to_string(checkpoint.slot.value) + ":0x" + to_hex(checkpoint.id);
}

}  // namespace sennit::chain
