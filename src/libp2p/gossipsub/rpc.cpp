// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/rpc.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

using protobuf::Field;
using protobuf::FieldReader;
using protobuf::MessageWriter;

constexpr std::string_view kDomain = "libp2p-pubsub:";

/// Reads one RPC; counts what is common to its parts.
class Decoder {
  public:
    explicit Decoder(const RpcLimits& limits) : limits_{limits} {}

    Result<Rpc> rpc(BytesView protobuf) {
        Rpc out;
        FieldReader in{protobuf};
        while (!in.done()) {
            SENNIT_TRY(const auto field, in.next());
            switch (field.number) {
                case 1: SENNIT_TRY(subscription(field, out.subscriptions)); break;
                case 2: SENNIT_TRY(message(field, out.publish)); break;
                case 3: SENNIT_TRY(control(field, out.control)); break;
                default: break;
            }
        }
        return out;
    }

  private:
    /// Room for one more entry of a list?
    static Result<void> room(std::size_t count, std::size_t max, const Field& field) {
        if (count < max) return {};
        return Error{Errc::oversized, "too many entries in one RPC", field.at(),
                     "at most " + std::to_string(max)};
    }
    static Result<void> needs_topic(bool seen, const Field& field) {
        if (seen) return {};
        return field.fail(Errc::malformed, "entry without a topic");
    }

    Result<void> subscription(const Field& field, std::vector<Subscription>& out) {
        SENNIT_TRY(room(out.size(), limits_.subscriptions_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        Subscription one;
        bool topic = false;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number == 1) {
                SENNIT_TRY(one.subscribe, inner.boolean());
            } else if (inner.number == 2) {
                SENNIT_TRY(one.topic, inner.text(limits_.topic_size_max));
                topic = true;
            }
        }
        SENNIT_TRY(needs_topic(topic, field));
        out.push_back(std::move(one));
        return {};
    }

    static Result<void> keep(const Field& field, std::optional<Bytes>& out) {
        SENNIT_TRY(const auto bytes, field.bytes());
        out = to_bytes(bytes);
        return {};
    }

    Result<void> message(const Field& field, std::vector<Message>& out) {
        SENNIT_TRY(room(out.size(), limits_.messages_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        Message one;
        bool topic = false;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            switch (inner.number) {
                case 1: SENNIT_TRY(keep(inner, one.from)); break;
                case 2: SENNIT_TRY(keep(inner, one.data)); break;
                case 3: SENNIT_TRY(keep(inner, one.seqno)); break;
                case 4: {
                    SENNIT_TRY(one.topic, inner.text(limits_.topic_size_max));
                    topic = true;
                    break;
                }
                case 5: SENNIT_TRY(keep(inner, one.signature)); break;
                case 6: SENNIT_TRY(keep(inner, one.key)); break;
                default: break;
            }
        }
        SENNIT_TRY(needs_topic(topic, field));
        out.push_back(std::move(one));
        return {};
    }

    Result<void> control(const Field& field, Control& out) {
        SENNIT_TRY(auto in, FieldReader::inside(field));
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            switch (inner.number) {
                case 1: SENNIT_TRY(ihave(inner, out.ihave)); break;
                case 2: SENNIT_TRY(only_ids(inner, out.iwant)); break;
                case 3: SENNIT_TRY(graft(inner, out.graft)); break;
                case 4: SENNIT_TRY(prune(inner, out.prune)); break;
                case 5: SENNIT_TRY(only_ids(inner, out.idontwant)); break;
                default: break;
            }
        }
        return {};
    }

    Result<void> id(const Field& field, std::vector<MessageId>& out) {
        SENNIT_TRY(room(ids_, limits_.ids_max, field));
        SENNIT_TRY(const auto bytes, field.bytes(limits_.id_size_max));
        out.push_back(to_bytes(bytes));
        ++ids_;
        return {};
    }

    Result<void> ihave(const Field& field, std::vector<IHave>& out) {
        SENNIT_TRY(room(out.size(), limits_.control_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        IHave one;
        bool topic = false;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number == 1) {
                SENNIT_TRY(one.topic, inner.text(limits_.topic_size_max));
                topic = true;
            } else if (inner.number == 2) {
                SENNIT_TRY(id(inner, one.ids));
            }
        }
        SENNIT_TRY(needs_topic(topic, field));
        out.push_back(std::move(one));
        return {};
    }

