// SPDX-License-Identifier: MIT
/// What peers ask of us.
#include <algorithm>

#include "libp2p/request_response/request_response.hpp"

namespace sennit::libp2p::request_response {

void RequestResponse::on_opened(StreamRef stream, const Protocol& protocol, Now now) {
    const auto connection = connections_.find(stream.connection);
    SENNIT_ASSERT(connection != connections_.end());
    auto& peer = peers_.at(connection->second);
    // A refused one counts against the rate as well: it cost the work of opening.
    if (!peer.rate.count(now.at, limits_.requests_per_peer) ||
        peer.inbound >= limits_.inbound_per_peer_max || inbound_.size() >= limits_.inbound_max)
        return swarm_->reset(stream);
    ++peer.inbound;
    const auto until = now.at + protocol.timeout;
    inbound_.emplace(stream,
                     Inbound{.protocol = &protocol,
                             .peer = connection->second,
                             .reader = MessageReader{protocol.framing, protocol.request_size_max},
                             .until = until});
    deadlines_.emplace(until, stream);
}

void RequestResponse::read(In at, Now now) {
    const auto stream = at->first;
    auto& in = at->second;
    for (;;) {
        const auto piece = swarm_->readable(stream);
        if (piece.empty()) break;
        if (const auto took = in.reader.on_bytes(piece); !took) {
            swarm_->reset(stream);
            return drop(at, took.error());
        }
        swarm_->consume(stream, piece.size(), now);
        hold(at, in.reader.held());
        if (!within_limits(at)) return;
    }
    // Not sooner: what came behind the message makes it a wrong one.
    if (in.reader.whole() && in.stage == Stage::receiving) deliver(at, now);
}

void RequestResponse::on_remote_closed(In at, Now now) {
    auto& in = at->second;
    in.remote_closed = true;
    if (in.stage == Stage::closing) return forget(at);
    if (in.stage != Stage::receiving) return;
    if (const auto ended = in.reader.on_end(); !ended) {
        swarm_->reset(at->first);
        return drop(at, ended.error());
    }
    deliver(at, now);
}

void RequestResponse::deliver(In at, Now now) {
    auto& in = at->second;
    in.stage = Stage::answering;
    deadlines_.erase({in.until, at->first});
    in.until = now.at + in.protocol->timeout;
    deadlines_.emplace(in.until, at->first);
    auto bytes = in.reader.take();
    hold(at, bytes.capacity());
    events_.push_back(Request{.key = {at->first},
                              .connection = at->first.connection,
                              .peer = in.peer,
                              .protocol = in.protocol->name,
                              .bytes = std::move(bytes)});
}

Result<void> RequestResponse::respond(RequestKey key, Bytes bytes, Now now) {
    const auto at = inbound_.find(key.stream);
    if (at == inbound_.end() || at->second.stage != Stage::answering)
        return Error{Errc::not_found, "nobody waits for this answer", Error::kNowhere, {}};
    auto& in = at->second;
    if (bytes.size() > in.protocol->response_size_max) {
        const auto limit = in.protocol->response_size_max;
        refuse(key);
        return Error{Errc::oversized, "the answer is too long", limit,
                     "at most " + std::to_string(limit) + " bytes"};
    }
    in.answer.bytes = frame(in.protocol->framing, std::move(bytes));
    in.stage = Stage::sending;
    deadlines_.erase({in.until, at->first});
    in.until = now.at + in.protocol->timeout;
    deadlines_.emplace(in.until, at->first);
    hold(at, in.answer.bytes.size());
    if (!within_limits(at))
        return Error{Errc::busy, "too many answers wait to be read", Error::kNowhere, {}};
    send(at, now);
    return {};
}

void RequestResponse::refuse(RequestKey key) {
    const auto at = inbound_.find(key.stream);
    if (at == inbound_.end() || at->second.stage != Stage::answering) return;
    swarm_->reset(key.stream);
    forget(at);
}

void RequestResponse::send(In at, Now now) {
    auto& in = at->second;
    if (in.stage != Stage::sending || !flush(at->first, in.answer)) return;
    hold(at, 0);
    if (in.remote_closed) return forget(at);
    in.stage = Stage::closing;
    deadlines_.erase({in.until, at->first});
    in.until = now.at + limits_.linger;
    deadlines_.emplace(in.until, at->first);
}

void RequestResponse::hold(In at, std::size_t bytes) {
    auto& in = at->second;
    auto& peer = peers_.at(in.peer);
    peer.inbound_bytes = peer.inbound_bytes - in.held + bytes;
    inbound_bytes_ = inbound_bytes_ - in.held + bytes;
    in.held = bytes;
}

/// Makes it so, and says whether the stream itself is still here.
bool RequestResponse::within_limits(In at) {
    const auto stream = at->first;
    if (peers_.at(at->second.peer).inbound_bytes > limits_.inbound_bytes_per_peer_max) {
        swarm_->reset(stream);
        drop(at, Error{Errc::busy, "the peer's requests are too much", Error::kNowhere, {}});
        return false;
    }
    while (inbound_bytes_ > limits_.inbound_bytes_max) {
        const auto most = std::ranges::max_element(inbound_, {}, [this](const auto& one) {
            return std::pair{peers_.at(one.second.peer).inbound_bytes, one.second.held};
        });
        swarm_->reset(most->first);
        drop(most, Error{Errc::busy, "all requests together are too much", Error::kNowhere, {}});
    }
    return inbound_.contains(stream);
}

/// The application is told if it knows of it.
void RequestResponse::drop(In at, Error why) {
    if (at->second.stage == Stage::answering)
        events_.push_back(Dropped{{at->first}, std::move(why)});
    forget(at);
}

void RequestResponse::forget(In at) {
    hold(at, 0);
    --peers_.at(at->second.peer).inbound;
    deadlines_.erase({at->second.until, at->first});
    inbound_.erase(at);
}

}  // namespace sennit::libp2p::request_response
