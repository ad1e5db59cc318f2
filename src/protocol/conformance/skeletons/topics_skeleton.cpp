// SPDX-License-Identifier: MIT
#include "protocol/conformance/skeletons/topics_skeleton.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include "protocol/conformance/skeletons/plain_codec.hpp"
#include "protocol/receipts.hpp"
#include "protocol/requests.hpp"

namespace sennit::protocol::conformance {
namespace {

using Sender = Hash<struct SenderTag, 8>;

constexpr Duration kPacketGap = std::chrono::milliseconds{200};
constexpr Duration kHelloEvery = std::chrono::seconds{60};
constexpr Duration kPeerSilent = std::chrono::seconds{300};
constexpr Duration kRedialAfter = std::chrono::seconds{5};
constexpr std::uint32_t kIdsReserved = 64;
constexpr std::size_t kPeersMax = 100;
constexpr std::size_t kSeenPerPeerMax = 256;
constexpr std::size_t kQueueBytesMax = 1024 * 1024;
constexpr std::size_t kRequestsMax = 2;

class TopicsSkeleton : public Protocol {
  public:
    TopicsSkeleton(const Config& config, const Keys& keys, std::uint32_t next_id)
        : broker_{config.listens.front()},
          self_{Sender::from(keys.node.public_key().view().first(8))},
          next_id_{next_id},
          reserved_{next_id},
          durable_{next_id} {
        traits_.says = kPlainKinds;
        traits_.forms = kPlainForms;
        traits_.message_size_max = kPlainSizeMax;
        traits_.requests_in_flight_max = kRequestsMax;
        traits_.fans_out = true;
        traits_.shared_medium = true;
    }

    void handle(const Input& input, Now now) override {
        now_ = now;
        std::visit([&](const auto& item) { on(item, now); }, input);
    }
    Sent send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) override;
    Result<void> announce(const Outgoing& outgoing, std::span<const PeerId> except,
                          Now now) override;
    std::optional<Output> poll() override;
    std::optional<Instant> deadline() const override;
    const Traits& traits() const override { return traits_; }
    Stats stats() const override {
        auto stats = counters_;
        stats["unsettled_receipts"] = receipts_.size();
        return stats;
    }
    void check_invariants() const override {
        receipts_.check_invariants();
        std::size_t bytes = 0;
        for (const auto& item : queue_) bytes += item.payload.size();
        SENNIT_ASSERT(bytes == queued_ && next_id_ <= durable_);
        SENNIT_ASSERT(peers_.size() <= kPeersMax);
    }

  private:
    struct Peer {
        PeerId id;
        Instant heard;
        std::set<std::uint32_t> seen;
        std::deque<std::uint32_t> seen_order;
        Requests requests;
    };
    struct Waiting {
        Priority priority{Priority::normal};
        Bytes payload;
        Sender to;
        std::optional<Instant> expires;
        std::optional<ItemKey> key;
    };

    void on(const Start&, Now now) {
        hello_at_ = now.at;
        dial();
        reserve();
    }
    void on(const Stop&, Now now);
    void on(const Deadline&, Now now);
    void on(const CarrierInput& input, Now now) {
        std::visit([&](const auto& item) { on_carrier(item, now); }, input);
    }
    void on(const Checked&, Now) {}
    void on(const Saved& saved, Now) {
        if (saved.id == saving_) durable_ = reserved_;
    }
    void on(const ChainViewPtr& view, Now) { view_ = view; }
    void on(const Connect& connect, Now) {
        emit(Unreachable{connect.to, "peers on a shared medium are heard, not dialled"});
    }
    void on(const Disconnect& disconnect, Now now) { forget(disconnect.peer, disconnect.why, now); }
    void on(const Withdraw& withdraw, Now) {
        drop_if([&](const Waiting& item) { return item.key == withdraw.key; }, Fate::dropped);
    }
    void on(const Cancel& cancel, Now now) {
        for (auto& [sender, peer] : peers_) peer.requests.cancel(cancel.request, now.at);
    }
    void on(const Settle& settle, Now) {
        const auto settled = receipts_.settle(settle.receipt, settle.verdict);
        if (!settled) return count("settled_too_late");
        if (settled->blame) emit(*settled->blame);
    }
    void on(const Score&, Now) {}
    void on(const SetOptions&, Now) {}