    Result<void> only_ids(const Field& field, std::vector<MessageId>& out) {
        SENNIT_TRY(auto in, FieldReader::inside(field));
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number == 1) SENNIT_TRY(id(inner, out));
        }
        return {};
    }

    Result<void> graft(const Field& field, std::vector<std::string>& out) {
        SENNIT_TRY(room(out.size(), limits_.control_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        std::optional<std::string> topic;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number != 1) continue;
            SENNIT_TRY(topic, inner.text(limits_.topic_size_max));
        }
        SENNIT_TRY(needs_topic(topic.has_value(), field));
        out.push_back(*std::move(topic));
        return {};
    }

    Result<void> prune(const Field& field, std::vector<Prune>& out) {
        SENNIT_TRY(room(out.size(), limits_.control_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        Prune one;
        bool topic = false;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number == 1) {
                SENNIT_TRY(one.topic, inner.text(limits_.topic_size_max));
                topic = true;
            } else if (inner.number == 2) {
                SENNIT_TRY(exchange(inner, one.peers));
            } else if (inner.number == 3) {
                SENNIT_TRY(one.back_off, inner.u64());
            }
        }
        SENNIT_TRY(needs_topic(topic, field));
        out.push_back(std::move(one));
        return {};
    }

    Result<void> exchange(const Field& field, std::vector<Prune::Peer>& out) {
        SENNIT_TRY(room(exchanged_, limits_.exchange_max, field));
        SENNIT_TRY(auto in, FieldReader::inside(field));
        Prune::Peer one;
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            if (inner.number == 1) {
                SENNIT_TRY(const auto bytes, inner.bytes(limits_.id_size_max));
                one.id = to_bytes(bytes);
            } else if (inner.number == 2) {
                SENNIT_TRY(keep(inner, one.signed_record));
            }
        }
        out.push_back(std::move(one));
        ++exchanged_;
        return {};
    }

    const RpcLimits& limits_;
    std::size_t ids_{0};
    std::size_t exchanged_{0};
};

MessageWriter ids_only(std::span<const MessageId> ids) {
    MessageWriter out;
    for (const auto& id : ids) out.bytes(1, id);
    return out;
}

MessageWriter write(const Prune& prune) {
    MessageWriter out;
    out.text(1, prune.topic);
    for (const auto& peer : prune.peers) {
        MessageWriter one;
        one.bytes(1, peer.id);
        if (peer.signed_record) one.bytes(2, *peer.signed_record);
        out.message(2, one);
    }
    if (prune.back_off) out.u64(3, *prune.back_off);
    return out;
}

MessageWriter write(const Control& control) {
    MessageWriter out;
    for (const auto& ihave : control.ihave) {
        MessageWriter one;
        one.text(1, ihave.topic);
        for (const auto& id : ihave.ids) one.bytes(2, id);
        out.message(1, one);
    }
    if (!control.iwant.empty()) out.message(2, ids_only(control.iwant));
    for (const auto& topic : control.graft) {
        MessageWriter one;
        one.text(1, topic);
        out.message(3, one);
    }
    for (const auto& prune : control.prune) out.message(4, write(prune));
    if (!control.idontwant.empty()) out.message(5, ids_only(control.idontwant));
    return out;
}

/// Up to the topic: all that a signature covers.
void write_unsigned(const Message& message, MessageWriter& out) {
    if (message.from) out.bytes(1, *message.from);
    if (message.data) out.bytes(2, *message.data);
    if (message.seqno) out.bytes(3, *message.seqno);
    out.text(4, message.topic);
}

}  // namespace

bool Control::empty() const {
    return ihave.empty() && iwant.empty() && graft.empty() && prune.empty() && idontwant.empty();
}

Result<Rpc> decode_rpc(BytesView protobuf, const RpcLimits& limits) {
    return Decoder{limits}.rpc(protobuf);
}

Bytes encode_rpc(const Rpc& rpc) {
    MessageWriter out;
    for (const auto& subscription : rpc.subscriptions) {
        MessageWriter one;
        one.boolean(1, subscription.subscribe).text(2, subscription.topic);
        out.message(1, one);
    }
    for (const auto& message : rpc.publish) out.bytes(2, encode_message(message));
    if (!rpc.control.empty()) out.message(3, write(rpc.control));
    return std::move(out).take();
}

Bytes encode_message(const Message& message) {
    MessageWriter out;
    write_unsigned(message, out);
    if (message.signature) out.bytes(5, *message.signature);
    if (message.key) out.bytes(6, *message.key);
    return std::move(out).take();
}

Bytes signed_bytes(const Message& message) {
    MessageWriter unsigned_part;
    write_unsigned(message, unsigned_part);
    Writer out{kDomain.size() + unsigned_part.view().size()};
    out.text(kDomain).raw(unsigned_part.view());
    return std::move(out).take();
}

std::optional<MessageId> default_message_id(const Message& message) {
    if (!message.from || !message.seqno) return std::nullopt;
    MessageId out = *message.from;
    out.insert(out.end(), message.seqno->begin(), message.seqno->end());
    return out;
}

}  // namespace sennit::libp2p::gossipsub
