// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/json.hpp"
#include "base/json_text.hpp"

namespace sennit::json {

/// Appends values to text in one of the three styles.
class Printer {
  public:
    explicit Printer(Style style)
        : comma_{style == Style::python ? ", " : ","},
          colon_{style == Style::python ? ": " : ":"},
          sorted_{style == Style::canonical} {
        out_.reserve(512);  // most messages on a wire fit
    }

    void value(const Value& value) {
        switch (value.kind()) {
            case Kind::null: out_ += "null"; break;
            case Kind::boolean: out_ += std::get<bool>(value.state_) ? "true" : "false"; break;
            case Kind::number: out_ += std::get<Value::Number>(value.state_).text; break;
            case Kind::text: text(std::get<std::string>(value.state_)); break;
            case Kind::array: array(std::get<Array>(value.state_)); break;
            case Kind::object: object(std::get<Object>(value.state_)); break;
        }
    }

    std::string take() && { return std::move(out_); }

  private:
    void array(const Array& items) {
        out_.push_back('[');
        bool first = true;
        for (const auto& item : items) {
            if (!std::exchange(first, false)) out_ += comma_;
            value(item);
        }
        out_.push_back(']');
    }

    void object(const Object& members) {
        out_.push_back('{');
        if (sorted_) {
            std::vector<const Member*> order;
            order.reserve(members.size());
            for (const auto& member : members) order.push_back(&member);
            // The order of UTF-8's bytes is that of code points, lone surrogates included.
            std::sort(order.begin(), order.end(),
                      [](const Member* a, const Member* b) { return a->key < b->key; });
            bool first = true;
            for (const Member* next : order) member(*next, std::exchange(first, false));
        } else {
            bool first = true;
            for (const auto& next : members) member(next, std::exchange(first, false));
        }
        out_.push_back('}');
    }

    void member(const Member& member, bool first) {
        if (!first) out_ += comma_;
        text(member.key);
        out_ += colon_;
        value(member.value);
    }

    void text(std::string_view text);
    void special(std::uint32_t code);
    void unicode_escape(std::uint32_t unit);

    std::string_view comma_;
    std::string_view colon_;
    bool sorted_;
    std::string out_;
};

void Printer::text(std::string_view text) {
    out_.push_back('"');
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        const char* const plain = at;
        at = detail::plain_end(at, end);
        out_.append(plain, at);
        if (at == end) break;
        const auto decoded = detail::decode_utf8(at, end, /*surrogates_too=*/true);
        special(decoded.size == 0 ? 0xfffd : decoded.code);
        at += std::max<std::size_t>(decoded.size, 1);
    }
    out_.push_back('"');
}

void Printer::special(std::uint32_t code) {
    switch (code) {
        case '"': out_ += "\\\""; return;
        case '\\': out_ += "\\\\"; return;
        case '\n': out_ += "\\n"; return;
        case '\r': out_ += "\\r"; return;
        case '\t': out_ += "\\t"; return;
        case '\f': out_ += "\\f"; return;
        case '\b': out_ += "\\b"; return;
        default: break;
    }
    if (code < 0x10000) return unicode_escape(code);
    unicode_escape(0xd800 + ((code - 0x10000) >> 10));
    unicode_escape(0xdc00 + ((code - 0x10000) & 0x3ff));
}

void Printer::unicode_escape(std::uint32_t unit) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_.push_back(kDigits[unit >> shift & 0xf]);
}

std::string write(const Value& value, Style style) {
    Printer printer{style};
    printer.value(value);
    return std::move(printer).take();
}

}  // namespace sennit::json