    void on_carrier(const Listening&, Now) {}
    void on_carrier(const LinkOpen& open, Now) {
        if (stopped_) return emit(CarrierOutput{HangUp{open.id, "stopping"}});
        link_ = open.id;
        room_ = capacity_ = open.room;
    }
    void on_carrier(const DialFailed&, Now now) { redial_at_ = now.at + kRedialAfter; }
    void on_carrier(const LinkBytes& bytes, Now now);
    void on_carrier(const Room& room, Now) { room_ += room.bytes; }
    void on_carrier(const LinkClosed&, Now now) {
        link_.reset();
        if (!stopped_) redial_at_ = now.at + kRedialAfter;
    }

    void dial();
    void reserve();
    bool enqueue(Waiting item);
    Peer* hear(const Sender& sender, std::uint32_t id, Now now);
    void receive(const Sender& sender, Peer& peer, BytesView payload);
    void forget(PeerId id, const std::string& why, Now now);
    std::optional<Output> transmit_next();
    template <class Predicate>
    void drop_if(Predicate predicate, Fate fate) {
        for (auto it = queue_.begin(); it != queue_.end();) {
            if (!predicate(*it)) {
                ++it;
                continue;
            }
            if (it->key) emit(Ended{*it->key, fate});
            queued_ -= it->payload.size();
            it = queue_.erase(it);
        }
    }
    std::map<Sender, Peer>::iterator find(PeerId id) {
        return std::ranges::find_if(peers_, [&](const auto& item) { return item.second.id == id; });
    }
    void count(const std::string& what) { ++counters_[what]; }
    void emit(Output output) { outputs_.push_back(std::move(output)); }

