// SPDX-License-Identifier: MIT
#include "protocol/conformance/skeletons/exchange_skeleton.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include "crypto/keccak.hpp"
#include "protocol/conformance/skeletons/plain_codec.hpp"
#include "protocol/receipts.hpp"
#include "protocol/requests.hpp"

namespace sennit::protocol::conformance {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds{8};
constexpr Duration kExchangeTime = std::chrono::seconds{10};
constexpr std::size_t kSeenMax = 10'000;
constexpr std::size_t kQueuedPerPeerMax = 2 * 1024 * 1024;
constexpr std::size_t kRequestsMax = 4;
constexpr std::string_view kMessagePath = "POST /message";
constexpr std::string_view kRequestPath = "POST /request";

struct Envelope {
    NodeId sender;
    Digest id;
    Signature signature;
    BytesView payload;
};

Bytes signed_bytes(const Digest& id, BytesView payload) {
    return std::move(Writer{}.text("skeleton/1").hash(id).raw(payload)).take();
}

Result<Envelope> open_envelope(BytesView bytes) {
    Reader in{bytes};
    Envelope envelope;
    SENNIT_TRY(envelope.sender, in.hash<NodeId>());
    SENNIT_TRY(envelope.id, in.hash<Digest>());
    SENNIT_TRY(envelope.signature, in.hash<Signature>());
    envelope.payload = in.rest();
    return envelope;
}

class ExchangeSkeleton : public Protocol {
  public:
    ExchangeSkeleton(const Config& config, const Keys& keys, const Rng& rng)
        : listens_{config.listens},
          key_{keys.node},
          self_{key_.public_key()},
          rng_{rng.fork("id")} {
        traits_.says = kPlainKinds;
        traits_.forms = kPlainForms;
        traits_.message_size_max = kPlainSizeMax;
        traits_.requests_in_flight_max = kRequestsMax;
        traits_.fans_out = true;
    }

    void handle(const Input& input, Now now) override {
        std::visit([&](const auto& item) { on(item, now); }, input);
    }
    Sent send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) override;
    Result<void> announce(const Outgoing& outgoing, std::span<const PeerId> except,
                          Now now) override;
    std::optional<Output> poll() override {
        if (outputs_.empty()) return std::nullopt;
        auto output = std::move(outputs_.front());
        outputs_.pop_front();
        return output;
    }
    std::optional<Instant> deadline() const override;
    const Traits& traits() const override { return traits_; }
    Stats stats() const override {
        auto stats = counters_;
        stats["unsettled_receipts"] = receipts_.size();
        return stats;
    }
    void check_invariants() const override {
        receipts_.check_invariants();
        SENNIT_ASSERT(seen_.size() == seen_order_.size() && seen_.size() <= kSeenMax);
    }

  private:
    struct Peer {
        PeerId id;
        NodeId key;
        NetAddress address;
        std::size_t queued{0};
        Requests requests;
    };
    struct Out {
        PeerId peer;
        SharedBytes bytes;
        std::string label;
        std::optional<RequestId> asks;
        Instant ends;
    };
    struct In {
        NetAddress remote;
        Instant answer_by;
    };
    struct Checking {
        LinkId link;
        std::optional<PeerId> asked_of;  // an answer on an exchange of ours
        std::optional<RequestId> answers;
        SharedBytes bytes;
        bool request{false};
    };

    void on(const Start&, Now) {
        for (const auto& address : listens_) emit(CarrierOutput{Listen{address}});
    }
    void on(const Stop&, Now now);
    void on(const Deadline&, Now now);
    void on(const CarrierInput& input, Now now) {
        std::visit([&](const auto& item) { on_carrier(item, now); }, input);
    }
    void on(const Checked& checked, Now now);
    void on(const Saved&, Now) {}
    void on(const ChainViewPtr& view, Now now);
    void on(const Connect& connect, Now) {
        emit(Unreachable{connect.to, "peers are the register's members"});
    }
    void on(const Disconnect& disconnect, Now now) {
        if (const auto* peer = find(disconnect.peer)) {
            shunned_.insert(peer->key);
            remove(disconnect.peer, disconnect.why, now);
        }
    }
    void on(const Withdraw&, Now) {}
    void on(const Cancel& cancel, Now now) {
        for (auto& [id, peer] : peers_) peer.requests.cancel(cancel.request, now.at);
    }
    void on(const Settle& settle, Now now);
    void on(const Score&, Now) {}
    void on(const SetOptions&, Now) {}

