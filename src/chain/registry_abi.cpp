// SPDX-License-Identifier: MIT
#include "chain/registry_abi.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"

namespace sennit::chain::abi {

namespace {

constexpr std::size_t kSelectorSize = 4;

constexpr std::size_t padding_after(std::size_t size) {
    return (Word::kSize - size % Word::kSize) % Word::kSize;
}

bool all_zero(BytesView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

}  // namespace

Selector selector(std::string_view signature) {
    const auto digest = crypto::keccak256(as_bytes(signature));
    return *selector_of(digest.view());
}

std::optional<Selector> selector_of(BytesView data) {
    auto value = Reader{data}.be<std::uint32_t>();
    if (!value) return std::nullopt;
    return *value;
}

Word word_from(Uint128 value) {
    Word word;
    for (std::size_t i = 0; i < 16; ++i) {
        word.bytes[Word::kSize - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return word;
}

Word word_from(const Address& address) {
    Word word;
    std::copy(address.bytes.begin(), address.bytes.end(), word.bytes.begin() + 12);
    return word;
}

std::optional<Uint128> integer_from(const Word& word) {
    if (!all_zero(word.view().first(16))) return std::nullopt;
    Uint128 out = 0;
    for (const auto byte : word.view().last(16)) out = out << 8 | byte;
    return out;
}

Arguments::Arguments(BytesView data, std::size_t count)
    : body_{data.subspan(std::min(kSelectorSize, data.size()))}, tail_{count * Word::kSize} {}

Result<BytesView> Arguments::take(std::size_t at, std::size_t size) const {
    if (at > body_.size() || size > body_.size() - at) {
        return Error{Errc::truncated, "call data ends too early", kSelectorSize + at};
    }
    return body_.subspan(at, size);
}

Result<Word> Arguments::word() {
    SENNIT_TRY(const auto raw, take(head_, Word::kSize));
    head_ += Word::kSize;
    return Word::from(raw);
}

Result<Address> Arguments::address() {
    SENNIT_TRY(const auto value, word());
    if (!all_zero(value.view().first(12))) {
        return Error{Errc::malformed, "address argument over 20 bytes", kSelectorSize + head_};
    }
    return Address::from(value.view().last(Address::kSize));
}

Result<Uint128> Arguments::integer() {
    SENNIT_TRY(const auto value, word());
    const auto number = integer_from(value);
    if (!number) {
        return Error{Errc::oversized, "integer argument over 128 bits", kSelectorSize + head_};
    }
    return *number;
}

Result<BytesView> Arguments::bytes(std::size_t size_max) {
    SENNIT_TRY(const auto offset, integer());
    if (offset != tail_) {
        return Error{Errc::malformed, "bytes argument is not where it belongs",
                     kSelectorSize + head_};
    }
    SENNIT_TRY(const auto length, take(tail_, Word::kSize));
    if (!all_zero(length.first(24))) {
        return Error{Errc::oversized, "bytes argument over its limit", kSelectorSize + tail_};
    }
    SENNIT_TRY(const auto size, Reader{length.last(8)}.be<std::uint64_t>());
    if (size > size_max) {
        return Error{Errc::oversized, "bytes argument over its limit", kSelectorSize + tail_};
    }
    const auto whole = static_cast<std::size_t>(size);
    SENNIT_TRY(const auto padded, take(tail_ + Word::kSize, whole + padding_after(whole)));
    if (!all_zero(padded.subspan(whole))) {
        return Error{Errc::malformed, "padding is not zero", kSelectorSize + tail_};
    }
    tail_ += Word::kSize + padded.size();
    return padded.first(whole);
}

Result<void> Arguments::finish() const {
    if (tail_ > body_.size()) {
        return Error{Errc::truncated, "call data ends too early", kSelectorSize + body_.size()};
    }
    if (tail_ < body_.size()) {
        return Error{Errc::trailing, "call data after its end", kSelectorSize + tail_};
    }
    return {};
}

Answer& Answer::word(const Word& value) {
    head_.hash(value);
    return *this;
}

Answer& Answer::bytes(BytesView value) {
    integer(head_size_ + tail_.size());
    tail_.hash(word_from(Uint128{value.size()})).raw(value);
    tail_.raw(Bytes(padding_after(value.size())));
    return *this;
}

Answer& Answer::array(std::span<const Word> values) {
    integer(head_size_ + tail_.size());
    tail_.hash(word_from(Uint128{values.size()}));
    for (const auto& value : values) tail_.hash(value);
    return *this;
}

Bytes Answer::take() && {
    SENNIT_ASSERT(head_.size() == head_size_);
    head_.raw(tail_.bytes());
    return std::move(head_).take();
}

}  // namespace sennit::chain::abi
