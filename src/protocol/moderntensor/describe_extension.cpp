// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/describe_extension.hpp"

#include "base/bytes.hpp"
#include "protocol/moderntensor/extension.hpp"

namespace sennit::protocol::moderntensor {
namespace {

using json::Value;

template <class Items, class Write>
Value list(const Items& items, Write write) {
    json::Array out;
    for (const auto& item : items) out.push_back(write(item));
    return Value::array(std::move(out));
}

template <class H>
Value hex_list(const std::vector<H>& ids) {
    return list(ids, [](const H& id) { return Value{to_hex(id)}; });
}

Value value_of(const Checkpoint& checkpoint) {
    return Value::object({{"slot", checkpoint.slot.value}, {"id", to_hex(checkpoint.id)}});
}

Value value_of(const WireHeader& header) {
    return Value::object({{"height", header.header.height.value},
                          {"id", to_hex(header.id)},
                          {"previous_hash", to_hex(header.header.previous_hash)},
                          {"timestamp", header.header.timestamp},
                          {"validator", to_hex(header.header.validator)}});
}

Value value_of(const Vote& vote) {
    return Value::object({{"set_version", vote.set_version},
                          {"key", to_hex(vote.key)},
                          {"source", value_of(vote.link.source)},
                          {"target", value_of(vote.link.target)},
                          {"source_digest", to_hex(vote.link.source_digest)},
                          {"signature", to_hex(vote.signature)}});
}

Value value_of(const CertificatePtr& certificate) {
    return Value::object({{"set_version", certificate->set_version},
                          {"joint", certificate->joint},
                          {"source", value_of(certificate->link.source)},
                          {"target", value_of(certificate->link.target)},
                          {"target_height", certificate->target_height.value},
                          {"bitmap", to_hex(certificate->bitmap)}});
}

Value value_of(const std::vector<WireTransaction>& transactions) {
    return list(transactions, [](const WireTransaction& tx) { return Value{to_hex(tx.bytes())}; });
}

Value value_of(const WireBlock& block) {
    std::vector<WireTransaction> transactions;
    for (std::size_t i = 0; i < block.size(); ++i) {
        transactions.push_back(block.wire_transaction(i));
    }
    auto out = value_of(WireHeader{block.header(), block.id()});
    out.set("transactions", value_of(transactions));
    if (block.certificate()) out.set("certificate", value_of(block.certificate()));
    return out;
}

Value value_of(const ValidatorSetPtr& set) {
    return Value::object({{"version", set->version},
                          {"first_slot", set->first_slot.value},
                          {"members", list(set->members, [](const Member& member) {
                               return Value::object({{"account", to_hex(member.account)},
                                                     {"payout", to_hex(member.payout)},
                                                     {"key", to_hex(member.key)},
                                                     {"weight", member.weight}});
                           })}});
}

template <class Items>
Value values_of(const Items& items) {
    return list(items, [](const auto& item) { return value_of(item); });
}

struct Describe {
    Value& out;

    void operator()(const Status& status) const {
        out.set("chain_id", status.chain_id);
        out.set("genesis", to_hex(status.genesis));
        out.set("head", to_hex(status.head));
        out.set("head_height", status.head_height.value);
        out.set("certified", value_of(status.certified));
        out.set("certified_height", status.certified_height.value);
        out.set("finalised", value_of(status.finalised));
        out.set("finalised_height", status.finalised_height.value);
        out.set("set_version", status.set_version);
    }
    void operator()(const Votes& message) const { out.set("votes", values_of(message.votes)); }
    void operator()(const NewBlock& message) const { out.set("block", value_of(message.block)); }
    void operator()(const Evidences& message) const {
        out.set("evidences", list(message.items, [](const Evidence& item) {
                    return Value::object(
                        {{"first", to_hex(item.first)}, {"second", to_hex(item.second)}});
                }));
    }
    void operator()(const GetHeaders& ask) const {
        set(ask.from);
        out.set("max", ask.max);
        out.set("newest_first", ask.newest_first);
    }
    void operator()(const GetBlocks& ask) const {
        if (const auto* range = std::get_if<BlockRange>(&ask.what)) {
            out.set("from", range->from.value);
            out.set("max", range->max);
        } else {
            out.set("ids", hex_list(std::get<std::vector<BlockId>>(ask.what)));
        }
    }
    void operator()(const GetBodies& ask) const { out.set("ids", hex_list(ask.ids)); }
    void operator()(const GetTransactions& ask) const { out.set("ids", hex_list(ask.ids)); }
    void operator()(const GetCertificates& ask) const {
        if (const auto* from = std::get_if<FromSetVersion>(&ask.what)) {
            out.set("from_version", from->version);
        } else if (const auto* ids = std::get_if<std::vector<BlockId>>(&ask.what)) {
            out.set("ids", hex_list(*ids));
        } else {
            out.set("latest", true);
        }
    }
    void operator()(const Headers& message) const {
        out.set("headers", values_of(message.headers));
        out.set("certificates", values_of(message.certificates));
    }
    void operator()(const Blocks& message) const { out.set("blocks", values_of(message.blocks)); }
    void operator()(const Bodies& message) const {
        out.set("bodies", list(message.bodies, [](const Bodies::Body& body) {
                    return Value::object(
                        {{"id", to_hex(body.id)}, {"transactions", value_of(body.transactions)}});
                }));
    }
    void operator()(const Transactions& message) const {
        out.set("transactions", value_of(message.transactions));
    }
    void operator()(const Certificates& message) const {
        out.set("certificates", values_of(message.certificates));
        out.set("sets", values_of(message.sets));
    }
    void operator()(const Refused& message) const {
        out.set("code", to_string(message.code));
        out.set("why", message.why);
    }
    template <class T>
    void operator()(const T&) const {}

  private:
    void set(const Locator& from) const {
        if (const auto* id = std::get_if<BlockId>(&from)) {
            out.set("from", to_hex(*id));
        } else {
            out.set("from", std::get<Height>(from).value);
        }
    }
};

}  // namespace

Result<void> describe_extension(json::Value& out, Type type, BytesView payload) {
    if (type == Type::sennit_proof) {
        if (payload.size() != Signature::kSize) {
            return Error{Errc::malformed, "a proof is a signature of 64 bytes", 0, {}};
        }
        out.set("signature", to_hex(payload));
        return {};
    }
    SENNIT_TRY(const auto extended, decode_extension(type, payload));
    if (extended.request != 0) out.set("request", extended.request);
    std::visit(Describe{out}, *extended.message);
    return {};
}

}  // namespace sennit::protocol::moderntensor
