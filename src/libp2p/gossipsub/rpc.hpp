// SPDX-License-Identifier: MIT
#pragma once

#include "libp2p/protobuf.hpp"

/// What pubsub peers say to each other, as data (libp2p/specs, pubsub/README.md and
/// pubsub/gossipsub/gossipsub-v1.0.md to v1.2.md). On a stream each RPC has a varint length.
namespace sennit::libp2p::gossipsub {

using MessageId = Bytes;

/// A published message. Which of its fields must be there, the network's signing policy says; the
/// codec keeps apart a field that is empty and one that is absent, because a signature covers what
/// is there.
struct Message {
    std::optional<Bytes> from{};  ///< the author's peer id, as bytes
    std::optional<Bytes> data{};
    std::optional<Bytes> seqno{};  ///< 8 bytes, big-endian
    std::string topic{};
    std::optional<Bytes> signature{};
    std::optional<Bytes> key{};  ///< the author's public key, when `from` does not hold it

    bool operator==(const Message&) const = default;
};

struct Subscription {
    bool subscribe{false};
    std::string topic{};

    bool operator==(const Subscription&) const = default;
};

struct IHave {
    std::string topic{};
    std::vector<MessageId> ids{};

    bool operator==(const IHave&) const = default;
};

struct Prune {
    struct Peer {
        Bytes id{};
        std::optional<Bytes> signed_record{};

        bool operator==(const Peer&) const = default;
    };
    std::string topic{};
    std::vector<Peer> peers{};                ///< who else is in the topic (peer exchange)
    std::optional<std::uint64_t> back_off{};  ///< seconds; whatever the sender likes, so clamp it

    bool operator==(const Prune&) const = default;
};

/// Lists that the wire repeats are one list here: IWANT and IDONTWANT carry nothing but ids.
struct Control {
    std::vector<IHave> ihave{};
    std::vector<MessageId> iwant{};
    std::vector<std::string> graft{};
    std::vector<Prune> prune{};
    std::vector<MessageId> idontwant{};

    bool empty() const;
    bool operator==(const Control&) const = default;
};

struct Rpc {
    std::vector<Subscription> subscriptions{};
    std::vector<Message> publish{};
    Control control{};

    bool operator==(const Rpc&) const = default;
};

/// An RPC of 1 MiB could name half a million empty ids, each of which costs 24 bytes here and a
/// search: so entries are counted before they are kept.
struct RpcLimits {
    std::size_t topic_size_max = 256;
    std::size_t id_size_max = 128;  ///< the default id is 42 + 8 bytes, most are 8 to 32
    std::size_t subscriptions_max = 1000;
    std::size_t messages_max = 2000;
    std::size_t ids_max = 10'000;    ///< of all kinds together; the specification says 5000 IHAVE
    std::size_t control_max = 1000;  ///< GRAFT, PRUNE and IHAVE entries, each
    std::size_t exchange_max = 64;   ///< peers in all PRUNE together; others send 16
};

/// Errors, with the byte: those of protobuf; oversized above a limit; malformed for a
/// subscription, graft, prune, ihave or message without a topic. Unknown fields are skipped.
Result<Rpc> decode_rpc(BytesView protobuf, const RpcLimits& limits = {});
/// Fields in number order.
Bytes encode_rpc(const Rpc& rpc);

/// The message as a field of an RPC holds it.
Bytes encode_message(const Message& message);
/// What its author signs: a domain, then the message without signature and without key. The
/// specification leaves out the signature only; go, rust and js all leave out both.
Bytes signed_bytes(const Message& message);
/// The author's id and number, one behind the other: what names a message unless a topic has an id
/// of its own. nullopt when either is absent.
std::optional<MessageId> default_message_id(const Message& message);

}  // namespace sennit::libp2p::gossipsub
