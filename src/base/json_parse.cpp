// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "base/json.hpp"
#include "base/json_text.hpp"

namespace sennit::json {

namespace {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The value of a hexadecimal digit; -1 for anything else.
constexpr int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Python gives a repeated key its first place and its last value. By sorting, because an object
/// may have as many members as a message has room for.
void fold_duplicates(Object& members) {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const int keys = members[a].key.compare(members[b].key);
        return keys != 0 ? keys < 0 : a < b;
    });
    std::vector<bool> dropped(members.size(), false);
    for (std::size_t i = 1, first = order.empty() ? 0 : order[0]; i < order.size(); ++i) {
        if (members[order[i]].key != members[first].key) {
            first = order[i];
            continue;
        }
        members[first].value = std::move(members[order[i]].value);
        dropped[order[i]] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (dropped[i]) continue;
        if (kept != i) members[kept] = std::move(members[i]);
        ++kept;
    }
    members.erase(members.begin() + static_cast<std::ptrdiff_t>(kept), members.end());
}

/// Of a few members comparing all pairs is the cheapest; of many it would be an attack.
bool may_have_duplicates(const Object& members) {
    constexpr std::size_t kFew = 16;
    if (members.size() > kFew) return true;
    for (std::size_t i = 1; i < members.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (members[i].key == members[j].key) return true;
        }
    }
    return false;
}

/// The first element makes room for four: most arrays and objects have more than one.
template <class Container>
auto& append(Container& container) {
    if (container.empty()) container.reserve(4);
    return container.emplace_back();
}

}  // namespace

/// A recursive descent over the text. A function that returns false has set `error_`, and the
/// value under construction is thrown away with it.
class Parser {
  public:
    Parser(std::string_view text, Limits limits)
        : begin_{text.data()},
          at_{begin_},
          end_{begin_ + text.size()},
          depth_left_{limits.depth_max},
          values_left_{limits.values_max} {}

    Result<Value> run() {
        Value out;
        if (!value(out)) return std::move(error_);
        skip_space();
        if (at_ != end_) {
            fail(Errc::trailing, "text after the value");
            return std::move(error_);
        }
        return out;
    }

  private:
    bool fail(Errc code, std::string_view what) {
        error_ = Error{code, what, static_cast<std::uint64_t>(at_ - begin_), {}};
        return false;
    }
    /// `what` is wrong here, or would come after the end.
    bool unexpected(std::string_view what) {
        return at_ == end_ ? fail(Errc::truncated, "ends too early") : fail(Errc::malformed, what);
    }

    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }
    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (!std::string_view{at_, end_}.starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    void skip_digits() {
        while (at_ != end_ && is_digit(*at_)) ++at_;
    }

    bool value(Value& out);
    bool array(Value& out);
    bool object(Value& out);
    bool number(Value& out);
    bool text(std::string& out);
    bool escape(std::string& out);
    bool unicode_escape(std::string& out);
    std::optional<std::uint32_t> four_hex_digits();

    const char* begin_;
    const char* at_;
    const char* end_;
    std::size_t depth_left_;
    std::size_t values_left_;
    Error error_;
};

bool Parser::value(Value& out) {
    skip_space();
    if (at_ == end_) return fail(Errc::truncated, "ends where a value should be");
    if (values_left_ == 0) return fail(Errc::oversized, "too many values");
    --values_left_;
    switch (*at_) {
        case '"': ++at_; return text(out.state_.emplace<std::string>());
        case '{': return object(out);
        case '[': return array(out);
        case 't':
            if (!take("true")) break;
            out.state_ = true;
            return true;
        case 'f':
            if (!take("false")) break;
            out.state_ = false;
            return true;
        case 'n': return take("null") || fail(Errc::malformed, "not a value");
        default: return number(out);
    }
    return fail(Errc::malformed, "not a value");
}

bool Parser::array(Value& out) {
    if (depth_left_ == 0) return fail(Errc::oversized, "nested too deeply");
    --depth_left_;
    ++at_;
    auto& items = out.state_.emplace<Array>();
    skip_space();
    if (!take(']')) {
        do {
            if (!value(append(items))) return false;
            skip_space();
        } while (take(','));
        if (!take(']')) return unexpected("neither a comma nor the array's end");
    }
    ++depth_left_;
    return true;
}

