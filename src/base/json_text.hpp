// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstring>

#include "sennit/types.hpp"

/// Characters and numbers inside JSON text: what the reader and the writer of json.hpp share.
namespace sennit::json::detail {

static_assert(std::endian::native == std::endian::little, "plain_end reads eight bytes at once");

/// The first byte at or after `at` that a JSON string must treat with care: a quote, a backslash,
/// or anything outside 0x20 to 0x7e. `end` if there is none.
inline const char* plain_end(const char* at, const char* end) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    while (end - at >= 8) {
        std::uint64_t w;
        std::memcpy(&w, at, sizeof w);
        // The high bit of a byte shows that the byte is below 0x20, one of three characters, or
        // above 0x7f. A borrow can mark a byte wrongly, but only one behind a byte rightly marked.
        const std::uint64_t marks =
            ((w - 0x20 * kOnes) | ((w ^ ('"' * kOnes)) - kOnes) | ((w ^ ('\\' * kOnes)) - kOnes) |
             ((w ^ (0x7f * kOnes)) - kOnes) | w) &
            (0x80 * kOnes);
        if (marks != 0) return at + std::countr_zero(marks) / 8;
        at += 8;
    }
    for (; at != end; ++at) {
        const auto c = static_cast<unsigned char>(*at);
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') break;
    }
    return at;
}

/// One character of UTF-8, and its size in bytes; size 0 if the bytes are none.
struct Decoded {
    std::uint32_t code{0};
    std::size_t size{0};
};

/// Shortest forms only, up to U+10FFFF. Surrogates are for the writer: no input may hold them raw.
Decoded decode_utf8(const char* at, const char* end, bool surrogates_too);

/// Appends `code`, a surrogate too, as UTF-8 would.
void append_utf8(std::string& out, std::uint32_t code);

constexpr bool is_high_surrogate(std::uint32_t code) {
    return (code & 0xfffffc00) == 0xd800;
}
constexpr bool is_low_surrogate(std::uint32_t code) {
    return (code & 0xfffffc00) == 0xdc00;
}

/// The double nearest to a JSON number's text, as Python's `float` rounds: past the range infinite
/// or zero. Also for the words NaN, Infinity and -Infinity.
double nearest_double(std::string_view token);

}  // namespace sennit::json::detail
