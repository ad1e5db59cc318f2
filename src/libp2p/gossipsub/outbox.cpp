// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/outbox.hpp"

#include "libp2p/varint.hpp"

namespace sennit::libp2p::gossipsub {

namespace {

/// More than the tags and lengths around any entry take.
constexpr std::size_t kOverhead = 16;
constexpr std::uint64_t kUnwantedTicks = 3;

std::size_t size_of(const Prune& prune) {
    std::size_t out = prune.topic.size() + 2 * kOverhead;
    for (const auto& peer : prune.peers) {
        out += peer.id.size() + kOverhead;
        if (peer.signed_record) out += peer.signed_record->size() + kOverhead;
    }
    return out;
}

}  // namespace

/// An RPC that grows until it is full.
class Outbox::Frame {
  public:
    explicit Frame(std::size_t size_max) : size_max_{size_max} {}

    /// Whether an entry of `bytes` fits. The first one always does: it was measured when it was
    /// queued, or is too small to matter.
    bool fits(std::size_t bytes) {
        if (used_ > 0 && used_ + bytes + kOverhead > size_max_) return false;
        used_ += bytes + kOverhead;
        return true;
    }
    /// An entry of a kind that is counted, too.
    bool fits(std::size_t bytes, std::size_t& count, std::size_t count_max) {
        if (count >= count_max || !fits(bytes)) return false;
        ++count;
        return true;
    }
    bool empty() const { return used_ == 0; }

    std::size_t control{0};
    std::size_t exchanged{0};
    std::size_t ids{0};
    std::size_t subscriptions{0};
    Rpc head{};
    std::vector<SharedBytes> messages{};

    Bytes finish() const {
        protobuf::MessageWriter tail;
        for (const auto& message : messages) tail.bytes(2, *message);
        const auto begin = encode_rpc(head);
        Writer out{kVarintSizeMax + begin.size() + tail.view().size()};
        write_varint(out, begin.size() + tail.view().size());
        out.raw(begin).raw(tail.view());
        return std::move(out).take();
    }

  private:
    std::size_t size_max_;
    std::size_t used_{0};
};

void Outbox::prune(Prune prune) {
    auto topic = prune.topic;
    mesh_[std::move(topic)] = std::move(prune);
}

void Outbox::idontwant(const MessageId& id) {
    if (idontwant_.size() < limits_.ids_max) idontwant_.push_back(id);
}

void Outbox::iwant(const MessageId& id, bool watched) {
    if (iwant_.size() < limits_.ids_max) iwant_.emplace_back(id, watched);
}

bool Outbox::takes(std::size_t size) const {
    return size + kOverhead <= limits_.frame_size_max;
}

void Outbox::ihave(const std::string& topic, std::vector<MessageId> ids) {
    ihave_[topic] = std::move(ids);
}

Outbox::Queued Outbox::message(const MessageId& id, SharedBytes encoded, Now now) {
    const auto size = encoded->size();
    if (!takes(size)) return Queued::too_large;
    if (bytes_ + size > limits_.bytes_max || messages_.size() >= limits_.count_max)
        return Queued::full;
    bytes_ += size;
    messages_.push_back({id, std::move(encoded), now.at + limits_.keep});
    return Queued::yes;
}

void Outbox::unwanted(const MessageId& id) {
    if (unwanted_order_.size() >= kUnwantedTicks * limits_.ids_max) return;
    if (unwanted_.emplace(id, tick_ + kUnwantedTicks).second) unwanted_order_.push_back(id);
}

void Outbox::on_heartbeat() {
    ++tick_;
    while (!unwanted_order_.empty()) {
        const auto first = unwanted_.find(unwanted_order_.front());
        if (first != unwanted_.end() && first->second > tick_) return;
        if (first != unwanted_.end()) unwanted_.erase(first);
        unwanted_order_.pop_front();
    }
}

std::optional<Bytes> Outbox::next_frame(Now now) {
    Frame frame{limits_.frame_size_max};
    take_control(frame);
    take_messages(frame, now);
    if (messages_.empty()) take_gossip(frame);
    if (frame.empty()) return std::nullopt;
    return frame.finish();
}

void Outbox::take_control(Frame& frame) {
    while (!subscriptions_.empty()) {
        const auto first = subscriptions_.begin();
        if (!frame.fits(first->first.size(), frame.subscriptions, kFrameSubscriptions)) return;
        frame.head.subscriptions.push_back({first->second, first->first});
        subscriptions_.erase(first);
    }
    while (!mesh_.empty()) {
        const auto first = mesh_.begin();
        const auto size = first->second ? size_of(*first->second) : first->first.size();
        if (frame.exchanged > kFrameExchange || !frame.fits(size, frame.control, kFrameControl))
            return;
        if (first->second) {
            frame.exchanged += first->second->peers.size();
            frame.head.control.prune.push_back(*std::move(first->second));
        } else {
            frame.head.control.graft.push_back(first->first);
        }
        mesh_.erase(first);
    }
    while (!idontwant_.empty() && frame.fits(idontwant_.front().size(), frame.ids, kFrameIds)) {
        frame.head.control.idontwant.push_back(std::move(idontwant_.front()));
        idontwant_.pop_front();
    }
}

void Outbox::take_messages(Frame& frame, Now now) {
    while (!messages_.empty()) {
        auto& first = messages_.front();
        const bool late = first.until < now.at;
        const bool wanted = wants(first.id);
        if (!late && wanted) {
            if (frame.messages.size() >= kFrameMessages || !frame.fits(first.encoded->size()))
                return;
            frame.messages.push_back(first.encoded);
        }
        if (late) ++dropped_late_;
        bytes_ -= first.encoded->size();
        messages_.pop_front();
    }
}

void Outbox::take_gossip(Frame& frame) {
    while (!iwant_.empty() && frame.fits(iwant_.front().first.size(), frame.ids, kFrameIds)) {
        auto& [id, watched] = iwant_.front();
        if (watched) asked_.push_back(id);
        frame.head.control.iwant.push_back(std::move(id));
        iwant_.pop_front();
    }
    while (!ihave_.empty()) {
        const auto first = ihave_.begin();
        auto& ids = first->second;
        IHave one{first->first, {}};
        if (!ids.empty() && !frame.fits(first->first.size())) return;
        while (!ids.empty() && frame.fits(ids.back().size(), frame.ids, kFrameIds)) {
            one.ids.push_back(std::move(ids.back()));
            ids.pop_back();
        }
        if (!one.ids.empty()) frame.head.control.ihave.push_back(std::move(one));
        if (!ids.empty()) return;
        ihave_.erase(first);
    }
}

bool Outbox::empty() const {
    return subscriptions_.empty() && mesh_.empty() && idontwant_.empty() && messages_.empty() &&
           iwant_.empty() && ihave_.empty();
}

void Outbox::check_invariants() const {
    std::size_t bytes = 0;
    for (const auto& one : messages_) bytes += one.encoded->size();
    SENNIT_ASSERT(bytes == bytes_ && bytes <= limits_.bytes_max);
    SENNIT_ASSERT(messages_.size() <= limits_.count_max);
    SENNIT_ASSERT(idontwant_.size() <= limits_.ids_max && iwant_.size() <= limits_.ids_max);
    SENNIT_ASSERT(unwanted_.size() <= unwanted_order_.size());
    SENNIT_ASSERT(unwanted_order_.size() <= kUnwantedTicks * limits_.ids_max);
}

}  // namespace sennit::libp2p::gossipsub
