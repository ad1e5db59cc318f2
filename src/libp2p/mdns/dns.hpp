// SPDX-License-Identifier: MIT
#pragma once

#include "base/bytes.hpp"

/// Messages of DNS (RFC 1035), as far as the discovery of services in a local network uses them
/// (RFC 6762, RFC 6763): questions, pointers to names (PTR) and texts (TXT). Records of every other
/// type are stepped over.
///
/// Attacks, all by any host of the network: counts that promise 65535 records in twelve bytes (a
/// record is made when its bytes were there); compression pointers that loop, or that unfold a
/// packet of 9000 bytes to megabytes (a pointer leads strictly backwards, at most 16 of them make a
/// name, a name has 255 bytes, a message 256 entries); lengths that lead outside of the record.
namespace sennit::libp2p::mdns {

/// RFC 6762, section 17: 9000 bytes with the headers of IP and UDP.
constexpr std::size_t kMessageSizeMax = 8972;
/// Questions and records of one message, those that are stepped over included.
constexpr std::size_t kEntriesMax = 256;
/// RFC 1035, section 3.1; of a name with its length bytes.
constexpr std::size_t kNameSizeMax = 255;
constexpr std::size_t kLabelSizeMax = 63;
/// Of one string of a text record: its length is one byte.
constexpr std::size_t kTextSizeMax = 255;

/// A domain name: its labels as they are sent, each behind its length, without compression. Equal
/// are names that differ in the case of ASCII letters only.
class Name {
  public:
    /// The root.
    Name() = default;
    /// "_p2p._udp.local"; a label cannot contain a dot here. Errors: malformed for an empty label,
    /// oversized for the two limits.
    static Result<Name> parse(std::string_view text);

    BytesView view() const { return wire_; }
    /// With dots between labels, and '?' for what is not printable.
    std::string text() const;
    bool operator==(const Name& other) const;

  private:
    friend class Decoder;

    Bytes wire_{0};
};

enum class Type : std::uint16_t { ptr = 12, txt = 16, any = 255 };
/// The class "internet"; its highest bit means "answer me by unicast" in a question, and "forget
/// what others said" in a record (RFC 6762, sections 5.4 and 10.2).
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kClassAny = 255;
constexpr std::uint16_t kClassTopBit = 0x8000;

struct Question {
    Name name{};
    Type type{Type::ptr};
    std::uint16_t dns_class{kClassIn};

    bool operator==(const Question&) const = default;
};

struct Record {
    Name name{};
    Type type{Type::ptr};
    std::uint16_t dns_class{kClassIn};
    std::uint32_t ttl{0};              ///< seconds
    Name target{};                     ///< of a PTR
    std::vector<std::string> texts{};  ///< of a TXT; any bytes, each at most `kTextSizeMax`

    bool operator==(const Record&) const = default;
};

struct Message {
    std::uint16_t id{0};
    bool response{false};
    bool authoritative{false};
    std::uint8_t opcode{0};
    std::uint8_t rcode{0};
    std::vector<Question> questions{};
    /// PTR and TXT alone. Authority records are read and left out: there are none of these two.
    std::vector<Record> answers{};
    std::vector<Record> additionals{};

    bool operator==(const Message&) const = default;
};

/// Errors, with the byte: truncated; oversized for a limit above; malformed for a pointer that does
/// not lead backwards, a label of a reserved kind, or data that does not fill its record; trailing.
Result<Message> decode(BytesView message);
/// Without compression, which js and rust do not write either.
Bytes encode(const Message& message);

}  // namespace sennit::libp2p::mdns