bool Parser::object(Value& out) {
    if (depth_left_ == 0) return fail(Errc::oversized, "nested too deeply");
    --depth_left_;
    ++at_;
    auto& members = out.state_.emplace<Object>();
    skip_space();
    if (!take('}')) {
        do {
            skip_space();
            if (!take('"')) return unexpected("not a key in quotes");
            auto& member = append(members);
            if (!text(member.key)) return false;
            skip_space();
            if (!take(':')) return unexpected("no colon after a key");
            if (!value(member.value)) return false;
            skip_space();
        } while (take(','));
        if (!take('}')) return unexpected("neither a comma nor the object's end");
        if (may_have_duplicates(members)) fold_duplicates(members);
    }
    ++depth_left_;
    return true;
}

bool Parser::number(Value& out) {
    // sys.int_info.default_max_str_digits: above it Python refuses, because converting takes
    // quadratic time.
    constexpr std::ptrdiff_t kIntegerDigitsMax = 4300;
    const char* const start = at_;
    if (take("NaN") || take("Infinity") || take("-Infinity")) {
        out.state_ = Value::Number{std::string{start, at_}};
        return true;
    }
    const bool negative = take('-');
    if (at_ == end_ || !is_digit(*at_)) {
        at_ = start;
        return fail(Errc::malformed, "not a value");
    }
    const char* const digits = at_;
    if (!take('0')) skip_digits();
    const char* const digits_end = at_;
    if (end_ - at_ >= 2 && *at_ == '.' && is_digit(at_[1])) {
        ++at_;
        skip_digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
        const char* const mantissa_end = at_++;
        if (!take('+')) take('-');
        if (at_ == end_ || !is_digit(*at_)) {
            at_ = mantissa_end;  // as in Python, the number ends here and garbage follows
        } else {
            skip_digits();
        }
    }
    if (at_ != digits_end) {
        out.state_ = Value::Number{float_text(detail::nearest_double({start, at_}))};
        return true;
    }
    if (digits_end - digits > kIntegerDigitsMax) {
        at_ = start;
        return fail(Errc::malformed, "integer of more than 4300 digits");
    }
    const bool negative_zero = negative && *digits == '0';
    out.state_ = Value::Number{std::string{negative_zero ? digits : start, at_}};
    return true;
}

/// The rest of a string whose opening quote has been taken.
bool Parser::text(std::string& out) {
    for (;;) {
        const char* const plain = at_;
        at_ = detail::plain_end(at_, end_);
        out.append(plain, at_);
        if (at_ == end_) return fail(Errc::truncated, "ends inside a string");
        if (*at_ == '"') {
            ++at_;
            return true;
        }
        if (*at_ == '\\') {
            if (!escape(out)) return false;
            continue;
        }
        if (static_cast<unsigned char>(*at_) < 0x20) {
            return fail(Errc::malformed, "control character in a string");
        }
        const auto decoded = detail::decode_utf8(at_, end_, /*surrogates_too=*/false);
        if (decoded.size == 0) return fail(Errc::malformed, "not UTF-8");
        out.append(at_, decoded.size);
        at_ += decoded.size;
    }
}

bool Parser::escape(std::string& out) {
    if (end_ - at_ < 2) return fail(Errc::truncated, "ends inside an escape");
    switch (at_[1]) {
        case '"': out.push_back('"'); break;
        case '\\': out.push_back('\\'); break;
        case '/': out.push_back('/'); break;
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u': return unicode_escape(out);
        default: return fail(Errc::malformed, "unknown escape");
    }
    at_ += 2;
    return true;
}

/// The digits of "\uXXXX" at `at_`, which is moved behind them; nullopt, and nothing moved, if
/// that is not what stands there.
std::optional<std::uint32_t> Parser::four_hex_digits() {
    if (end_ - at_ < 6 || at_[0] != '\\' || at_[1] != 'u') return std::nullopt;
    std::uint32_t code = 0;
    for (int i = 2; i < 6; ++i) {
        const int digit = hex_digit(at_[i]);
        if (digit < 0) return std::nullopt;
        code = code << 4 | static_cast<std::uint32_t>(digit);
    }
    at_ += 6;
    return code;
}

bool Parser::unicode_escape(std::string& out) {
    auto code = four_hex_digits();
    if (!code) return fail(Errc::malformed, "\\u without four hexadecimal digits");
    if (detail::is_high_surrogate(*code)) {
        const char* const after_high = at_;
        const auto low = four_hex_digits();
        if (low && detail::is_low_surrogate(*low)) {
            code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
        } else {
            at_ = after_high;
        }
    }
    detail::append_utf8(out, *code);
    return true;
}

Result<Value> parse(std::string_view utf8, Limits limits) {
    return Parser{utf8, limits}.run();
}

}  // namespace sennit::json