    void on_carrier(const Listening&, Now) {}
    void on_carrier(const LinkOpen& open, Now now);
    void on_carrier(const DialFailed& failed, Now) {
        const auto it = dials_.find(failed.dial);
        if (it == dials_.end()) return;
        finish(it->second);
        dials_.erase(it);
    }
    void on_carrier(const LinkBytes& bytes, Now now);
    void on_carrier(const Room&, Now) {}
    void on_carrier(const LinkClosed& closed, Now) {
        incoming_.erase(closed.link);
        const auto it = outgoing_.find(closed.link);
        if (it == outgoing_.end()) return;
        finish(it->second);
        outgoing_.erase(it);
    }

    void on_request(const LinkBytes& bytes);
    void deliver(const Checking& checking, Now now);
    SharedBytes seal(BytesView payload);
    std::optional<Refusal> post(Peer& peer, SharedBytes bytes, std::string_view label,
                                std::optional<RequestId> asks, Now now);
    void answer(LinkId link, int code, SharedBytes body);
    void answer(LinkId link, int code, std::string_view body) {
        answer(link, code, std::make_shared<const Bytes>(to_bytes(as_bytes(body))));
    }
    void finish(const Out& out);
    void remove(PeerId peer, const std::string& why, Now now);
    bool remember(const Digest& id);
    void count(const std::string& what) { ++counters_[what]; }
    void emit(Output output) { outputs_.push_back(std::move(output)); }
    Peer* find(PeerId id) {
        const auto it = peers_.find(id);
        return it == peers_.end() ? nullptr : &it->second;
    }
    Peer* find(const NodeId& key) {
        for (auto& [id, peer] : peers_) {
            if (peer.key == key) return &peer;
        }
        return nullptr;
    }

    Traits traits_;
    std::vector<NetAddress> listens_;
    crypto::Ed25519Key key_;
    NodeId self_;
    Rng rng_;
    Receipts receipts_;
    std::map<PeerId, Peer> peers_;
    std::set<NodeId> shunned_;
    std::map<DialId, Out> dials_;
    std::map<LinkId, Out> outgoing_;
    std::map<LinkId, In> incoming_;  // not answered
    std::map<CheckId, Checking> checks_;
    std::map<ReceiptId, SharedBytes> unsettled_;  // to forward what is accepted
    std::set<Digest> seen_;
    std::deque<Digest> seen_order_;
    std::deque<Output> outputs_;
    Stats counters_;
    std::uint64_t last_id_{0};
    bool stopped_{false};
};

void ExchangeSkeleton::on(const ChainViewPtr& view, Now now) {
    if (stopped_) return;
    std::vector<PeerId> left;
    for (const auto& [id, peer] : peers_) {
        if (std::ranges::find(view->candidates, peer.key, &Candidate::node_key) ==
            view->candidates.end()) {
            left.push_back(id);
        }
    }
    for (const auto id : left) remove(id, "no member any more", now);
    for (const auto& candidate : view->candidates) {
        if (candidate.node_key == self_ || candidate.addresses.empty()) continue;
        if (find(candidate.node_key) != nullptr || shunned_.contains(candidate.node_key)) continue;
        const PeerId id{++last_id_};
        const auto& address = candidate.addresses.front();
        peers_.emplace(id, Peer{id, candidate.node_key, address, 0, {}});
        PeerFacts facts;
        facts.carrier = Carrier::exchange;
        facts.identity = {candidate.node_key, true};  // each message is signed with it
        facts.address = address;
        facts.traits = {kPlainKinds, kPlainForms, true, false, 0, 32};
        receipts_.peer_up(id, facts.identity, address);
        emit(PeerUp{id, std::move(facts)});
    }
}

