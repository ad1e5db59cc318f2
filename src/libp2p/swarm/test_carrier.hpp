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
    std::map<ConnectionId, int> times_identified;
    std::map<ConnectionId, Swarm::Disconnected> gone;
    std::set<StreamRef> agreed;
    std::set<StreamRef> opened;
    std::set<StreamRef> failed;
    std::set<StreamRef> remote_closed;
    std::map<StreamRef, std::string> received;
    /// Moves a behaviour that the test has on this swarm: see `Behaviour`.
    std::function<bool()> pump{};
    std::map<StreamRef, Error> reasons;
    std::set<ConnectionId> up;  ///< connected, and not gone

    void take(const Swarm::Event& event, Now now) {
        if (first && first(event, now)) return;
        std::visit([&](const auto& one) { on(one, now); }, event);
    }

  private:
    void on(const Swarm::ListeningOn& e, Now) { listening.push_back(e.address); }
    void on(const Swarm::Connected& e, Now) {
        for (const auto id : up)
            SENNIT_ASSERT(connected.at(id).peer != e.peer);  // never two of one peer
        connected.emplace(e.id, e);
        up.insert(e.id);
    }
    void on(const Swarm::Identified& e, Now) {
        says.insert_or_assign(e.id, e.says);
        ++times_identified[e.id];
    }
    void on(const Swarm::Disconnected& e, Now) {
        SENNIT_ASSERT(gone.emplace(e.id, e).second && e.was_connected == up.contains(e.id));
        up.erase(e.id);
    }
    void on(const Swarm::Agreed& e, Now) { agreed.insert(e.stream); }
    void on(const Swarm::Opened& e, Now) { opened.insert(e.stream); }
    void on(const Swarm::Failed& e, Now) {
        failed.insert(e.stream);
        reasons.emplace(e.stream, e.why);
    }
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

