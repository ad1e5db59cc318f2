// SPDX-License-Identifier: MIT
#include "libp2p/multiaddr.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "libp2p/multiaddr_value.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p {

namespace {

using multiaddr::find_kind;
using multiaddr::Form;
using multiaddr::Kind;

const Kind& kind_of(Multiaddr::Code code) {
    const auto* const kind = find_kind(static_cast<std::uint64_t>(code));
    SENNIT_ASSERT(kind != nullptr);  // addresses and callers have known codes only
    return *kind;
}

Result<Multiaddr::Component> read_component(Reader& in) {
    const auto start = in.offset();
    SENNIT_TRY(const auto code, read_varint(in));
    const auto* const kind = find_kind(code);
    if (kind == nullptr) return Error{Errc::unknown_type, "component that is not known", start, {}};
    const auto size = multiaddr::fixed_size(kind->form);
    SENNIT_TRY(const auto value, size ? in.take(*size) : read_prefixed(in));
    const auto at = in.offset() - value.size();
    if (!multiaddr::fits(kind->form, value))
        return Error{Errc::malformed, multiaddr::expected(kind->form), at, {}};
    // Its text has no end, so nothing that follows could be told from the path.
    if (kind->form == Form::path && !in.empty())
        return in.fail(Errc::malformed, "component behind a unix path");
    return Multiaddr::Component{kind->code, value};
}

void write_component(Writer& out, const Kind& kind, BytesView value) {
    write_varint(out, static_cast<std::uint64_t>(kind.code));
    if (multiaddr::fixed_size(kind.form)) {
        out.raw(value);
    } else {
        write_prefixed(out, value);
    }
}

/// Walks over text, slash by slash.
class TextReader {
  public:
    explicit TextReader(std::string_view text) : text_{text} {}

    /// Also when only a slash is left.
    bool done() const { return at_ == text_.size() || at_ + 1 == text_.size(); }
    std::size_t at() const { return at_; }

    /// "/word" without its slash, which the caller has seen or asks for.
    Result<std::string_view> word() {
        if (at_ == text_.size()) return fail("ends where a value belongs", at_);
        if (text_[at_] != '/') return fail("expected /", at_);
        const auto start = at_ + 1;
        at_ = std::min(text_.find('/', start), text_.size());
        return text_.substr(start, at_ - start);
    }

    /// All that is left, with its slash.
    std::string_view rest() {
        const auto out = text_.substr(at_);
        at_ = text_.size();
        return out;
    }

    Error fail(std::string_view what, std::size_t at) const {
        constexpr std::size_t kShown = 80;
        return {Errc::malformed, what, at, "\"" + std::string{text_.substr(at, kShown)} + "\""};
    }

  private:
    std::string_view text_;
    std::size_t at_{0};
};

/// Name and value of one component, appended to `out`.
Result<void> parse_component(TextReader& in, Writer& out) {
    const auto start = in.at() + 1;
    SENNIT_TRY(const auto name, in.word());
    const auto* const kind = find_kind(name);
    if (kind == nullptr) {
        auto error = in.fail("component that is not known", start);
        error.code = Errc::unknown_type;
        return error;
    }
    if (kind->form == Form::none) {
        write_component(out, *kind, {});
        return {};
    }
    const auto value_at = kind->form == Form::path ? in.at() : in.at() + 1;
    std::string_view text;
    if (kind->form == Form::path) {
        text = in.rest();
    } else {
        SENNIT_TRY(text, in.word());
    }
    const auto value = multiaddr::from_text(kind->form, text);
    if (!value) return in.fail(multiaddr::expected(kind->form), value_at);
    write_component(out, *kind, *value);
    return {};
}

}  // namespace

std::string_view to_string(Multiaddr::Code code) {
    const auto* const kind = find_kind(static_cast<std::uint64_t>(code));
    return kind == nullptr ? "unknown" : kind->name;
}

std::string Multiaddr::Component::text() const {
    return multiaddr::to_text(kind_of(code).form, value);
}

