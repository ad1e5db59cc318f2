// SPDX-License-Identifier: MIT
#include "libp2p/protobuf.hpp"

namespace sennit::libp2p::protobuf {

namespace {

constexpr std::uint64_t kFieldNumberMax = (std::uint64_t{1} << 29) - 1;

constexpr std::uint64_t tag(std::uint32_t number, Wire wire) {
    return std::uint64_t{number} << 3 | static_cast<std::uint64_t>(wire);
}

}  // namespace

Result<std::uint64_t> Field::u64() const {
    if (wire_ != Wire::varint) return wrong_type();
    return value_;
}

Result<std::uint64_t> Field::fixed64() const {
    if (wire_ != Wire::fixed64) return wrong_type();
    return value_;
}

Result<bool> Field::boolean() const {
    if (wire_ != Wire::varint) return wrong_type();
    return value_ != 0;
}

Result<BytesView> Field::bytes() const {
    if (wire_ != Wire::bytes) return wrong_type();
    return bytes_;
}

Result<BytesView> Field::bytes(std::size_t size_max) const {
    if (wire_ == Wire::bytes && bytes_.size() > size_max) {
        return Error{Errc::oversized, "field too long", at_,
                     std::to_string(bytes_.size()) + " bytes, at most " + std::to_string(size_max)};
    }
    return bytes();
}

Result<std::string> Field::text(std::size_t size_max) const {
    SENNIT_TRY(const auto raw, bytes(size_max));
    return std::string{as_text(raw)};
}

Result<FieldReader> FieldReader::inside(const Field& field) {
    SENNIT_TRY(const auto raw, field.bytes());
    return FieldReader{raw, field.at()};
}

Result<std::uint64_t> FieldReader::varint() {
    const auto start = at_ + in_.offset();
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        const auto byte = in_.le<std::uint8_t>();
        if (!byte) return Error{Errc::truncated, "ends inside a number", start, {}};
        // The tenth byte has one bit left; the others' readers let the rest fall, and so do we.
        value |= std::uint64_t{*byte & 0x7fu} << shift;
        if ((*byte & 0x80u) == 0) return value;
    }
    return Error{Errc::malformed, "number over 10 bytes", start, {}};
}

Result<Field> FieldReader::next() {
    const auto start = at_ + in_.offset();
    SENNIT_TRY(const auto head, varint());
    const auto number = head >> 3;
    if (number == 0 || number > kFieldNumberMax)
        return Error{Errc::malformed, "field number out of range", start, {}};
    const auto wire = static_cast<Wire>(head & 7u);
    const auto at = at_ + in_.offset();
    const auto field = [&](std::uint64_t value, BytesView bytes, std::size_t where) {
        return Field{static_cast<std::uint32_t>(number), wire, value, bytes, where};
    };
    const auto truncated = [&] { return Error{Errc::truncated, "ends inside a field", at, {}}; };
    switch (wire) {
        case Wire::varint: {
            SENNIT_TRY(const auto value, varint());
            return field(value, {}, at);
        }
        case Wire::fixed64: {
            const auto value = in_.le<std::uint64_t>();
            if (!value) return truncated();
            return field(*value, {}, at);
        }
        case Wire::fixed32: {
            const auto value = in_.le<std::uint32_t>();
            if (!value) return truncated();
            return field(*value, {}, at);
        }
        case Wire::bytes: {
            SENNIT_TRY(const auto size, varint());
            const auto where = at_ + in_.offset();
            if (size > in_.remaining()) return truncated();
            return field(0, *in_.take(size), where);
        }
    }
    return Error{Errc::malformed, "wire type that nobody uses", start, {}};
}

MessageWriter& MessageWriter::u64(std::uint32_t number, std::uint64_t value) {
    out_.uleb128(tag(number, Wire::varint)).uleb128(value);
    return *this;
}

MessageWriter& MessageWriter::fixed64(std::uint32_t number, std::uint64_t value) {
    out_.uleb128(tag(number, Wire::fixed64)).le(value);
    return *this;
}

MessageWriter& MessageWriter::bytes(std::uint32_t number, BytesView value) {
    out_.uleb128(tag(number, Wire::bytes)).uleb128(value.size()).raw(value);
    return *this;
}

}  // namespace sennit::libp2p::protobuf
