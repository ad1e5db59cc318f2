// SPDX-License-Identifier: MIT
#include "cli/p2p_gossip.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "base/printable.hpp"
#include "io/random.hpp"

namespace sennit::cli {

namespace {

using libp2p::Multiaddr;
using libp2p::Pubsub;
using libp2p::Swarm;

constexpr std::size_t kShownMax = 200;
constexpr std::string_view kStampMagic = "SNT1";

Swarm::Config with_pubsub(Swarm::Config config) {
    for (auto& id : Pubsub::protocols()) config.protocols.push_back(std::move(id));
    return config;
}

std::uint64_t unix_microseconds(Now now) {
    return static_cast<std::uint64_t>(now.wall.time_since_epoch().count());
}

}  // namespace

Bytes stamp(Now now) {
    Writer out{kStampSize};
    out.text(kStampMagic).be(unix_microseconds(now));
    return std::move(out).take();
}

std::optional<Duration> latency(BytesView data, Now now) {
    if (data.size() < kStampSize || as_text(data.first(kStampMagic.size())) != kStampMagic)
        return std::nullopt;
    Reader in{data.subspan(kStampMagic.size())};
    const auto sent = in.be<std::uint64_t>();
    const auto here = unix_microseconds(now);
    // Clocks of two machines differ: the future is as good as now.
    return std::chrono::microseconds{here > *sent ? here - *sent : 0};
}

Gossiping::Gossiping(const P2pOptions& options, Swarm::Config config)
    : options_{options}, driver_{with_pubsub(config), [this](const Swarm::Event& event) {
                                     on_swarm_event(event);
                                 }} {
    libp2p::gossipsub::Config gossip{.identity = config.identity};
    if (options.no_sign) gossip.policy = libp2p::gossipsub::SigningPolicy::strict_no_sign;
    pubsub_.emplace(driver_.swarm(), std::move(gossip), Rng{io::system_seed()}, driver_.now(),
                    Pubsub::Options{.rpc_receive_max = kReceiveMax, .verify_here = false});
    const auto cores = std::max(2u, std::thread::hardware_concurrency());
    driver_.verify(*pubsub_, cores - 1);
    driver_.attach(*pubsub_, [this] { return poll(); });
}

Result<void> Gossiping::run() {
    for (const auto& peer : options_.peers) {
        SENNIT_TRY(const auto address, Multiaddr::parse(peer));
        SENNIT_TRY(driver_.swarm().dial(address, driver_.now()));
    }
    if (!options_.listen.empty()) {
        SENNIT_TRY(const auto address, Multiaddr::parse(options_.listen));
        SENNIT_TRY(driver_.swarm().listen(address));
    }
    if (options_.mdns)
        driver_.discover([this](const libp2p::mdns::Mdns::Event& event) { on_discovery(event); });
    SENNIT_TRY(start());
    SENNIT_TRY(driver_.run());
    return finish();
}

void Gossiping::tell(const char* what, const json::Value& more, const std::string& line) {
    if (options_.json) {
        auto out = json::Value::object({{"event", what}});
        for (const auto& [key, value] : *more.as_object()) out.set(key, value);
        print(out);
    } else {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
}

bool Gossiping::poll() {
    bool moved = false;
    while (const auto event = pubsub_->poll_event(driver_.now())) {
        moved = true;
        if (const auto* one = std::get_if<libp2p::gossipsub::Router::Subscribed>(&*event)) {
            tell(one->on ? "subscribed" : "unsubscribed",
                 json::Value::object({{"peer", one->peer.text()}, {"topic", one->topic}}),
                 one->peer.text() + (one->on ? " is in " : " left ") +
                     printable(one->topic, kShownMax));
        }
        on_event(*event);
    }
    return moved;
}

void Gossiping::on_swarm_event(const Swarm::Event& event) {
    if (const auto* on = std::get_if<Swarm::ListeningOn>(&event)) {
        tell("listening", json::Value::object({{"address", on->address.text()}}),
             "listening on " + on->address.text());
    } else if (const auto* up = std::get_if<Swarm::Connected>(&event)) {
        const auto address = libp2p::multiaddr_of(up->address).text();
        tell("connected", json::Value::object({{"peer", up->peer.text()}, {"address", address}}),
             "connected to " + up->peer.text() + " at " + address);
    } else if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        tell("disconnected", json::Value::object({{"why", gone->why.text()}}),
             "a connection ended: " + gone->why.text());
        const bool alone = driver_.swarm().connections() <= 1;
        if (alone && options_.listen.empty() && !options_.mdns) on_alone(gone->why);
    }
}

void Gossiping::on_discovery(const libp2p::mdns::Mdns::Event& event) {
    const auto* const found = std::get_if<libp2p::mdns::Mdns::Discovered>(&event);
    if (found == nullptr || driver_.swarm().connection_to(found->peer)) return;
    for (const auto& address : found->addresses) {
        if (driver_.swarm().dial(address, driver_.now())) return;
    }
}

}  // namespace sennit::cli