std::uint16_t Multiaddr::Component::port() const {
    SENNIT_ASSERT(kind_of(code).form == Form::port);
    return static_cast<std::uint16_t>(value[0] << 8 | value[1]);
}

bool Multiaddr::Component::operator==(const Component& other) const {
    return code == other.code && std::ranges::equal(value, other.value);
}

void Multiaddr::Iterator::read() {
    if (rest_.empty()) return;
    // The bytes were checked when the address was made, so only the lengths are looked at again.
    Reader in{rest_};
    component_.code = static_cast<Code>(*read_varint(in));
    const auto size = multiaddr::fixed_size(kind_of(component_.code).form);
    component_.value = size ? *in.take(*size) : *read_prefixed(in);
    size_ = in.offset();
}

Multiaddr::Iterator& Multiaddr::Iterator::operator++() {
    rest_ = rest_.subspan(size_);
    read();
    return *this;
}

Multiaddr::Iterator Multiaddr::Iterator::operator++(int) {
    const auto before = *this;
    ++*this;
    return before;
}

Result<Multiaddr> Multiaddr::from_bytes(BytesView bytes) {
    if (bytes.size() > kSizeMax) return Error{Errc::oversized, "address too long", kSizeMax, {}};
    if (bytes.empty()) return Error{Errc::truncated, "address without components", 0, {}};
    Reader in{bytes};
    for (std::size_t count = 0; !in.empty(); ++count) {
        if (count == kComponentsMax)
            return in.fail(Errc::oversized, "address of too many components");
        SENNIT_TRY(read_component(in));
    }
    return Multiaddr{to_bytes(bytes)};
}

Result<Multiaddr> Multiaddr::parse(std::string_view text) {
    if (text.size() > kTextSizeMax)
        return Error{Errc::oversized, "address too long", kTextSizeMax, {}};
    TextReader in{text};
    if (in.done()) return in.fail("address without components", 0);
    Writer out;
    for (std::size_t count = 0; !in.done(); ++count) {
        const auto at = in.at();
        if (count == kComponentsMax)
            return Error{Errc::oversized, "address of too many components", at, {}};
        SENNIT_TRY(parse_component(in, out));
        if (out.size() > kSizeMax) return Error{Errc::oversized, "address too long", at, {}};
    }
    return Multiaddr{std::move(out).take()};
}

Multiaddr Multiaddr::of_peer(const PeerId& id) {
    Writer out;
    write_component(out, kind_of(Code::p2p), id.view());
    return Multiaddr{std::move(out).take()};
}

std::string Multiaddr::text() const {
    std::string out;
    for (const auto& component : *this) {
        const auto& kind = kind_of(component.code);
        out.append("/").append(kind.name);
        if (kind.form == Form::none) continue;
        if (kind.form != Form::path) out.push_back('/');  // a path brings its own
        out += component.text();
    }
    return out;
}

std::optional<Multiaddr::Component> Multiaddr::find(Code code) const {
    for (const auto& component : *this) {
        if (component.code == code) return component;
    }
    return std::nullopt;
}

std::optional<PeerId> Multiaddr::peer_id() const {
    std::optional<Component> last;
    for (const auto& component : *this) last = component;
    if (!last || last->code != Code::p2p) return std::nullopt;
    const auto id = PeerId::from_bytes(last->value);
    SENNIT_ASSERT(id);
    return *id;
}

Result<Multiaddr> Multiaddr::encapsulate(const Multiaddr& inner) const {
    Writer out{bytes_.size() + inner.bytes_.size()};
    out.raw(bytes_).raw(inner.bytes_);
    return from_bytes(out.bytes());
}

std::optional<Multiaddr> Multiaddr::decapsulate(Code code) const {
    std::size_t cut = 0;
    for (auto at = begin(); at != end(); ++at) {
        if (at->code == code) cut = at.offset_in(bytes_);
    }
    if (cut == 0) return std::nullopt;
    return Multiaddr{Bytes(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(cut))};
}

}  // namespace sennit::libp2p
