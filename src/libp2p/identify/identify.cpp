// SPDX-License-Identifier: MIT
#include "libp2p/identify/identify.hpp"

#include "base/printable.hpp"
#include "libp2p/protobuf.hpp"

namespace sennit::libp2p::identify {

namespace {

void keep_address(BytesView raw, std::vector<Multiaddr>& out) {
    if (out.size() == kListensMax) return;
    if (auto address = Multiaddr::from_bytes(raw)) out.push_back(*std::move(address));
}

Result<void> take(const protobuf::Field& field, Identify& out) {
    if (field.number > 8 || field.number == 7) return {};
    SENNIT_TRY(const auto raw, field.bytes());
    switch (field.number) {
        case 1: {
            auto key = PublicKey::decode(raw);
            if (!key) {
                return Error{key.error().code, "key in identify", field.at(), key.error().text()};
            }
            out.key = *std::move(key);
            break;
        }
        case 2: keep_address(raw, out.listens); break;
        case 3:
            if (raw.size() <= kTextSizeMax && out.protocols.size() < kProtocolsMax)
                out.protocols.push_back(printable(as_text(raw), kTextSizeMax));
            break;
        case 4:
            if (auto address = Multiaddr::from_bytes(raw)) out.observed = *std::move(address);
            break;
        case 5: out.protocol_version = printable(as_text(raw), kTextSizeMax); break;
        case 6: out.agent = printable(as_text(raw), kTextSizeMax); break;
        default: out.signed_record = to_bytes(raw);
    }
    return {};
}

template <class T>
void join(std::vector<T>& into, std::vector<T>&& next, std::size_t max) {
    for (auto& one : next) {
        if (into.size() < max) into.push_back(std::move(one));
    }
}

}  // namespace

Result<Identify> decode(BytesView protobuf) {
    Identify out;
    protobuf::FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        SENNIT_TRY(take(field, out));
    }
    return out;
}

Bytes encode(const Identify& value) {
    protobuf::MessageWriter out;
    if (!value.protocol_version.empty()) out.text(5, value.protocol_version);
    if (!value.agent.empty()) out.text(6, value.agent);
    if (value.key) out.bytes(1, value.key->encode());
    for (const auto& address : value.listens) out.bytes(2, address.view());
    if (value.observed) out.bytes(4, value.observed->view());
    for (const auto& protocol : value.protocols) out.text(3, protocol);
    if (value.signed_record) out.bytes(8, *value.signed_record);
    return std::move(out).take();
}

void update(Identify& known, Identify&& pushed) {
    if (!pushed.listens.empty()) known.listens.clear();
    if (!pushed.protocols.empty()) known.protocols.clear();
    merge(known, std::move(pushed));
}

void merge(Identify& into, Identify&& next) {
    if (next.key) into.key = std::move(next.key);
    if (!next.protocol_version.empty()) into.protocol_version = std::move(next.protocol_version);
    if (!next.agent.empty()) into.agent = std::move(next.agent);
    if (next.observed) into.observed = std::move(next.observed);
    if (next.signed_record) into.signed_record = std::move(next.signed_record);
    join(into.listens, std::move(next.listens), kListensMax);
    join(into.protocols, std::move(next.protocols), kProtocolsMax);
}

}  // namespace sennit::libp2p::identify
