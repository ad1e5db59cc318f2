// SPDX-License-Identifier: MIT
#include "libp2p/autonat/message.hpp"

#include <limits>

#include "libp2p/protobuf.hpp"
#include "libp2p/varint.hpp"

namespace sennit::libp2p::autonat {

namespace {

using protobuf::Field;
using protobuf::FieldReader;
using protobuf::MessageWriter;

Result<std::uint32_t> index_of(const Field& field) {
    SENNIT_TRY(const auto raw, field.u64());
    if (raw > std::numeric_limits<std::uint32_t>::max())
        return field.fail(Errc::oversized, "index of an address");
    return static_cast<std::uint32_t>(raw);
}

Result<ResponseStatus> response_status_of(const Field& field) {
    SENNIT_TRY(const auto raw, field.u64());
    for (const auto one : {ResponseStatus::internal_error, ResponseStatus::request_rejected,
                           ResponseStatus::dial_refused, ResponseStatus::ok}) {
        if (raw == static_cast<std::uint64_t>(one)) return one;
    }
    return field.fail(Errc::unknown_type, "status of a dial response");
}

Result<DialStatus> dial_status_of(const Field& field) {
    SENNIT_TRY(const auto raw, field.u64());
    for (const auto one : {DialStatus::unused, DialStatus::dial_error, DialStatus::dial_back_error,
                           DialStatus::ok}) {
        if (raw == static_cast<std::uint64_t>(one)) return one;
    }
    return field.fail(Errc::unknown_type, "status of a dial");
}

Result<DialRequest> read_request(FieldReader in) {
    DialRequest out;
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number == 1) {
            SENNIT_TRY(const auto raw, field.bytes());
            if (out.addresses.size() == kAddressesMax) continue;
            out.addresses.emplace_back();
            if (raw.size() > kAddressSizeMax) continue;
            if (auto address = Multiaddr::from_bytes(raw))
                out.addresses.back() = *std::move(address);
        } else if (field.number == 2) {
            SENNIT_TRY(out.nonce, field.fixed64());
        }
    }
    return out;
}

Result<DialResponse> read_response(FieldReader in) {
    DialResponse out;
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        switch (field.number) {
            case 1: {
                SENNIT_TRY(out.status, response_status_of(field));
                break;
            }
            case 2: {
                SENNIT_TRY(out.address_index, index_of(field));
                break;
            }
            case 3: {
                SENNIT_TRY(out.dial_status, dial_status_of(field));
                break;
            }
            default: break;
        }
    }
    return out;
}

Result<DialDataRequest> read_data_request(FieldReader in) {
    DialDataRequest out;
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number == 1) {
            SENNIT_TRY(out.address_index, index_of(field));
        } else if (field.number == 2) {
            SENNIT_TRY(out.bytes, field.u64());
        }
    }
    return out;
}

Result<DialDataResponse> read_data(FieldReader in) {
    DialDataResponse out;
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number != 1) continue;
        SENNIT_TRY(const auto data, field.bytes(kDataSizeMax));
        out.size = data.size();
    }
    return out;
}

MessageWriter written(const DialRequest& request) {
    MessageWriter out;
    for (const auto& address : request.addresses)
        out.bytes(1, address ? address->view() : BytesView{});
    out.fixed64(2, request.nonce);
    return out;
}

/// Zeros are left out, as others' writers do.
MessageWriter written(const DialResponse& response) {
    MessageWriter out;
    if (response.status != ResponseStatus::internal_error)
        out.u64(1, static_cast<std::uint64_t>(response.status));
    if (response.address_index != 0) out.u64(2, response.address_index);
    if (response.dial_status != DialStatus::unused)
        out.u64(3, static_cast<std::uint64_t>(response.dial_status));
    return out;
}

MessageWriter written(const DialDataRequest& request) {
    MessageWriter out;
    if (request.address_index != 0) out.u64(1, request.address_index);
    out.u64(2, request.bytes);
    return out;
}

MessageWriter written(const DialDataResponse& data) {
    MessageWriter out;
    out.bytes(1, Bytes(data.size));
    return out;
}

}  // namespace

Result<Message> decode_message(BytesView protobuf) {
    if (protobuf.size() > kMessageSizeMax)
        return Error{Errc::oversized, "an AutoNAT message", kMessageSizeMax, {}};
    std::optional<Message> out;
    FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number > 4) continue;
        SENNIT_TRY(const auto inside, FieldReader::inside(field));
        switch (field.number) {
            case 1: {
                SENNIT_TRY(out, read_request(inside));
                break;
            }
            case 2: {
                SENNIT_TRY(out, read_response(inside));
                break;
            }
            case 3: {
                SENNIT_TRY(out, read_data_request(inside));
                break;
            }
            default: {
                SENNIT_TRY(out, read_data(inside));
                break;
            }
        }
    }
    if (!out) return Error{Errc::malformed, "an AutoNAT message of no kind", 0, {}};
    return *std::move(out);
}

Bytes encode(const Message& message) {
    MessageWriter out;
    const auto number = static_cast<std::uint32_t>(message.index() + 1);
    out.message(number, std::visit([](const auto& one) { return written(one); }, message));
    return std::move(out).take();
}

Result<std::uint64_t> decode_dial_back(BytesView protobuf) {
    std::optional<std::uint64_t> out;
    FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number != 1) continue;
        SENNIT_TRY(out, field.fixed64());
    }
    if (!out) return Error{Errc::malformed, "a dial-back without a nonce", 0, {}};
    return *out;
}

Bytes encode_dial_back(std::uint64_t nonce) {
    MessageWriter out;
    out.fixed64(1, nonce);
    return std::move(out).take();
}

Result<void> decode_dial_back_response(BytesView protobuf) {
    FieldReader in{protobuf};
    while (!in.done()) {
        SENNIT_TRY(const auto field, in.next());
        if (field.number != 1) continue;
        SENNIT_TRY(const auto status, field.u64());
        if (status != 0) return field.fail(Errc::unknown_type, "status of a dial-back");
    }
    return {};
}

/// Zeros are left out: it has no bytes.
Bytes encode_dial_back_response() {
    return {};
}

Bytes framed(BytesView message) {
    Writer out{kVarintSizeMax + message.size()};
    write_prefixed(out, message);
    return std::move(out).take();
}

}  // namespace sennit::libp2p::autonat
