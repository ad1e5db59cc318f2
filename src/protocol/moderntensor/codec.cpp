// SPDX-License-Identifier: MIT
#include "protocol/moderntensor/codec.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace sennit::protocol::moderntensor {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kPayloadSizeMax = kLengthMax - 1;

struct Row {
    Type type;
    std::string_view name;
    std::size_t payload_size_max;
};

/// Requests are a few numbers. Answers that only fill a sync are bounded by the format; what nobody
/// asks an original for is taken as long as it announces, and then dropped.
constexpr Row kRows[] = {
    {Type::hello, "HELLO", kHelloSizeMax},
    {Type::ping, "PING", 4 * kKiB},
    {Type::pong, "PONG", 4 * kKiB},
    {Type::disconnect, "DISCONNECT", 4 * kKiB},
    {Type::get_blocks, "GET_BLOCKS", 4 * kKiB},
    {Type::blocks, "BLOCKS", kPayloadSizeMax},
    {Type::get_headers, "GET_HEADERS", 4 * kKiB},
    {Type::headers, "HEADERS", kPayloadSizeMax},
    {Type::get_block_bodies, "GET_BLOCK_BODIES", 16 * kKiB},
    {Type::block_bodies, "BLOCK_BODIES", kPayloadSizeMax},
    {Type::new_transaction, "NEW_TRANSACTION", 272 * kKiB},
    {Type::new_block, "NEW_BLOCK", kPayloadSizeMax},
    {Type::new_block_hashes, "NEW_BLOCK_HASHES", 4 * kKiB},
    {Type::get_transactions, "GET_TRANSACTIONS", 128 * kKiB},
    {Type::transactions, "TRANSACTIONS", 4 * kMiB},
    {Type::get_state, "GET_STATE", 4 * kKiB},
    {Type::state, "STATE", 64 * kKiB},
    {Type::get_state_nodes, "GET_STATE_NODES", 64 * kKiB},
    {Type::state_nodes, "STATE_NODES", 64 * kKiB},
    {Type::get_peers, "GET_PEERS", 4 * kKiB},
    {Type::peers, "PEERS", 64 * kKiB},
    {Type::sennit_proof, "PROOF", 64},
    {Type::sennit_status, "STATUS", kKiB},
    {Type::sennit_votes, "VOTES", 256 * kKiB},
    {Type::sennit_new_block, "NEW_BLOCK", kPayloadSizeMax},
    {Type::sennit_evidences, "EVIDENCES", 256 * kKiB},
    {Type::sennit_get_headers, "GET_HEADERS", kKiB},
    {Type::sennit_get_blocks, "GET_BLOCKS", 16 * kKiB},
    {Type::sennit_get_bodies, "GET_BODIES", 16 * kKiB},
    {Type::sennit_get_transactions, "GET_TRANSACTIONS", 512 * kKiB},
    {Type::sennit_get_certificates, "GET_CERTIFICATES", 16 * kKiB},
    {Type::sennit_headers, "HEADERS", 4 * kMiB},
    {Type::sennit_blocks, "BLOCKS", kPayloadSizeMax},
    {Type::sennit_bodies, "BODIES", kPayloadSizeMax},
    {Type::sennit_transactions, "TRANSACTIONS", 2 * kMiB},
    {Type::sennit_certificates, "CERTIFICATES", 6 * kMiB},
    {Type::sennit_refused, "REFUSED", kKiB},
};

constexpr std::array<std::uint8_t, 256> make_index() {
    std::array<std::uint8_t, 256> index{};
    for (std::size_t i = 0; i < std::size(kRows); ++i) {
        index[static_cast<std::uint8_t>(kRows[i].type)] = static_cast<std::uint8_t>(i + 1);
    }
    return index;
}
/// Place in kRows by number, from 1; 0: not defined.
constexpr auto kIndex = make_index();

const Row& row_of(Type type) {
    const auto index = kIndex[static_cast<std::uint8_t>(type)];
    SENNIT_ASSERT(index != 0);
    return kRows[index - 1u];
}

Error unknown(std::uint64_t at) {
    return {Errc::unknown_type, "unknown message type", at, {}};
}

void write_head(std::uint8_t* at, Type type, std::size_t payload_size) {
    const auto length = payload_size + head_size(type) - 4;
    const auto number = static_cast<std::uint8_t>(type);
    for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    at[4] = is_extension(type) ? kExtensionType : number;
    if (is_extension(type)) at[5] = static_cast<std::uint8_t>(number & ~kExtensionBit);
}

}  // namespace

