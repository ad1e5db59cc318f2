// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/bytes.hpp"
#include "protocol/moderntensor/codec.hpp"
#include "protocol/moderntensor/hello.hpp"
#include "protocol/moderntensor/moderntensor.hpp"

/// One ModernTensor instance driven by hand, and objects to send. For this folder's tests.
namespace sennit::protocol::moderntensor {

/// The cases of one file.
inline json::Array read_cases(const std::string& name) {
    std::ifstream file{std::string{SENNIT_VECTORS} + "/moderntensor/" + name};
    std::ostringstream text;
    text << file.rdbuf();
    const auto value = json::parse(text.str());
    EXPECT_TRUE(value) << name;
    if (!value) return {};
    const auto cases = *value->get_array("cases");
    return {cases.begin(), cases.end()};
}

inline Bytes hex_of(const json::Value& item) {
    return *from_hex(*item.get_text("hex"));
}

inline BlockId test_genesis() {
    BlockId id;
    id.bytes.fill(0x67);
    return id;
}

/// What a fresh original says, with those members replaced.
inline json::Value original_hello(std::initializer_list<json::Member> other = {}) {
    auto hello = json::Value::object({{"protocol_version", 1},
                                      {"network_id", 1},
                                      {"genesis_hash", std::string(64, '0')},
                                      {"best_height", 7},
                                      {"best_hash", std::string(64, '0')},
                                      {"listen_port", 5555},
                                      {"node_id", std::string(64, '2')},
                                      {"capabilities", json::Value::array({"sync", "relay"})}});
    for (const auto& member : other) hello.set(member.key, member.value);
    return hello;
}

inline Bytes json_frame(Type type, const json::Value& value) {
    return *make_frame(type, json::write(value, json::Style::python));
}
inline Bytes text_frame(Type type, std::string_view text) {
    return *make_frame(type, text);
}

struct SentFrame {
    Type type;
    Bytes payload;

    std::string text() const { return std::string{as_text(payload)}; }
};

/// An instance, its clock, and what it did.
class Instance {
  public:
    explicit Instance(std::uint8_t seed, std::uint64_t chain_id = 1) {
        crypto::Ed25519Key::Seed bytes{};
        bytes.fill(seed);
        Keys keys{crypto::Ed25519Key::from_seed(bytes)};
        id = keys.node.public_key<NodeId>();
        Config config;
        config.listens = {{"tcp", "10.0.0.1", 0}};
        config.chain_id = chain_id;
        config.genesis = test_genesis();
        config.frame_budget = budget;
        protocol = *make(config, keys, Rng{std::uint64_t{seed}}, {});
        now.at = Instant{} + std::chrono::hours{1};
        input(Start{});
        input(CarrierInput{Listening{{"tcp", "10.0.0.1", 30303}}});
    }

