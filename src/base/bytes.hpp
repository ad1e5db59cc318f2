// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <initializer_list>

#include "sennit/types.hpp"

/// Reading and writing fixed layouts, hexadecimal text, and checked 128-bit arithmetic.
namespace sennit {

/// Consumes bytes from the front of a view. Every read says at which offset it failed.
///
///     Reader in{bytes};
///     SENNIT_TRY(auto height, in.le<std::uint64_t>());
///     SENNIT_TRY(in.finish());
class Reader {
  public:
    explicit Reader(BytesView bytes) : bytes_{bytes} {}

    std::size_t offset() const { return offset_; }
    std::size_t remaining() const { return bytes_.size() - offset_; }
    bool empty() const { return remaining() == 0; }
    BytesView rest() const { return bytes_.subspan(offset_); }

    /// The next `n` bytes, not copied. Errc::truncated if fewer are left.
    Result<BytesView> take(std::size_t n) {
        if (n > remaining()) return truncated();
        auto out = bytes_.subspan(offset_, n);
        offset_ += n;
        return out;
    }

    template <std::unsigned_integral T>
    Result<T> le() {
        return integer<T, /*kBig=*/false>();
    }
    template <std::unsigned_integral T>
    Result<T> be() {
        return integer<T, /*kBig=*/true>();
    }
    Result<Uint128> le128() {
        SENNIT_TRY(auto low, le<std::uint64_t>());
        SENNIT_TRY(auto high, le<std::uint64_t>());
        return Uint128{high} << 64 | low;
    }
    /// ULEB128, minimal, at most 64 bits.
    Result<std::uint64_t> uleb128();

    template <class H>
    Result<H> hash() {
        SENNIT_TRY(auto raw, take(H::kSize));
        return H::from(raw);
    }

    /// Errc::trailing if anything is left.
    Result<void> finish() const {
        if (!empty()) return Error{Errc::trailing, "bytes after the end", offset_, {}};
        return {};
    }

    Error fail(Errc code, std::string_view what) const { return Error{code, what, offset_, {}}; }

  private:
    Error truncated() const { return Error{Errc::truncated, "ends too early", offset_, {}}; }

    template <std::unsigned_integral T, bool kBig>
    Result<T> integer() {
        if (sizeof(T) > remaining()) return truncated();
        const std::uint8_t* const from = bytes_.data() + offset_;
        T out{0};
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            const auto shift = 8 * (kBig ? sizeof(T) - 1 - i : i);
            out = static_cast<T>(out | static_cast<T>(T{from[i]} << shift));
        }
        offset_ += sizeof(T);
        return out;
    }

    BytesView bytes_;
    std::size_t offset_{0};
};

/// Appends fixed layouts to a byte string.
class Writer {
  public:
    Writer() = default;
    explicit Writer(std::size_t expected) { out_.reserve(expected); }

    template <std::unsigned_integral T>
    Writer& le(T value) {
        std::array<std::uint8_t, sizeof(T)> bytes;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
        return raw(bytes);
    }
    template <std::unsigned_integral T>
    Writer& be(T value) {
        std::array<std::uint8_t, sizeof(T)> bytes;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            bytes[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
        }
        return raw(bytes);
    }
    Writer& le128(Uint128 value) {
        return le(static_cast<std::uint64_t>(value)).le(static_cast<std::uint64_t>(value >> 64));
    }
    Writer& uleb128(std::uint64_t value);
    Writer& raw(BytesView bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Writer& text(std::string_view text) {
        out_.insert(out_.end(), text.begin(), text.end());
        return *this;
    }
    template <class Tag, std::size_t N>
    Writer& hash(const Hash<Tag, N>& h) {
        return raw(h.view());
    }

    std::size_t size() const { return out_.size(); }
    const Bytes& bytes() const& { return out_; }
    Bytes take() && { return std::move(out_); }

  private:
    Bytes out_;
};

/// Lower case, without 0x.
std::string to_hex(BytesView bytes);
/// Upper or lower case, an even number of digits, without 0x.
Result<Bytes> from_hex(std::string_view text);
/// Exactly H::kSize bytes of hexadecimal, with or without 0x.
template <class H>
Result<H> hash_from_hex(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    SENNIT_TRY(auto raw, from_hex(text));
    if (raw.size() != H::kSize) {
        return Error{
            Errc::malformed, "hexadecimal of the wrong length", Error::kNowhere,
            "expected " + std::to_string(H::kSize) + " bytes, got " + std::to_string(raw.size())};
    }
    return H::from(raw);
}
template <class Tag, std::size_t N>
std::string to_hex(const Hash<Tag, N>& h) {
    return to_hex(h.view());
}

inline BytesView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(BytesView view) {
    return {view.begin(), view.end()};
}

/// nullopt on overflow.
constexpr std::optional<Uint128> checked_add(Uint128 a, Uint128 b) {
    Uint128 out{};
    if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
    return out;
}
constexpr std::optional<Uint128> checked_sub(Uint128 a, Uint128 b) {
    if (b > a) return std::nullopt;
    return a - b;
}
constexpr std::optional<Uint128> checked_mul(Uint128 a, Uint128 b) {
    Uint128 out{};
    if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
    return out;
}

/// Decimal text of a 128-bit number, and back. Only digits, no sign, no leading zero but "0".
std::string to_decimal(Uint128 value);
Result<Uint128> from_decimal(std::string_view text);

}  // namespace sennit
