// SPDX-License-Identifier: MIT
/// What we ask of peers.
#include "libp2p/request_response/request_response.hpp"

namespace sennit::libp2p::request_response {

Result<RequestId> RequestResponse::request(ConnectionId connection, std::string_view protocol,
                                           Bytes bytes, Now now) {
    const auto* const its = known(protocol);
    if (its == nullptr) {
        return Error{Errc::unsupported, "not a protocol of ours", Error::kNowhere,
                     std::string{protocol}};
    }
    if (bytes.size() > its->request_size_max) {
        return Error{Errc::oversized, "the request is too long", its->request_size_max,
                     "at most " + std::to_string(its->request_size_max) + " bytes"};
    }
    const auto up = connections_.find(connection);
    if (up == connections_.end())
        return Error{Errc::not_found, "no such connection", Error::kNowhere, {}};
    auto& peer = peers_.at(up->second);
    if (outbound_.size() >= limits_.outbound_max || peer.outbound >= limits_.outbound_per_peer_max)
        return Error{Errc::busy, "too many requests under way", Error::kNowhere, {}};
    SENNIT_TRY(const auto stream, swarm_->open(connection, {its->name}, now));
    ++peer.outbound;
    const auto until = now.at + its->timeout;
    auto& out =
        outbound_
            .emplace(stream, Outbound{.protocol = its,
                                      .peer = up->second,
                                      .reader = MessageReader{its->framing, its->response_size_max},
                                      .until = until})
            .first->second;
    out.request.bytes = frame(its->framing, std::move(bytes));
    deadlines_.emplace(until, stream);
    write(stream, out.request);
    return RequestId{stream};
}

void RequestResponse::send(Out at) {
    auto& out = at->second;
    if (out.agreed) {
        flush(at->first, out.request);
    } else {
        write(at->first, out.request);
    }
}

void RequestResponse::read(Out at, Now now) {
    const auto stream = at->first;
    auto& out = at->second;
    for (;;) {
        const auto piece = swarm_->readable(stream);
        if (piece.empty()) break;
        if (const auto took = out.reader.on_bytes(piece); !took) {
            swarm_->reset(stream);
            return fail(at, took.error());
        }
        swarm_->consume(stream, piece.size(), now);
        hold(at, out.reader.held());
        if (outbound_bytes_ > limits_.outbound_bytes_max) {
            swarm_->reset(stream);
            return fail(
                at, Error{Errc::busy, "all answers together are too much", Error::kNowhere, {}});
        }
    }
    // Not sooner: what came behind the message makes it a wrong one.
    if (out.reader.whole() && !out.answered) answered(at, now);
}

void RequestResponse::on_remote_closed(Out at, Now now) {
    auto& out = at->second;
    if (out.answered) return forget(at);
    if (const auto ended = out.reader.on_end(); !ended) {
        swarm_->reset(at->first);
        return fail(at, ended.error());
    }
    const auto stream = at->first;
    answered(at, now);
    if (const auto still = outbound_.find(stream); still != outbound_.end()) forget(still);
}

void RequestResponse::answered(Out at, Now now) {
    auto& out = at->second;
    out.answered = true;
    events_.push_back(Response{{at->first}, out.reader.take()});
    hold(at, 0);
    if (!out.request.done()) {  // an answer to half of a question; the other half is of no use
        swarm_->reset(at->first);
        return forget(at);
    }
    deadlines_.erase({out.until, at->first});
    out.until = now.at + limits_.linger;
    deadlines_.emplace(out.until, at->first);
}

void RequestResponse::hold(Out at, std::size_t bytes) {
    outbound_bytes_ = outbound_bytes_ - at->second.held + bytes;
    at->second.held = bytes;
}

void RequestResponse::fail(Out at, Error why) {
    if (!at->second.answered) events_.push_back(Failure{{at->first}, std::move(why)});
    forget(at);
}

void RequestResponse::forget(Out at) {
    hold(at, 0);
    --peers_.at(at->second.peer).outbound;
    deadlines_.erase({at->second.until, at->first});
    outbound_.erase(at);
}

}  // namespace sennit::libp2p::request_response