    void input(const Input& item) {
        protocol->handle(item, now);
        drain();
    }
    void drain() {
        protocol->check_invariants();
        while (auto output = protocol->poll()) {
            protocol->check_invariants();
            take(*output);
        }
    }
    LinkId open(bool inbound, NetAddress remote = {"tcp", "9.9.9.9", 41000}) {
        LinkOpen open;
        open.id = LinkId{++last_link_};
        open.inbound = inbound;
        open.remote = std::move(remote);
        open.room = 1u << 30;
        input(CarrierInput{open});
        return open.id;
    }
    void say(LinkId link, BytesView bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += 65'536) {
            const auto piece = bytes.subspan(at, std::min<std::size_t>(65'536, bytes.size() - at));
            input(CarrierInput{LinkBytes{link, piece, {}, 0}});
        }
    }
    void wait(Duration time) {
        const auto end = now.at + time;
        while (const auto next = protocol->deadline()) {
            if (*next > end) break;
            now.at = std::max(now.at, *next);
            input(Deadline{});
        }
        now.at = end;
    }
    Sent send(PeerId peer, MessagePtr message, std::optional<RequestId> asks = {},
              std::optional<ReceiptId> answers = {}) {
        Outgoing outgoing{std::move(message), Priority::normal, {}, asks, answers, {}};
        auto sent = protocol->send({&peer, 1}, outgoing, now);
        drain();
        return sent;
    }
    /// Opens an inbound link and says an original's HELLO.
    LinkId meet_original() {
        const auto link = open(true);
        say(link, json_frame(Type::hello, original_hello()));
        frames(link);
        return link;
    }

    /// What was transmitted on `link` since the last call, frame by frame.
    std::vector<SentFrame> frames(LinkId link) {
        Layout layout;
        layout.handshaking = false;
        layout.extended = true;
        FrameBudget unbounded;
        FrameReader reader{layout, unbounded};
        std::vector<SentFrame> out;
        BytesView rest = transmitted[link];
        while (!rest.empty()) {
            const auto frame = reader.feed(rest, Instant{});
            if (!frame || !*frame) {
                ADD_FAILURE() << "what was sent is no frame";
                break;
            }
            out.push_back({static_cast<Type>((*frame)->type), to_bytes((*frame)->payload)});
        }
        transmitted[link].clear();
        return out;
    }
    template <class T>
    std::vector<T> all() const {
        std::vector<T> out;
        for (const auto& item : received) {
            if (const auto* message = std::get_if<T>(item.message.get())) out.push_back(*message);
        }
        return out;
    }
    bool is_closed(LinkId link) const { return closed.contains(link); }

    Now now{};
    NodeId id;
    std::shared_ptr<FrameBudget> budget = std::make_shared<FrameBudget>();
    std::unique_ptr<Protocol> protocol;
    std::map<LinkId, Bytes> transmitted;
    std::map<LinkId, std::string> closed;
    std::map<PeerId, PeerFacts> peers;
    std::vector<PeerDown> downs;
    std::vector<Received> received;
    std::vector<Misbehaved> misbehaved;

  private:
    void take(const Output& output) {
        if (const auto* carrier = std::get_if<CarrierOutput>(&output)) {
            if (const auto* item = std::get_if<Transmit>(carrier)) {
                auto& bytes = transmitted[item->link];
                bytes.insert(bytes.end(), item->bytes->begin(), item->bytes->end());
            }
            if (const auto* item = std::get_if<HangUp>(carrier)) closed[item->link] = item->why;
        }
        if (const auto* item = std::get_if<PeerUp>(&output)) peers[item->peer] = item->facts;
        if (const auto* item = std::get_if<PeerChanged>(&output)) peers[item->peer] = item->facts;
        if (const auto* item = std::get_if<PeerDown>(&output)) {
            peers.erase(item->peer);
            downs.push_back(*item);
        }
        if (const auto* item = std::get_if<Received>(&output)) received.push_back(*item);
        if (const auto* item = std::get_if<Misbehaved>(&output)) misbehaved.push_back(*item);
    }

    std::uint64_t last_link_{0};
};

inline TransactionPtr test_transaction(std::uint64_t nonce, std::size_t data_size = 3) {
    auto tx = std::make_shared<SignedTransaction>();
    tx->tx.nonce = nonce;
    tx->tx.gas_price = 7;
    tx->tx.gas_limit = 50'000;
    tx->tx.to.bytes.fill(0xb0);
    tx->tx.value = Amount{2'000'000'000'000'000'000} * 100 + 10;
    tx->tx.data = Bytes(data_size, std::uint8_t{0xda});
    tx->tx.v = 37;
    tx->tx.r.bytes.fill(0x11);
    tx->tx.s.bytes.fill(0x22);
    tx->rlp = encode(tx->tx);
    tx->id = transaction_id(tx->rlp);
    tx->sender.bytes.fill(0xa0);
    return tx;
}

inline CertificatePtr test_certificate(std::uint64_t slot = 9) {
    Certificate certificate;
    certificate.set_version = 3;
    certificate.link.source.slot = Slot{slot - 1};
    certificate.link.target.slot = Slot{slot};
    certificate.link.target.id.bytes.fill(0x7a);
    certificate.target_height = Height{slot};
    certificate.bitmap = {0x05};
    certificate.signatures.resize(2);
    certificate.signatures[1].bytes.fill(0x51);
    return std::make_shared<const Certificate>(certificate);
}

inline BlockPtr test_block(std::uint64_t height, std::size_t transactions = 2) {
    Header header;
    header.height = Height{height};
    header.timestamp = 1'700'000'000 + height;
    header.previous_hash.bytes.fill(0x11);
    header.signature.bytes.fill(0x33);
    header.gas_used = 21'000 * transactions;
    header.gas_limit = 10'000'000;
    header.extra_data = {1, 2, 5};
    std::vector<TransactionPtr> list;
    for (std::size_t i = 0; i < transactions; ++i) list.push_back(test_transaction(i));
    return make_block(std::move(header), std::move(list));
}

}  // namespace sennit::protocol::moderntensor
