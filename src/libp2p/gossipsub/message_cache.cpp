// SPDX-License-Identifier: MIT
#include "libp2p/gossipsub/message_cache.hpp"

namespace sennit::libp2p::gossipsub {

MessageCache::MessageCache(Limits limits) : limits_{limits}, windows_(limits.history) {
    SENNIT_ASSERT(limits_.history > 0 && limits_.gossip <= limits_.history);
}

/// About what an entry takes: the id lies here twice, and maps have nodes.
std::size_t MessageCache::cost(const CachedMessage& message) {
    constexpr std::size_t kOverhead = 250;
    return kOverhead + 2 * message.id.size() + message.topic.size() + message.encoded->size();
}

bool MessageCache::put(CachedMessage message) {
    const auto size = cost(message);
    if (messages_.contains(message.id) || size > limits_.bytes_max) return false;
    while (bytes_ + size > limits_.bytes_max) drop_oldest();
    bytes_ += size;
    windows_.front().push_back(message.id);
    auto id = message.id;
    messages_.emplace(std::move(id), Entry{std::move(message)});
    return true;
}

const CachedMessage* MessageCache::find(const MessageId& id) const {
    const auto found = messages_.find(id);
    return found == messages_.end() ? nullptr : &found->second.message;
}

const CachedMessage* MessageCache::answer(const MessageId& id, const PeerId& peer) {
    const auto found = messages_.find(id);
    if (found == messages_.end()) return nullptr;
    auto& answers = found->second.answers[peer];
    if (answers == limits_.answers_max) return nullptr;
    ++answers;
    return &found->second.message;
}

std::vector<MessageId> MessageCache::gossip_ids(const std::string& topic) const {
    std::vector<MessageId> out;
    for (std::size_t age = limits_.gossip; age-- > 0;) {
        for (const auto& id : windows_[age]) {
            if (messages_.at(id).message.topic == topic) out.push_back(id);
        }
    }
    return out;
}

void MessageCache::shift() {
    for (const auto& id : windows_.back()) erase(id);
    windows_.pop_back();
    windows_.emplace_front();
}

void MessageCache::erase(const MessageId& id) {
    const auto found = messages_.find(id);
    bytes_ -= cost(found->second.message);
    messages_.erase(found);
}

void MessageCache::drop_oldest() {
    for (std::size_t age = windows_.size(); age-- > 0;) {
        if (windows_[age].empty()) continue;
        erase(windows_[age].front());
        windows_[age].pop_front();
        return;
    }
}

void MessageCache::check_invariants() const {
    SENNIT_ASSERT(windows_.size() == limits_.history);
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const auto& window : windows_) {
        for (const auto& id : window) {
            ++count;
            bytes += cost(messages_.at(id).message);
        }
    }
    SENNIT_ASSERT(count == messages_.size() && bytes == bytes_ && bytes_ <= limits_.bytes_max);
}

bool SeenCache::add(const MessageId& id, bool valid, Now now) {
    if (!seen_.emplace(id, Seen{now.at, valid}).second) return false;
    order_.push_back(id);
    if (order_.size() > limits_.count_max) {
        seen_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

std::optional<SeenCache::Seen> SeenCache::find(const MessageId& id) const {
    const auto found = seen_.find(id);
    if (found == seen_.end()) return std::nullopt;
    return found->second;
}

void SeenCache::on_time(Now now) {
    while (!order_.empty() && seen_.at(order_.front()).at + limits_.keep <= now.at) {
        seen_.erase(order_.front());
        order_.pop_front();
    }
}

}  // namespace sennit::libp2p::gossipsub
