// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

#include "base/net_address.hpp"
#include "base/time.hpp"

/// The seam between protocols, which are pure, and carriers, which own sockets (CONTRACT 1).
///
/// A carrier turns a socket into links and bytes and understands nothing inside them; a protocol
/// turns links and bytes into peers and messages and never touches a socket. What passes between
/// them are the two variants at the end of this file, so that a run can be recorded and replayed.
namespace sennit {

using LinkId = Strong<struct LinkIdTag, std::uint64_t>;
using DialId = Strong<struct DialIdTag, std::uint64_t>;

enum class Carrier : std::uint8_t {
    stream,    ///< TCP, serial: ordered bytes, any cut
    datagram,  ///< UDP: whole, lost, doubled, reordered
    topics,    ///< MQTT: whole messages under a topic, own ones echo
    exchange,  ///< one HTTP request and its one answer
};

std::string_view to_string(Carrier carrier);

// What a carrier tells a protocol.

/// The address that was really bound; with port 0 asked for, the port that the system chose.
struct Listening {
    NetAddress address;
};
struct LinkOpen {
    LinkId id;
    Carrier carrier{Carrier::stream};
    bool inbound{false};
    std::optional<DialId> dial;  ///< set iff we dialled
    NetAddress local;
    NetAddress remote;
    std::size_t room{0};               ///< bytes that may be transmitted at once
    std::size_t datagram_size_max{0};  ///< 0 on streams
};
struct DialFailed {
    DialId dial;
    std::string why;
};
/// `bytes` and `label` are valid during the call only. Of a stream at most 64 KiB at once.
struct LinkBytes {
    LinkId link;
    BytesView bytes;
    std::string_view label;  ///< topic, "POST /message", a datagram's source; empty on streams
    int code{0};             ///< HTTP status of an answer; 0 otherwise
};
/// The carrier can take `bytes` more than before.
struct Room {
    LinkId link;
    std::size_t bytes{0};
};
/// Exactly once for each LinkOpen; nothing of this link comes after it.
struct LinkClosed {
    LinkId link;
    std::string why;
};

using CarrierInput = std::variant<Listening, LinkOpen, DialFailed, LinkBytes, Room, LinkClosed>;

// What a protocol asks of a carrier.

struct Listen {
    NetAddress address;          ///< port 0: any
    bool one_write_each{false};  ///< as for Dial, on the links that are accepted
};
struct Dial {
    DialId id;
    NetAddress to;
    Duration timeout{std::chrono::seconds{10}};
    bool one_write_each{false};  ///< never gather two Transmits into one write, nor split one
    std::string client_id{};     ///< topics: the name that the broker knows us by
    std::vector<std::string> topics{};  ///< topics: filters to subscribe to, before LinkOpen
};
/// On an exchange exactly one: the request that we dialled for, or the answer to theirs.
struct Transmit {
    LinkId link;
    SharedBytes bytes;
    std::string label;  ///< topic; "POST /message" of a request, content type of an answer
    int code{0};        ///< HTTP status of an answer
};
/// Stop or resume reading from a link: how a slow consumer slows its peer.
struct Hold {
    LinkId link;
    bool reading{true};
};
/// Closes after what was transmitted has left, or after two seconds.
struct HangUp {
    LinkId link;
    std::string why;
};

using CarrierOutput = std::variant<Listen, Dial, Transmit, Hold, HangUp>;

}  // namespace sennit
