// SPDX-License-Identifier: MIT
/// Two whole protocols joined by a link: the input says what they send, where the bytes are cut,
/// when time passes, and which bytes of its own come between. Every invariant is checked at every
/// step.
#include <algorithm>

#include "base/bytes.hpp"
#include "protocol/moderntensor/codec.hpp"
#include "protocol/moderntensor/moderntensor.hpp"

using namespace sennit;
using namespace sennit::protocol;

namespace {

constexpr std::size_t kStepsMax = 400;

BlockPtr some_block() {
    static const auto kBlock = [] {
        auto tx = std::make_shared<SignedTransaction>();
        tx->tx.v = 37;
        tx->tx.r.bytes.fill(1);
        tx->tx.s.bytes.fill(1);
        tx->rlp = encode(tx->tx);
        tx->id = transaction_id(tx->rlp);
        return make_block(Header{}, {tx});
    }();
    return kBlock;
}

MessagePtr some_message(std::uint8_t which) {
    const auto block = some_block();
    switch (which % 12) {
        case 0: return make_message(Status{});
        case 1: return make_message(Votes{{Vote{}}});
        case 2: return make_message(NewBlock{WireBlock{block}});
        case 3: return make_message(Transactions{{WireTransaction{block->transactions[0]}}});
        case 4: return make_message(GetHeaders{Height{which}, 3, false});
        case 5: return make_message(GetBlocks{BlockRange{Height{which}, 3}});
        case 6: return make_message(GetBodies{{block->id}});
        case 7: return make_message(GetPeers{which});
        case 8: return make_message(GetCertificates{LatestCertificate{}});
        case 9: return make_message(Announce{{block->id, Height{which}, {}, 1}});
        case 10: return make_message(GetTransactions{{block->transactions[0]->id}});
        default: return make_message(Evidences{});
    }
}

std::optional<Message> answer_to(const Message& ask) {
    const auto block = some_block();
    switch (kind_of(ask)) {
        case Kind::get_headers: return Message{Headers{{WireHeader{block->header}}, {}}};
        case Kind::get_blocks: return Message{Blocks{{WireBlock{block}}}};
        case Kind::get_bodies: return Message{Bodies{{{block->id, {}}}}};
        case Kind::get_peers: return Message{Peers{{{{"tcp", "8.8.8.8", 1}, {}}}}};
        case Kind::get_certificates: return Message{Certificates{}};
        case Kind::get_transactions: return Message{Refused{Errc::not_found, "no"}};
        default: return std::nullopt;
    }
}

/// One end: answers what it is asked, settles what it hears, keeps what it transmits.
class End {
  public:
    explicit End(std::uint8_t seed) {
        crypto::Ed25519Key::Seed bytes{};
        bytes.fill(seed);
        Config config;
        config.chain_id = 5;
        auto made = moderntensor::make(config, {crypto::Ed25519Key::from_seed(bytes)},
                                       Rng{std::uint64_t{seed}}, {});
        protocol_ = std::move(*made);
        step(Start{});
    }

    void open(bool inbound) {
        LinkOpen link;
        link.id = LinkId{++link_};
        link.inbound = inbound;
        link.remote = {"tcp", inbound ? "10.0.0.2" : "10.0.0.1", 9};
        link.room = 1 << 20;
        sent.clear();
        closed = false;
        step(CarrierInput{link});
    }
    void hear(BytesView bytes) {
        if (!closed) step(CarrierInput{LinkBytes{LinkId{link_}, bytes, {}, 0}});
    }
    void close() {
        closed = true;
        step(CarrierInput{LinkClosed{LinkId{link_}, "closed"}});
    }
    void send(MessagePtr message) {
        if (!peer_) return;
        Outgoing outgoing;
        if (!forms_of(*message).empty()) outgoing.asks = RequestId{++request_};
        outgoing.message = std::move(message);
        protocol_->send({&*peer_, 1}, outgoing, now_);
        drain();
    }
    void cancel() { step(Cancel{RequestId{request_}}); }
    void pass(Duration time) {
        now_.at += time;
        step(Deadline{});
    }

    Bytes sent;
    bool closed{true};

  private:
    void step(const Input& input) {
        protocol_->handle(input, now_);
        protocol_->check_invariants();
        drain();
    }
    void drain() {
        while (auto output = protocol_->poll()) {
            protocol_->check_invariants();
            take(*output);
        }
    }
    void take(const Output& output) {
        if (const auto* carrier = std::get_if<CarrierOutput>(&output)) {
            if (const auto* item = std::get_if<Transmit>(carrier)) {
                sent.insert(sent.end(), item->bytes->begin(), item->bytes->end());
                protocol_->handle(CarrierInput{Room{item->link, item->bytes->size()}}, now_);
            }
            if (std::holds_alternative<HangUp>(*carrier)) closed = true;
        } else if (const auto* up = std::get_if<PeerUp>(&output)) {
            SENNIT_ASSERT(!peer_);
            peer_ = up->peer;
        } else if (std::holds_alternative<PeerDown>(output)) {
            SENNIT_ASSERT(peer_);
            peer_.reset();
        } else if (const auto* item = std::get_if<Received>(&output)) {
            SENNIT_ASSERT(peer_ == item->peer);
            if (auto answer = answer_to(*item->message)) {
                Outgoing outgoing;
                outgoing.message = std::make_shared<const Message>(std::move(*answer));
                outgoing.answers = item->receipt;
                protocol_->send({&item->peer, 1}, outgoing, now_);
            }
            protocol_->handle(Settle{item->receipt, Verdict::accept}, now_);
        }
    }

    std::unique_ptr<Protocol> protocol_;
    Now now_{Instant{std::chrono::hours{1}}, {}};
    std::uint64_t link_{0};
    std::uint64_t request_{0};
    std::optional<PeerId> peer_;
};

void carry(End& from, End& to, std::size_t size) {
    const auto piece = std::min(size, from.sent.size());
    const Bytes bytes{from.sent.begin(), from.sent.begin() + static_cast<std::ptrdiff_t>(piece)};
    from.sent.erase(from.sent.begin(), from.sent.begin() + static_cast<std::ptrdiff_t>(piece));
    if (!bytes.empty()) to.hear(bytes);
}

void reopen(End& a, End& b) {
    a.close();
    b.close();
    b.open(true);
    a.open(false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    End a{1};
    End b{2};
    b.open(true);
    a.open(false);
    Reader in{{data, size}};
    for (std::size_t i = 0; i < kStepsMax && in.remaining() >= 2; ++i) {
        const auto what = *in.le<std::uint8_t>();
        const auto how = *in.le<std::uint8_t>();
        End& from = (what & 0x80u) != 0 ? b : a;
        End& to = (what & 0x80u) != 0 ? a : b;
        switch (what % 8) {
            case 0:
            case 1: carry(from, to, how); break;
            case 2: carry(from, to, 65'536); break;
            case 3: from.send(some_message(how)); break;
            case 4: to.hear(*in.take(std::min<std::size_t>(how, in.remaining()))); break;
            case 5: from.pass(std::chrono::seconds{how}); break;
            case 6: from.cancel(); break;
            default:
                if (how < 16) reopen(a, b);
        }
    }
    return 0;
}