    Traits traits_;
    NetAddress broker_;
    Sender self_;
    ChainViewPtr view_;
    Receipts receipts_;
    std::map<Sender, Peer> peers_;
    std::deque<Waiting> queue_;  // by priority, then in order
    std::size_t queued_{0};
    std::optional<LinkId> link_;
    std::size_t room_{0};
    std::size_t capacity_{0};
    std::uint32_t next_id_;
    std::uint32_t reserved_;  // asked to be saved
    std::uint32_t durable_;   // is saved: ids below may be used
    SaveId saving_;
    std::optional<Instant> redial_at_;
    Instant hello_at_{};
    Instant next_send_{};
    std::deque<Output> outputs_;
    Stats counters_;
    std::uint64_t last_id_{0};
    Now now_{};
    bool stopped_{false};
};

void TopicsSkeleton::dial() {
    redial_at_.reset();
    Dial output;
    output.id = DialId{++last_id_};
    output.to = broker_;
    output.client_id = "skeleton_" + to_hex(self_);
    output.topics = {std::string{kSkeletonTopic}};
    emit(CarrierOutput{std::move(output)});
}

void TopicsSkeleton::reserve() {
    if (reserved_ - next_id_ >= kIdsReserved / 2) return;
    reserved_ = next_id_ + kIdsReserved;
    saving_ = SaveId{++last_id_};
    Writer value;
    value.le(reserved_);
    emit(Save{saving_, std::string{kPacketIdKey}, value.bytes()});
}

void TopicsSkeleton::on(const Stop&, Now now) {
    stopped_ = true;
    drop_if([](const Waiting&) { return true; }, Fate::dropped);
    while (!peers_.empty()) forget(peers_.begin()->second.id, "stopping", now);
    if (link_) emit(CarrierOutput{HangUp{*link_, "stopping"}});
    link_.reset();
    redial_at_.reset();
}

void TopicsSkeleton::on(const Deadline&, Now now) {
    if (stopped_) return receipts_.expire(now.at);
    if (redial_at_ && *redial_at_ <= now.at) dial();
    if (hello_at_ <= now.at && view_) {
        hello_at_ = now.at + kHelloEvery;
        enqueue({Priority::control, *encode_plain(Message{view_->status}), {}, {}, {}});
    }
    std::vector<PeerId> silent;
    for (const auto& [sender, peer] : peers_) {
        if (peer.heard + kPeerSilent <= now.at) silent.push_back(peer.id);
    }
    for (const auto id : silent) forget(id, "silent", now);
    drop_if([&](const Waiting& item) { return item.expires && *item.expires <= now.at; },
            Fate::expired);
    receipts_.expire(now.at);
}

std::optional<Instant> TopicsSkeleton::deadline() const {
    auto at = receipts_.deadline();
    const auto consider = [&](Instant candidate) {
        if (!at || candidate < *at) at = candidate;
    };
    if (stopped_) return at;
    if (redial_at_) consider(*redial_at_);
    if (view_) consider(hello_at_);
    for (const auto& [sender, peer] : peers_) consider(peer.heard + kPeerSilent);
    for (const auto& item : queue_) {
        if (item.expires) consider(*item.expires);
    }
    if (!queue_.empty() && link_ && next_send_ > now_.at) consider(next_send_);
    return at;
}

// Out.

bool TopicsSkeleton::enqueue(Waiting item) {
    if (item.key) {
        drop_if([&](const Waiting& other) { return other.key == item.key; }, Fate::replaced);
    }
    if (queued_ + item.payload.size() > kQueueBytesMax) return false;
    queued_ += item.payload.size();
    const auto behind = std::ranges::find_if(
        queue_, [&](const Waiting& other) { return other.priority > item.priority; });
    queue_.insert(behind, std::move(item));
    return true;
}

Sent TopicsSkeleton::send(std::span<const PeerId> peers, const Outgoing& outgoing, Now now) {
    now_ = now;
    // Everything that waits goes first, one packet a gap; then the other side's turn.
    Sent sent{now.at + kPacketGap * static_cast<int>(2 * queue_.size() + 100), {}};
    const auto payload = encode_plain(*outgoing.message);
    for (const auto id : peers) {
        const auto it = find(id);
        const auto refuse = [&](Refusal why) { sent.refused.emplace_back(id, why); };
        if (it == peers_.end()) {
            refuse(Refusal::gone);
        } else if (!payload) {
            refuse(Refusal::unsupported);
        } else if (outgoing.asks && it->second.requests.size() >= kRequestsMax) {
            refuse(Refusal::busy);
        } else if (!enqueue({outgoing.priority, *payload, it->first, outgoing.expires, {}})) {
            refuse(Refusal::busy);
        } else if (outgoing.asks) {
            it->second.requests.add(*outgoing.asks, outgoing.message, 0);
        }
    }
    return sent;
}

Result<void> TopicsSkeleton::announce(const Outgoing& outgoing, std::span<const PeerId>, Now now) {
    now_ = now;
    auto payload = encode_plain(*outgoing.message);
    if (!payload) return Error{Errc::unsupported, "no word for it", Error::kNowhere, {}};
    if (!enqueue({outgoing.priority, std::move(*payload), {}, outgoing.expires, outgoing.key})) {
        return Error{Errc::busy, "the queue is full", Error::kNowhere, {}};
    }
    return {};
}

std::optional<Output> TopicsSkeleton::poll() {
    if (outputs_.empty()) {
        if (auto output = transmit_next()) return output;
    }
    if (outputs_.empty()) return std::nullopt;
    auto output = std::move(outputs_.front());
    outputs_.pop_front();
    return output;
}

std::optional<Output> TopicsSkeleton::transmit_next() {
    if (!link_ || queue_.empty() || next_send_ > now_.at || next_id_ >= durable_) return {};
    constexpr std::size_t kHeadSize = 20;
    if (queue_.front().payload.size() + kHeadSize > room_) return {};
    const auto item = std::move(queue_.front());
    queue_.pop_front();
    queued_ -= item.payload.size();
    Writer out{kHeadSize + item.payload.size()};
    out.hash(self_).be(next_id_++).hash(item.to).raw(item.payload);
    reserve();
    room_ -= out.size();
    next_send_ = now_.at + kPacketGap;
    if (item.key) emit(Ended{*item.key, Fate::left});
    return CarrierOutput{Transmit{*link_, std::make_shared<const Bytes>(std::move(out).take()),
                                  std::string{kSkeletonTopic}, 0}};
}

// In.

void TopicsSkeleton::on_carrier(const LinkBytes& bytes, Now now) {
    if (stopped_) return;
    Reader in{bytes.bytes};
    const auto sender = in.hash<Sender>();
    const auto id = in.be<std::uint32_t>();
    const auto to = in.hash<Sender>();
    if (!sender || !id || !to) return count("dropped_short");
    if (*sender == self_) return count("dropped_own_echo");
    auto* peer = hear(*sender, *id, now);
    if (peer == nullptr) return;
    if (!to->is_zero() && *to != self_) return count("dropped_for_others");
    receive(*sender, *peer, in.rest());
}

TopicsSkeleton::Peer* TopicsSkeleton::hear(const Sender& sender, std::uint32_t id, Now now) {
    auto it = peers_.find(sender);
    if (it == peers_.end()) {
        if (peers_.size() >= kPeersMax) {
            const auto oldest = std::ranges::min_element(
                peers_, {}, [](const auto& item) { return item.second.heard; });
            forget(oldest->second.id, "too many peers", now);
        }
        const PeerId peer{++last_id_};
        it = peers_.emplace(sender, Peer{peer, now.at, {}, {}, {}}).first;
        PeerFacts facts;
        facts.carrier = Carrier::topics;
        facts.address = {"mesh", to_hex(sender), 0};
        facts.inbound = true;
        facts.traits = {kPlainKinds, kPlainForms, true, false, 0, 16};
        receipts_.peer_up(peer, facts.identity, facts.address);
        emit(PeerUp{peer, std::move(facts)});
    }
    auto& peer = it->second;
    peer.heard = now.at;
    if (!peer.seen.insert(id).second) {
        count("dropped_duplicate");
        return nullptr;
    }
    peer.seen_order.push_back(id);
    if (peer.seen_order.size() > kSeenPerPeerMax) {
        peer.seen.erase(peer.seen_order.front());
        peer.seen_order.pop_front();
    }
    return &peer;
}

void TopicsSkeleton::receive(const Sender&, Peer& peer, BytesView payload) {
    auto message = decode_plain(payload);
    if (!message) return count("dropped_malformed");  // unproven sender: nobody to blame
    // Nothing can be held on a shared medium: one sender's excess is dropped, others' is not.
    if (receipts_.unsettled(peer.id) > kUnsettledBytesMax) return count("dropped_unsettled");
    std::optional<RequestId> answers;
    if (const auto* blocks = std::get_if<Blocks>(message->get())) {
        const auto* pending = peer.requests.find<GetBlocks>([&](const GetBlocks& ask, const auto&) {
            return !blocks->blocks.empty() &&
                   std::get<BlockRange>(ask.what).from == blocks->blocks.front().height();
        });
        if (pending == nullptr) return count("dropped_unsolicited");
        const auto taken = peer.requests.take(pending->id);
        if (taken->cancelled) return count("answers_after_cancel");
        answers = taken->id;
    }
    const auto receipt = receipts_.issue(peer.id, kind_of(**message), payload.size());
    emit(Received{peer.id, receipt, std::move(*message), answers, payload.size()});
}

void TopicsSkeleton::forget(PeerId id, const std::string& why, Now now) {
    const auto it = find(id);
    if (it == peers_.end()) return;
    peers_.erase(it);
    receipts_.peer_down(id, now.at);
    emit(PeerDown{id, why});
}

}  // namespace

Result<std::unique_ptr<Protocol>> make_topics_skeleton(const Config& config, const Keys& keys,
                                                       const Rng&, const SavedValues& saved) {
    std::uint32_t next_id = 0;
    if (const auto it = saved.find(kPacketIdKey); it != saved.end()) {
        Reader in{it->second};
        SENNIT_TRY(next_id, in.le<std::uint32_t>());
    }
    return std::unique_ptr<Protocol>{std::make_unique<TopicsSkeleton>(config, keys, next_id)};
}

}  // namespace sennit::protocol::conformance
