// SPDX-License-Identifier: MIT
#include "sim/gossip_world.hpp"

#include <queue>

namespace sennit::sim {

using namespace libp2p;
using gossipsub::Router;

namespace {

constexpr std::string_view kTopic = "news";
constexpr std::size_t kNumberSize = 8;

UnixTime start_time() {
    return UnixTime{std::chrono::seconds{1'700'000'000}};
}

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
    return (digest ^ value) * 0x100000001b3ULL;
}

}  // namespace

struct GossipWorld::Node {
    HostId host;
    std::uint64_t run;
    Swarm swarm;
    std::unique_ptr<Pubsub> pubsub{};
    std::unique_ptr<Mallory> mallory{};
    std::optional<Instant> armed{};
    bool in_turn{false};

    Behaviour& behaviour() {
        if (pubsub) return *pubsub;
        return *mallory;
    }
};

GossipWorld::GossipWorld(Options options)
    : options_{std::move(options)},
      rng_{options_.seed},
      scheduler_{start_time()},
      network_{scheduler_, options_.line, rng_.fork("network"),
               [this](HostId host, const CarrierInput& input) { handle(host, input); }} {
    nodes_.resize(options_.nodes);
    for (std::uint32_t i = 0; i < options_.nodes; ++i) {
        peers_.push_back(identity(HostId{i}).peer_id());
        hosts_.emplace(peers_.back(), HostId{i});
    }
    for (std::uint32_t i = 0; i < options_.nodes; ++i) start(HostId{i});
    for (std::uint32_t i = 0; i < options_.nodes; ++i) dial_some(HostId{i});
}

GossipWorld::~GossipWorld() = default;

PrivateKey GossipWorld::identity(HostId host) const {
    crypto::Ed25519Key::Seed seed{};
    for (std::size_t i = 0; i < 4; ++i) seed[i] = static_cast<std::uint8_t>(host.value >> (8 * i));
    seed[4] = 0x51;
    return PrivateKey::from_ed25519(crypto::Ed25519Key::from_seed(seed));
}

/// The last ones are hostile, of each kind as many.
bool GossipWorld::is_hostile(HostId host) const {
    return host.value >= options_.nodes - options_.nodes * options_.hostile_percent / 100;
}
Mallory::Kind GossipWorld::kind_of(HostId host) const {
    return static_cast<Mallory::Kind>(host.value % 4);
}

void GossipWorld::start(HostId host) {
    const auto now = scheduler_.now();
    const auto name = std::to_string(host.value) + "/" + std::to_string(++starts_);
    Swarm::Config config{.identity = identity(host),
                         .protocols = Pubsub::protocols(),
                         .connections_max = 4 * options_.dials + 64};
    auto node = std::make_unique<Node>(
        Node{.host = host, .run = starts_, .swarm = Swarm{config, rng_.fork("swarm " + name)}});
    if (is_hostile(host)) {
        const std::vector<PeerId> victims{peers_.begin(), peers_.begin() + 10};
        node->mallory = std::make_unique<Mallory>(kind_of(host), node->swarm, std::string{kTopic},
                                                  victims, rng_.fork("mallory " + name), now);
    } else {
        node->pubsub = std::make_unique<Pubsub>(
            node->swarm,
            gossipsub::Config{
                .identity = identity(host), .mesh = options_.mesh, .scores = options_.scores},
            rng_.fork("pubsub " + name), now);
        SENNIT_ASSERT(node->pubsub->router().join(std::string{kTopic}, {.ask = false}, now));
    }
    const auto where = multiaddr_of(Network::address_of(host));
    SENNIT_ASSERT(node->swarm.listen(where));
    nodes_[host.value] = std::move(node);
    turn(*nodes_[host.value]);
}

void GossipWorld::dial_some(HostId host) {
    auto& node = *nodes_[host.value];
    std::set<std::uint64_t> chosen{host.value};
    while (chosen.size() <= options_.dials) {
        const auto other = rng_.below(options_.nodes);
        if (!chosen.insert(other).second) continue;
        const auto where =
            multiaddr_of(Network::address_of(HostId{static_cast<std::uint32_t>(other)}));
        (void)node.swarm.dial(where, scheduler_.now());
    }
    turn(node);
}

void GossipWorld::handle(HostId host, const CarrierInput& input) {
    auto* const node = nodes_[host.value].get();
    if (node == nullptr) return;
    node->swarm.on_input(input, scheduler_.now());
    turn(*node);
}

void GossipWorld::turn(Node& node) {
    const auto now = scheduler_.now();
    for (bool moved = true; moved;) {
        moved = false;
        while (const auto event = node.swarm.poll_event(now)) {
            moved = true;
            node.behaviour().on_event(*event, now);
        }
        moved = node.behaviour().pump(now) || moved;
        while (node.pubsub) {
            const auto event = node.pubsub->poll_event(now);
            if (!event) break;
            moved = true;
            if (const auto* got = std::get_if<Router::Received>(&*event)) received(node, *got);
        }
        while (const auto output = node.swarm.poll_output(now)) {
            moved = true;
            network_.carry_out(node.host, *output);
        }
    }
    arm(node);
}

void GossipWorld::arm(Node& node) {
    const auto wake = std::min(node.swarm.next_wake(), node.behaviour().next_wake());
    if (node.armed && *node.armed <= wake && *node.armed > scheduler_.now().at) return;
    node.armed = std::max(wake, scheduler_.now().at + std::chrono::milliseconds{1});
    scheduler_.at(*node.armed, [this, host = node.host, run = node.run, when = *node.armed] {
        auto* const again = nodes_[host.value].get();
        if (again == nullptr || again->run != run || again->armed != when) return;
        again->armed.reset();
        again->swarm.on_time(scheduler_.now());
        again->behaviour().on_time(scheduler_.now());
        turn(*again);
    });
}

void GossipWorld::received(Node& node, const Router::Received& got) {
    Reader in{*got.message->data};
    const auto number = in.be<std::uint64_t>();
    if (!number || *number >= sent_.size() ||
        *got.message->from != to_bytes(peers_[sent_[*number].by.value].view())) {
        ++forged_;
        return;
    }
    const auto at = scheduler_.now().at;
    auto& sent = sent_[*number];
    if (!sent.arrived.emplace(node.host, at).second && sent.expected.contains(node.host))
        ++doubled_;
    digest_ = mix(digest_, *number);
    digest_ = mix(digest_, node.host.value);
    digest_ = mix(digest_, static_cast<std::uint64_t>(at.time_since_epoch().count()));
}

void GossipWorld::run_for(Duration time) {
    scheduler_.run_until(scheduler_.now().at + time);
}

std::size_t GossipWorld::publish(std::size_t size) {
    std::vector<HostId> up;
    for (const auto& node : nodes_) {
        if (node && node->pubsub) up.push_back(node->host);
    }
    const auto by = up[rng_.below(up.size())];
    const auto number = sent_.size();
    sent_.push_back({by, scheduler_.now().at});
    for (const auto host : up) {
        if (host != by) sent_.back().expected.insert(host);
    }
    Writer data{size};
    data.be(std::uint64_t{number});
    auto bytes = std::move(data).take();
    bytes.resize(std::max(size, kNumberSize));
    auto& node = *nodes_[by.value];
    SENNIT_ASSERT(
        node.pubsub->router().publish(std::string{kTopic}, std::move(bytes), scheduler_.now()));
    turn(node);
    return number;
}

void GossipWorld::restart_one() {
    std::vector<HostId> up;
    for (const auto& node : nodes_) {
        if (node && node->pubsub) up.push_back(node->host);
    }
    const auto host = up[rng_.below(up.size())];
    // What it published stays in the books; what it had coming is not owed to it any more.
    for (auto& one : sent_) one.expected.erase(host);
    network_.drop_host(host);
    nodes_[host.value].reset();
    scheduler_.after(std::chrono::seconds{1}, [this, host] {
        start(host);
        dial_some(host);
    });
}

std::map<HostId, Duration> GossipWorld::shortest(HostId from) const {
    SENNIT_ASSERT(options_.line.distance);
    std::map<HostId, Duration> out;
    using Next = std::pair<Duration, HostId>;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
    next.push({Duration::zero(), from});
    while (!next.empty()) {
        const auto [took, at] = next.top();
        next.pop();
        if (!out.emplace(at, took).second) continue;
        const auto& node = *nodes_[at.value];
        for (const auto& peer : node.pubsub->router().subscribers(std::string{kTopic})) {
            const auto other = hosts_.at(peer);
            if (!is_hostile(other)) next.push({took + options_.line.distance(at, other), other});
        }
    }
    return out;
}

GossipWorld::Standing GossipWorld::standing(Mallory::Kind kind) const {
    Standing out;
    const auto now = scheduler_.now();
    const std::string topic{kTopic};
    for (const auto& node : nodes_) {
        if (!node || !node->pubsub) continue;
        const auto& router = node->pubsub->router();
        out.mesh_places += router.mesh(topic).size();
        for (const auto& peer : router.subscribers(topic)) {
            const auto host = hosts_.at(peer);
            const auto score = router.score(peer, now);
            if (!is_hostile(host)) {
                out.honest_negative += score < 0 ? 1 : 0;
                continue;
            }
            if (kind_of(host) != kind) continue;
            ++out.hostile_links;
            out.hostile_in_meshes += router.mesh(topic).contains(peer) ? 1 : 0;
            out.hostile_negative += score < 0 ? 1 : 0;
        }
    }
    return out;
}

void GossipWorld::check_invariants() const {
    for (const auto& node : nodes_) {
        if (!node) continue;
        node->swarm.check_invariants();
        if (node->pubsub) node->pubsub->check_invariants();
    }
}

}  // namespace sennit::sim
