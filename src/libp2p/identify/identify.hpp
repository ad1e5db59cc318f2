// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/keys.hpp"
#include "libp2p/multiaddr.hpp"

/// Who a peer says it is (libp2p/specs, identify/README.md): `/ipfs/id/1.0.0`, on which the side
/// that opened the stream reads, and `/ipfs/id/push/1.0.0`, on which it writes. One or more
/// length-prefixed messages, then the writer closes.
namespace sennit::libp2p::identify {

constexpr std::string_view kProtocol = "/ipfs/id/1.0.0";
constexpr std::string_view kPushProtocol = "/ipfs/id/push/1.0.0";
/// Of one message. js takes 8 KiB by default; so ours stay below, and theirs may be as long.
constexpr std::size_t kMessageSizeMax = 8 * 1024;

/// What a message says. Claims, all of it: only the connection knows who the peer is, and a key
/// that is not its key makes the message a lie.
struct Identify {
    std::optional<PublicKey> key{};
    std::string protocol_version{};  ///< "ipfs/0.1.0", "/luxtensor/1.0.0"
    std::string agent{};             ///< printable ASCII, at most 128 characters
    std::vector<Multiaddr> listens{};
    std::vector<std::string> protocols{};
    std::optional<Multiaddr> observed{};  ///< us, as the peer sees us
    std::optional<Bytes> signed_record{};

    bool operator==(const Identify&) const = default;
};

/// How many of each an honest message has is far below; more are left out, so that a list of ten
/// thousand protocols costs nothing.
constexpr std::size_t kListensMax = 64;
constexpr std::size_t kProtocolsMax = 256;
constexpr std::size_t kTextSizeMax = 128;

/// Addresses that are none of ours to read (new kinds) are left out, texts are cut to their limit
/// and other than printable ASCII becomes '?': none of that makes a peer a liar. Errors, with the
/// byte: those of protobuf, and of a key that is none.
Result<Identify> decode(BytesView protobuf);
/// Fields in the order in which js writes them, which is no number order.
Bytes encode(const Identify& value);

/// Several messages of one stream are one statement: lists are joined, of the rest the last counts.
void merge(Identify& into, Identify&& next);
/// A push may have only what changed: fields that it has replace, lists too; the rest stays.
void update(Identify& known, Identify&& pushed);

}  // namespace sennit::libp2p::identify
