// SPDX-License-Identifier: MIT
#include "libp2p/mdns/dns.hpp"

#include <algorithm>

#include "base/printable.hpp"

namespace sennit::libp2p::mdns {

namespace {

constexpr std::uint16_t kResponseBit = 0x8000;
constexpr std::uint16_t kAuthoritativeBit = 0x0400;
/// The two highest bits of a label's length: none is a label, both a pointer.
constexpr std::uint8_t kPointerBits = 0xc0;
/// An honest name has one.
constexpr std::size_t kPointersMax = 16;

std::uint8_t lower(std::uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + ('a' - 'A')) : byte;
}

}  // namespace

/// One pass over a message; names may lead back into what was passed.
class Decoder {
  public:
    explicit Decoder(BytesView message) : whole_{message}, in_{message} {}

    Result<Message> message();

  private:
    Result<Name> name();
    Result<Question> question();
    Result<std::optional<Record>> record();
    Result<void> text_strings(std::size_t end, std::vector<std::string>& out);
    Result<void> records(std::size_t count, std::vector<Record>* out);

    BytesView whole_;
    Reader in_;
};

Result<Name> Decoder::name() {
    Name out;
    out.wire_.clear();
    const auto start = in_.offset();
    std::size_t limit = start;  // a pointer has to lead before the part of the name it ends
    std::size_t pointers = 0;
    Reader jumped{{}};
    Reader* at = &in_;
    for (;;) {
        // Of a name that jumped, errors name the byte where it began: offsets behind it repeat.
        const auto fail = [&](Errc code, std::string_view what) {
            return Error{code, what, start, {}};
        };
        const auto first = at->be<std::uint8_t>();
        if (!first) return fail(Errc::truncated, "name ends too early");
        if ((*first & kPointerBits) == kPointerBits) {
            const auto low = at->be<std::uint8_t>();
            if (!low) return fail(Errc::truncated, "name ends too early");
            const std::size_t to = (*first & 0x3fu) << 8u | *low;
            if (to >= limit) return fail(Errc::malformed, "pointer that does not lead backwards");
            if (++pointers > kPointersMax) return fail(Errc::oversized, "too many pointers");
            limit = to;
            jumped = Reader{whole_.subspan(to)};
            at = &jumped;
            continue;
        }
        if ((*first & kPointerBits) != 0) return fail(Errc::malformed, "label of a reserved kind");
        const auto label = at->take(*first);
        if (!label) return fail(Errc::truncated, "name ends too early");
        if (out.wire_.size() + 1 + label->size() > kNameSizeMax)
            return fail(Errc::oversized, "name too long");
        out.wire_.push_back(*first);
        out.wire_.insert(out.wire_.end(), label->begin(), label->end());
        if (*first == 0) return out;
    }
}

Result<Question> Decoder::question() {
    Question out;
    SENNIT_TRY(out.name, name());
    SENNIT_TRY(const auto type, in_.be<std::uint16_t>());
    out.type = static_cast<Type>(type);
    SENNIT_TRY(out.dns_class, in_.be<std::uint16_t>());
    return out;
}

Result<void> Decoder::text_strings(std::size_t end, std::vector<std::string>& out) {
    while (in_.offset() < end) {
        const auto at = in_.offset();
        SENNIT_TRY(const auto size, in_.be<std::uint8_t>());
        if (size > end - in_.offset())
            return Error{Errc::malformed, "text leads out of its record", at, {}};
        SENNIT_TRY(const auto text, in_.take(size));
        out.emplace_back(as_text(text));
    }
    return {};
}

/// nullopt: of another type, stepped over.
Result<std::optional<Record>> Decoder::record() {
    Record out;
    SENNIT_TRY(out.name, name());
    SENNIT_TRY(const auto type, in_.be<std::uint16_t>());
    out.type = static_cast<Type>(type);
    SENNIT_TRY(out.dns_class, in_.be<std::uint16_t>());
    SENNIT_TRY(out.ttl, in_.be<std::uint32_t>());
    SENNIT_TRY(const auto size, in_.be<std::uint16_t>());
    if (size > in_.remaining()) return in_.fail(Errc::truncated, "record ends too early");
    const auto end = in_.offset() + size;
    if (out.type == Type::ptr) {
        SENNIT_TRY(out.target, name());
    } else if (out.type == Type::txt) {
        SENNIT_TRY(text_strings(end, out.texts));
    } else {
        SENNIT_TRY(in_.take(size));
        return std::optional<Record>{};
    }
    if (in_.offset() != end)
        return in_.fail(Errc::malformed, "record's data is not as long as it says");
    return std::optional{std::move(out)};
}

