// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// The vocabulary that every part of Sennit, and every program that embeds it, is written in:
/// bytes, hashes, amounts, and results that say what was wrong and where.
namespace sennit {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;
/// One encoding, sent to many receivers without a copy each.
using SharedBytes = std::shared_ptr<const Bytes>;

__extension__ typedef unsigned __int128 Uint128;

/// The chain's smallest unit of money. Sums are checked with `checked_add` and `checked_mul`.
using Amount = Uint128;

namespace detail {
[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    std::abort();
}
}  // namespace detail

/// Our own bug, never somebody's input. Compiled into every build.
#define SENNIT_ASSERT(condition) \
    ((condition) ? void() : ::sennit::detail::assertion_failed(#condition, __FILE__, __LINE__))

/// What is wrong with some input. What it costs the sender is decided elsewhere.
enum class Errc : std::uint8_t {
    truncated,     ///< ended before it was whole
    oversized,     ///< longer than the limit for its kind
    malformed,     ///< not in the form that its format asks for
    trailing,      ///< whole, and followed by bytes that do not belong
    unknown_type,  ///< a type, kind or version that nobody defined
    mismatch,      ///< well formed, and contradicts something known
    invalid,       ///< breaks a rule of the chain
    not_found,     ///< names something that is not here
    duplicate,     ///< is here already
    unsupported,   ///< defined, and not offered here
    busy,          ///< a limit is reached; later may do
    timeout,       ///< did not come in its time
    io,            ///< the disk, the socket or the system refused
};

std::string_view to_string(Errc code);

/// Why something was refused: the kind, a sentence, and where.
///
/// `what` has static storage, so that refusing costs no allocation on a hot path; `detail` is for
/// the values that a person needs ("expected 32 bytes, got 31"), and stays empty there.
struct Error {
    static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

    Errc code{Errc::malformed};
    std::string_view what;
    std::uint64_t at{kNowhere};  ///< byte offset in the input, or kNowhere
    std::string detail{};

    /// "what at byte N: detail".
    std::string text() const;
};

/// A value, or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    using value_type = T;

    Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}
    template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> && std::is_convertible_v<U&&, T>)
        Result(U&& value)
        : state_{std::in_place_index<0>, std::forward<U>(value)} {}

    explicit operator bool() const { return state_.index() == 0; }
    bool has_value() const { return state_.index() == 0; }

    T& operator*() & { return checked(); }
    const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
    /// By value, so that `for (auto& x : *f())` and `const auto& x = *f()` do not dangle.
    T operator*() && { return std::move(checked()); }
    T* operator->() { return &checked(); }
    const T* operator->() const { return &const_cast<Result*>(this)->checked(); }
    T& value() & { return checked(); }
    T value() && { return std::move(checked()); }

    const Error& error() const& {
        SENNIT_ASSERT(!has_value());
        return std::get<1>(state_);
    }
    Error&& error() && {
        SENNIT_ASSERT(!has_value());
        return std::get<1>(std::move(state_));
    }

