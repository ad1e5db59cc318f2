// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"
#include "protocol/moderntensor/json_form.hpp"

namespace sennit::protocol::moderntensor {
namespace {

/// Appends members of one object; texts must need no escapes.
class ObjectWriter {
  public:
    explicit ObjectWriter(std::string& out) : out_{&out} { out_->push_back('{'); }

    ObjectWriter& number(std::string_view name, std::uint64_t value) {
        key(name);
        out_->append(std::to_string(value));
        return *this;
    }
    ObjectWriter& decimal(std::string_view name, Uint128 value) {
        key(name);
        out_->append(to_decimal(value));
        return *this;
    }
    ObjectWriter& hex(std::string_view name, BytesView bytes) {
        key(name);
        append_hex(*out_, bytes);
        return *this;
    }
    template <class Items, class Write>
    ObjectWriter& list(std::string_view name, const Items& items, Write write) {
        key(name);
        out_->push_back('[');
        bool first = true;
        for (const auto& item : items) {
            if (!first) out_->append(", ");
            first = false;
            write(item);
        }
        out_->push_back(']');
        return *this;
    }
    void key(std::string_view name) {
        if (!first_) out_->append(", ");
        first_ = false;
        out_->push_back('"');
        out_->append(name).append("\": ");
    }
    void end() { out_->push_back('}'); }

    static void append_hex(std::string& out, BytesView bytes) {
        constexpr char kDigits[] = "0123456789abcdef";
        out.push_back('"');
        for (const auto byte : bytes) {
            out.push_back(kDigits[byte >> 4]);
            out.push_back(kDigits[byte & 15]);
        }
        out.push_back('"');
    }

  private:
    std::string* out_;
    bool first_{true};
};

/// Leaves the object open.
ObjectWriter begin_header(std::string& out, const Header& header) {
    ObjectWriter object{out};
    object.number("version", header.version)
        .number("height", header.height.value)
        .number("timestamp", header.timestamp)
        .hex("previous_hash", header.previous_hash.view())
        .hex("state_root", header.state_root.view())
        .hex("txs_root", header.txs_root.view())
        .hex("receipts_root", header.receipts_root.view())
        .hex("validator", header.validator.view())
        .hex("signature", header.signature.view())
        .number("gas_used", header.gas_used)
        .number("gas_limit", header.gas_limit)
        .hex("extra_data", header.extra_data);
    return object;
}

void append_block(std::string& out, const WireBlock& block) {
    auto object = begin_header(out, block.header());
    object.key("transactions");
    out.push_back('[');
    for (std::size_t i = 0; i < block.size(); ++i) {
        if (i != 0) out.append(", ");
        ObjectWriter::append_hex(out, block.transaction(i));
    }
    out.push_back(']');
    if (block.certificate()) object.hex("certificate", encode(*block.certificate()));
    object.end();
}

void append_transactions(ObjectWriter& object, std::string& out,
                         const std::vector<WireTransaction>& transactions) {
    object.list("transactions", transactions,
                [&](const WireTransaction& tx) { ObjectWriter::append_hex(out, tx.bytes()); });
}

}  // namespace

std::string write_announce(const BlockRef& block) {
    std::string out;
    ObjectWriter{out}
        .number("height", block.height.value)
        .hex("hash", block.id.view())
        .hex("previous_hash", block.parent.view())
        .number("timestamp", block.timestamp)
        .end();
    return out;
}

std::optional<std::string> write_transaction(const WireTransaction& wire) {
    std::optional<Transaction> decoded;
    if (!wire.opened) {
        auto tx = decode_transaction(wire.bytes());
        if (!tx || !wire.sender) return std::nullopt;
        decoded = *std::move(tx);
    }
    const auto& tx = decoded ? *decoded : wire.opened->tx;
    const auto& sender = wire.opened ? wire.opened->sender : *wire.sender;
    std::string out;
    out.reserve(420 + 2 * tx.data.size());
    ObjectWriter{out}
        .number("nonce", tx.nonce)
        .hex("from", sender.view())
        .hex("to", tx.to.view())
        .decimal("value", tx.value)
        .number("gas_price", tx.gas_price)
        .number("gas_limit", tx.gas_limit)
        .hex("data", tx.data)
        .number("v", tx.v)
        .hex("r", tx.r.view())
        .hex("s", tx.s.view())
        .end();
    return out;
}

std::string write_block(const WireBlock& block) {
    std::string out;
    append_block(out, block);
    return out;
}

std::string write_blocks(const Blocks& message) {
    std::string out;
    ObjectWriter{out}
        .list("blocks", message.blocks, [&](const WireBlock& block) { append_block(out, block); })
        .end();
    return out;
}

std::string write_headers(const Headers& message) {
    std::string out;
    out.reserve(1024 * message.headers.size() + 64);
    ObjectWriter object{out};
    object.list("headers", message.headers,
                [&](const WireHeader& header) { begin_header(out, header.header).end(); });
    if (!message.certificates.empty()) {
        object.list("certificates", message.certificates, [&](const CertificatePtr& certificate) {
            ObjectWriter::append_hex(out, encode(*certificate));
        });
    }
    object.end();
    return out;
}

std::string write_bodies(const Bodies& message) {
    std::string out;
    ObjectWriter{out}
        .list("bodies", message.bodies,
              [&](const Bodies::Body& body) {
                  ObjectWriter object{out};
                  object.hex("hash", body.id.view());
                  append_transactions(object, out, body.transactions);
                  object.end();
              })
        .end();
    return out;
}

std::string write_transactions(const Transactions& message) {
    std::string out;
    ObjectWriter object{out};
    append_transactions(object, out, message.transactions);
    object.end();
    return out;
}

std::string write_peers(const Peers& message) {
    std::string out;
    ObjectWriter{out}
        .list("peers", message.peers,
              [&](const Peers::Peer& peer) {
                  ObjectWriter object{out};
                  object.key("address");
                  out.append(json::write(json::Value{peer.address.host}, json::Style::python));
                  object.number("port", peer.address.port)
                      .hex("node_id", peer.id ? peer.id->view() : BytesView{})
                      .end();
              })
        .end();
    return out;
}

std::string write_get_peers(const GetPeers& message) {
    std::string out;
    ObjectWriter{out}.number("max_peers", message.max).end();
    return out;
}

}  // namespace sennit::protocol::moderntensor
