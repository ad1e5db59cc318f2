// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

/// The part of Solidity's contract ABI that the system calls use: 32-byte words, addresses,
/// unsigned integers, `bytes`, and arrays of words in answers.
///
/// Reading takes the canonical encoding only, the one that every library writes: dynamic arguments
/// follow the head in order and without gaps, padding is zero, nothing comes after. One call has
/// one encoding, and a hostile offset points nowhere.
/// Source: Solidity documentation, "Contract ABI Specification".
namespace sennit::chain::abi {

/// The first four bytes of the Keccak of a signature such as "unstake(uint256)", big-endian.
using Selector = std::uint32_t;
Selector selector(std::string_view signature);
/// nullopt when the data is shorter than a selector.
std::optional<Selector> selector_of(BytesView data);

Word word_from(Uint128 value);
Word word_from(const Address& address);
/// nullopt over 128 bits.
std::optional<Uint128> integer_from(const Word& word);

/// Arguments one after another. Errors: truncated, malformed, oversized, trailing.
class Arguments {
  public:
    /// `data` starts with the selector; `count` is the number of arguments.
    Arguments(BytesView data, std::size_t count);

    Result<Word> word();
    Result<Address> address();
    /// An unsigned integer that fits 128 bits.
    Result<Uint128> integer();
    /// Not copied.
    Result<BytesView> bytes(std::size_t size_max);
    Result<void> finish() const;

  private:
    Result<BytesView> take(std::size_t at, std::size_t size) const;

    BytesView body_;
    std::size_t head_{0};
    std::size_t tail_;
};

/// Builds an answer of `count` values.
class Answer {
  public:
    explicit Answer(std::size_t count) : head_size_{count * Word::kSize} {}

    Answer& word(const Word& value);
    Answer& integer(Uint128 value) { return word(word_from(value)); }
    Answer& address(const Address& value) { return word(word_from(value)); }
    Answer& bytes(BytesView value);
    Answer& array(std::span<const Word> values);

    Bytes take() &&;

  private:
    std::size_t head_size_;
    Writer head_;
    Writer tail_;
};

}  // namespace sennit::chain::abi
