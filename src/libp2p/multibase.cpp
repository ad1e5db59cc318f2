// SPDX-License-Identifier: MIT
#include "libp2p/multibase.hpp"

#include <algorithm>

namespace sennit::libp2p {

namespace {

constexpr std::size_t kQuadraticBytesMax = 160;

constexpr std::string_view alphabet(Base base) {
    switch (base) {
        case Base::base32: return "abcdefghijklmnopqrstuvwxyz234567";
        case Base::base36: return "0123456789abcdefghijklmnopqrstuvwxyz";
        case Base::base64url:
            return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        case Base::base58btc: return "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    }
    return {};
}

/// Bits of a digit; 0 for the bases whose digits are no whole number of bits.
constexpr unsigned digit_bits(Base base) {
    switch (base) {
        case Base::base32: return 5;
        case Base::base64url: return 6;
        case Base::base36:
        case Base::base58btc: return 0;
    }
    return 0;
}

/// A big number in base `to`, least digit first: `number * from + digit`.
void multiply_add(Bytes& number, std::uint32_t from, std::uint32_t digit, std::uint32_t to) {
    auto carry = digit;
    for (auto& place : number) {
        carry += place * from;
        place = static_cast<std::uint8_t>(carry % to);
        carry /= to;
    }
    for (; carry != 0; carry /= to) number.push_back(static_cast<std::uint8_t>(carry % to));
}

/// Rewrites a number, most significant digit first, in another base. Leading zeros stay as many.
Bytes change_base(BytesView digits, std::uint32_t from, std::uint32_t to) {
    const auto first = std::ranges::find_if(digits, [](auto digit) { return digit != 0; });
    Bytes number;
    for (auto at = first; at != digits.end(); ++at) multiply_add(number, from, *at, to);
    number.insert(number.end(), static_cast<std::size_t>(first - digits.begin()), 0);
    std::ranges::reverse(number);
    return number;
}

/// Digits of `bits` bits from bytes, the last one filled up with zeros.
Bytes split(BytesView bytes, unsigned bits) {
    Bytes digits;
    std::uint32_t window = 0;
    unsigned held = 0;
    const auto mask = (1u << bits) - 1;
    for (const auto byte : bytes) {
        window = (window << 8 | byte) & 0xffffu;
        for (held += 8; held >= bits;) {
            held -= bits;
            digits.push_back(static_cast<std::uint8_t>(window >> held & mask));
        }
    }
    if (held > 0) digits.push_back(static_cast<std::uint8_t>(window << (bits - held) & mask));
    return digits;
}

/// The inverse. A last digit that holds nothing of a byte, or a bit behind the last byte, would be
/// a second text for the same bytes.
Result<Bytes> join(BytesView digits, unsigned bits) {
    Bytes bytes;
    std::uint32_t window = 0;
    unsigned held = 0;
    for (const auto digit : digits) {
        window = (window << bits | digit) & 0xffffu;
        held += bits;
        if (held < 8) continue;
        held -= 8;
        bytes.push_back(static_cast<std::uint8_t>(window >> held));
    }
    const auto rest = window & ((1u << held) - 1);
    if (held >= bits || rest != 0)
        return Error{Errc::malformed, "digits that end inside a byte", digits.size(), {}};
    return bytes;
}

}  // namespace

std::string encode_digits(Base base, BytesView bytes) {
    const auto letters = alphabet(base);
    const auto bits = digit_bits(base);
    SENNIT_ASSERT(bits > 0 || bytes.size() <= kQuadraticBytesMax);
    const auto digits = bits > 0
                            ? split(bytes, bits)
                            : change_base(bytes, 256, static_cast<std::uint32_t>(letters.size()));
    std::string out;
    out.reserve(digits.size());
    for (const auto digit : digits) out.push_back(letters[digit]);
    return out;
}

Result<Bytes> decode_digits(Base base, std::string_view text) {
    const auto letters = alphabet(base);
    const auto bits = digit_bits(base);
    const auto size_max = bits > 0 ? kLinearDigitsMax : kQuadraticDigitsMax;
    if (text.size() > size_max) return Error{Errc::oversized, "text too long", size_max, {}};
    Bytes digits;
    digits.reserve(text.size());
    for (const auto letter : text) {
        const auto digit = letters.find(letter);
        if (digit == std::string_view::npos)
            return Error{Errc::malformed, "character outside the alphabet", digits.size(), {}};
        digits.push_back(static_cast<std::uint8_t>(digit));
    }
    if (bits > 0) return join(digits, bits);
    return change_base(digits, static_cast<std::uint32_t>(letters.size()), 256);
}

std::string encode_multibase(Base base, BytesView bytes) {
    return static_cast<char>(base) + encode_digits(base, bytes);
}

Result<Bytes> decode_multibase(std::string_view text) {
    if (text.empty()) return Error{Errc::truncated, "no multibase letter", 0, {}};
    const auto base = static_cast<Base>(text.front());
    if (alphabet(base).empty()) return Error{Errc::unsupported, "base that is not read", 0, {}};
    auto bytes = decode_digits(base, text.substr(1));
    if (bytes) return bytes;
    auto error = std::move(bytes).error();
    ++error.at;  // the letter
    return error;
}

}  // namespace sennit::libp2p
