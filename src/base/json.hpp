// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <initializer_list>

#include "sennit/types.hpp"

/// JSON as Python's `json` module reads and writes it, byte for byte.
///
/// ModernTensor's and Nawal's originals are Python, and Nawal signs the text that its receiver
/// writes again, so "a JSON library" is not enough: integers keep every digit, 1 and 1.0 differ,
/// floats are written as `repr` does, NaN and lone surrogates pass, keys keep their order.
/// Where it is stricter than Python: a limit on depth and on the number of values.
namespace sennit::json {

class Value;
struct Member;
using Array = std::vector<Value>;
using Object = std::vector<Member>;

enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
std::string_view to_string(Kind kind);

/// One JSON value.
///
/// A number is the text that Python would write for it: "-0" has become "0", "1E5" "100000.0".
/// Text is UTF-8 in which a lone surrogate may stand as three bytes (WTF-8); a high surrogate
/// followed by a low one does not occur in parsed text. An object keeps its members in order and
/// no key twice; `find` and `set` walk through them, so thousands of keys want a loop instead.
///
///     auto hello = Value::object({{"network_id", 1}, {"capabilities", Value::array({"sync"})}});
///     SENNIT_TRY(auto height, hello.get_u64("best_height"));
class Value {
  public:
    Value() = default;
    Value(std::nullptr_t);
    template <std::same_as<bool> B>
    Value(B value) : state_{value} {}
    template <std::integral I>
    requires(!std::same_as<I, bool> && !std::same_as<I, char>) Value(I value)
        : state_{integer_text(value)} {}
    Value(Uint128 value);
    Value(double value);
    Value(std::string text);
    Value(std::string_view text);
    Value(const char* text);
    Value(Array items);

    static Value array();
    static Value array(Array items);
    /// A key that comes twice keeps its first place and its last value.
    static Value object(std::initializer_list<Member> members = {});
    /// A number from text of unlimited precision. Errors: those of `parse`.
    static Result<Value> number_token(std::string_view token);

    Kind kind() const { return static_cast<Kind>(state_.index()); }
    bool is_null() const { return kind() == Kind::null; }
    bool is_number() const { return kind() == Kind::number; }
    bool is_text() const { return kind() == Kind::text; }
    bool is_array() const { return kind() == Kind::array; }
    bool is_object() const { return kind() == Kind::object; }
    /// A number without fraction or exponent, of any size.
    bool is_integer() const;

    /// Replaces the value of `key` where it stands, or appends. Only for objects.
    Value& set(std::string key, Value value) &;
    Value&& set(std::string key, Value value) &&;
    /// Appends. Only for arrays.
    Value& push(Value value) &;

    /// nullptr if there is no such key, or this is no object.
    const Value* find(std::string_view key) const;

    // What the value holds, without conversion: 1.0 is no u64 and "1" is no number.
    // Errors: malformed, with the kind that was found.
    Result<bool> as_bool() const;
    Result<std::string_view> as_text() const;
    Result<std::string_view> as_number() const;  ///< the number's text
    Result<std::uint64_t> as_u64() const;
    Result<Uint128> as_u128() const;
    Result<double> as_double() const;  ///< the nearest, from any number; huge ones are infinite
    Result<std::span<const Value>> as_array() const;
    Result<std::span<const Member>> as_object() const;

    // The same of the member `key`. Errors: not_found, malformed, both naming the key.
    Result<const Value*> get(std::string_view key) const;
    Result<bool> get_bool(std::string_view key) const;
    Result<std::string_view> get_text(std::string_view key) const;
    Result<std::uint64_t> get_u64(std::string_view key) const;
    Result<Uint128> get_u128(std::string_view key) const;
    Result<double> get_double(std::string_view key) const;
    Result<std::span<const Value>> get_array(std::string_view key) const;
    Result<std::span<const Member>> get_object(std::string_view key) const;

    /// Same kinds, texts and order; 1 and 1.0 differ.
    bool operator==(const Value& other) const;

  private:
    friend class Parser;
    friend class Printer;

    struct Null {
        bool operator==(const Null&) const = default;
    };
    struct Number {
        std::string text;
        bool operator==(const Number&) const = default;
    };

    template <std::integral I>
    static Number integer_text(I value) {
        return Number{std::to_string(value)};
    }

    std::variant<Null, bool, Number, std::string, Array, Object> state_;  // in the order of Kind
};

struct Member {
    std::string key;
    Value value;

    bool operator==(const Member&) const = default;
};

// Behind Member, and `array` without a default argument, because clang wants Member complete
// where a Value may have to be destroyed.
inline Value::Value(std::nullptr_t) {}
inline Value::Value(std::string text) : state_{std::move(text)} {}
inline Value::Value(std::string_view text) : state_{std::string{text}} {}
inline Value::Value(const char* text) : state_{std::string{text}} {}
inline Value&& Value::set(std::string key, Value value) && {
    return std::move(set(std::move(key), std::move(value)));
}

/// A few bytes of text, such as {"":0}, can cost 300 bytes of memory, so a caller that parses what
/// strangers send lowers `values_max` to what its message can need.
struct Limits {
    std::size_t depth_max = 64;  ///< arrays and objects inside each other
    std::size_t values_max = 1'000'000;
};

/// The whole of `utf8` as one value, with space, tab, CR and LF around tokens.
///
/// Errors, with the byte's offset: truncated, malformed (also bytes that are not UTF-8, and
/// integers of more than 4300 digits, which Python refuses), trailing, oversized for the limits.
Result<Value> parse(std::string_view utf8, Limits limits = {});

/// All three escape everything outside 0x20 to 0x7e, so what they write is ASCII.
enum class Style : std::uint8_t {
    python,     ///< `json.dumps(value)`: ", " and ": "
    compact,    ///< `separators=(",", ":")`
    canonical,  ///< compact, and `sort_keys=True`: by code point, at every level
};

/// Bytes of text that are no UTF-8 are written as U+FFFD; parsed values have none.
std::string write(const Value& value, Style style);

/// What Python's `repr` gives for a float, with its names for NaN and the infinities in JSON.
std::string float_text(double value);

}  // namespace sennit::json
