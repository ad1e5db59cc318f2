// SPDX-License-Identifier: MIT
#include "libp2p/peer_routing/peer_routing.hpp"

namespace sennit::libp2p {

void PeerRouting::on_opened(StreamRef stream, Now now) {
    const auto link = links_.find(stream.connection);
    if (link == links_.end()) return swarm_.reset(stream);
    auto& peer = peers_.at(link->second.peer);
    if (inbound_.size() >= limits_.streams_max || peer.inbound >= limits_.streams_per_peer_max)
        return swarm_.reset(stream);
    ++peer.inbound;
    take(stream);
    serve(inbound_.emplace(stream, Inbound{.until = now.at + limits_.stream_idle_max}).first, now);
}

/// As far as it goes: an answer that the peer does not read stops its stream here. How many answers
/// one call makes is bounded by Kad's rate for the peer.
void PeerRouting::serve(In at, Now now) {
    auto& [stream, in] = *at;
    const auto peer = links_.at(stream.connection).peer;
    for (;;) {
        if (!in.answer.empty()) {
            in.written += swarm_.write(stream, BytesView{in.answer}.subspan(in.written));
            if (in.written < in.answer.size()) return;
            in.answer = {};
            in.written = 0;
            in.until = now.at + limits_.stream_idle_max;
        }
        const auto piece = swarm_.readable(stream);
        if (piece.empty()) break;
        auto rest = piece;
        const auto frame = in.frames.next(rest);
        if (!frame) return refuse(at, now);
        if (*frame) {
            auto answer = kad_.on_request(peer, **frame, now);
            if (!answer) return refuse(at, now);
            in.answer = *std::move(answer);
        }
        swarm_.consume(stream, piece.size() - rest.size(), now);
    }
    if (!in.remote_closed) return;
    if (!in.frames.at_boundary()) return refuse(at, now);
    swarm_.close_write(stream);
    forget(at, now);
}

void PeerRouting::refuse(In at, Now now) {
    swarm_.reset(at->first);
    forget(at, now);
}

void PeerRouting::forget(In at, Now now) {
    const auto stream = at->first;
    --peers_.at(links_.at(stream.connection).peer).inbound;
    inbound_.erase(at);
    release(stream, now);
}

}  // namespace sennit::libp2p