std::string_view to_string(Type type) {
    return row_of(type).name;
}

std::optional<Type> type_named(std::string_view name, bool extension) {
    for (const auto& row : kRows) {
        if (row.name == name && is_extension(row.type) == extension) return row.type;
    }
    return std::nullopt;
}

Result<Type> type_of(std::uint8_t number) {
    if (kIndex[number] == 0) return unknown(Error::kNowhere);
    return static_cast<Type>(number);
}

std::size_t payload_size_max(Type type) {
    return row_of(type).payload_size_max;
}

std::optional<Kind> answered_by(Type type) {
    switch (type) {
        case Type::sennit_headers: return Kind::headers;
        case Type::sennit_blocks: return Kind::blocks;
        case Type::sennit_bodies: return Kind::bodies;
        case Type::sennit_transactions: return Kind::transactions;
        case Type::sennit_certificates: return Kind::certificates;
        case Type::sennit_refused: return Kind::refused;
        default: return std::nullopt;
    }
}

void append_frame(Bytes& out, Type type, BytesView payload) {
    SENNIT_ASSERT(payload.size() + head_size(type) <= kLengthMax + 4);
    const auto begin = out.size();
    out.resize(begin + head_size(type) + payload.size());
    write_head(out.data() + begin, type, payload.size());
    if (!payload.empty()) {
        std::memcpy(out.data() + begin + head_size(type), payload.data(), payload.size());
    }
}

SharedBytes make_frame(Type type, BytesView payload) {
    Bytes out;
    append_frame(out, type, payload);
    return std::make_shared<const Bytes>(std::move(out));
}

SharedBytes seal_frame(Type type, Bytes bytes) {
    SENNIT_ASSERT(bytes.size() >= head_size(type));
    if (bytes.size() > kLengthMax + 4) return nullptr;
    write_head(bytes.data(), type, bytes.size() - head_size(type));
    return std::make_shared<const Bytes>(std::move(bytes));
}

Result<std::optional<FrameHead>> Layout::parse(BytesView prefix) const {
    if (prefix.size() < 4) return std::optional<FrameHead>{};
    const auto length = std::size_t{prefix[0]} << 24 | std::size_t{prefix[1]} << 16 |
                        std::size_t{prefix[2]} << 8 | std::size_t{prefix[3]};
    if (length == 0) return Error{Errc::malformed, "a frame of length 0 has no type", 0, {}};
    if (length > kLengthMax) return Error{Errc::oversized, "a frame above 10 MiB", 0, {}};
    if (prefix.size() < kHeadSize) return std::optional<FrameHead>{};
    const auto number = prefix[4];
    if (number == kExtensionType && extended) {
        if (length < 2) return Error{Errc::malformed, "type 0x50 without a kind", 4, {}};
        if (prefix.size() == kHeadSize) return std::optional<FrameHead>{};
        const auto kind = prefix[5];
        if (kind >= kExtensionBit) return unknown(5);
        return std::optional{
            FrameHead{static_cast<std::uint8_t>(kind | kExtensionBit), kHeadSize + 1, length - 2}};
    }
    if (number >= kExtensionBit) return unknown(4);
    return std::optional{FrameHead{number, kHeadSize, length - 1}};
}

Result<std::size_t> Layout::payload_size_max(std::uint8_t type) const {
    const auto index = kIndex[type];
    if (index == 0) return unknown((type & kExtensionBit) != 0 ? 5 : 4);
    if (!own_limits) return kPayloadSizeMax;
    const auto limit = kRows[index - 1u].payload_size_max;
    return handshaking ? std::min(limit, kHelloSizeMax - kHeadSize) : limit;
}

bool Layout::is_wanted(std::uint8_t number) const {
    if (asked == nullptr || handshaking) return true;
    const auto type = static_cast<Type>(number);
    switch (type) {
        // We never ask in this form.
        case Type::headers:
        case Type::blocks:
        case Type::block_bodies:
        case Type::state:
        case Type::state_nodes: return false;
        // An original's is of another chain.
        case Type::new_block: return extended;
        case Type::sennit_headers:
        case Type::sennit_blocks:
        case Type::sennit_bodies: return asked->oldest(*answered_by(type)) != nullptr;
        default: return true;
    }
}

}  // namespace sennit::protocol::moderntensor
