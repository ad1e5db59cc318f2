// SPDX-License-Identifier: MIT
/// What becomes of connections: who is there, and how they end.
#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

void Swarm::take(PathId id, Connection::Event event, Now now) {
    const auto owner = paths_.at(id).owner;
    if (auto* over = std::get_if<Connection::Closed>(&event)) {
        if (owner) on_over(id, std::move(over->why));
    } else if (!owner) {
        return;
    } else if (const auto* ready = std::get_if<Connection::Ready>(&event)) {
        on_ready(id, *ready, now);
    } else if (!std::holds_alternative<Connection::Secured>(event)) {
        on_stream_event(*owner, connections_.at(*owner), std::move(event), now);
    }
}

void Swarm::on_ready(PathId id, const Connection::Ready& ready, Now now) {
    auto& path = paths_.at(id);
    auto& entry = connections_.at(*path.owner);
    upgraded(path);
    entry.connected = true;
    events_.push_back(Connected{*path.owner, ready.peer, path.address, path.inbound,
                                ready.early_muxer, now.at - path.since});
    ask(entry, now);
}

void Swarm::on_over(PathId id, Error why) {
    end(*paths_.at(id).owner, std::move(why));
}

/// The application's last word of a connection.
void Swarm::end(ConnectionId id, Error why) {
    const auto node = connections_.extract(id);
    const auto& entry = node.mapped();
    events_.push_back(Disconnected{id, std::move(why), entry.connected});
    abandon(entry.path);
}

}  // namespace sennit::libp2p