Result<void> Decoder::records(std::size_t count, std::vector<Record>* out) {
    for (; count > 0; --count) {
        SENNIT_TRY(auto one, record());
        if (one && out != nullptr) out->push_back(*std::move(one));
    }
    return {};
}

Result<Message> Decoder::message() {
    if (whole_.size() > kMessageSizeMax)
        return Error{Errc::oversized, "DNS message too long", kMessageSizeMax, {}};
    Message out;
    SENNIT_TRY(out.id, in_.be<std::uint16_t>());
    SENNIT_TRY(const auto flags, in_.be<std::uint16_t>());
    out.response = (flags & kResponseBit) != 0;
    out.authoritative = (flags & kAuthoritativeBit) != 0;
    out.opcode = static_cast<std::uint8_t>(flags >> 11u & 0xfu);
    out.rcode = static_cast<std::uint8_t>(flags & 0xfu);
    std::array<std::size_t, 4> counts{};
    for (auto& count : counts) {
        SENNIT_TRY(count, in_.be<std::uint16_t>());
    }
    if (counts[0] + counts[1] + counts[2] + counts[3] > kEntriesMax)
        return in_.fail(Errc::oversized, "too many questions and records");
    for (std::size_t i = 0; i < counts[0]; ++i) {
        SENNIT_TRY(auto one, question());
        out.questions.push_back(std::move(one));
    }
    SENNIT_TRY(records(counts[1], &out.answers));
    SENNIT_TRY(records(counts[2], nullptr));
    SENNIT_TRY(records(counts[3], &out.additionals));
    SENNIT_TRY(in_.finish());
    return out;
}

Result<Name> Name::parse(std::string_view text) {
    Name out;
    out.wire_.clear();
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('.', at), text.size());
        const auto label = text.substr(at, end - at);
        if (label.empty()) return Error{Errc::malformed, "empty label", at, {}};
        if (label.size() > kLabelSizeMax) return Error{Errc::oversized, "label too long", at, {}};
        if (out.wire_.size() + label.size() + 2 > kNameSizeMax)
            return Error{Errc::oversized, "name too long", at, {}};
        out.wire_.push_back(static_cast<std::uint8_t>(label.size()));
        out.wire_.insert(out.wire_.end(), label.begin(), label.end());
        at = end + 1;
    }
    out.wire_.push_back(0);
    return out;
}

std::string Name::text() const {
    std::string out;
    for (std::size_t at = 0; wire_[at] != 0; at += 1 + std::size_t{wire_[at]}) {
        if (!out.empty()) out += '.';
        out += printable(as_text(view().subspan(at + 1, wire_[at])), kLabelSizeMax);
    }
    return out;
}

/// Lengths are below 'A', so that one rule serves them and the letters.
bool Name::operator==(const Name& other) const {
    return std::ranges::equal(wire_, other.wire_, {}, lower, lower);
}

Result<Message> decode(BytesView message) {
    return Decoder{message}.message();
}

namespace {

void write(Writer& out, const Record& record) {
    Writer data;
    if (record.type == Type::ptr) data.raw(record.target.view());
    for (const auto& text : record.texts) {
        SENNIT_ASSERT(record.type == Type::txt && text.size() <= kTextSizeMax);
        data.be(static_cast<std::uint8_t>(text.size())).text(text);
    }
    SENNIT_ASSERT(data.size() <= kMessageSizeMax);
    out.raw(record.name.view())
        .be(static_cast<std::uint16_t>(record.type))
        .be(record.dns_class)
        .be(record.ttl)
        .be(static_cast<std::uint16_t>(data.size()))
        .raw(data.bytes());
}

}  // namespace

Bytes encode(const Message& message) {
    SENNIT_ASSERT(message.questions.size() + message.answers.size() + message.additionals.size() <=
                  kEntriesMax);
    std::uint16_t flags = 0;
    if (message.response) flags |= kResponseBit;
    if (message.authoritative) flags |= kAuthoritativeBit;
    flags =
        static_cast<std::uint16_t>(flags | (message.opcode & 0xfu) << 11u | (message.rcode & 0xfu));
    Writer out;
    out.be(message.id).be(flags);
    for (const auto count : {message.questions.size(), message.answers.size(), std::size_t{0},
                             message.additionals.size()}) {
        out.be(static_cast<std::uint16_t>(count));
    }
    for (const auto& question : message.questions) {
        out.raw(question.name.view())
            .be(static_cast<std::uint16_t>(question.type))
            .be(question.dns_class);
    }
    for (const auto& record : message.answers) write(out, record);
    for (const auto& record : message.additionals) write(out, record);
    return std::move(out).take();
}

}  // namespace sennit::libp2p::mdns