void ExchangeSkeleton::remove(PeerId peer, const std::string& why, Now now) {
    peers_.erase(peer);
    receipts_.peer_down(peer, now.at);
    emit(PeerDown{peer, why});
}

void ExchangeSkeleton::on(const Stop&, Now now) {
    stopped_ = true;
    while (!incoming_.empty()) answer(incoming_.begin()->first, 503, "stopping");
    for (const auto& [link, out] : outgoing_) emit(CarrierOutput{HangUp{link, "stopping"}});
    outgoing_.clear();
    dials_.clear();
    while (!peers_.empty()) remove(peers_.begin()->first, "stopping", now);
}

void ExchangeSkeleton::on(const Deadline&, Now now) {
    std::vector<LinkId> late;
    for (const auto& [link, in] : incoming_) {
        if (in.answer_by <= now.at) late.push_back(link);
    }
    for (const auto link : late) answer(link, 503, "busy");
    late.clear();
    for (const auto& [link, out] : outgoing_) {
        if (out.ends <= now.at) late.push_back(link);
    }
    for (const auto link : late) {
        finish(outgoing_.at(link));
        outgoing_.erase(link);
        emit(CarrierOutput{HangUp{link, "no answer"}});
    }
    receipts_.expire(now.at);
}

std::optional<Instant> ExchangeSkeleton::deadline() const {
    auto at = receipts_.deadline();
    const auto consider = [&](Instant candidate) {
        if (!at || candidate < *at) at = candidate;
    };
    for (const auto& [link, in] : incoming_) consider(in.answer_by);
    for (const auto& [link, out] : outgoing_) consider(out.ends);
    return at;
}

// Out.

SharedBytes ExchangeSkeleton::seal(BytesView payload) {
    Digest id;
    rng_.fill(id.bytes);
    const auto signature = key_.sign(signed_bytes(id, payload));
    Writer out{128 + payload.size()};
    out.hash(self_).hash(id).hash(signature).raw(payload);
    return std::make_shared<const Bytes>(std::move(out).take());
}

std::optional<Refusal> ExchangeSkeleton::post(Peer& peer, SharedBytes bytes, std::string_view label,
                                              std::optional<RequestId> asks, Now now) {
    if (peer.queued + bytes->size() > kQueuedPerPeerMax) return Refusal::busy;
    peer.queued += bytes->size();
    const DialId dial{++last_id_};
    dials_.emplace(
        dial, Out{peer.id, std::move(bytes), std::string{label}, asks, now.at + kExchangeTime});
    Dial output;
    output.id = dial;
    output.to = peer.address;
    emit(CarrierOutput{std::move(output)});
    return std::nullopt;
}

Sent ExchangeSkeleton::send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) {
    Sent sent{now.at + kExchangeTime, {}};
    const auto payload = encode_plain(*outgoing.message);
    SharedBytes sealed;
    for (const auto id : peers) {
        const auto refuse = [&](Refusal why) { sent.refused.emplace_back(id, why); };
        auto* peer = find(id);
        if (peer == nullptr) {
            refuse(Refusal::gone);
            continue;
        }
        if (!payload) {
            refuse(Refusal::unsupported);
            continue;
        }
        if (!sealed) sealed = seal(*payload);
        if (outgoing.answers) {
            const auto* receipt = receipts_.find(*outgoing.answers);
            if (receipt == nullptr || !incoming_.contains(LinkId{receipt->tag})) {
                refuse(Refusal::gone);
            } else {
                answer(LinkId{receipt->tag}, 200, sealed);
            }
            continue;
        }
        if (outgoing.asks && peer->requests.size() >= kRequestsMax) {
            refuse(Refusal::busy);
            continue;
        }
        const auto label = outgoing.asks ? kRequestPath : kMessagePath;
        if (const auto refusal = post(*peer, sealed, label, outgoing.asks, now)) {
            refuse(*refusal);
        } else if (outgoing.asks) {
            peer->requests.add(*outgoing.asks, outgoing.message, 0);
        }
    }
    return sent;
}

