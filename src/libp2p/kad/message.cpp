// SPDX-License-Identifier: MIT
#include "libp2p/kad/message.hpp"

#include "libp2p/protobuf.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p::kad {

namespace {

constexpr std::uint64_t kTypeMax = static_cast<std::uint64_t>(MessageType::ping);
constexpr std::uint64_t kConnectionMax = static_cast<std::uint64_t>(ConnectionType::cannot_connect);

void keep_address(BytesView raw, const MessageLimits& limits, std::vector<Multiaddr>& out) {
    if (out.size() == limits.addresses_max || raw.size() > limits.address_size_max) return;
    if (auto address = Multiaddr::from_bytes(raw)) out.push_back(*std::move(address));
}

/// nullopt: a peer without an id that is one.
Result<std::optional<MessagePeer>> read_peer(const protobuf::Field& field,
                                             const MessageLimits& limits) {
    SENNIT_TRY(auto in, protobuf::FieldReader::inside(field));
    MessagePeer out;
    bool has_id = false;
    while (!in.done()) {
        SENNIT_TRY(const auto part, in.next());
        switch (part.number) {
            case 1: {
                SENNIT_TRY(const auto raw, part.bytes());
                const auto id = PeerId::from_bytes(raw);
                has_id = id.has_value();
                if (id) out.id = *id;
                break;
            }
            case 2: {
                SENNIT_TRY(const auto raw, part.bytes());
                keep_address(raw, limits, out.addresses);
                break;
            }
            case 3: {
                SENNIT_TRY(const auto raw, part.u64());
                out.connection = raw <= kConnectionMax ? static_cast<ConnectionType>(raw)
                                                       : ConnectionType::not_connected;
                break;
            }
            default: break;
        }
    }
    if (!has_id) return std::optional<MessagePeer>{};
    return std::optional{std::move(out)};
}

protobuf::MessageWriter written(const MessagePeer& peer) {
    protobuf::MessageWriter out;
    out.bytes(1, peer.id.view());
    for (const auto& address : peer.addresses) out.bytes(2, address.view());
    if (peer.connection != ConnectionType::not_connected)
        out.u64(3, static_cast<std::uint64_t>(peer.connection));
    return out;
}

}  // namespace

Result<Message> decode(BytesView protobuf, const MessageLimits& limits) {
    if (protobuf.size() > kMessageSizeMax)
        return Error{Errc::oversized, "a Kademlia message", kMessageSizeMax, {}};
    Message out;
    protobuf::FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        switch (field.number) {
            case 1: {
                SENNIT_TRY(const auto raw, field.u64());
                if (raw > kTypeMax)
                    return field.fail(Errc::unknown_type, "type of a Kademlia message");
                out.type = static_cast<MessageType>(raw);
                break;
            }
            case 2: {
                SENNIT_TRY(const auto raw, field.bytes(limits.key_size_max));
                out.key = to_bytes(raw);
                break;
            }
            case 8: {
                if (out.closer.size() == limits.peers_max) break;
                SENNIT_TRY(auto peer, read_peer(field, limits));
                if (peer) out.closer.push_back(*std::move(peer));
                break;
            }
            default: break;
        }
    }
    return out;
}

Bytes encode(const Message& message, std::size_t size_max) {
    protobuf::MessageWriter out;
    out.u64(1, static_cast<std::uint64_t>(message.type));
    if (!message.key.empty()) out.bytes(2, message.key);
    for (const auto& peer : message.closer) {
        const auto one = written(peer);
        const auto cost = 1 + varint_size(one.view().size()) + one.view().size();
        if (out.view().size() + cost > size_max) break;
        out.message(8, one);
    }
    return std::move(out).take();
}

}  // namespace sennit::libp2p::kad
