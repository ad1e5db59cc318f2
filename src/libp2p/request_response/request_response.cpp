// SPDX-License-Identifier: MIT
#include "libp2p/request_response/request_response.hpp"

#include <algorithm>

namespace sennit::libp2p::request_response {

namespace {

/// Peers without a connection whose rate is remembered. Above it the oldest are forgotten: who
/// has a thousand identities needs no reconnecting to get round a rate of one.
constexpr std::size_t kForgettingMax = 1024;

}  // namespace

RequestResponse::RequestResponse(Swarm& swarm, std::vector<Protocol> protocols,
                                 const Limits& limits)
    : swarm_{&swarm}, protocols_{std::move(protocols)}, limits_{limits} {}

const Protocol* RequestResponse::known(std::string_view name) const {
    const auto found = std::ranges::find(protocols_, name, &Protocol::name);
    return found == protocols_.end() ? nullptr : &*found;
}

bool RequestResponse::on_event(const Swarm::Event& event, Now now) {
    if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        on_connected(*up);
        return false;
    }
    if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        on_disconnected(*gone, now);
        return false;
    }
    if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        const auto* const protocol = known(opened->protocol);
        if (protocol != nullptr) on_opened(opened->stream, *protocol, now);
        return protocol != nullptr;
    }
    const auto with = [&]<class Told>(const Told* told, auto in, auto out) {
        if (told == nullptr) return false;
        if (const auto at = inbound_.find(told->stream); at != inbound_.end()) {
            in(at);
        } else if (const auto its = outbound_.find(told->stream); its != outbound_.end()) {
            out(its);
        } else {
            return false;
        }
        return true;
    };
    return with(
               std::get_if<Swarm::Readable>(&event), [&](In at) { read(at, now); },
               [&](Out at) { read(at, now); }) ||
           with(
               std::get_if<Swarm::Writable>(&event), [&](In at) { send(at, now); },
               [&](Out at) { send(at); }) ||
           with(
               std::get_if<Swarm::RemoteClosed>(&event), [&](In at) { on_remote_closed(at, now); },
               [&](Out at) { on_remote_closed(at, now); }) ||
           with(
               std::get_if<Swarm::Failed>(&event),
               [&](In at) { drop(at, std::get<Swarm::Failed>(event).why); },
               [&](Out at) { fail(at, std::get<Swarm::Failed>(event).why); }) ||
           with(
               std::get_if<Swarm::Agreed>(&event), [](In) {},
               [&](Out at) {
                   at->second.agreed = true;
                   send(at);
               });
}

void RequestResponse::on_connected(const Swarm::Connected& up) {
    connections_.emplace(up.id, up.peer);
    auto& peer = peers_[up.peer];
    if (peer.connections++ == 0) forgetting_.erase({peer.forget_at, up.peer});
}

void RequestResponse::on_disconnected(const Swarm::Disconnected& gone, Now now) {
    const auto connection = connections_.find(gone.id);
    if (connection == connections_.end()) return;  // was never up
    const Error why{Errc::io, "the connection ended", Error::kNowhere, gone.why.text()};
    const StreamRef first{gone.id, StreamId{}};
    const auto is_its = [&](const auto& map, auto at) {
        return at != map.end() && at->first.connection == gone.id;
    };
    for (auto at = inbound_.lower_bound(first); is_its(inbound_, at);) drop(at++, why);
    for (auto at = outbound_.lower_bound(first); is_its(outbound_, at);) fail(at++, why);

    const auto id = connection->second;
    connections_.erase(connection);
    auto& peer = peers_.at(id);
    if (--peer.connections > 0) return;
    // Until its tokens would all be back anyway.
    const auto& rate = limits_.requests_per_peer;
    peer.forget_at = now.at + rate.interval * std::int64_t{rate.burst};
    forgetting_.emplace(peer.forget_at, id);
    while (!forgetting_.empty() &&
           (forgetting_.begin()->first <= now.at || forgetting_.size() > kForgettingMax)) {
        peers_.erase(forgetting_.begin()->second);
        forgetting_.erase(forgetting_.begin());
    }
}