Result<void> ExchangeSkeleton::announce(const Outgoing& outgoing, std::span<const PeerId> except,
                                        Now now) {
    const auto payload = encode_plain(*outgoing.message);
    if (!payload) return Error{Errc::unsupported, "no word for it", Error::kNowhere, {}};
    const auto sealed = seal(*payload);
    remember(open_envelope(*sealed)->id);
    for (auto& [id, peer] : peers_) {
        if (std::ranges::find(except, id) != except.end()) continue;
        if (post(peer, sealed, kMessagePath, std::nullopt, now)) count("dropped_queue_full");
    }
    if (outgoing.key) emit(Ended{*outgoing.key, Fate::left});
    return {};
}

void ExchangeSkeleton::finish(const Out& out) {
    auto* peer = find(out.peer);
    if (peer == nullptr) return;
    peer->queued -= out.bytes->size();
    if (out.asks) peer->requests.take(*out.asks);
}

void ExchangeSkeleton::on_carrier(const LinkOpen& open, Now now) {
    if (open.inbound) {
        if (stopped_) return emit(CarrierOutput{HangUp{open.id, "stopping"}});
        incoming_.emplace(open.id, In{open.remote, now.at + kAnswerWithin});
        return;
    }
    const auto it = open.dial ? dials_.find(*open.dial) : dials_.end();
    if (it == dials_.end()) return emit(CarrierOutput{HangUp{open.id, "not wanted any more"}});
    auto out = std::move(it->second);
    dials_.erase(it);
    if (out.bytes->size() > open.room) {
        finish(out);
        return emit(CarrierOutput{HangUp{open.id, "larger than the room"}});
    }
    emit(CarrierOutput{Transmit{open.id, out.bytes, out.label, 0}});
    outgoing_.emplace(open.id, std::move(out));
}

// In.

void ExchangeSkeleton::answer(LinkId link, int code, SharedBytes body) {
    const auto it = incoming_.find(link);
    if (it == incoming_.end()) return;  // the asker has gone
    incoming_.erase(it);
    count("answered_" + std::to_string(code));
    emit(CarrierOutput{Transmit{link, std::move(body), "application/octet-stream", code}});
}

void ExchangeSkeleton::on_carrier(const LinkBytes& bytes, Now) {
    if (incoming_.contains(bytes.link)) return on_request(bytes);
    const auto it = outgoing_.find(bytes.link);
    if (it == outgoing_.end() || bytes.code != 200 || !it->second.asks) return;
    const auto envelope = open_envelope(bytes.bytes);
    auto* peer = find(it->second.peer);
    if (!envelope || peer == nullptr || envelope->sender != peer->key) {
        return count("dropped_bad_answer");
    }
    const CheckId job{++last_id_};
    checks_.emplace(job, Checking{bytes.link, peer->id, it->second.asks,
                                  std::make_shared<const Bytes>(to_bytes(bytes.bytes)), false});
    it->second.asks.reset();  // answered: the closing of the link does not end it
    emit(Check{
        job,
        {{envelope->sender, signed_bytes(envelope->id, envelope->payload), envelope->signature}}});
}

void ExchangeSkeleton::on_request(const LinkBytes& bytes) {
    const bool request = bytes.label == kRequestPath;
    if (!request && bytes.label != kMessagePath) return answer(bytes.link, 404, "not found");
    const auto envelope = open_envelope(bytes.bytes);
    if (!envelope) return answer(bytes.link, 400, envelope.error().text());
    if (seen_.contains(envelope->id)) return answer(bytes.link, 200, "duplicate");
    const auto* peer = find(envelope->sender);
    if (peer == nullptr) return answer(bytes.link, 403, "invalid signature");
    // There is no link to hold: a sender with too much unsettled is told to come back.
    if (receipts_.unsettled(peer->id) > kUnsettledBytesMax) {
        count("refused_unsettled");
        return answer(bytes.link, 429, "busy");
    }
    const CheckId job{++last_id_};
    checks_.emplace(job, Checking{bytes.link, std::nullopt, std::nullopt,
                                  std::make_shared<const Bytes>(to_bytes(bytes.bytes)), request});
    emit(Check{
        job,
        {{envelope->sender, signed_bytes(envelope->id, envelope->payload), envelope->signature}}});
}

