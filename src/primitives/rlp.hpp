// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

/// Recursive Length Prefix, Ethereum's encoding (Yellow Paper, appendix B): strings and lists.
///
/// Reading is strict: the shortest form of every length, single bytes below 0x80 as themselves,
/// integers without leading zeros, nothing after the end.
namespace sennit::rlp {

class Encoder {
  public:
    Encoder() = default;
    explicit Encoder(std::size_t expected) { out_.reserve(expected); }

    Encoder& string(BytesView bytes);
    /// Big-endian without leading zeros; 0 is the empty string.
    Encoder& integer(Uint128 value);
    /// `payload` is the concatenation of encoded items.
    Encoder& list(BytesView payload);
    /// Bytes that are encoded already.
    Encoder& raw(BytesView encoded);

    std::size_t size() const { return out_.size(); }
    BytesView view() const { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    void prefix(std::uint8_t short_base, std::size_t length);

    Bytes out_;
};

/// The concatenation of items, wrapped into one list.
Bytes encode_list(const Encoder& items);

/// Items one after another; `offset()` counts from the start of the outermost input.
class Decoder {
  public:
    explicit Decoder(BytesView bytes, std::size_t base = 0) : bytes_{bytes}, base_{base} {}

    bool empty() const { return bytes_.empty(); }
    std::size_t offset() const { return base_; }
    bool next_is_list() const { return !bytes_.empty() && bytes_[0] >= 0xc0; }

    /// Errors: truncated; malformed (a list where a string is wanted, a length not minimal).
    /// After an error nothing was consumed.
    Result<BytesView> string();
    Result<BytesView> string_of(std::size_t size);
    /// At most 128 bits (Errc::oversized), no leading zeros.
    Result<Uint128> integer();
    Result<std::uint64_t> integer64();
    Result<Decoder> list();
    /// The next item with its prefix, whatever it is.
    Result<BytesView> raw_item();
    Result<void> finish() const;

    template <class H>
    Result<H> hash() {
        SENNIT_TRY(auto raw, string_of(H::kSize));
        return H::from(raw);
    }

  private:
    struct Item {
        bool is_list{false};
        std::size_t prefix_size{0};
        std::size_t payload_size{0};
    };
    Result<Item> peek() const;
    BytesView consume(const Item& item);
    Error fail(Errc code, std::string_view what) const { return Error{code, what, base_}; }

    BytesView bytes_;
    std::size_t base_{0};
};

/// Succeeds iff `bytes` is exactly one well-formed item, lists checked to the bottom (at most
/// `depth_max` deep, Errc::oversized beyond: nesting costs a sender one byte a level).
Result<void> validate(BytesView bytes, std::size_t depth_max = 64);

}  // namespace sennit::rlp
