// SPDX-License-Identifier: MIT
#include "libp2p/autonat/autonat.hpp"

#include <algorithm>

namespace sennit::libp2p {

using autonat::ServeId;
using autonat::Server;

void Autonat::on_input(const CarrierInput& input, Now now) {
    dialler_.on_input(input, now);
}

std::optional<CarrierOutput> Autonat::poll_output(Now now) {
    return dialler_.poll_output(now);
}

void Autonat::dial(ServeId wanted, Now now) {
    const auto target = server_.target(wanted);
    if (!target) return;
    const auto id = dialler_.dial(target->address, now);
    if (!id) return server_.on_outcome(wanted, Server::Outcome::no_dial, now);
    dials_.insert_or_assign(*id, DialBack{.id = wanted, .nonce = target->nonce});
}

void Autonat::cancel(ServeId id) {
    for (const auto& [connection, dialled] : dials_) {
        if (dialled.id != id) continue;
        const auto which = connection;
        dials_.erase(which);
        dialler_.disconnect(which);
        return;
    }
}

void Autonat::on_dialler(const Swarm::Event& event, Now now) {
    if (const auto* connected = std::get_if<Swarm::Connected>(&event)) {
        const auto at = dials_.find(connected->id);
        if (at != dials_.end()) tell(at, now);
    } else if (const auto* opened = std::get_if<Swarm::Opened>(&event)) {
        dialler_.reset(opened->stream);
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        const auto at = dials_.find(gone->id);
        if (at == dials_.end()) return;
        end(at, at->second.connected ? Server::Outcome::no_telling : Server::Outcome::no_dial, now);
    } else {
        const auto on_stream = [&](StreamRef stream) {
            const auto at = dials_.find(stream.connection);
            return at != dials_.end() && at->second.stream == stream ? at : dials_.end();
        };
        if (const auto* readable = std::get_if<Swarm::Readable>(&event)) {
            const auto at = on_stream(readable->stream);
            if (at != dials_.end()) hear(at, now);
        } else if (const auto* closed = std::get_if<Swarm::RemoteClosed>(&event)) {
            auto at = on_stream(closed->stream);
            if (at != dials_.end()) hear(at, now);
            // Closed without an answer: nobody has taken the nonce.
            at = on_stream(closed->stream);
            if (at != dials_.end()) end(at, Server::Outcome::no_telling, now);
        } else if (const auto* failed = std::get_if<Swarm::Failed>(&event)) {
            const auto at = on_stream(failed->stream);
            if (at != dials_.end()) end(at, Server::Outcome::no_telling, now);
        }
    }
}

/// The nonce leaves with the proposal. Our side stays open: js drops what is closed too early.
void Autonat::tell(Dialled at, Now now) {
    at->second.connected = true;
    server_.on_connected(at->second.id);
    const auto stream = dialler_.open(at->first, {std::string{autonat::kBackProtocol}}, now);
    if (!stream) return end(at, Server::Outcome::no_telling, now);
    at->second.stream = *stream;
    const auto frame = autonat::framed(autonat::encode_dial_back(at->second.nonce));
    // A fresh stream takes some bytes, or something is wrong with it.
    if (dialler_.write(*stream, frame) < frame.size()) end(at, Server::Outcome::no_telling, now);
}

void Autonat::hear(Dialled at, Now now) {
    const auto stream = *at->second.stream;
    const auto piece = dialler_.readable(stream);
    if (piece.empty()) return;
    auto in = piece;
    const auto frame = at->second.frames.next(in);
    if (!frame) return end(at, Server::Outcome::no_telling, now);
    if (!*frame) return dialler_.consume(stream, piece.size(), now);
    const bool told = autonat::decode_dial_back_response(**frame).has_value();
    end(at, told ? Server::Outcome::told : Server::Outcome::no_telling, now);
}

void Autonat::end(Dialled at, Server::Outcome outcome, Now now) {
    const auto connection = at->first;
    const auto id = at->second.id;
    dials_.erase(at);
    dialler_.disconnect(connection);
    server_.on_outcome(id, outcome, now);
}

}  // namespace sennit::libp2p
