// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"
#include "base/json.hpp"

/// Ethereum's two spellings in JSON: quantities (0x41, no leading zeros) and data (0x0041).
namespace sennit::rpc {

std::string quantity(Uint128 value);
std::string quantity_of_word(const Word& word);
std::string hex_data(BytesView bytes);
template <class Tag, std::size_t N>
std::string hex_data(const Hash<Tag, N>& hash) {
    return hex_data(hash.view());
}

/// Errors: malformed, with a sentence for the caller.
Result<Uint128> parse_quantity(const json::Value& value);
Result<std::uint64_t> parse_quantity64(const json::Value& value);
Result<Bytes> parse_data(const json::Value& value);
template <class H>
Result<H> parse_hash(const json::Value& value) {
    SENNIT_TRY(auto raw, parse_data(value));
    if (raw.size() != H::kSize) {
        return Error{
            Errc::malformed, "hex string of the wrong length", Error::kNowhere,
            "expected " + std::to_string(H::kSize) + " bytes, got " + std::to_string(raw.size())};
    }
    return H::from(raw);
}

}  // namespace sennit::rpc
