// SPDX-License-Identifier: MIT
#include "protocol/conformance/skeletons/plain_codec.hpp"

namespace sennit::protocol::conformance {
namespace {

void put_transactions(std::span<const WireTransaction> transactions, Writer& out) {
    out.uleb128(transactions.size());
    for (const auto& tx : transactions) out.uleb128(tx.bytes().size()).raw(tx.bytes());
}

void put_block(const WireBlock& block, Writer& out) {
    encode(block.header(), out);
    out.uleb128(block.size());
    for (std::size_t i = 0; i < block.size(); ++i) {
        out.uleb128(block.transaction(i).size()).raw(block.transaction(i));
    }
    const auto certificate = block.certificate() ? encode(*block.certificate()) : Bytes{};
    out.uleb128(certificate.size()).raw(certificate);
}

struct Put {
    Writer& out;

    bool operator()(const Status& status) const {
        out.le(status.chain_id).hash(status.genesis).hash(status.head).le(status.head_height.value);
        return true;
    }
    bool operator()(const Transactions& message) const {
        put_transactions(message.transactions, out);
        return true;
    }
    bool operator()(const NewBlock& message) const {
        put_block(message.block, out);
        return true;
    }
    bool operator()(const GetBlocks& message) const {
        const auto* range = std::get_if<BlockRange>(&message.what);
        if (range == nullptr) return false;
        out.le(range->from.value).le(range->max);
        return true;
    }
    bool operator()(const Blocks& message) const {
        out.uleb128(message.blocks.size());
        for (const auto& block : message.blocks) put_block(block, out);
        return true;
    }
    bool operator()(const Votes& message) const {
        out.uleb128(message.votes.size());
        for (const auto& vote : message.votes) encode(vote, out);
        return true;
    }
    template <class T>
    bool operator()(const T&) const {
        return false;
    }
};

Result<std::vector<WireTransaction>> take_transactions(Reader& in) {
    SENNIT_TRY(const auto count, in.uleb128());
    std::vector<WireTransaction> transactions;
    for (std::uint64_t i = 0; i < count; ++i) {
        SENNIT_TRY(const auto size, in.uleb128());
        if (size < kTransactionSizeMin) {
            return in.fail(Errc::malformed, "a transaction shorter than any");
        }
        SENNIT_TRY(const auto rlp, in.take(size));
        transactions.emplace_back(SharedSlice{to_bytes(rlp)}, std::nullopt);
    }
    return transactions;
}

Result<WireBlock> take_block(Reader& in) {
    SENNIT_TRY(auto header, decode_header(in));
    SENNIT_TRY(auto transactions, take_transactions(in));
    SENNIT_TRY(const auto size, in.uleb128());
    SENNIT_TRY(const auto bytes, in.take(size));
    CertificatePtr certificate;
    if (size != 0) {
        SENNIT_TRY(auto decoded, decode_certificate(bytes));
        certificate = std::make_shared<const Certificate>(std::move(decoded));
    }
    return WireBlock{WireHeader{std::move(header)}, std::move(transactions),
                     std::move(certificate)};
}

Result<Message> take_status(Reader& in) {
    Status status;
    SENNIT_TRY(status.chain_id, in.le<std::uint64_t>());
    SENNIT_TRY(status.genesis, in.hash<BlockId>());
    SENNIT_TRY(status.head, in.hash<BlockId>());
    SENNIT_TRY(const auto height, in.le<std::uint64_t>());
    status.head_height = Height{height};
    return Message{status};
}

Result<Message> take_blocks(Reader& in) {
    SENNIT_TRY(const auto count, in.uleb128());
    Blocks blocks;
    for (std::uint64_t i = 0; i < count; ++i) {
        SENNIT_TRY(auto block, take_block(in));
        blocks.blocks.push_back(std::move(block));
    }
    return Message{std::move(blocks)};
}

Result<Message> take_votes(Reader& in) {
    SENNIT_TRY(const auto count, in.uleb128());
    Votes votes;
    for (std::uint64_t i = 0; i < count; ++i) {
        SENNIT_TRY(auto vote, decode_vote(in));
        votes.votes.push_back(vote);
    }
    return Message{std::move(votes)};
}

Result<Message> take_message(Kind kind, Reader& in) {
    switch (kind) {
        case Kind::status: return take_status(in);
        case Kind::transactions: {
            SENNIT_TRY(auto transactions, take_transactions(in));
            return Message{Transactions{std::move(transactions)}};
        }
        case Kind::new_block: {
            SENNIT_TRY(auto block, take_block(in));
            return Message{NewBlock{std::move(block)}};
        }
        case Kind::get_blocks: {
            SENNIT_TRY(const auto from, in.le<std::uint64_t>());
            SENNIT_TRY(const auto max, in.le<std::uint32_t>());
            return Message{GetBlocks{BlockRange{Height{from}, max}}};
        }
        case Kind::blocks: return take_blocks(in);
        case Kind::votes: return take_votes(in);
        default: return in.fail(Errc::unknown_type, "no such kind of message");
    }
}

}  // namespace

std::optional<Bytes> encode_plain(const Message& message) {
    Writer out;
    out.le(static_cast<std::uint8_t>(kind_of(message)));
    if (!std::visit(Put{out}, message)) return std::nullopt;
    return std::move(out).take();
}

Result<MessagePtr> decode_plain(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(const auto kind, in.le<std::uint8_t>());
    SENNIT_TRY(auto message, take_message(static_cast<Kind>(kind), in));
    SENNIT_TRY(in.finish());
    return std::make_shared<const Message>(std::move(message));
}

}  // namespace sennit::protocol::conformance
