// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"

#include <algorithm>

namespace sennit {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::truncated: return "truncated";
        case Errc::oversized: return "oversized";
        case Errc::malformed: return "malformed";
        case Errc::trailing: return "trailing";
        case Errc::unknown_type: return "unknown type";
        case Errc::mismatch: return "mismatch";
        case Errc::invalid: return "invalid";
        case Errc::not_found: return "not found";
        case Errc::duplicate: return "duplicate";
        case Errc::unsupported: return "unsupported";
        case Errc::busy: return "busy";
        case Errc::timeout: return "timeout";
        case Errc::io: return "i/o";
    }
    return "unknown";
}

std::string Error::text() const {
    std::string out{what.empty() ? to_string(code) : what};
    if (at != kNowhere) out += " at byte " + std::to_string(at);
    if (!detail.empty()) out += ": " + detail;
    return out;
}

Result<std::uint64_t> Reader::uleb128() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        SENNIT_TRY(auto byte, le<std::uint8_t>());
        const std::uint64_t bits = byte & 0x7fu;
        if (shift == 63 && bits > 1) return fail(Errc::oversized, "number over 64 bits");
        value |= bits << shift;
        if ((byte & 0x80u) == 0) {
            if (byte == 0 && shift != 0) return fail(Errc::malformed, "number not minimal");
            return value;
        }
        if (shift == 63) break;
    }
    return fail(Errc::oversized, "number over 64 bits");
}

Writer& Writer::uleb128(std::uint64_t value) {
    while (value >= 0x80) {
        out_.push_back(static_cast<std::uint8_t>(value | 0x80u));
        value >>= 7;
    }
    out_.push_back(static_cast<std::uint8_t>(value));
    return *this;
}

namespace {

constexpr auto kHexValues = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (int i = 0; i < 10; ++i)
        table[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
    for (int i = 0; i < 6; ++i) {
        table[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
        table[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
    }
    return table;
}();

}  // namespace

std::string to_hex(BytesView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out(bytes.size() * 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[2 * i] = kDigits[bytes[i] >> 4];
        out[2 * i + 1] = kDigits[bytes[i] & 15u];
    }
    return out;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return Error{Errc::malformed, "odd number of hexadecimal digits", text.size(), {}};
    }
    Bytes out(text.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = kHexValues[static_cast<std::uint8_t>(text[2 * i])];
        const int low = kHexValues[static_cast<std::uint8_t>(text[2 * i + 1])];
        if ((high | low) < 0) {
            return Error{
                Errc::malformed, "not a hexadecimal digit", high < 0 ? 2 * i : 2 * i + 1, {}};
        }
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return out;
}

std::string to_decimal(Uint128 value) {
    std::string out;
    do {
        out.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
        value /= 10;
    } while (value != 0);
    std::reverse(out.begin(), out.end());
    return out;
}

Result<Uint128> from_decimal(std::string_view text) {
    if (text.empty()) return Error{Errc::malformed, "empty number", 0, {}};
    if (text.size() > 1 && text[0] == '0') return Error{Errc::malformed, "leading zero", 0, {}};
    Uint128 value = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] < '0' || text[i] > '9') return Error{Errc::malformed, "not a digit", i, {}};
        const auto shifted = checked_mul(value, 10);
        const auto sum =
            shifted ? checked_add(*shifted, static_cast<unsigned>(text[i] - '0')) : std::nullopt;
        if (!sum) return Error{Errc::oversized, "number over 128 bits", i, {}};
        value = *sum;
    }
    return value;
}

}  // namespace sennit
