// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "base/json_text.hpp"

namespace sennit::json {

namespace {

std::string_view expectation(Kind kind) {
    switch (kind) {
        case Kind::null: return "expected null";
        case Kind::boolean: return "expected true or false";
        case Kind::number: return "expected a number";
        case Kind::text: return "expected text";
        case Kind::array: return "expected an array";
        case Kind::object: return "expected an object";
    }
    return "expected something else";
}

Error wrong_kind(Kind expected, Kind found) {
    return Error{Errc::malformed, expectation(expected), Error::kNowhere,
                 "found " + std::string{to_string(found)}};
}

Error wrong_number(std::string_view what, std::string_view token) {
    constexpr std::size_t kShown = 40;  // a token may have thousands of digits
    std::string detail = "got " + std::string{token.substr(0, kShown)};
    if (token.size() > kShown) detail += "...";
    return Error{Errc::malformed, what, Error::kNowhere, std::move(detail)};
}

/// `read` of the member `key`, with the key's name in what goes wrong.
template <class T>
Result<T> member(const Value& object, std::string_view key, Result<T> (Value::*read)() const) {
    SENNIT_TRY(const Value* value, object.get(key));
    auto result = (value->*read)();
    if (result) return result;
    Error error = std::move(result).error();
    error.detail = "\"" + std::string{key} + "\": " + error.detail;
    return error;
}

}  // namespace

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::null: return "null";
        case Kind::boolean: return "boolean";
        case Kind::number: return "number";
        case Kind::text: return "text";
        case Kind::array: return "array";
        case Kind::object: return "object";
    }
    return "unknown";
}

Value::Value(Uint128 value) : state_{Number{to_decimal(value)}} {}
Value::Value(double value) : state_{Number{float_text(value)}} {}
Value::Value(Array items) : state_{std::move(items)} {}

Value Value::array() {
    return Value{Array{}};
}
Value Value::array(Array items) {
    return Value{std::move(items)};
}

Value Value::object(std::initializer_list<Member> members) {
    Value out;
    out.state_.emplace<Object>().reserve(members.size());
    for (const auto& [key, value] : members) out.set(key, value);
    return out;
}

Result<Value> Value::number_token(std::string_view token) {
    SENNIT_TRY(auto value, parse(token));
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    if (!value.is_number() || is_space(token.front()) || is_space(token.back())) {
        return wrong_number("not the text of a number", token);
    }
    return value;
}

bool Value::is_integer() const {
    const auto* number = std::get_if<Number>(&state_);
    if (number == nullptr) return false;
    const std::size_t sign = number->text.starts_with('-') ? 1 : 0;
    return number->text.find_first_not_of("0123456789", sign) == std::string::npos;
}

Value& Value::set(std::string key, Value value) & {
    SENNIT_ASSERT(is_object());
    auto& members = std::get<Object>(state_);
    for (auto& member : members) {
        if (member.key == key) {
            member.value = std::move(value);
            return *this;
        }
    }
    members.push_back(Member{std::move(key), std::move(value)});
    return *this;
}

Value& Value::push(Value value) & {
    SENNIT_ASSERT(is_array());
    std::get<Array>(state_).push_back(std::move(value));
    return *this;
}

const Value* Value::find(std::string_view key) const {
    const auto* members = std::get_if<Object>(&state_);
    if (members == nullptr) return nullptr;
    for (const auto& member : *members) {
        if (member.key == key) return &member.value;
    }
    return nullptr;
}

Result<bool> Value::as_bool() const {
    if (const auto* flag = std::get_if<bool>(&state_)) return bool{*flag};
    return wrong_kind(Kind::boolean, kind());
}

Result<std::string_view> Value::as_text() const {
    if (const auto* text = std::get_if<std::string>(&state_)) return std::string_view{*text};
    return wrong_kind(Kind::text, kind());
}

Result<std::string_view> Value::as_number() const {
    if (const auto* number = std::get_if<Number>(&state_)) return std::string_view{number->text};
    return wrong_kind(Kind::number, kind());
}

Result<std::uint64_t> Value::as_u64() const {
    SENNIT_TRY(const auto token, as_number());
    std::uint64_t out = 0;
    const auto read = std::from_chars(token.data(), token.data() + token.size(), out);
    if (read.ec != std::errc{} || read.ptr != token.data() + token.size()) {
        return wrong_number("expected an integer of 64 bits", token);
    }
    return out;
}

Result<Uint128> Value::as_u128() const {
    SENNIT_TRY(const auto token, as_number());
    const auto out = from_decimal(token);
    if (!out) return wrong_number("expected an integer of 128 bits", token);
    return *out;
}

Result<double> Value::as_double() const {
    SENNIT_TRY(const auto token, as_number());
    return detail::nearest_double(token);
}

Result<std::span<const Value>> Value::as_array() const {
    if (const auto* items = std::get_if<Array>(&state_)) return std::span<const Value>{*items};
    return wrong_kind(Kind::array, kind());
}

Result<std::span<const Member>> Value::as_object() const {
    if (const auto* members = std::get_if<Object>(&state_)) {
        return std::span<const Member>{*members};
    }
    return wrong_kind(Kind::object, kind());
}

Result<const Value*> Value::get(std::string_view key) const {
    if (!is_object()) return wrong_kind(Kind::object, kind());
    if (const Value* value = find(key)) return value;
    return Error{Errc::not_found, "missing key", Error::kNowhere, "\"" + std::string{key} + "\""};
}

Result<bool> Value::get_bool(std::string_view key) const {
    return member(*this, key, &Value::as_bool);
}
Result<std::string_view> Value::get_text(std::string_view key) const {
    return member(*this, key, &Value::as_text);
}
Result<std::uint64_t> Value::get_u64(std::string_view key) const {
    return member(*this, key, &Value::as_u64);
}
Result<Uint128> Value::get_u128(std::string_view key) const {
    return member(*this, key, &Value::as_u128);
}
Result<double> Value::get_double(std::string_view key) const {
    return member(*this, key, &Value::as_double);
}
Result<std::span<const Value>> Value::get_array(std::string_view key) const {
    return member(*this, key, &Value::as_array);
}
Result<std::span<const Member>> Value::get_object(std::string_view key) const {
    return member(*this, key, &Value::as_object);
}

bool Value::operator==(const Value& other) const {
    return state_ == other.state_;
}

}  // namespace sennit::json
