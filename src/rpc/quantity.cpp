// SPDX-License-Identifier: MIT
#include "rpc/quantity.hpp"

#include <algorithm>

namespace sennit::rpc {

namespace {

std::string trim_zeros(std::string digits) {
    const auto first = digits.find_first_not_of('0');
    return "0x" + (first == std::string::npos ? "0" : digits.substr(first));
}

Result<std::string_view> hex_text(const json::Value& value) {
    if (!value.is_text()) return Error{Errc::malformed, "expected a hex string with 0x"};
    SENNIT_TRY(auto text, value.as_text());
    if (!text.starts_with("0x")) return Error{Errc::malformed, "hex string without 0x prefix"};
    return text.substr(2);
}

}  // namespace

std::string quantity(Uint128 value) {
    Writer bytes;
    bytes.be(static_cast<std::uint64_t>(value >> 64)).be(static_cast<std::uint64_t>(value));
    return trim_zeros(to_hex(bytes.bytes()));
}

std::string quantity_of_word(const Word& word) {
    return trim_zeros(to_hex(word));
}

std::string hex_data(BytesView bytes) {
    return "0x" + to_hex(bytes);
}

Result<Uint128> parse_quantity(const json::Value& value) {
    SENNIT_TRY(auto digits, hex_text(value));
    if (digits.empty()) return Error{Errc::malformed, "hex string \"0x\" is no number"};
    if (digits.size() > 1 && digits[0] == '0') {
        return Error{Errc::malformed, "hex number with leading zero digits"};
    }
    if (digits.size() > 32) return Error{Errc::oversized, "hex number > 128 bits"};
    const auto padded = std::string(32 - digits.size(), '0') + std::string{digits};
    SENNIT_TRY(auto bytes, from_hex(padded));
    Reader in{bytes};
    SENNIT_TRY(auto high, in.be<std::uint64_t>());
    SENNIT_TRY(auto low, in.be<std::uint64_t>());
    return Uint128{high} << 64 | low;
}

Result<std::uint64_t> parse_quantity64(const json::Value& value) {
    SENNIT_TRY(auto number, parse_quantity(value));
    if (number > ~std::uint64_t{0}) return Error{Errc::oversized, "hex number > 64 bits"};
    return static_cast<std::uint64_t>(number);
}

Result<Bytes> parse_data(const json::Value& value) {
    SENNIT_TRY(auto digits, hex_text(value));
    return from_hex(digits);
}

}  // namespace sennit::rpc
