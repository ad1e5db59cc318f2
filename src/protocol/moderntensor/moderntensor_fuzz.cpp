// SPDX-License-Identifier: MIT
/// Any bytes are described, and the description makes them again; what decodes is encoded to the
/// same bytes.
#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/moderntensor/extension.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "protocol/moderntensor/json_form.hpp"
#include "protocol/moderntensor/moderntensor.hpp"

using namespace sennit;
using namespace sennit::protocol;
using namespace sennit::protocol::moderntensor;

namespace {

/// Frames that were whole, one after the other, are the beginning of the input.
void check_description(BytesView input, const DescribeOptions& options) {
    Bytes again;
    for (const auto& frame : describe(input, options)) {
        if (frame.find("at") != nullptr) SENNIT_ASSERT(*frame.get_u64("at") <= input.size());
        if (frame.find("type") == nullptr) break;
        const auto bytes = encode(frame);
        SENNIT_ASSERT(bytes.has_value());
        again.insert(again.end(), bytes->begin(), bytes->end());
    }
    SENNIT_ASSERT(again.size() <= input.size());
    SENNIT_ASSERT(std::equal(again.begin(), again.end(), input.begin()));
}

std::optional<std::string> write(const Message& message) {
    if (const auto* m = std::get_if<Headers>(&message)) return write_headers(*m);
    if (const auto* m = std::get_if<Blocks>(&message)) return write_blocks(*m);
    if (const auto* m = std::get_if<Bodies>(&message)) return write_bodies(*m);
    if (const auto* m = std::get_if<NewBlock>(&message)) return write_block(m->block);
    if (const auto* m = std::get_if<Announce>(&message)) return write_announce(m->block);
    if (const auto* m = std::get_if<GetPeers>(&message)) return write_get_peers(*m);
    if (const auto* m = std::get_if<Peers>(&message)) return write_peers(*m);
    return std::nullopt;
}

void check_json(Type type, BytesView payload) {
    const auto message = read_json(type, payload);
    if (!message) return;
    if (type == Type::new_transaction) {
        const auto& tx = std::get<Transactions>(**message).transactions.at(0);
        SENNIT_ASSERT(decode_transaction(tx.bytes()).has_value());
    }
    const auto text = write(**message);
    if (!text) return;
    const auto again = read_json(type, as_bytes(*text));
    SENNIT_ASSERT(again.has_value());
    SENNIT_ASSERT(write(**again) == text);
}

void check_extension(Type type, BytesView payload) {
    const auto extended = decode_extension(type, payload);
    if (!extended) {
        SENNIT_ASSERT(extended.error().at <= payload.size());
        return;
    }
    const auto frame = encode_extension(*extended->message, extended->request);
    SENNIT_ASSERT(frame != nullptr);
    SENNIT_ASSERT(std::ranges::equal(BytesView{*frame}.subspan(head_size(type)), payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input{data, size};
    check_description(input, {});
    check_description(input, {{"capability", std::string{kCapability}}});
    if (size == 0) return 0;
    const auto type = type_of(data[0]);
    if (!type) return 0;
    if (*type == Type::hello) {
        if (const auto hello = parse_hello(input.subspan(1))) {
            const auto text = write_hello(*hello);
            const auto again = parse_hello(as_bytes(text));
            SENNIT_ASSERT(again.has_value() && write_hello(*again) == text);
        }
    } else if (!is_extension(*type)) {
        check_json(*type, input.subspan(1));
    } else if (*type != Type::sennit_proof) {
        check_extension(*type, input.subspan(1));
    }
    return 0;
}