  private:
    T& checked() {
        SENNIT_ASSERT(has_value());
        return std::get<0>(state_);
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_{std::move(error)} {}

    explicit operator bool() const { return !error_.has_value(); }
    bool has_value() const { return !error_.has_value(); }
    const Error& error() const& {
        SENNIT_ASSERT(error_.has_value());
        return *error_;
    }
    Error&& error() && {
        SENNIT_ASSERT(error_.has_value());
        return std::move(*error_);
    }

  private:
    std::optional<Error> error_;
};

/// `SENNIT_TRY(auto x, f());` takes the value or returns the error; `SENNIT_TRY(f());` is for
/// functions without a value.
#define SENNIT_TRY_JOIN_(a, b) a##b
#define SENNIT_TRY_NAME_(line) SENNIT_TRY_JOIN_(sennit_try_, line)
#define SENNIT_TRY_VALUE_(name, declaration, ...)                 \
    auto&& name = (__VA_ARGS__);                                  \
    if (!name) return std::forward<decltype(name)>(name).error(); \
    declaration = *std::forward<decltype(name)>(name)
#define SENNIT_TRY_VOID_(expression)                             \
    if (auto&& sennit_try_void = (expression); !sennit_try_void) \
    return std::forward<decltype(sennit_try_void)>(sennit_try_void).error()
#define SENNIT_TRY_PICK_(_1, _2, picked, ...) picked
#define SENNIT_TRY_TWO_(declaration, expression) \
    SENNIT_TRY_VALUE_(SENNIT_TRY_NAME_(__LINE__), declaration, expression)
#define SENNIT_TRY(...) \
    SENNIT_TRY_PICK_(__VA_ARGS__, SENNIT_TRY_TWO_, SENNIT_TRY_VOID_)(__VA_ARGS__)

/// N bytes with a meaning; two tags never mix.
template <class Tag, std::size_t N = 32>
struct Hash {
    static constexpr std::size_t kSize = N;
    std::array<std::uint8_t, N> bytes{};

    constexpr auto operator<=>(const Hash&) const = default;
    constexpr bool is_zero() const { return *this == Hash{}; }
    BytesView view() const { return BytesView{bytes.data(), N}; }
    const std::uint8_t* data() const { return bytes.data(); }
    std::uint8_t* data() { return bytes.data(); }

    /// `raw` must hold exactly N bytes; the caller has checked.
    static Hash from(BytesView raw) {
        SENNIT_ASSERT(raw.size() == N);
        Hash hash;
        std::memcpy(hash.bytes.data(), raw.data(), N);
        return hash;
    }
};

/// A number with a meaning; two tags never mix. Differences are plain numbers.
template <class Tag, class T>
struct Strong {
    T value{};

    constexpr Strong() = default;
    constexpr explicit Strong(T v) : value{v} {}
    constexpr auto operator<=>(const Strong&) const = default;
    constexpr Strong& operator++() {
        ++value;
        return *this;
    }
    friend constexpr Strong operator+(Strong a, T n) { return Strong{static_cast<T>(a.value + n)}; }
    friend constexpr Strong operator-(Strong a, T n) { return Strong{static_cast<T>(a.value - n)}; }
    friend constexpr T operator-(Strong a, Strong b) { return static_cast<T>(a.value - b.value); }
};

using Digest = Hash<struct DigestTag>;    ///< a Keccak-256 or SHA-256 without further meaning
using BlockId = Hash<struct BlockIdTag>;  ///< Keccak-256 of the header's bytes, signature included
using TxId = Hash<struct TxIdTag>;        ///< Ethereum's transaction hash
using Word = Hash<struct WordTag>;        ///< a 32-byte big-endian word of contract storage or ABI
using Address = Hash<struct AddressTag, 20>;        ///< an account
using ValidatorKey = Hash<struct ValidatorKeyTag>;  ///< Ed25519; signs headers and votes
using NodeId = Hash<struct NodeIdTag>;  ///< Ed25519 node key; names a peer across protocols
using Signature = Hash<struct SignatureTag, 64>;  ///< Ed25519
using Height = Strong<struct HeightTag, std::uint64_t>;
using Slot = Strong<struct SlotTag, std::uint64_t>;

}  // namespace sennit

/// Hashes are uniform where we make them; where a peer chooses them, use an ordered container.
template <class Tag, std::size_t N>
struct std::hash<sennit::Hash<Tag, N>> {
    std::size_t operator()(const sennit::Hash<Tag, N>& h) const noexcept {
        static_assert(N >= sizeof(std::size_t));
        std::size_t out;
        std::memcpy(&out, h.bytes.data() + (N - sizeof out), sizeof out);
        return out;
    }
};

template <class Tag, class T>
struct std::hash<sennit::Strong<Tag, T>> {
    std::size_t operator()(const sennit::Strong<Tag, T>& s) const noexcept {
        return std::hash<T>{}(s.value);
    }
};
