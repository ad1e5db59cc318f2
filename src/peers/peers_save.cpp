// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"
#include "peers/peers.hpp"

namespace sennit::peers {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTextMax = 1024;

void put_text(Writer& out, std::string_view text) {
    text = text.substr(0, kTextMax);
    out.le(static_cast<std::uint16_t>(text.size())).text(text);
}

Result<std::string> get_text(Reader& in) {
    SENNIT_TRY(auto size, in.le<std::uint16_t>());
    SENNIT_TRY(auto raw, in.take(size));
    return std::string{as_text(raw)};
}

std::uint64_t to_number(UnixTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
UnixTime to_time(std::uint64_t number) {
    return UnixTime{WallTimeline::duration{static_cast<std::int64_t>(number)}};
}

}  // namespace

Bytes Peers::save(Now now) const {
    Writer out;
    out.le(kVersion).le(static_cast<std::uint32_t>(known_.size()));
    for (const auto& [place, known] : known_) {
        out.le(place.first.value);
        put_text(out, place.second.text());
        out.le(known.failures).le(to_number(known.seen));
    }
    std::vector<std::pair<std::string, const Record*>> banned;
    for (const auto& [key, record] : records_) {
        if (record.banned_until && *record.banned_until > now.wall)
            banned.emplace_back(key, &record);
    }
    out.le(static_cast<std::uint32_t>(banned.size()));
    for (const auto& [key, record] : banned) {
        put_text(out, key);
        out.le(to_number(*record->banned_until)).le(record->bans);
        put_text(out, record->banned_for);
    }
    return std::move(out).take();
}

Result<void> Peers::restore(BytesView bytes, Now now) {
    Reader in{bytes};
    SENNIT_TRY(auto version, in.le<std::uint8_t>());
    if (version != kVersion) return in.fail(Errc::unknown_type, "peer book of another version");
    SENNIT_TRY(auto places, in.le<std::uint32_t>());
    for (std::uint32_t i = 0; i < places; ++i) {
        SENNIT_TRY(auto instance, in.le<std::uint32_t>());
        SENNIT_TRY(auto text, get_text(in));
        SENNIT_TRY(auto address, NetAddress::parse(text));
        Known known;
        SENNIT_TRY(known.failures, in.le<std::uint32_t>());
        SENNIT_TRY(auto seen, in.le<std::uint64_t>());
        known.seen = to_time(seen);
        if (known_.size() < limits_.addresses_max)
            known_.emplace(Place{InstanceId{instance}, address}, known);
    }
    SENNIT_TRY(auto bans, in.le<std::uint32_t>());
    for (std::uint32_t i = 0; i < bans; ++i) {
        SENNIT_TRY(auto key, get_text(in));
        SENNIT_TRY(auto until, in.le<std::uint64_t>());
        SENNIT_TRY(auto count, in.le<std::uint32_t>());
        SENNIT_TRY(auto why, get_text(in));
        auto& known = record(key, now);
        known.banned_until = to_time(until);
        known.bans = count;
        known.banned_for = std::move(why);
    }
    return in.finish();
}

}  // namespace sennit::peers
