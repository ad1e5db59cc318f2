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
    /// Calls `take` with each field of an embedded message.
    template <class Take>
    static Result<void> each(const Field& field, const Take& take) {
        SENNIT_TRY(auto in, FieldReader::inside(field));
        while (!in.done()) {
            SENNIT_TRY(const auto inner, in.next());
            SENNIT_TRY(take(inner));
        }
        return {};
    }
    static Result<void> keep(const Field& field, std::optional<Bytes>& out) {
        SENNIT_TRY(const auto bytes, field.bytes());
        out = to_bytes(bytes);
        return {};
    }

    /// An entry of a list that has to name a topic, which is its field `number`.
    template <class Entry, class Take>
    Result<void> entry(const Field& field, std::uint32_t number, std::size_t max,
                       std::vector<Entry>& out, const Take& take) {
        SENNIT_TRY(room(out.size(), max, field));
        Entry one{};
        bool named = false;
        SENNIT_TRY(each(field, [&](const Field& inner) -> Result<void> {
            if (inner.number != number) return take(inner, one);
            SENNIT_TRY(topic_of(one), inner.text(limits_.topic_size_max));
            named = true;
            return {};
        }));
        if (!named) return field.fail(Errc::malformed, "entry without a topic");
        out.push_back(std::move(one));
        return {};
    }
    static std::string& topic_of(std::string& graft) { return graft; }
    static std::string& topic_of(auto& other) { return other.topic; }

    Result<void> subscription(const Field& field, std::vector<Subscription>& out) {
        return entry(field, 2, limits_.subscriptions_max, out,
                     [](const Field& inner, Subscription& one) -> Result<void> {
                         if (inner.number == 1) {
                             SENNIT_TRY(one.subscribe, inner.boolean());
                         }
                         return {};
                     });
    }

    Result<void> message(const Field& field, std::vector<Message>& out) {
        return entry(field, 4, limits_.messages_max, out,
                     [](const Field& inner, Message& one) -> Result<void> {
                         switch (inner.number) {
                             case 1: return keep(inner, one.from);
                             case 2: return keep(inner, one.data);
                             case 3: return keep(inner, one.seqno);
                             case 5: return keep(inner, one.signature);
                             case 6: return keep(inner, one.key);
                             default: return {};
                         }
                     });
    }

    Result<void> control(const Field& field, Control& out) {
        return each(field, [&](const Field& inner) -> Result<void> {
            switch (inner.number) {
                case 1: return ihave(inner, out.ihave);
                case 2: return only_ids(inner, out.iwant);
                case 3: return graft(inner, out.graft);
                case 4: return prune(inner, out.prune);
                case 5: return only_ids(inner, out.idontwant);
                default: return {};
            }
        });
    }

    Result<void> id(const Field& field, std::vector<MessageId>& out) {
        SENNIT_TRY(room(ids_, limits_.ids_max, field));
        SENNIT_TRY(const auto bytes, field.bytes(limits_.id_size_max));
        out.push_back(to_bytes(bytes));
        ++ids_;
        return {};
    }
    Result<void> only_ids(const Field& field, std::vector<MessageId>& out) {
        return each(field, [&](const Field& inner) {
            return inner.number == 1 ? id(inner, out) : Result<void>{};
        });
    }
    Result<void> ihave(const Field& field, std::vector<IHave>& out) {
        return entry(field, 1, limits_.control_max, out, [&](const Field& inner, IHave& one) {
            return inner.number == 2 ? id(inner, one.ids) : Result<void>{};
        });
    }

    Result<void> graft(const Field& field, std::vector<std::string>& out) {
        return entry(field, 1, limits_.control_max, out,
                     [](const Field&, std::string&) { return Result<void>{}; });
    }

    Result<void> prune(const Field& field, std::vector<Prune>& out) {
        return entry(field, 1, limits_.control_max, out,
                     [&](const Field& inner, Prune& one) -> Result<void> {
                         if (inner.number == 2) return exchange(inner, one.peers);
                         if (inner.number == 3) {
                             SENNIT_TRY(one.back_off, inner.u64());
                         }
                         return {};
                     });
    }

    Result<void> exchange(const Field& field, std::vector<Prune::Peer>& out) {
        // Others prune in many topics with sixteen peers each: the surplus is of no use to anybody.
        if (exchanged_ >= limits_.exchange_max) return {};
        Prune::Peer one;
        SENNIT_TRY(each(field, [&](const Field& inner) -> Result<void> {
            if (inner.number == 2) return keep(inner, one.signed_record);
            if (inner.number == 1) {
                SENNIT_TRY(const auto bytes, inner.bytes(limits_.id_size_max));
                one.id = to_bytes(bytes);
            }
            return {};
        }));
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
