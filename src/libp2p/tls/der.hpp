// SPDX-License-Identifier: MIT
#pragma once

#include "sennit/types.hpp"

/// As much of DER (X.690) as a certificate needs, read strictly: lengths are definite and as short
/// as can be, so a value has one encoding only.
namespace sennit::libp2p::tls::der {

constexpr std::uint8_t kBoolean = 0x01;
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kUtcTime = 0x17;
constexpr std::uint8_t kGeneralizedTime = 0x18;
constexpr std::uint8_t kSequence = 0x30;
/// Context-specific tag `number`, which holds elements, or a value itself.
constexpr std::uint8_t context(std::uint8_t number) {
    return static_cast<std::uint8_t>(0xa0 | number);
}
constexpr std::uint8_t context_value(std::uint8_t number) {
    return static_cast<std::uint8_t>(0x80 | number);
}

struct Element {
    BytesView whole;  ///< with tag and length
    BytesView content;
    std::uint64_t at;  ///< of `content`, in the outermost input
};

/// Takes elements from the front of bytes that begin at `at` of something larger.
class Reader {
  public:
    explicit Reader(BytesView in, std::uint64_t at = 0) : in_{in}, at_{at} {}
    explicit Reader(const Element& element) : in_{element.content}, at_{element.at} {}

    /// Errors, at the element's first byte: truncated; malformed for another tag and for a length
    /// that DER writes otherwise; oversized for one of more than two bytes.
    Result<Element> take(std::uint8_t tag);
    bool next_is(std::uint8_t tag) const { return !in_.empty() && in_[0] == tag; }
    bool empty() const { return in_.empty(); }
    /// Error: trailing unless all was taken.
    Result<void> done() const;

  private:
    BytesView in_;
    std::uint64_t at_;
};

/// Appends tag, length and `content`, at most 65535 bytes.
void append(Bytes& out, std::uint8_t tag, BytesView content);

}  // namespace sennit::libp2p::tls::der
