// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>
#include <limits>

#include "base/bytes.hpp"
#include "cli/commands.hpp"

namespace sennit::cli {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr Unit kUnits[]{{"", 1},
                        {"K", 1'000},
                        {"M", 1'000'000},
                        {"G", 1'000'000'000},
                        {"T", 1'000'000'000'000},
                        {"Ki", std::uint64_t{1} << 10},
                        {"Mi", std::uint64_t{1} << 20},
                        {"Gi", std::uint64_t{1} << 30},
                        {"Ti", std::uint64_t{1} << 40}};

Error bad_size(Errc code, std::string_view what, std::string_view text) {
    return {code, what, Error::kNowhere,
            "\"" + std::string{text} + "\"; expected bytes as in 1500, 100M or 1GiB"};
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto end = text.find_first_not_of("0123456789");
    const auto digits = text.substr(0, end);
    auto unit = end == std::string_view::npos ? std::string_view{} : text.substr(end);
    if (unit.ends_with('B')) unit.remove_suffix(1);
    const auto number = from_decimal(digits);
    if (!number) return bad_size(Errc::malformed, "not a size", text);
    for (const auto& one : kUnits) {
        if (one.name != unit) continue;
        const auto bytes = checked_mul(*number, one.bytes);
        if (!bytes || *bytes > std::numeric_limits<std::uint64_t>::max())
            return bad_size(Errc::oversized, "more than 64 bits", text);
        return static_cast<std::uint64_t>(*bytes);
    }
    return bad_size(Errc::malformed, "not a size", text);
}

std::string format_size(double bytes) {
    constexpr std::array kNames{"B", "kB", "MB", "GB", "TB"};
    std::size_t unit{0};
    while (bytes >= 999.95 && unit + 1 < kNames.size()) {
        bytes /= 1000;
        ++unit;
    }
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kNames[unit]);
    return out.data();
}

}  // namespace sennit::cli
