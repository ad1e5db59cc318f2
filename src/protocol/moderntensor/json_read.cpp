// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "protocol/moderntensor/json_form.hpp"

namespace sennit::protocol::moderntensor {
namespace {

Error misfit(std::string_view what, std::string_view key) {
    return {Errc::malformed, what, Error::kNowhere, std::string{key}};
}

Result<std::uint64_t> optional_u64(const json::Value& object, std::string_view key,
                                   std::uint64_t otherwise) {
    if (object.find(key) == nullptr) return otherwise;
    return object.get_u64(key);
}

Result<Bytes> bytes_of(const json::Value& value) {
    SENNIT_TRY(const auto text, value.as_text());
    return from_python_hex(text);
}

Result<Bytes> bytes_at(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto* value, object.get(key));
    auto bytes = bytes_of(*value);
    if (!bytes) return misfit(bytes.error().what, key);
    return bytes;
}

template <class H>
Result<H> hash_at(const json::Value& object, std::string_view key) {
    SENNIT_TRY(const auto bytes, bytes_at(object, key));
    if (bytes.size() != H::kSize) return misfit("hexadecimal of the wrong length", key);
    return H::from(bytes);
}

template <class H>
Result<void> optional_hash(const json::Value& object, std::string_view key, H& out) {
    if (object.find(key) == nullptr) return {};
    SENNIT_TRY(out, hash_at<H>(object, key));
    return {};
}

/// Calls `take` with each item of a list of at most `max`.
template <class Take>
Result<void> each(const json::Value& object, std::string_view key, std::size_t max, Take take) {
    SENNIT_TRY(const auto items, object.get_array(key));
    if (items.size() > max)
        return Error{Errc::oversized, "a list above its bound", Error::kNowhere, std::string{key}};
    for (const auto& item : items) SENNIT_TRY(take(item));
    return {};
}

template <class H>
Result<std::vector<H>> read_hashes(const json::Value& object, std::size_t max) {
    std::vector<H> out;
    SENNIT_TRY(each(object, "hashes", max, [&](const json::Value& item) -> Result<void> {
        SENNIT_TRY(const auto bytes, bytes_of(item));
        if (bytes.size() != H::kSize) return misfit("hexadecimal of the wrong length", "hashes");
        out.push_back(H::from(bytes));
        return {};
    }));
    return out;
}

Result<std::vector<WireTransaction>> read_transaction_list(const json::Value& object,
                                                           std::size_t max) {
    std::vector<WireTransaction> out;
    SENNIT_TRY(each(object, "transactions", max, [&](const json::Value& item) -> Result<void> {
        SENNIT_TRY(auto rlp, bytes_of(item));
        if (rlp.size() > kTransactionSizeMax) {
            return Error{Errc::oversized, "a transaction above 128 KiB", Error::kNowhere, {}};
        }
        if (rlp.size() < kTransactionSizeMin) {
            return misfit("a transaction shorter than any", "transactions");
        }
        out.emplace_back(SharedSlice{std::move(rlp)}, std::nullopt);
        return {};
    }));
    return out;
}

Result<CertificatePtr> read_certificate(const json::Value& value) {
    SENNIT_TRY(const auto bytes, bytes_of(value));
    SENNIT_TRY(auto certificate, decode_certificate(BytesView{bytes}));
    return std::make_shared<const Certificate>(std::move(certificate));
}

Result<WireBlock> read_block(const json::Value& object) {
    SENNIT_TRY(auto header, read_header(object));
    std::vector<WireTransaction> transactions;
    if (object.find("transactions") != nullptr) {
        SENNIT_TRY(transactions, read_transaction_list(object, kIdsMax));
    }
    CertificatePtr certificate;
    if (const auto* value = object.find("certificate")) {
        SENNIT_TRY(certificate, read_certificate(*value));
    }
    return WireBlock{WireHeader{std::move(header)}, std::move(transactions),
                     std::move(certificate)};
}

Result<MessagePtr> read_get_blocks(const json::Value& object) {
    SENNIT_TRY(const auto start, object.get_u64("start_height"));
    SENNIT_TRY(const auto end, object.get_u64("end_height"));
    SENNIT_TRY(const auto max, optional_u64(object, "max_blocks", kBlocksDefault));
    // The end is inclusive: only so does the original's own loop get every block once.
    std::uint64_t count = 0;
    if (end >= start) count = std::min<std::uint64_t>(end - start, kBlocksMax - 1) + 1;
    count = std::min(count, max);
    return make_message(GetBlocks{BlockRange{Height{start}, static_cast<std::uint32_t>(count)}});
}

Result<MessagePtr> read_get_headers(const json::Value& object) {
    SENNIT_TRY(const auto start, object.get_u64("start_height"));
    SENNIT_TRY(const auto max, optional_u64(object, "max_headers", kHeadersDefault));
    const auto count = std::min<std::uint64_t>(max, kHeadersMax);
    return make_message(GetHeaders{Height{start}, static_cast<std::uint32_t>(count), false});
}

Result<MessagePtr> read_headers(const json::Value& object) {
    Headers out;
    SENNIT_TRY(each(object, "headers", kHeadersMax, [&](const json::Value& item) -> Result<void> {
        SENNIT_TRY(auto header, read_header(item));
        out.headers.emplace_back(std::move(header));
        return {};
    }));
    if (object.find("certificates") != nullptr) {
        SENNIT_TRY(each(object, "certificates", kCertificatesMax,
                        [&](const json::Value& item) -> Result<void> {
                            SENNIT_TRY(auto certificate, read_certificate(item));
                            out.certificates.push_back(std::move(certificate));
                            return {};
                        }));
    }
    return make_message(std::move(out));
}

Result<MessagePtr> read_blocks(const json::Value& object) {
    Blocks out;
    SENNIT_TRY(each(object, "blocks", kBlocksMax, [&](const json::Value& item) -> Result<void> {
        SENNIT_TRY(auto block, read_block(item));
        out.blocks.push_back(std::move(block));
        return {};
    }));
    return make_message(std::move(out));
}

Result<MessagePtr> read_bodies(const json::Value& object) {
    Bodies out;
    SENNIT_TRY(each(object, "bodies", kBlocksMax, [&](const json::Value& item) -> Result<void> {
        Bodies::Body body;
        SENNIT_TRY(body.id, hash_at<BlockId>(item, "hash"));
        SENNIT_TRY(body.transactions, read_transaction_list(item, kIdsMax));
        out.bodies.push_back(std::move(body));
        return {};
    }));
    return make_message(std::move(out));
}

/// The RLP is made again from the fields, so what the workers check is what was said.
Result<MessagePtr> read_transaction(const json::Value& object) {
    Transaction tx;
    SENNIT_TRY(tx.nonce, object.get_u64("nonce"));
    SENNIT_TRY(const auto sender, hash_at<Address>(object, "from"));
    SENNIT_TRY(const auto* to, object.get("to"));
    if (to->is_null()) {
        return Error{Errc::unsupported, "contract creation is not offered", Error::kNowhere, {}};
    }
    SENNIT_TRY(tx.to, hash_at<Address>(object, "to"));
    SENNIT_TRY(tx.value, object.get_u128("value"));
    SENNIT_TRY(tx.gas_price, object.get_u64("gas_price"));
    SENNIT_TRY(tx.gas_limit, object.get_u64("gas_limit"));
    SENNIT_TRY(tx.data, bytes_at(object, "data"));
    SENNIT_TRY(tx.v, object.get_u64("v"));
    if (tx.v < 35) {
        // The original's placeholder signatures say 27 or 0.
        return Error{Errc::unsupported,
                     "only replay-protected (EIP-155) transactions allowed",
                     Error::kNowhere,
                     {}};
    }
    SENNIT_TRY(tx.r, hash_at<Word>(object, "r"));
    SENNIT_TRY(tx.s, hash_at<Word>(object, "s"));
    auto rlp = encode(tx);
    if (rlp.size() > kTransactionSizeMax) {
        return Error{Errc::oversized, "a transaction above 128 KiB", Error::kNowhere, {}};
    }
    Transactions out;
    out.transactions.emplace_back(SharedSlice{std::move(rlp)}, sender);
    return make_message(std::move(out));
}

Result<MessagePtr> read_announce(const json::Value& object) {
    Announce out;
    SENNIT_TRY(out.block.height.value, object.get_u64("height"));
    SENNIT_TRY(out.block.id, hash_at<BlockId>(object, "hash"));
    SENNIT_TRY(out.block.parent, hash_at<BlockId>(object, "previous_hash"));
    SENNIT_TRY(out.block.timestamp, object.get_u64("timestamp"));
    return make_message(out);
}

Result<MessagePtr> read_get_peers(const json::Value& object) {
    SENNIT_TRY(const auto max, optional_u64(object, "max_peers", kPeersDefault));
    return make_message(
        GetPeers{static_cast<std::uint32_t>(std::min<std::uint64_t>(max, kPeersMax))});
}

/// Entries that name no place are left out: one bad address spoils no list.
Result<MessagePtr> read_peers(const json::Value& object) {
    Peers out;
    SENNIT_TRY(const auto items, object.get_array("peers"));
    for (const auto& item : items) {
        if (out.peers.size() == kPeersMax) break;
        const auto host = item.get_text("address");
        const auto port = item.get_u64("port");
        if (!host || host->empty() || host->size() > 255 || !port || *port == 0 || *port > 0xffff) {
            continue;
        }
        Peers::Peer peer;
        peer.address = {"tcp", std::string{*host}, static_cast<std::uint16_t>(*port)};
        if (const auto id = hash_at<NodeId>(item, "node_id")) peer.id = *id;
        out.peers.push_back(std::move(peer));
    }
    return make_message(std::move(out));
}

/// What the largest honest payload holds: objects in a list in an object, and few values in all
/// where a stranger could make many of few bytes.
json::Limits limits_of(Type type) {
    constexpr std::size_t kDepth = 6;
    switch (type) {
        case Type::blocks:
        case Type::headers:
        case Type::block_bodies: return {kDepth, 200'000};
        case Type::new_block: return {kDepth, kIdsMax + 64};
        case Type::peers: return {kDepth, 4096};
        case Type::get_block_bodies:
        case Type::get_transactions:
        case Type::transactions: return {kDepth, kIdsMax + 16};
        default: return {kDepth, 64};
    }
}

}  // namespace

Result<Header> read_header(const json::Value& object) {
    Header header;
    SENNIT_TRY(const auto version, optional_u64(object, "version", 1));
    if (version > 0xffff'ffff) return misfit("a version above 2^32", "version");
    header.version = static_cast<std::uint32_t>(version);
    SENNIT_TRY(header.height.value, object.get_u64("height"));
    SENNIT_TRY(header.timestamp, object.get_u64("timestamp"));
    SENNIT_TRY(header.previous_hash, hash_at<BlockId>(object, "previous_hash"));
    SENNIT_TRY(optional_hash(object, "state_root", header.state_root));
    SENNIT_TRY(optional_hash(object, "txs_root", header.txs_root));
    SENNIT_TRY(optional_hash(object, "receipts_root", header.receipts_root));
    SENNIT_TRY(optional_hash(object, "validator", header.validator));
    SENNIT_TRY(optional_hash(object, "signature", header.signature));
    SENNIT_TRY(header.gas_used, optional_u64(object, "gas_used", 0));
    SENNIT_TRY(header.gas_limit, optional_u64(object, "gas_limit", 10'000'000));
    if (object.find("extra_data") != nullptr) {
        SENNIT_TRY(header.extra_data, bytes_at(object, "extra_data"));
        if (header.extra_data.size() > kExtraDataSizeMax) {
            return Error{Errc::oversized, "extra_data above 1 KiB", Error::kNowhere, {}};
        }
    }
    return header;
}

Result<std::uint64_t> read_get_state(BytesView payload) {
    SENNIT_TRY(const auto object, json::parse(as_text(payload), limits_of(Type::get_state)));
    return object.get_u64("height");
}

Result<MessagePtr> read_json(Type type, BytesView payload) {
    SENNIT_TRY(const auto object, json::parse(as_text(payload), limits_of(type)));
    switch (type) {
        case Type::get_blocks: return read_get_blocks(object);
        case Type::blocks: return read_blocks(object);
        case Type::get_headers: return read_get_headers(object);
        case Type::headers: return read_headers(object);
        case Type::get_block_bodies: {
            SENNIT_TRY(auto ids, read_hashes<BlockId>(object, kBlocksMax));
            return make_message(GetBodies{std::move(ids)});
        }
        case Type::block_bodies: return read_bodies(object);
        case Type::new_transaction: return read_transaction(object);
        case Type::new_block: {
            SENNIT_TRY(auto block, read_block(object));
            return make_message(NewBlock{std::move(block)});
        }
        case Type::new_block_hashes: return read_announce(object);
        case Type::get_transactions: {
            SENNIT_TRY(auto ids, read_hashes<TxId>(object, kIdsMax));
            return make_message(GetTransactions{std::move(ids)});
        }
        case Type::transactions: {
            SENNIT_TRY(auto transactions, read_transaction_list(object, kIdsMax));
            return make_message(Transactions{std::move(transactions)});
        }
        case Type::get_peers: return read_get_peers(object);
        case Type::peers: return read_peers(object);
        default: break;
    }
    return Error{Errc::unsupported, "no message of the node's", Error::kNowhere, {}};
}

}  // namespace sennit::protocol::moderntensor
