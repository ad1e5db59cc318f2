// SPDX-License-Identifier: MIT
/// What the swarm does on streams by itself: identify, its pushes, and echoes for pings.
#include <algorithm>

#include "libp2p/envelope.hpp"
#include "libp2p/swarm/swarm.hpp"

namespace sennit::libp2p {

namespace {

/// Of one statement in several messages.
constexpr std::size_t kHeardMax = 4 * identify::kMessageSizeMax;
/// Hosts of ours that links came to.
constexpr std::size_t kRecordsMax = 64;
/// Changes within it are pushed at once: listeners come up together.
constexpr Duration kPushDelay = std::chrono::seconds{1};
constexpr Duration kPushInterval = std::chrono::seconds{10};

}  // namespace

void Swarm::ask(Entry& entry, Now now) {
    auto& connection = connection_of(entry);
    const auto asking = connection.open({std::string{identify::kProtocol}}, now);
    if (!asking) return;
    connection.close_write(*asking);
    entry.own.emplace(*asking, OwnStream{Own::ask});
}

Bytes Swarm::identify_for(const Entry& entry) {
    identify::Identify out;
    out.key = config_.identity.public_key();
    out.protocol_version = config_.protocol_version;
    out.agent = config_.agent;
    out.listens = listens_for(entry);
    if (!out.listens.empty()) {
        if (records_.size() >= kRecordsMax) records_.clear();
        // What `listens_for` says differs between links by nothing but this host.
        auto& record = records_[paths_.at(*entry.path).local_host];
        if (record.empty()) record = seal_peer_record(config_.identity, record_seq_, out.listens);
        out.signed_record = record;
    }
    out.observed = multiaddr_of(paths_.at(*entry.path).address);
    for (const auto name : own_protocols()) out.protocols.emplace_back(name);
    for (const auto& name : *protocols_) out.protocols.push_back(name);
    return identify::encode(out);
}

/// Nobody can dial 0.0.0.0: it is told as the address that this peer's link has on our side.
std::vector<Multiaddr> Swarm::listens_for(const Entry& entry) const {
    const auto& local = paths_.at(*entry.path).local_host;
    std::vector<Multiaddr> out;
    for (const auto& address : listens_) {
        auto where = tcp_address(address);
        const bool any4 = where && where->host == "0.0.0.0";
        const bool any6 = where && where->host == "::";
        if (!any4 && !any6) {
            out.push_back(address);
        } else if (!local.empty() && (any6 || local.find(':') == std::string::npos)) {
            where->host = local;
            out.push_back(multiaddr_of(*where));
        }
    }
    return out;
}

/// Begins to write who we are, and closes behind it.
void Swarm::tell(Entry& entry, StreamId stream, Own what) {
    Writer frame;
    write_prefixed(frame, identify_for(entry));
    OwnStream own{what};
    own.unsent = std::move(frame).take();
    entry.own.emplace(stream, std::move(own));
    entry.told = version_;
    flush(entry, stream);
}

void Swarm::serve(Entry& entry, StreamId stream, Now now) {
    switch (entry.own.at(stream).what) {
        case Own::tell:
        case Own::push: return flush(entry, stream);
        case Own::ask:
        case Own::pushed: return hear(entry, stream, now);
        case Own::echo: return echo(entry, stream, now);
    }
}

void Swarm::echo(Entry& entry, StreamId stream, Now now) {
    auto& connection = connection_of(entry);
    for (;;) {
        const auto piece = connection.readable(stream);
        if (piece.empty()) break;
        // What cannot be sent back now stays unread: the peer's own window slows it down.
        const Bytes copy = to_bytes(piece);
        const auto taken = connection.write(stream, copy);
        connection.consume(stream, taken, now);
        if (taken < copy.size()) return;
    }
    if (!entry.own.at(stream).remote_closed) return;
    connection.close_write(stream);
    drop_own(entry, stream);
}

void Swarm::hear(Entry& entry, StreamId stream, Now now) {
    auto& own = entry.own.at(stream);
    auto& connection = connection_of(entry);
    for (;;) {
        const auto piece = connection.readable(stream);
        if (piece.empty()) return;
        own.heard += piece.size();
        auto in = piece;
        while (!in.empty()) {
            const auto frame = own.frames.next(in);
            auto says = frame && *frame ? identify::decode(**frame)
                                        : Result<identify::Identify>{identify::Identify{}};
            const bool good = frame && says && own.heard <= kHeardMax;
            if (!good || !is_theirs(entry, *says)) {
                // A peer that cannot say who it is can still speak the rest.
                connection.reset(stream);
                return drop_own(entry, stream);
            }
            if (*frame) identify::merge(own.says, *std::move(says));
        }
        connection.consume(stream, piece.size(), now);
    }
}

void Swarm::heard_all(ConnectionId id, Entry& entry, StreamId stream, Now now) {
    auto& own = entry.own.at(stream);
    own.remote_closed = true;
    switch (own.what) {
        case Own::tell:
        case Own::push: return flush(entry, stream);
        case Own::echo: return echo(entry, stream, now);
        case Own::ask:
        case Own::pushed: break;
    }
    if (own.frames.at_boundary() && own.heard > 0) {
        if (own.what == Own::ask) entry.says = {};
        identify::update(entry.says, std::move(own.says));
        events_.push_back(Identified{id, entry.says});
        // What changed after the peer had asked, and before we knew that it takes pushes.
        push(entry, now);
    }
    connection_of(entry).close_write(stream);
    drop_own(entry, stream);
}

/// What was said stays ours until the peer has closed too, so that it counts against the limit.
void Swarm::flush(Entry& entry, StreamId stream) {
    auto& own = entry.own.at(stream);
    auto& connection = connection_of(entry);
    const auto taken = connection.write(stream, own.unsent);
    own.unsent.erase(own.unsent.begin(), own.unsent.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!own.unsent.empty()) return;
    connection.close_write(stream);
    if (own.remote_closed) drop_own(entry, stream);
}

void Swarm::drop_own(Entry& entry, StreamId stream) {
    entry.own.erase(stream);
}

/// A key that is not the peer's makes all of it a lie.
bool Swarm::is_theirs(const Entry& entry, const identify::Identify& says) const {
    return !says.key || says.key->peer_id() == *entry.peer;
}

// Changes of ours.

void Swarm::set_protocols(std::vector<std::string> protocols, Now now) {
    if (*protocols_ == protocols) return;
    *protocols_ = std::move(protocols);
    changed(now);
}

void Swarm::changed(Now now) {
    ++version_;
    records_.clear();
    // Of two records of one peer the higher is newer, over restarts too.
    const auto wall = now.wall.time_since_epoch().count();
    record_seq_ =
        std::max(record_seq_ + 1, wall < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(wall));
    if (connections_.empty()) return;  // nobody was told anything else
    // No faster than we would take them ourselves.
    auto at = now.at + kPushDelay;
    if (pushed_at_) at = std::max(at, *pushed_at_ + kPushInterval);
    push_at_ = std::min(push_at_, at);
}

void Swarm::push_all(Now now) {
    push_at_ = Instant::max();
    pushed_at_ = now.at;
    for (auto& [id, entry] : connections_) {
        if (!entry.connected) continue;
        push(entry, now);
        touch(id);
    }
}

/// To a peer that was told something else, and takes pushes. One that has not asked yet will hear
/// what is so then.
void Swarm::push(Entry& entry, Now now) {
    if (entry.told == 0 || entry.told == version_) return;
    const auto& speaks = entry.says.protocols;
    if (std::ranges::find(speaks, identify::kPushProtocol) == speaks.end()) return;
    const auto stream = connection_of(entry).open({std::string{identify::kPushProtocol}}, now);
    if (stream) tell(entry, *stream, Own::push);
}

// Where we are seen.

std::vector<Multiaddr> Swarm::observed_addresses() const {
    std::map<Multiaddr, std::set<std::string>> seen;
    const auto count = [&](const Multiaddr& address, const std::string& by) {
        seen[address].insert(by);
    };
    for (const auto& [id, entry] : connections_) {
        if (!entry.connected || !entry.says.observed) continue;
        const auto where = tcp_address(*entry.says.observed);
        if (!where) continue;
        const auto& host = paths_.at(*entry.path).address.host;
        const auto network = net_groups(host).wide;
        const auto& by = network.empty() ? host : network;
        if (entry.inbound) {
            count(multiaddr_of(*where), by);
            continue;
        }
        std::set<std::uint16_t> ports;
        for (const auto& address : listens_) {
            if (const auto tcp = address.find(Multiaddr::Code::tcp)) ports.insert(tcp->port());
        }
        for (const auto port : ports) count(multiaddr_of({"tcp", where->host, port}), by);
    }
    std::vector<std::pair<std::size_t, Multiaddr>> enough;
    for (const auto& [address, by] : seen) {
        if (by.size() >= config_.observers_min) enough.emplace_back(by.size(), address);
    }
    std::ranges::stable_sort(enough, std::greater{}, [](const auto& one) { return one.first; });
    std::vector<Multiaddr> out;
    for (auto& [times, address] : enough) out.push_back(std::move(address));
    return out;
}

}  // namespace sennit::libp2p