inline Multiaddr address(const std::string& text) {
    return *Multiaddr::parse(text);
}

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

    /// Before it dials or listens anywhere.
    void move(std::size_t i, std::string host) { nodes_[i]->host = std::move(host); }

    /// Until nobody has anything to say.
    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < nodes_.size(); ++i) moved = step(i) || moved;
        }
        for (auto& one : nodes_) one->swarm.check_invariants();
    }
    /// The same without one of them, which only hears.
    void run_others(std::size_t deaf) {
        deliver(deaf);
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < nodes_.size(); ++i) moved = (i != deaf && step(i)) || moved;
        }
    }
    /// What one has to send now.
    void deliver(std::size_t i) {
        while (auto output = nodes_[i]->swarm.poll_output(now))
            std::visit([&](const auto& one) { carry(i, one); }, *output);
    }
    void tick() {
        for (auto& one : nodes_) one->swarm.on_time(now);
        run();
    }
    /// Every link goes down, as when a cable is pulled.
    void cut() {
        while (!links_.empty()) cut(links_.begin()->first);
    }
    void cut(LinkId link) { close(link, "cut"); }
    /// The node is gone, and nobody on the other side has noticed.
    void restart(std::size_t i, Swarm::Config config) {
        const auto number = static_cast<std::uint8_t>(i + 1);
        config.identity = identity(number);
        const auto host = nodes_[i]->host;
        nodes_[i] =
            std::make_unique<Node>(static_cast<std::uint8_t>(number + 100), std::move(config));
        nodes_[i]->host = host;
        std::erase_if(links_, [&](const auto& one) { return one.second.node == i; });
    }
    std::vector<LinkId> links() const {
        std::vector<LinkId> out;
        for (const auto& [id, end] : links_) out.push_back(id);
        return out;
    }
    /// Somebody connects to a node and says nothing.
    LinkId silent_link(std::size_t to, std::string host = "10.9.9.9") {
        const LinkId id{++last_link_};
        links_[id] = {to, std::nullopt};
        arrive(id, open({}, {}, {"tcp", std::move(host), 1}));
        return id;
    }

    // With `held`, what is under way arrives when the test says so; of one link in order.

    /// How many links have something coming.
    std::size_t waiting() const {
        std::size_t out = 0;
        for (const auto& [id, queue] : coming_) out += queue.empty() ? 0 : 1;
        return out;
    }
    void deliver_one(std::size_t choice) {
        SENNIT_ASSERT(waiting() > 0);
        choice %= waiting();
        for (auto& [id, queue] : coming_) {
            if (queue.empty() || choice-- > 0) continue;
            const auto what = std::move(queue.front());
            queue.pop_front();
            const auto link = id;
            return hand_over(link, what);
        }
    }
    /// Each in the order of chance, until nothing is under way.
    void settle(Rng& rng) {
        run();
        while (waiting() > 0) {
            deliver_one(rng.below(waiting()));
            run();
        }
    }
    bool held{false};

    std::set<NetAddress> black_holes;          ///< where a dial is never answered
    std::map<std::string, std::string> names;  ///< the host that each leads to
    std::vector<Dial> dials;
    std::vector<std::string> hang_ups;  ///< the reasons that carriers were given

    Now now{Instant{std::chrono::hours{1}}, {}};
    std::size_t room{1 << 20};

  private:
    struct End {
        std::size_t node;
        std::optional<LinkId> other{};
        bool closed{false};  ///< the other side is told, or will be
    };

    bool step(std::size_t i) {
        bool moved = false;
        auto& swarm = nodes_[i]->swarm;
        while (const auto event = swarm.poll_event(now)) {
            auto& node = *nodes_[i];
            node.take(*event, now);
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
    void carry(std::size_t i, Dial dial) {
        dials.push_back(dial);
        if (const auto name = names.find(dial.to.host); name != names.end())
            dial.to.host = name->second;
        const auto found = listeners_.find(dial.to);
        if (black_holes.contains(dial.to)) return;
        if (found == listeners_.end())
            return nodes_[i]->swarm.on_input(sennit::DialFailed{dial.id, "nobody listens"}, now);
        const LinkId ours{++last_link_};
        const LinkId theirs{++last_link_};
        links_[ours] = {i, theirs};
        links_[theirs] = {found->second, ours};
        const NetAddress from{"tcp", nodes_[i]->host, static_cast<std::uint16_t>(50'000)};
        arrive(ours, open(dial.id, from, dial.to));
        arrive(theirs, open({}, dial.to, from));
    }
    void carry(std::size_t i, const Transmit& transmit) {
        const auto found = links_.find(transmit.link);
        if (found == links_.end() || found->second.closed) return;
        SENNIT_ASSERT(transmit.bytes->size() <= room);
        const auto other = found->second.other;
        if (other && links_.contains(*other)) arrive(*other, *transmit.bytes);
        nodes_[i]->swarm.on_input(Room{transmit.link, transmit.bytes->size()}, now);
    }
    void carry(std::size_t, const Hold&) {}
    void carry(std::size_t, const HangUp& hang_up) {
        hang_ups.push_back(hang_up.why);
        if (links_.contains(hang_up.link)) close(hang_up.link, hang_up.why);
    }

    /// What arrives at one end of a link.
    using Coming = std::variant<LinkOpen, Bytes, std::string>;

    LinkOpen open(std::optional<DialId> dial, NetAddress local, NetAddress remote) const {
        LinkOpen event;
        event.inbound = !dial;
        event.dial = dial;
        event.local = std::move(local);
        event.remote = std::move(remote);
        event.room = room;
        return event;
    }
    void arrive(LinkId link, Coming what) {
        if (held) {
            coming_[link].push_back(std::move(what));
        } else {
            hand_over(link, what);
        }
    }
    void hand_over(LinkId link, const Coming& what) {
        const auto end = links_.find(link);
        if (end == links_.end()) return;
        auto& swarm = nodes_[end->second.node]->swarm;
        if (const auto* opened = std::get_if<LinkOpen>(&what)) {
            auto event = *opened;
            event.id = link;
            swarm.on_input(event, now);
        } else if (const auto* bytes = std::get_if<Bytes>(&what)) {
            swarm.on_input(LinkBytes{link, *bytes, {}, 0}, now);
        } else {
            links_.erase(end);
            coming_.erase(link);
            swarm.on_input(LinkClosed{link, std::get<std::string>(what)}, now);
        }
    }

    void close(LinkId link, const std::string& why) {
        auto& end = links_.at(link);
        if (std::exchange(end.closed, true)) {
            if (!held) hand_over(link, why);
            return;
        }
        const auto other = end.other;
        arrive(link, why);
        if (!other || !links_.contains(*other) || links_.at(*other).closed) return;
        links_.at(*other).closed = true;
        arrive(*other, why);
    }

    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<NetAddress, std::size_t> listeners_;
    std::map<LinkId, End> links_;
    std::map<LinkId, std::deque<Coming>> coming_;
    std::uint64_t last_link_{0};
};

}  // namespace sennit::libp2p::testing
