// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

/// Protocol Buffers' wire format, as much as libp2p's messages need.
///
/// Not the library, for three reasons: an error names its byte; a caller counts entries before any
/// memory is spent on them; and fields are written in exactly the order of the calls, because
/// gossipsub's signatures cover what a verifier writes again.
namespace sennit::libp2p::protobuf {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field. A value is asked for in the type that the message's definition gives it; another
/// wire type on the wire is malformed.
class Field {
  public:
    Field(std::uint32_t which, Wire wire, std::uint64_t value, BytesView bytes, std::size_t at)
        : number{which}, wire_{wire}, value_{value}, bytes_{bytes}, at_{at} {}

    std::uint32_t number;

    Result<std::uint64_t> u64() const;
    Result<std::uint64_t> fixed64() const;
    Result<bool> boolean() const;
    Result<BytesView> bytes() const;
    Result<BytesView> bytes(std::size_t size_max) const;  ///< oversized above it
    /// UTF-8 is not checked: topics and protocol names are compared byte by byte.
    Result<std::string> text(std::size_t size_max) const;

    /// Where the value begins, in the outermost message.
    std::size_t at() const { return at_; }
    Error fail(Errc code, std::string_view what) const { return {code, what, at_, {}}; }

  private:
    Error wrong_type() const { return fail(Errc::malformed, "field of another wire type"); }

    Wire wire_;
    std::uint64_t value_;  ///< varint and fixed
    BytesView bytes_;
    std::size_t at_;
};

/// Walks over a message's fields. Fields that the caller does not know are for it to skip, as the
/// format demands; groups, which nobody uses, are refused.
///
///     FieldReader in{bytes};
///     while (!in.done()) {
///         SENNIT_TRY(const auto field, in.next());
///         switch (field.number) {
///             case 1: { SENNIT_TRY(out.seq, field.u64()); break; }
///         }
///     }
///
/// Varints of fields may have up to 10 bytes and need not be minimal: every other reader takes
/// those, and what is signed is written anew.
class FieldReader {
  public:
    /// `at`: where the message begins in the outermost one, for errors.
    explicit FieldReader(BytesView message, std::size_t at = 0) : in_{message}, at_{at} {}
    /// An embedded message.
    static Result<FieldReader> inside(const Field& field);

    bool done() const { return in_.empty(); }
    /// Errors: truncated; malformed for field number 0 or above 2^29 - 1, a group, a wire type
    /// that nobody defined.
    Result<Field> next();

  private:
    Result<std::uint64_t> varint();

    Reader in_;
    std::size_t at_;
};

/// Appends fields in the order of the calls. A field with its default value is written all the
/// same; who must leave it out does not call.
class MessageWriter {
  public:
    MessageWriter& u64(std::uint32_t number, std::uint64_t value);
    MessageWriter& fixed64(std::uint32_t number, std::uint64_t value);
    MessageWriter& boolean(std::uint32_t number, bool value) { return u64(number, value ? 1 : 0); }
    MessageWriter& bytes(std::uint32_t number, BytesView value);
    MessageWriter& text(std::uint32_t number, std::string_view value) {
        return bytes(number, as_bytes(value));
    }
    MessageWriter& message(std::uint32_t number, const MessageWriter& value) {
        return bytes(number, value.view());
    }

    BytesView view() const { return out_.bytes(); }
    Bytes take() && { return std::move(out_).take(); }

  private:
    Writer out_;
};

}  // namespace sennit::libp2p::protobuf
