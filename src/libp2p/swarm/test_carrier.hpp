// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "libp2p/connection/pair.hpp"
#include "libp2p/swarm/swarm.hpp"

/// Swarms and a carrier without sockets between them, for tests. Node n has the host 10.0.0.(n+1);
/// all echo what comes on `/echo`.
namespace sennit::libp2p::testing {

struct Node {
    Node(std::uint8_t number, Swarm::Config config) : swarm{std::move(config), Rng{number}} {}

    Swarm swarm;
    /// Sees every event before the node does; true: it was its own.
    std::function<bool(const Swarm::Event&, Now)> first{};
    std::string host;
    std::vector<Multiaddr> listening;
    std::map<ConnectionId, Swarm::Connected> connected;
    std::map<ConnectionId, identify::Identify> says;
    std::map<ConnectionId, Swarm::Disconnected> gone;
    std::set<StreamRef> agreed;
    std::set<StreamRef> opened;
    std::set<StreamRef> failed;
    std::set<StreamRef> remote_closed;
    std::map<StreamRef, std::string> received;
    /// A protocol on this swarm, if the test has one: see `Behaviour`.
    std::function<bool(const Swarm::Event&)> on_event{};
    std::function<bool()> pump{};

    void take(const Swarm::Event& event, Now now) {
        if (first && first(event, now)) return;
        std::visit([&](const auto& one) { on(one, now); }, event);
    }

  private:
    void on(const Swarm::ListeningOn& e, Now) { listening.push_back(e.address); }
    void on(const Swarm::Connected& e, Now) { connected.emplace(e.id, e); }
    void on(const Swarm::Identified& e, Now) { says.emplace(e.id, e.says); }
    void on(const Swarm::Disconnected& e, Now) { gone.emplace(e.id, e); }
    void on(const Swarm::Agreed& e, Now) { agreed.insert(e.stream); }
    void on(const Swarm::Opened& e, Now) { opened.insert(e.stream); }
    void on(const Swarm::Failed& e, Now) { failed.insert(e.stream); }
    void on(const Swarm::Readable& e, Now now) { read(e.stream, now); }
    void on(const Swarm::Writable& e, Now now) { read(e.stream, now); }
    void on(const Swarm::RemoteClosed& e, Now now) {
        remote_closed.insert(e.stream);
        read(e.stream, now);
    }

    void read(StreamRef stream, Now now) {
        for (;;) {
            const Bytes piece = to_bytes(swarm.readable(stream));
            if (piece.empty()) break;
            auto taken = piece.size();
            if (opened.contains(stream)) {
                taken = swarm.write(stream, piece);
            } else {
                received[stream] += as_text(piece);
            }
            swarm.consume(stream, taken, now);
            if (taken == 0) return;
        }
        if (remote_closed.contains(stream)) swarm.close_write(stream);
    }
};

class Network {
  public:
    Network(std::size_t count, const Swarm::Config& like) {
        for (std::size_t i = 0; i < count; ++i) {
            const auto number = static_cast<std::uint8_t>(i + 1);
            auto config = like;
            config.identity = identity(number);
            nodes_.push_back(std::make_unique<Node>(number, std::move(config)));
            nodes_.back()->host = "10.0.0." + std::to_string(number);
        }
    }
    struct Like {
        std::vector<std::string> protocols;
    };
    Network(std::size_t count, Like like)
        : Network{count, Swarm::Config{.identity = identity(1), .protocols = like.protocols}} {}

    Node& node(std::size_t i) { return *nodes_[i]; }

    /// Until nobody has anything to say.
    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < nodes_.size(); ++i) moved = step(i) || moved;
        }
        for (auto& one : nodes_) one->swarm.check_invariants();
    }
    void tick() {
        for (auto& one : nodes_) one->swarm.on_time(now);
        run();
    }
    /// Every link goes down, as when a cable is pulled.
    void cut() {
        while (!links_.empty()) close(links_.begin()->first, "cut");
    }
    /// Somebody connects to a node and says nothing.
    void silent_link(std::size_t to) {
        const LinkId id{++last_link_};
        open(to, id, {}, {}, {"tcp", "10.9.9.9", 1});
        links_[id] = {to, std::nullopt};
    }

    Now now{Instant{std::chrono::hours{1}}, {}};
    std::size_t room{1 << 20};
    std::set<NetAddress> black_holes{};  ///< dials there lead to nothing, not even a failure

  private:
    struct End {
        std::size_t node;
        std::optional<LinkId> other;
    };

    bool step(std::size_t i) {
        bool moved = false;
        auto& swarm = nodes_[i]->swarm;
        while (const auto event = swarm.poll_event(now)) {
            auto& node = *nodes_[i];
            if (!node.on_event || !node.on_event(*event)) node.take(*event, now);
            moved = true;
        }
        if (nodes_[i]->pump && nodes_[i]->pump()) moved = true;
        while (auto output = swarm.poll_output(now)) {
            std::visit([&](const auto& one) { carry(i, one); }, *output);
            moved = true;
        }
        return moved;
    }

    void carry(std::size_t i, const Listen& listen) {
        listeners_[listen.address] = i;
        nodes_[i]->swarm.on_input(Listening{listen.address}, now);
    }
    void carry(std::size_t i, const Dial& dial) {
        if (black_holes.contains(dial.to)) return;
        const auto found = listeners_.find(dial.to);
        if (found == listeners_.end())
            return nodes_[i]->swarm.on_input(sennit::DialFailed{dial.id, "nobody listens"}, now);
        const LinkId ours{++last_link_};
        const LinkId theirs{++last_link_};
        links_[ours] = {i, theirs};
        links_[theirs] = {found->second, ours};
        const NetAddress from{"tcp", nodes_[i]->host, static_cast<std::uint16_t>(50'000)};
        open(i, ours, dial.id, from, dial.to);
        open(found->second, theirs, {}, dial.to, from);
    }
    void carry(std::size_t i, const Transmit& transmit) {
        const auto found = links_.find(transmit.link);
        if (found == links_.end()) return;
        SENNIT_ASSERT(transmit.bytes->size() <= room);
        if (const auto other = found->second.other) {
            const auto to = links_.at(*other).node;
            nodes_[to]->swarm.on_input(LinkBytes{*other, *transmit.bytes, {}, 0}, now);
        }
        nodes_[i]->swarm.on_input(Room{transmit.link, transmit.bytes->size()}, now);
    }
    void carry(std::size_t, const Hold&) {}
    void carry(std::size_t, const HangUp& hang_up) {
        if (links_.contains(hang_up.link)) close(hang_up.link, hang_up.why);
    }

    void open(std::size_t i, LinkId id, std::optional<DialId> dial, NetAddress local,
              NetAddress remote) {
        LinkOpen event;
        event.id = id;
        event.inbound = !dial;
        event.dial = dial;
        event.local = std::move(local);
        event.remote = std::move(remote);
        event.room = room;
        nodes_[i]->swarm.on_input(event, now);
    }

    void close(LinkId link, const std::string& why) {
        const auto end = links_.at(link);
        links_.erase(link);
        nodes_[end.node]->swarm.on_input(LinkClosed{link, why}, now);
        if (end.other && links_.contains(*end.other)) {
            const auto node = links_.at(*end.other).node;
            links_.erase(*end.other);
            nodes_[node]->swarm.on_input(LinkClosed{*end.other, why}, now);
        }
    }

    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<NetAddress, std::size_t> listeners_;
    std::map<LinkId, End> links_;
    std::uint64_t last_link_{0};
};

}  // namespace sennit::libp2p::testing