/// True once the stream has taken all of it.
bool RequestResponse::write(StreamRef stream, Outgoing& out) {
    if (!out.done()) out.sent += swarm_->write(stream, BytesView{out.bytes}.subspan(out.sent));
    return out.done();
}

/// The same, and is closed behind it.
bool RequestResponse::flush(StreamRef stream, Outgoing& out) {
    if (!write(stream, out)) return false;
    out = {};
    swarm_->close_write(stream);
    return true;
}

void RequestResponse::on_time(Now now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now.at) {
        const auto stream = deadlines_.begin()->second;
        swarm_->reset(stream);
        if (const auto in = inbound_.find(stream); in != inbound_.end()) {
            drop(in, Error{Errc::timeout, "not done in time", Error::kNowhere, {}});
        } else {
            fail(outbound_.find(stream),
                 Error{Errc::timeout, "no answer in time", Error::kNowhere, {}});
        }
    }
}

Instant RequestResponse::next_wake() const {
    return deadlines_.empty() ? Instant::max() : deadlines_.begin()->first;
}

std::optional<RequestResponse::Event> RequestResponse::poll_event() {
    if (events_.empty()) return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
}

void RequestResponse::check_invariants() const {
    std::map<PeerId, Peer> sums;
    for (const auto& [id, peer] : connections_) ++sums[peer].connections;
    std::size_t inbound_bytes{0};
    for (const auto& [ref, in] : inbound_) {
        SENNIT_ASSERT(connections_.at(ref.connection) == in.peer);
        SENNIT_ASSERT(deadlines_.contains({in.until, ref}));
        SENNIT_ASSERT(in.stage == Stage::sending || in.answer.bytes.empty());
        ++sums[in.peer].inbound;
        sums[in.peer].inbound_bytes += in.held;
        inbound_bytes += in.held;
    }
    std::size_t outbound_bytes{0};
    for (const auto& [ref, out] : outbound_) {
        SENNIT_ASSERT(connections_.at(ref.connection) == out.peer);
        SENNIT_ASSERT(deadlines_.contains({out.until, ref}));
        ++sums[out.peer].outbound;
        outbound_bytes += out.held;
    }
    for (const auto& [id, peer] : peers_) {
        const auto& sum = sums[id];
        SENNIT_ASSERT(peer.connections == sum.connections && peer.inbound == sum.inbound &&
                      peer.inbound_bytes == sum.inbound_bytes && peer.outbound == sum.outbound);
        SENNIT_ASSERT(peer.inbound <= limits_.inbound_per_peer_max);
        SENNIT_ASSERT(peer.inbound_bytes <= limits_.inbound_bytes_per_peer_max);
        SENNIT_ASSERT(peer.outbound <= limits_.outbound_per_peer_max);
        SENNIT_ASSERT((peer.connections == 0) == forgetting_.contains({peer.forget_at, id}));
    }
    SENNIT_ASSERT(sums.size() == peers_.size());
    SENNIT_ASSERT(inbound_bytes == inbound_bytes_ && outbound_bytes == outbound_bytes_);
    SENNIT_ASSERT(inbound_.size() <= limits_.inbound_max);
    SENNIT_ASSERT(inbound_bytes_ <= limits_.inbound_bytes_max);
    SENNIT_ASSERT(outbound_.size() <= limits_.outbound_max);
    SENNIT_ASSERT(outbound_bytes_ <= limits_.outbound_bytes_max);
    SENNIT_ASSERT(deadlines_.size() == inbound_.size() + outbound_.size());
    SENNIT_ASSERT(forgetting_.size() <= kForgettingMax);
}

}  // namespace sennit::libp2p::request_response
