// SPDX-License-Identifier: MIT
#include "base/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/json.hpp"

namespace sennit::json {

namespace detail {

namespace {

/// Whether a decimal text that no double can hold is too large rather than too small: by the power
/// of ten of its first digit that is not 0. Exponents of any length count.
bool is_huge(std::string_view digits) {
    const auto exponent_at = std::min(digits.find_first_of("eE"), digits.size());
    const std::string_view mantissa = digits.substr(0, exponent_at);
    const auto first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos) return false;
    const auto point = std::min(mantissa.find('.'), mantissa.size());
    // Saturates far beyond any mantissa that fits into memory.
    constexpr std::int64_t kFar = std::int64_t{1} << 50;
    std::int64_t power = 0;
    if (exponent_at != digits.size()) {
        std::string_view exponent = digits.substr(exponent_at + 1);
        const bool negative = exponent.starts_with('-');
        if (negative || exponent.starts_with('+')) exponent.remove_prefix(1);
        for (const char c : exponent) power = std::min(kFar, power * 10 + (c - '0'));
        if (negative) power = -power;
    }
    return power + static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) > 0;
}

}  // namespace

Decoded decode_utf8(const char* at, const char* end, bool surrogates_too) {
    const auto left = static_cast<std::size_t>(end - at);
    const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
    if (left == 0) return {};
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < size) return {};
    std::uint32_t code = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3fu);
    }
    constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[size] || code > 0x10ffff) return {};
    if (!surrogates_too && code >= 0xd800 && code <= 0xdfff) return {};
    return {code, size};
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.append({static_cast<char>(0xc0 | code >> 6), tail(0)});
    } else if (code < 0x10000) {
        out.append({static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)});
    } else {
        out.append({static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)});
    }
}

double nearest_double(std::string_view token) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (token == "NaN") return std::numeric_limits<double>::quiet_NaN();
    const bool negative = token.starts_with('-');
    if (negative) token.remove_prefix(1);
    double size = 0;
    if (token == "Infinity") {
        size = kInfinity;
    } else {
        const auto read = std::from_chars(token.data(), token.data() + token.size(), size);
        if (read.ec == std::errc::result_out_of_range) size = is_huge(token) ? kInfinity : 0;
    }
    return negative ? -size : size;
}

}  // namespace detail

std::string float_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    std::array<char, 32> buffer;
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                       std::chars_format::scientific);
    const std::string_view text{buffer.data(), written.ptr};
    const auto exponent_at = text.find('e');
    int exponent = 0;
    const bool below_one = text[exponent_at + 1] == '-';
    std::from_chars(text.data() + exponent_at + 2, written.ptr, exponent);
    if (below_one) exponent = -exponent;
    if (exponent < -4 || exponent > 15) return std::string{text};

    std::string out;
    std::string digits;
    for (const char c : text.substr(0, exponent_at)) {
        if (c == '-') out.push_back(c);
        if (c >= '0' && c <= '9') digits.push_back(c);
    }
    if (exponent < 0) {
        out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
        return out;
    }
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) {
        out.append(digits).append(whole - digits.size(), '0').append(".0");
    } else {
        out.append(digits, 0, whole).append(1, '.').append(digits, whole);
    }
    return out;
}

}  // namespace sennit::json
