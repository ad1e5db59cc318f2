// SPDX-License-Identifier: MIT
#include "sync/exchange.hpp"

namespace sennit::sync {

namespace {

/// Until the protocol has said how long an answer takes on its network.
constexpr Duration kPatience = std::chrono::seconds{60};

}  // namespace

void Exchange::send(Source& source, protocol::MessagePtr message, Purpose purpose, Now now) {
    const protocol::RequestId id{next_++};
    requests_.emplace(id, Request{source.peer, std::move(purpose), now.at, now.at + kPatience});
    ++source.in_flight;
    out(Ask{id, source.peer, std::move(message)});
}

void Exchange::forget(protocol::RequestId id) {
    if (take(id)) out(Forget{id});
}

void Exchange::forget_if(const std::function<bool(const Request&)>& which) {
    std::vector<protocol::RequestId> ids;
    for (const auto& [id, request] : requests_) {
        if (which(request)) ids.push_back(id);
    }
    for (const auto id : ids) forget(id);
}

void Exchange::on_sent(protocol::RequestId id, Instant overdue) {
    const auto found = requests_.find(id);
    if (found != requests_.end()) found->second.overdue = overdue;
}

std::optional<Request> Exchange::take(protocol::RequestId id, std::optional<PeerRef> peer) {
    const auto found = requests_.find(id);
    if (found == requests_.end() || (peer && found->second.peer != *peer)) return std::nullopt;
    auto request = std::move(found->second);
    requests_.erase(found);
    if (auto* source = sources_.find(request.peer)) {
        SENNIT_ASSERT(source->in_flight > 0);
        --source->in_flight;
    }
    return request;
}

std::optional<protocol::RequestId> Exchange::overdue(Instant now) const {
    for (const auto& [id, request] : requests_) {
        if (request.overdue <= now) return id;
    }
    return std::nullopt;
}

std::optional<protocol::RequestId> Exchange::of(PeerRef peer) const {
    for (const auto& [id, request] : requests_) {
        if (request.peer == peer) return id;
    }
    return std::nullopt;
}

std::optional<Instant> Exchange::next_overdue() const {
    std::optional<Instant> first;
    for (const auto& [id, request] : requests_) {
        first = first ? std::min(*first, request.overdue) : request.overdue;
    }
    return first;
}

void Exchange::blame(PeerRef peer, Blame::What what, std::string why, Now now) {
    if (auto* source = sources_.find(peer)) sources_.shun(*source, now.at);
    out(Blame{peer, what, std::move(why)});
}

std::optional<Output> Exchange::poll() {
    if (outputs_.empty()) return std::nullopt;
    auto output = std::move(outputs_.front());
    outputs_.pop_front();
    return output;
}

void Exchange::check_invariants() const {
    std::map<PeerRef, std::size_t> counted;
    for (const auto& [id, request] : requests_) ++counted[request.peer];
    for (const auto& [peer, source] : sources_.all()) {
        const auto found = counted.find(peer);
        SENNIT_ASSERT(source.in_flight == (found == counted.end() ? 0 : found->second));
    }
    for (const auto& [peer, count] : counted) SENNIT_ASSERT(sources_.all().contains(peer));
}

}  // namespace sennit::sync
