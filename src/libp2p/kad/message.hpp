// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/multiaddr.hpp"

/// What Kademlia peers say to each other (libp2p/specs, kad-dht/README.md, "RPC messages"): on a
/// stream a length-prefixed request, a length-prefixed response, and then maybe another request.
namespace sennit::libp2p::kad {

/// Of the public network. A chain has an id of its own, else its peers and all others would share
/// one key space.
constexpr std::string_view kProtocol = "/ipfs/kad/1.0.0";
/// Of one message, as in rust; go takes 4 MiB, and sends more than 16 KiB only with records.
constexpr std::size_t kMessageSizeMax = 16 * 1024;

enum class MessageType : std::uint8_t {
    put_value = 0,
    get_value = 1,
    add_provider = 2,
    get_providers = 3,
    find_node = 4,
    ping = 5,
};

/// What the sender knows of its connection to a peer. A claim, and nothing here depends on it.
enum class ConnectionType : std::uint8_t {
    not_connected = 0,
    connected = 1,
    can_connect = 2,
    cannot_connect = 3,
};

struct MessagePeer {
    PeerId id{};
    std::vector<Multiaddr> addresses{};
    ConnectionType connection{ConnectionType::not_connected};

    bool operator==(const MessagePeer&) const = default;
};

/// A message. Records and providers are not ours to keep, so their fields are walked over like
/// unknown ones; so is the cluster level, which nobody uses.
struct Message {
    MessageType type{MessageType::put_value};
    Bytes key{};  ///< FIND_NODE: whose neighbours are asked for; a peer id, or any other bytes
    std::vector<MessagePeer> closer{};

    bool operator==(const Message&) const = default;
};

struct MessageLimits {
    std::size_t key_size_max{256};  ///< peer ids have 44 bytes, CIDs and names of records below 100
    /// k, and a few: go adds the peer that was asked for to the k closest. Further ones are left
    /// out, for an honest sender has put the closest first.
    std::size_t peers_max{24};
    std::size_t addresses_max{8};  ///< of a peer; further ones are left out
    std::size_t address_size_max{256};
};

/// Peers whose id is none of `PeerId`'s two hashes, and addresses of unknown kinds or over their
/// limit, are left out, as others do: one neighbour with a new kind of address must not make a
/// whole answer worthless. A peer whose addresses are all left out stays, for we may know where it
/// is. An unknown connection type reads as not_connected.
///
/// Errors, with the byte: those of protobuf; oversized for the whole above `kMessageSizeMax` and
/// for the key; unknown_type for a type.
Result<Message> decode(BytesView protobuf, const MessageLimits& limits = {});
/// Fields in number order, and as many of the peers, from the front, as fit into `size_max` bytes:
/// put the closest first.
Bytes encode(const Message& message, std::size_t size_max = kMessageSizeMax);

}  // namespace sennit::libp2p::kad
