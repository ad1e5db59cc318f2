// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

#include "libp2p/multiaddr.hpp"

/// What AutoNAT v2 peers say to each other (libp2p/specs, autonat/autonat-v2.md, "RPC Messages"),
/// each message with its length in front.
namespace sennit::libp2p::autonat {

/// On which one `Message` asks, and others answer.
constexpr std::string_view kRequestProtocol = "/libp2p/autonat/2/dial-request";
/// On which whoever dialled us says by what request.
constexpr std::string_view kBackProtocol = "/libp2p/autonat/2/dial-back";

/// Of one message, as in go and js.
constexpr std::size_t kMessageSizeMax = 8 * 1024;
/// Of a dial-back and its answer: a few bytes, and what versions to come may add.
constexpr std::size_t kBackSizeMax = 1024;
/// Of one DialDataResponse.
constexpr std::size_t kDataSizeMax = 4096;
/// Further ones are left out: only the first that can be dialled counts. go sends 50 at most.
constexpr std::size_t kAddressesMax = 50;
/// Bytes; a longer address is none that we would dial.
constexpr std::size_t kAddressSizeMax = 256;

/// Dial one of these addresses, the first that you can.
struct DialRequest {
    /// nullopt: one that we cannot read. It keeps its place, since answers name places.
    std::vector<std::optional<Multiaddr>> addresses{};
    std::uint64_t nonce{0};

    bool operator==(const DialRequest&) const = default;
};

enum class ResponseStatus : std::uint32_t {
    internal_error = 0,
    request_rejected = 100,  ///< a limit of the server
    dial_refused = 101,      ///< no address that it would dial
    ok = 200,                ///< it has dialled; how that went is the dial's status
};
enum class DialStatus : std::uint32_t {
    unused = 0,
    dial_error = 100,
    dial_back_error = 101,  ///< connected, but the nonce was not taken
    ok = 200,
};
struct DialResponse {
    ResponseStatus status{ResponseStatus::internal_error};
    std::uint32_t address_index{0};
    DialStatus dial_status{DialStatus::unused};

    bool operator==(const DialResponse&) const = default;
};
/// Send so many bytes first.
struct DialDataRequest {
    std::uint32_t address_index{0};
    std::uint64_t bytes{0};

    bool operator==(const DialDataRequest&) const = default;
};
/// Some of these bytes. What they are is of no meaning, so only their number is kept.
struct DialDataResponse {
    std::size_t size{0};

    bool operator==(const DialDataResponse&) const = default;
};
using Message = std::variant<DialRequest, DialResponse, DialDataRequest, DialDataResponse>;

/// Of several kinds in one message the last counts, as the format has it. Errors, with the byte:
/// those of protobuf; malformed for none of the four; oversized for the whole above
/// `kMessageSizeMax`, for data above `kDataSizeMax` and for an index above 32 bits; unknown_type
/// for a status that nobody defined, which the specification has us discard.
Result<Message> decode_message(BytesView protobuf);
Bytes encode(const Message& message);

/// The nonce. Errors: those of protobuf; malformed without one.
Result<std::uint64_t> decode_dial_back(BytesView protobuf);
Bytes encode_dial_back(std::uint64_t nonce);

/// That the nonce was taken. Errors: those of protobuf; unknown_type for any other status.
Result<void> decode_dial_back_response(BytesView protobuf);
Bytes encode_dial_back_response();

/// With its length, as it goes on a stream.
Bytes framed(BytesView message);

}  // namespace sennit::libp2p::autonat
