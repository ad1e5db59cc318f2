// SPDX-License-Identifier: MIT
#include "primitives/rlp.hpp"

namespace sennit::rlp {

namespace {

constexpr std::uint8_t kStringBase = 0x80;
constexpr std::uint8_t kListBase = 0xc0;
/// Payloads up to this length have it in the prefix byte; longer ones in bytes of its own.
constexpr std::size_t kShortMax = 55;

struct BigEndian {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size{0};

    explicit BigEndian(Uint128 value) {
        for (Uint128 rest = value; rest != 0; rest >>= 8) ++size;
        for (std::size_t i = size; i-- > 0; value >>= 8) {
            bytes[i] = static_cast<std::uint8_t>(value);
        }
    }
    BytesView view() const { return BytesView{bytes}.first(size); }
};

}  // namespace

void Encoder::prefix(std::uint8_t short_base, std::size_t length) {
    if (length <= kShortMax) {
        out_.push_back(static_cast<std::uint8_t>(short_base + length));
        return;
    }
    const BigEndian digits{length};
    out_.push_back(static_cast<std::uint8_t>(short_base + kShortMax + digits.size));
    raw(digits.view());
}

Encoder& Encoder::string(BytesView bytes) {
    if (bytes.size() != 1 || bytes[0] >= kStringBase) prefix(kStringBase, bytes.size());
    return raw(bytes);
}

Encoder& Encoder::integer(Uint128 value) {
    return string(BigEndian{value}.view());
}

Encoder& Encoder::list(BytesView payload) {
    prefix(kListBase, payload.size());
    return raw(payload);
}

Encoder& Encoder::raw(BytesView encoded) {
    out_.insert(out_.end(), encoded.begin(), encoded.end());
    return *this;
}

Bytes encode_list(const Encoder& items) {
    // 9: a prefix byte and a length of eight bytes.
    Encoder out{items.size() + 9};
    out.list(items.view());
    return std::move(out).take();
}

Result<Decoder::Item> Decoder::peek() const {
    if (bytes_.empty()) return fail(Errc::truncated, "RLP item missing");
    const std::uint8_t first = bytes_[0];
    if (first < kStringBase) return Item{false, 0, 1};

    Item item{.is_list = first >= kListBase, .prefix_size = 1};
    const std::size_t code = first - (item.is_list ? kListBase : kStringBase);
    if (code <= kShortMax) {
        item.payload_size = code;
    } else {
        const std::size_t digits = code - kShortMax;
        if (digits > bytes_.size() - 1) return fail(Errc::truncated, "RLP length ends too early");
        if (bytes_[1] == 0) return fail(Errc::malformed, "RLP length with a leading zero");
        for (std::size_t i = 1; i <= digits; ++i) {
            item.payload_size = item.payload_size << 8 | bytes_[i];
        }
        if (item.payload_size <= kShortMax) return fail(Errc::malformed, "RLP length not minimal");
        item.prefix_size += digits;
    }
    if (item.payload_size > bytes_.size() - item.prefix_size) {
        return fail(Errc::truncated, "RLP item ends too early");
    }
    if (!item.is_list && item.payload_size == 1 && bytes_[1] < kStringBase) {
        return fail(Errc::malformed, "RLP byte with a needless prefix");
    }
    return item;
}

BytesView Decoder::consume(const Item& item) {
    const auto payload = bytes_.subspan(item.prefix_size, item.payload_size);
    bytes_ = bytes_.subspan(item.prefix_size + item.payload_size);
    base_ += item.prefix_size + item.payload_size;
    return payload;
}

Result<BytesView> Decoder::string() {
    SENNIT_TRY(const Item item, peek());
    if (item.is_list) return fail(Errc::malformed, "RLP list where a string is expected");
    return consume(item);
}

Result<BytesView> Decoder::string_of(std::size_t size) {
    SENNIT_TRY(const Item item, peek());
    if (item.is_list) return fail(Errc::malformed, "RLP list where a string is expected");
    if (item.payload_size != size) return fail(Errc::malformed, "RLP string of the wrong length");
    return consume(item);
}

Result<Uint128> Decoder::integer() {
    SENNIT_TRY(const Item item, peek());
    if (item.is_list) return fail(Errc::malformed, "RLP list where an integer is expected");
    const auto digits = bytes_.subspan(item.prefix_size, item.payload_size);
    if (!digits.empty() && digits[0] == 0) {
        return fail(Errc::malformed, "RLP integer with a leading zero");
    }
    if (digits.size() > sizeof(Uint128)) return fail(Errc::oversized, "RLP integer over 128 bits");
    Uint128 value = 0;
    for (const std::uint8_t digit : digits) value = value << 8 | digit;
    consume(item);
    return value;
}

Result<std::uint64_t> Decoder::integer64() {
    Decoder ahead = *this;
    SENNIT_TRY(const Uint128 value, ahead.integer());
    if (value >> 64 != 0) return fail(Errc::oversized, "RLP integer over 64 bits");
    *this = ahead;
    return static_cast<std::uint64_t>(value);
}

Result<Decoder> Decoder::list() {
    SENNIT_TRY(const Item item, peek());
    if (!item.is_list) return fail(Errc::malformed, "RLP string where a list is expected");
    const std::size_t payload_base = base_ + item.prefix_size;
    return Decoder{consume(item), payload_base};
}

Result<BytesView> Decoder::raw_item() {
    SENNIT_TRY(const Item item, peek());
    const auto whole = bytes_.first(item.prefix_size + item.payload_size);
    consume(item);
    return whole;
}

Result<void> Decoder::finish() const {
    if (!empty()) return fail(Errc::trailing, "bytes after the end of the RLP");
    return {};
}

Result<void> validate(BytesView bytes, std::size_t depth_max) {
    Decoder outermost{bytes};
    SENNIT_TRY(outermost.raw_item());
    SENNIT_TRY(outermost.finish());

    std::vector<Decoder> open{Decoder{bytes}};  // no recursion: the sender chooses the depth
    while (!open.empty()) {
        Decoder& innermost = open.back();
        if (innermost.empty()) {
            open.pop_back();
        } else if (!innermost.next_is_list()) {
            SENNIT_TRY(innermost.string());
        } else {
            if (open.size() > depth_max) {
                return Error{Errc::oversized, "RLP lists nested too deeply", innermost.offset()};
            }
            SENNIT_TRY(auto inner, innermost.list());
            open.push_back(inner);
        }
    }
    return {};
}

}  // namespace sennit::rlp