bool ExchangeSkeleton::remember(const Digest& id) {
    if (!seen_.insert(id).second) return false;
    seen_order_.push_back(id);
    if (seen_order_.size() > kSeenMax) {
        seen_.erase(seen_order_.front());
        seen_order_.pop_front();
    }
    return true;
}

void ExchangeSkeleton::on(const Checked& checked, Now now) {
    const auto it = checks_.find(checked.job);
    if (it == checks_.end()) return;
    const auto checking = std::move(it->second);
    checks_.erase(it);
    const auto envelope = open_envelope(*checking.bytes);
    if (!checked.verdicts.at(0)) {
        // Not the named sender's doing: nobody but the exchange's other end is to blame.
        if (checking.asked_of) {
            if (auto* peer = find(*checking.asked_of)) peer->requests.take(*checking.answers);
        }
        const auto in = incoming_.find(checking.link);
        const auto address = in == incoming_.end() ? NetAddress{} : in->second.remote;
        emit(Misbehaved{std::nullopt,
                        {},
                        address,
                        Offence::forged,
                        {Errc::invalid, "invalid signature", Error::kNowhere, {}},
                        "message"});
        return answer(checking.link, 403, "invalid signature");
    }
    if (!remember(envelope->id)) return answer(checking.link, 200, "duplicate");
    deliver(checking, now);
}

void ExchangeSkeleton::deliver(const Checking& checking, Now) {
    const auto envelope = open_envelope(*checking.bytes);
    auto* peer = find(envelope->sender);
    if (peer == nullptr) return answer(checking.link, 403, "invalid signature");
    auto message = decode_plain(envelope->payload);
    if (!message) {
        emit(Misbehaved{peer->id,
                        {peer->key, true},
                        peer->address,
                        Offence::malformed,
                        message.error(),
                        "message"});
        return answer(checking.link, 400, message.error().text());
    }
    std::optional<RequestId> answers;
    if (checking.answers) {
        const auto pending = peer->requests.take(*checking.answers);
        if (!pending || pending->cancelled) return count("answers_after_cancel");
        answers = pending->id;
    }
    const auto receipt = receipts_.issue(peer->id, kind_of(**message), checking.bytes->size(),
                                         checking.asked_of ? 0 : checking.link.value);
    if (!checking.asked_of && !checking.request) unsettled_.emplace(receipt, checking.bytes);
    emit(Received{peer->id, receipt, std::move(*message), answers, checking.bytes->size()});
}

void ExchangeSkeleton::on(const Settle& settle, Now now) {
    const auto settled = receipts_.settle(settle.receipt, settle.verdict);
    const auto bytes = unsettled_.extract(settle.receipt);
    if (!settled) return count("settled_too_late");
    if (settled->blame) emit(*settled->blame);
    const LinkId link{settled->receipt.tag};
    if (settled->receipt.tag != 0) {
        if (settle.verdict == Verdict::reject)
            answer(link, 403, "refused");
        else
            answer(link, 200, "ok");
    }
    if (settle.verdict != Verdict::accept || bytes.empty()) return;
    const auto origin = open_envelope(*bytes.mapped())->sender;
    for (auto& [id, peer] : peers_) {
        if (peer.key == origin) continue;
        if (post(peer, bytes.mapped(), kMessagePath, std::nullopt, now)) count("dropped_forward");
    }
}

}  // namespace

Result<std::unique_ptr<Protocol>> make_exchange_skeleton(const Config& config, const Keys& keys,
                                                         const Rng& rng, const SavedValues&) {
    return std::unique_ptr<Protocol>{std::make_unique<ExchangeSkeleton>(config, keys, rng)};
}

}  // namespace sennit::protocol::conformance
